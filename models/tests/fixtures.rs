//! Every cell, in both forms, against what PyTorch computes: outputs, final states, every gradient.
//!
//! `fixtures/make_fixtures.py` made the cases and describes the files.
#![cfg(feature = "files")]

use autograd::{Float, Tape, Var};
use models::cells::{Cell, CellConfig, Kind, Lengths, State};
use models::layers::{Span, unroll};
use models::params::{Bound, Param, Params};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use safetensors::{Dtype, SafeTensors};
use std::collections::{BTreeMap, BTreeSet};

/// One reference case: tensors by name, with PyTorch's shapes, and the lengths if there are any.
struct Fixture {
    kind: Kind,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
    lengths: Option<Lengths>,
}

impl Fixture {
    fn read(name: &str) -> Self {
        let path = format!("{}/tests/fixtures/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let kind = header.metadata().as_ref().unwrap()["model"].parse().unwrap();
        let (mut tensors, mut lengths) = (BTreeMap::new(), None);
        for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            let eight = view.data().chunks_exact(8).map(|b| b.try_into().unwrap());
            if view.dtype() == Dtype::I64 {
                let each: Vec<usize> = eight.map(|b| i64::from_le_bytes(b) as usize).collect();
                lengths = Some(Lengths::new(&each));
            } else {
                tensors.insert(
                    name.to_string(),
                    (view.shape().to_vec(), eight.map(f64::from_le_bytes).collect()),
                );
            }
        }
        Self { kind, tensors, lengths }
    }

    fn shape(&self, name: &str) -> &[usize] {
        &self.tensors[name].0
    }

    fn numbers(&self, name: &str) -> &[f64] {
        &self.tensors[name].1
    }

    /// A tensor of S×B×F, in this library's (S·F)×B; zeros if the case does not have it.
    fn columns<T: Float>(&self, name: &str, [count, batch, features]: [usize; 3]) -> Vec<T> {
        let Some((shape, entries)) = self.tensors.get(name) else {
            return vec![T::ZERO; count * batch * features];
        };
        // Jordan's y_0 and y_n have no axis for layers.
        assert_eq!(shape[shape.len() - 2..], [batch, features], "{name}");
        transpose(entries, [count, batch, features]).into_iter().map(T::from_f64).collect()
    }

    /// Cells of all layers and directions with the case's weights.
    fn cells<T: Float>(&self) -> (Vec<Vec<Box<dyn Cell<T>>>>, Params<T>) {
        let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
        let mut layers: Vec<Vec<_>> = Vec::new();
        for (layer, direction) in (0..9).flat_map(|layer| [(layer, ""), (layer, "_reverse")]) {
            let suffix = format!("l{layer}{direction}");
            let Some((shape, _)) = self.tensors.get(&format!("weight_ih_{suffix}")) else { continue };
            let output = self.tensors.get("weight_hy_l0").map(|(shape, _)| shape[0]);
            let hidden =
                self.tensors.get(&format!("weight_hh_{suffix}")).map_or(shape[0], |(shape, _)| shape[1]);
            let config = CellConfig { output, ..CellConfig::new(shape[1], hidden) };
            let cell = config.build(self.kind, &mut params, "rnn", &suffix, &mut rng);
            if direction.is_empty() { layers.push(vec![cell]) } else { layers[layer].push(cell) }
        }
        for p in params.iter_mut() {
            let value = self.weight(p);
            assert_eq!(value.len(), p.value.len(), "{}", p.name);
            p.value = value.into_iter().map(T::from_f64).collect();
        }
        (layers, params)
    }

    /// PyTorch's tensors for one of our parameters: its two biases are one here.
    fn weight<T>(&self, p: &Param<T>) -> Vec<f64> {
        let name = p.name.strip_prefix("rnn.").unwrap();
        let round = |name: String| self.numbers(&name).iter().map(|&x| rounded::<T>(x)).collect::<Vec<f64>>();
        if let Some(suffix) = name.strip_prefix("bias_hn_") {
            let both = round(format!("bias_hh_{suffix}"));
            return both[2 * p.rows..].to_vec();
        }
        let Some(suffix) = name.strip_prefix("bias_").filter(|suffix| suffix.starts_with('l')) else {
            return round(name.to_string());
        };
        let (mut sum, second) = (round(format!("bias_ih_{suffix}")), round(format!("bias_hh_{suffix}")));
        // The GRU that resets after the matrix keeps the candidate's second bias apart.
        let shared = if self.kind == Kind::Gru { p.rows / 3 * 2 } else { p.rows };
        sum.iter_mut().zip(second).take(shared).for_each(|(a, b)| *a += b);
        sum
    }

    /// Gradients under PyTorch's names: both biases get the one's.
    fn gradients<T: Float>(&self, params: &Params<T>) -> BTreeMap<String, Vec<f64>> {
        let mut all = BTreeMap::new();
        for p in params.iter() {
            let grad: Vec<f64> = p.grad.iter().map(|g| g.to_f64()).collect();
            let name = p.name.strip_prefix("rnn.").unwrap();
            match name.strip_prefix("bias_").filter(|suffix| suffix.starts_with('l')) {
                None if name.starts_with("bias_hn_") => (),
                None => _ = all.insert(name.to_string(), grad),
                Some(suffix) => {
                    let mut second = grad.clone();
                    if let Some(hn) = params.find(&format!("rnn.bias_hn_{suffix}")) {
                        let hn = &params.get(hn).grad;
                        second.truncate(2 * hn.len());
                        second.extend(hn.iter().map(|g| g.to_f64()));
                    }
                    all.insert(format!("bias_ih_{suffix}"), grad);
                    all.insert(format!("bias_hh_{suffix}"), second);
                }
            }
        }
        all
    }
}

/// In `f32` the inputs are rounded first.
fn rounded<T>(x: f64) -> f64 {
    if size_of::<T>() == 4 { x as f32 as f64 } else { x }
}

/// S×A×C → S×C×A.
fn transpose<T: Copy>(entries: &[T], [count, a, c]: [usize; 3]) -> Vec<T> {
    let at = |s: usize, row: usize, col: usize| entries[(s * a + col) * c + row];
    let places = (0..count).flat_map(|s| (0..c).flat_map(move |row| (0..a).map(move |col| (s, row, col))));
    places.map(|(s, row, col)| at(s, row, col)).collect()
}

/// `[forward_t; backward_t]` for every t, of two sequences of as many features.
fn interleave<'t, T: Float>(tape: &'t Tape<T>, directions: &[Var<'t, T>], steps: usize) -> Var<'t, T> {
    let mut parts = tape.list();
    for t in 0..steps {
        for y in directions {
            let features = y.rows() / steps;
            parts.push(y.row_block(t * features..(t + 1) * features));
        }
    }
    parts.concat_rows()
}

/// Runs a case and compares everything that is expected.
fn check<T: Float>(name: &str, equations: bool, tolerance: f64) {
    let case = Fixture::read(name);
    let [steps, batch, input]: [usize; 3] = case.shape("x").try_into().unwrap();
    let (layers, mut params) = case.cells::<T>();
    let directions = layers[0].len();
    let output = layers[0][0].hidden();
    let states = [layers.len() * directions, batch, output];
    let state_name = if case.kind == Kind::Jordan { "y" } else { "h" };

    let tape = Tape::<T>::new();
    let x = tape.leaf(steps * input, batch, &case.columns("x", [steps, batch, input]));
    let all_starts = |name: &str| tape.leaf(states[0] * output, batch, &case.columns(name, states));
    let (h_0, c_0) = (all_starts(&format!("{state_name}_0")), all_starts("c_0"));
    let p: Bound<'_, T> = params.bind(&tape);
    let (mut y, mut finals) = (x, Vec::new());
    for (layer, cells) in layers.iter().enumerate() {
        let mut outputs = Vec::new();
        for (direction, cell) in cells.iter().enumerate() {
            let at = (layer * directions + direction) * output;
            let start = |v: Var<'_, T>| tape.var(v.index()).row_block(at..at + output);
            let state = State { h: start(h_0), c: cell.has_cell_state().then(|| start(c_0)) };
            let span = Span { lengths: case.lengths.as_ref(), reverse: direction == 1, equations };
            let (y, end) = unroll(&**cell, p, y, state, span);
            outputs.push(y);
            finals.push(end);
        }
        y = if directions == 1 { outputs[0] } else { interleave(&tape, &outputs, steps) };
    }
    y.backward_with(&case.columns("grad_y", [steps, batch, directions * output]));
    params.add_grads(p);

    let back = |entries: Vec<T>, [count, batch, features]: [usize; 3]| {
        transpose(&entries, [count, features, batch]).into_iter().map(Float::to_f64).collect::<Vec<f64>>()
    };
    let all_ends = |part: fn(&State<'_, T>) -> Vec<T>| back(finals.iter().flat_map(part).collect(), states);
    let mut got = BTreeMap::from([
        ("out.y".to_string(), back(y.value(), [steps, batch, directions * output])),
        (format!("out.{state_name}_n"), all_ends(|end| end.h.value())),
        ("grad.x".to_string(), back(x.grad(), [steps, batch, input])),
        (format!("grad.{state_name}_0"), back(h_0.grad(), states)),
        ("grad.c_0".to_string(), back(c_0.grad(), states)),
    ]);
    if layers[0][0].has_cell_state() {
        got.insert("out.c_n".to_string(), all_ends(|end| end.cell_state().value()));
    }
    got.extend(case.gradients(&params).into_iter().map(|(name, grad)| (format!("grad.{name}"), grad)));
    compare(name, &case, &got, tolerance);
}

/// max|a − b| ≤ tolerance · max(1, max|b|), for every tensor that is expected.
fn compare(name: &str, case: &Fixture, got: &BTreeMap<String, Vec<f64>>, tolerance: f64) {
    let expected: BTreeSet<&String> =
        case.tensors.keys().filter(|k| k.starts_with("out.") || k.starts_with("grad.")).collect();
    assert!(expected.len() > 5, "{name}: expects {expected:?}");
    for tensor in expected {
        let (want, got) = (case.numbers(tensor), &got[tensor]);
        assert_eq!(got.len(), want.len(), "{name}: {tensor}");
        let scale = want.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        let apart = got
            .iter()
            .zip(want)
            .fold(0.0, |m: f64, (a, b)| if (a - b).abs() <= m { m } else { (a - b).abs() });
        assert!(apart <= tolerance * scale, "{name}: {tensor} is {apart:e} apart, scale {scale}");
    }
}

/// In both forms and both number types.
fn check_all(name: &str) {
    for equations in [false, true] {
        check::<f64>(name, equations, 1e-12);
        check::<f32>(name, equations, 1e-5);
    }
}

#[test]
fn one_layer_one_direction() {
    for model in ["elman", "lstm", "gru"] {
        for case in ["", "_state", "_one"] {
            check_all(&format!("{model}{case}"));
        }
    }
    for model in ["jordan", "peephole", "gru_reset_before"] {
        check_all(model);
    }
}

#[test]
fn deep_and_bidirectional() {
    for model in ["elman", "lstm", "gru"] {
        check_all(&format!("{model}_deep_bi"));
    }
}

#[test]
fn lengths() {
    for model in ["elman", "lstm", "gru"] {
        check_all(&format!("{model}_lengths_bi"));
    }
}
