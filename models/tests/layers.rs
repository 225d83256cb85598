//! Layers over any cell: bidirectional, stacked, with learned initial states, dropout and lengths.

use autograd::check::{Check, Random};
use autograd::{Float, Tape, Var};
use models::cells::{Cell, CellConfig, Kind, Lengths, State};
use models::layers::*;
use models::network::{Network, NetworkConfig};
use models::optim::{Rule, Sgd};
use models::params::Params;
use models::train::Trainer;
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A stack with random weights, and a batch for it. All sizes differ.
struct Case<T: Float> {
    stack: Stack<T>,
    params: Params<T>,
    steps: usize,
    batch: usize,
    x: Vec<T>,
    cotangent: Vec<T>,
}

const INPUT: usize = 3;
const HIDDEN: usize = 4;

fn config(kind: Kind, layers: usize, bidirectional: bool) -> StackConfig {
    // In a Jordan network the output is another size than the hidden activation.
    let cell = CellConfig {
        output: Some(if kind == Kind::Jordan { 2 } else { HIDDEN }),
        ..CellConfig::new(INPUT, HIDDEN)
    };
    StackConfig { layers, bidirectional, learn_initial_state: true, ..StackConfig::new(kind, cell) }
}

impl<T: Float> Case<T> {
    fn new(config: &StackConfig, seed: u64, steps: usize, batch: usize) -> Self {
        let mut random = Random::new(seed);
        let mut numbers =
            |n: usize| random.normals(n).into_iter().map(|x| T::from_f64(0.7 * x)).collect::<Vec<T>>();
        let mut params = Params::new();
        let stack = Stack::new(config, &mut params, "rnn", &mut rng(seed));
        params.iter_mut().for_each(|p| p.value = numbers(p.value.len()));
        let (x, cotangent) =
            (numbers(steps * INPUT * batch), numbers((steps + 20) * stack.features() * batch));
        Self { stack, params, steps, batch, x, cotangent }
    }

    /// The outputs and all final states, one under the other.
    fn record<'t>(&self, tape: &'t Tape<T>, first: usize, x: Var<'t, T>, span: Span<'_>) -> Var<'t, T> {
        let p = self.params.bound_at(tape, first);
        let (y, ends) = self.stack.forward(p, x, &self.stack.initial_states(p, self.batch), span, None);
        let mut all = tape.list();
        all.push(y);
        for end in (0..ends.len()).map(|k| ends.get(k)) {
            all.push(end.h);
            end.c.into_iter().for_each(|c| all.push(c));
        }
        all.concat_rows()
    }

    /// Outputs and final states, and the gradients of x and of every parameter.
    fn run(&self, span: Span<'_>) -> Vec<(String, Vec<T>)> {
        let tape = Tape::new();
        self.params.bind(&tape);
        let x = tape.leaf(self.steps * INPUT, self.batch, &self.x);
        let y = self.record(&tape, 0, x, span);
        y.backward_with(&self.cotangent[..y.rows() * self.batch]);
        let mut all = vec![("y".into(), y.value()), ("x".into(), x.grad())];
        all.extend(self.params.iter().enumerate().map(|(k, p)| (p.name.clone(), tape.var(k).grad())));
        all
    }

    /// Everything the cells show, values and gradients, by cell, name and step; zeros past an example's length, where the
    /// equations go on with what stands there.
    fn trace(&self, span: Span<'_>) -> BTreeMap<(String, String, usize), [Vec<T>; 2]> {
        let tape = Tape::new();
        tape.retain_grads(true);
        self.params.bind(&tape);
        let y = self.record(&tape, 0, tape.leaf(self.steps * INPUT, self.batch, &self.x), span);
        y.backward_with(&self.cotangent[..y.rows() * self.batch]);
        let mut shown = BTreeMap::new();
        tape.trace(&mut |q| {
            let (t, mut value) = (q.step.unwrap(), q.value.to_vec());
            let past = |at: usize| span.lengths.is_some_and(|lengths| t >= lengths.of(at % q.cols));
            value.iter_mut().enumerate().filter(|(at, _)| past(*at)).for_each(|(_, x)| *x = T::ZERO);
            let grad = q.grad.map_or_else(|| vec![T::ZERO; value.len()], <[T]>::to_vec);
            let twice = shown.insert((q.scope.unwrap().into(), q.name.into(), t), [value, grad]);
            assert!(twice.is_none(), "{} of {:?} at {t} is shown twice", q.name, q.scope);
        });
        shown
    }

    /// The outputs alone, (T·F)×B.
    fn outputs(&self, x: &[T], batch: usize, lengths: Option<&Lengths>) -> Vec<T> {
        let tape = Tape::new();
        let p = self.params.bind_constant(&tape);
        let x = tape.constant(x.len() / batch, batch, x);
        let span = Span { lengths, ..Span::default() };
        self.stack.forward(p, x, &self.stack.initial_states(p, batch), span, None).0.value()
    }
}

/// max|a − b| ≤ tolerance · max(1, max|b|), for every tensor.
fn assert_equal<T: Float>(a: &[(String, Vec<T>)], b: &[(String, Vec<T>)], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for ((name, a), (_, b)) in a.iter().zip(b) {
        assert_close(name, a, b, tolerance);
    }
}

fn assert_close<T: Float>(name: &str, a: &[T], b: &[T], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{name}");
    let scale = b.iter().map(|x| x.to_f64().abs()).fold(1.0, f64::max);
    let apart = a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
    let largest = apart.fold(0.0, |m, d| if d <= m { m } else { d });
    assert!(largest <= tolerance * scale, "{name}: {largest:e} apart, scale {scale}");
}

/// Step `t`, feature `f`, example `b` of a sequence.
fn at(features: usize, batch: usize, t: usize, f: usize, b: usize) -> usize {
    (t * features + f) * batch + b
}

#[test]
fn interleave_puts_steps_side_by_side() {
    let tape = Tape::<f64>::new();
    let a = tape.leaf(4, 2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let b = tape.leaf(2, 2, &[-1.0, -2.0, -3.0, -4.0]);
    let y = interleave(a, b, 2);
    assert_eq!(y.value(), [1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 5.0, 6.0, 7.0, 8.0, -3.0, -4.0]);
    let check = Check::new(4).random_input("a", 6, 2, 1.0).random_input("b", 3, 2, 1.0);
    check.run(|_, x| interleave(x[0], x[1], 3)).assert_passed();
    check.run(|_, x| interleave(x[0], x[0].tanh(), 3)).assert_passed();
    check.run(|_, x| interleave(x[0], x[0], 2)).assert_passed();
}

#[test]
#[should_panic = "interleave of 4×2 and 3×2: they are not two sequences of 2 steps"]
fn interleave_needs_whole_steps() {
    let tape = Tape::<f64>::new();
    interleave(tape.zeros(4, 2), tape.zeros(3, 2), 2);
}

#[test]
#[should_panic = "stack: 1 initial states for 4 cells"]
fn a_stack_needs_a_state_for_every_cell() {
    let case = Case::<f64>::new(&config(Kind::Gru, 2, true), 1, 2, 2);
    let tape = Tape::new();
    let p = case.params.bind(&tape);
    let mut start = States::new(&tape);
    start.push(State { h: tape.zeros(HIDDEN, 2), c: None });
    case.stack.forward(p, tape.zeros(2 * INPUT, 2), &start, Span::default(), None);
}

#[test]
fn layers_say_what_they_are() {
    let tape = Tape::new();
    for kind in Kind::ALL {
        let learned = config(kind, 1, false);
        let case = Case::<f64>::new(&learned, 1, 2, 3);
        assert_eq!(case.stack.input(), INPUT);
        assert!(case.stack.learns_initial_states());
        let fixed = StackConfig { learn_initial_state: false, ..learned };
        assert!(!Case::<f64>::new(&fixed, 1, 2, 3).stack.learns_initial_states());
        let p = case.params.bind(&tape);
        assert!(!case.stack.initial_states(p, 3).is_empty() && States::new(&tape).is_empty());

        let cell = case.stack.cells().next().unwrap();
        let dropped = RecurrentDropout::new(cell, &tape, 3, 0.5, &mut rng(1));
        let sizes = |cell: &dyn Cell<f64>| (cell.input(), cell.hidden(), cell.has_cell_state());
        assert_eq!(sizes(&dropped), sizes(cell));
    }
    let linear = Linear::new(&mut Params::<f64>::new(), "fc", 3, 5, &mut rng(1));
    assert_eq!(linear.output(), 5);
}

/// In one direction, the summary is the last layer's final state and nothing else.
#[test]
fn the_summary_of_one_direction() {
    let case = Case::<f64>::new(&config(Kind::Gru, 3, false), 3, 5, 3);
    let tape = Tape::new();
    let p = case.params.bind(&tape);
    let x = tape.constant(5 * INPUT, 3, &case.x);
    let (_, ends) = case.stack.forward(p, x, &case.stack.initial_states(p, 3), Span::default(), None);
    assert_eq!(case.stack.summary(&ends).value(), ends.get(2).h.value());
}

#[test]
#[should_panic = "lengths: 2 lengths of 2 to 3 for 2 steps of 2 examples"]
fn lengths_fit_the_steps() {
    let case = Case::<f64>::new(&config(Kind::Elman, 1, false), 3, 2, 2);
    let tape = Tape::new();
    let p = case.params.bind(&tape);
    let x = tape.constant(2 * INPUT, 2, &case.x);
    let lengths = Lengths::new(&[2, 3]);
    let span = Span { lengths: Some(&lengths), equations: true, ..Span::default() };
    case.stack.forward(p, x, &case.stack.initial_states(p, 2), span, None);
}

#[test]
fn names_and_order_are_those_of_pytorch() {
    let plain = StackConfig { learn_initial_state: false, ..config(Kind::Lstm, 2, true) };
    let case = Case::<f64>::new(&plain, 1, 2, 2);
    let shapes: Vec<_> = case.params.iter().map(|p| (p.name.as_str(), p.rows, p.cols)).collect();
    let layer = |k: usize, input| {
        let name = move |name, suffix| format!("rnn.{name}_l{k}{suffix}");
        ["", "_reverse"].into_iter().flat_map(move |suffix| {
            let (w, u, b) = (name("weight_ih", suffix), name("weight_hh", suffix), name("bias", suffix));
            [(w, 16, input), (u, 16, HIDDEN), (b, 16, 1)]
        })
    };
    let expected: Vec<_> = layer(0, INPUT).chain(layer(1, 2 * HIDDEN)).collect();
    let expected: Vec<_> = expected.iter().map(|(name, rows, cols)| (name.as_str(), *rows, *cols)).collect();
    assert_eq!(shapes, expected);
}

#[test]
fn quantities_carry_layer_and_direction() {
    let case = Case::<f64>::new(&config(Kind::Gru, 2, true), 1, 3, 2);
    for equations in [false, true] {
        let tape = Tape::new();
        case.params.bind(&tape);
        let x = tape.constant(3 * INPUT, 2, &case.x);
        case.record(&tape, 0, x, Span { equations, ..Span::default() });
        let mut scopes = Vec::new();
        tape.trace(&mut |q| {
            if q.name == "h" {
                scopes.push((q.scope.unwrap_or("none").to_string(), q.step.unwrap()));
            }
        });
        scopes.sort();
        let expected = ["l0", "l0_reverse", "l1", "l1_reverse"].into_iter();
        let expected: Vec<_> = expected.flat_map(|s| (0..3).map(move |t| (s.to_string(), t))).collect();
        assert_eq!(scopes, expected);
    }
}

/// A kind, a seed, T, B and a length per example.
fn cases() -> impl Strategy<Value = (Kind, u64, usize, Vec<usize>)> {
    let kind = prop::sample::select(Kind::ALL.to_vec());
    (kind, any::<u64>(), 1..=6usize, 1..=5usize).prop_flat_map(|(kind, seed, steps, batch)| {
        (Just(kind), Just(seed), Just(steps), prop::collection::vec(1..=steps, batch))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fused_equals_equations((kind, seed, steps, lengths) in cases(), layers in 1..=3usize, both: bool) {
        let case = Case::<f64>::new(&config(kind, layers, both), seed, steps, lengths.len());
        let lengths = Lengths::new(&lengths);
        let span = Span { lengths: Some(&lengths), ..Span::default() };
        assert_equal(&case.run(span), &case.run(Span { equations: true, ..span }), 1e-12);
    }

    /// Layers, both directions and lengths at once: every named quantity and its gradient.
    #[test]
    fn both_forms_show_the_same_inside((kind, seed, steps, lengths) in cases(), layers in 1..=3usize, both: bool) {
        let case = Case::<f64>::new(&config(kind, layers, both), seed, steps, lengths.len());
        let lengths = Lengths::new(&lengths);
        let span = Span { lengths: Some(&lengths), ..Span::default() };
        let (fused, equations) = (case.trace(span), case.trace(Span { equations: true, ..span }));
        prop_assert_eq!(fused.keys().collect::<Vec<_>>(), equations.keys().collect::<Vec<_>>());
        let cells = layers * (1 + usize::from(both));
        prop_assert!(fused.len() >= 2 * cells * steps.min(lengths.longest()));
        for ((name, [value, grad]), [same_value, same_grad]) in fused.iter().zip(equations.values()) {
            assert_close(&format!("{name:?}"), value, same_value, 1e-12);
            assert_close(&format!("gradient of {name:?}"), grad, same_grad, 1e-12);
        }
    }

    /// Reading backwards with the two cells exchanged gives the same, backwards and exchanged.
    #[test]
    fn a_reversed_input_mirrors_the_output((kind, seed, steps, lengths) in cases()) {
        let batch = lengths.len();
        let config = StackConfig { learn_initial_state: false, ..config(kind, 1, true) };
        let mut case = Case::<f64>::new(&config, seed, steps, batch);
        let packed = Lengths::new(&lengths);
        let y = case.outputs(&case.x, batch, Some(&packed));

        let mut x = case.x.clone();
        for (b, t) in (0..batch).flat_map(|b| (0..lengths[b]).map(move |t| (b, t))) {
            for f in 0..INPUT {
                x[at(INPUT, batch, t, f, b)] = case.x[at(INPUT, batch, lengths[b] - 1 - t, f, b)];
            }
        }
        let half = case.params.iter().len() / 2;
        let mut values: Vec<_> = case.params.iter().map(|p| p.value.clone()).collect();
        values.rotate_left(half);
        case.params.iter_mut().zip(values).for_each(|(p, value)| p.value = value);
        let mirrored = case.outputs(&x, batch, Some(&packed));

        let features = case.stack.features();
        for (t, f, b) in (0..steps).flat_map(|t| (0..features).flat_map(move |f| (0..batch).map(move |b| (t, f, b)))) {
            let other = (f + features / 2) % features;
            let expected = if t < lengths[b] { y[at(features, batch, lengths[b] - 1 - t, other, b)] } else { 0.0 };
            let found = mirrored[at(features, batch, t, f, b)];
            prop_assert!((found - expected).abs() <= 1e-12, "t {} f {} b {}: {} and {}", t, f, b, found, expected);
        }
    }

    #[test]
    fn mixed_lengths_equal_one_by_one((kind, seed, steps, lengths) in cases(), layers in 1..=3usize, both: bool) {
        let batch = lengths.len();
        let case = Case::<f64>::new(&config(kind, layers, both), seed, steps, batch);
        let all = case.outputs(&case.x, batch, Some(&Lengths::new(&lengths)));
        let features = case.stack.features();
        for (b, &length) in lengths.iter().enumerate() {
            let x: Vec<f64> = (0..length * INPUT).map(|row| case.x[row * batch + b]).collect();
            let alone = case.outputs(&x, 1, None);
            let together: Vec<f64> = (0..steps * features).map(|row| all[row * batch + b]).collect();
            assert_close("valid steps", &together[..length * features], &alone, 1e-12);
            prop_assert!(together[length * features..].iter().all(|&y| y == 0.0));
        }
    }

    #[test]
    fn padding_changes_nothing((kind, seed, steps, lengths) in cases(), equations: bool) {
        let batch = lengths.len();
        let mut case = Case::<f64>::new(&config(kind, 2, true), seed, steps, batch);
        let packed = Lengths::new(&lengths);
        let span = Span { lengths: Some(&packed), equations, ..Span::default() };
        let before = case.run(span);
        for i in (0..case.x.len()).filter(|i| i / batch / INPUT >= lengths[i % batch]) {
            case.x[i] = f64::NAN;
        }
        let features = case.stack.features();
        for i in (0..steps * features * batch).filter(|i| i / batch / features >= lengths[i % batch]) {
            case.cotangent[i] = f64::NAN;
        }
        assert_equal(&case.run(span), &before, 0.0);
    }
}

#[test]
fn differences_agree() {
    let lengths = Lengths::new(&[2, 4, 1]);
    for (kind, both) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let case = Case::<f64>::new(&config(kind, 2, both), 5, 4, 3);
        let mut check = Check::new(6);
        for p in case.params.iter() {
            check = check.input(p.name.clone(), p.rows, p.cols, &p.value);
        }
        let span = Span { lengths: Some(&lengths), ..Span::default() };
        let check = check.input("x", 4 * INPUT, 3, &case.x);
        check.run(|tape, v| case.record(tape, 0, *v.last().unwrap(), span)).assert_passed();
    }
}

#[test]
fn learned_and_given_initial_states_agree() {
    let case = Case::<f64>::new(&config(Kind::Peephole, 2, true), 8, 3, 5);
    let tape = Tape::new();
    let p = case.params.bind(&tape);
    let x = tape.constant(3 * INPUT, 5, &case.x);
    let learned = case.stack.initial_states(p, 5);
    let mut given = States::new(&tape);
    for name in ["l0", "l0_reverse", "l1", "l1_reverse"] {
        let columns = |name: String| {
            let column = &case.params.get(case.params.find(&name).unwrap()).value;
            let entries: Vec<f64> = column.iter().flat_map(|&entry| [entry; 5]).collect();
            tape.leaf(HIDDEN, 5, &entries)
        };
        given.push(State {
            h: columns(format!("rnn.h_0_{name}")),
            c: Some(columns(format!("rnn.c_0_{name}"))),
        });
    }
    let [(a, _), (b, _)] =
        [&learned, &given].map(|start| case.stack.forward(p, x, start, Span::default(), None));
    assert_eq!(a.value(), b.value());
    // The learned state's gradient is the sum over the examples.
    let gradient = |y: Var<'_, f64>, of: Var<'_, f64>| {
        y.square().sum().backward();
        of.grad()
    };
    let learned = gradient(a, p.get(case.params.find("rnn.c_0_l1_reverse").unwrap()));
    let given = gradient(b, given.get(3).cell_state());
    let sums: Vec<f64> = given.chunks(5).map(|row| row.iter().sum()).collect();
    assert_close("c_0", &learned, &sums, 1e-12);
}

#[test]
fn the_summary_is_the_last_valid_and_the_first_step() {
    let case = Case::<f64>::new(&config(Kind::Gru, 2, true), 3, 5, 3);
    let lengths = [2, 5, 1];
    let packed = Lengths::new(&lengths);
    let tape = Tape::new();
    let p = case.params.bind(&tape);
    let x = tape.constant(5 * INPUT, 3, &case.x);
    let span = Span { lengths: Some(&packed), ..Span::default() };
    let (y, ends) = case.stack.forward(p, x, &case.stack.initial_states(p, 3), span, None);
    let (y, summary) = (y.value(), case.stack.summary(&ends).value());
    // ANCHOR: summary
    for (b, length) in lengths.into_iter().enumerate() {
        for f in 0..HIDDEN {
            assert_eq!(summary[f * 3 + b], y[at(2 * HIDDEN, 3, length - 1, f, b)]);
            assert_eq!(summary[(HIDDEN + f) * 3 + b], y[at(2 * HIDDEN, 3, 0, HIDDEN + f, b)]);
        }
    }
    // ANCHOR_END: summary
}

#[test]
fn dropout_is_between_the_layers_only() {
    for layers in [1, 3] {
        let config = StackConfig { dropout: 0.5, ..config(Kind::Lstm, layers, true) };
        let case = Case::<f64>::new(&config, 2, 4, 3);
        let run = |rng: Option<&mut ChaCha8Rng>| {
            let tape = Tape::new();
            let p = case.params.bind(&tape);
            let x = tape.constant(4 * INPUT, 3, &case.x);
            case.stack.forward(p, x, &case.stack.initial_states(p, 3), Span::default(), rng).0.value()
        };
        let (plain, dropped) = (run(None), run(Some(&mut rng(1))));
        assert_eq!(plain == dropped, layers == 1, "one layer has no place between layers");
        assert_eq!(dropped, run(Some(&mut rng(1))), "the same seed, the same masks");
        assert!(dropped.iter().all(|&y| y != 0.0), "the last layer's outputs are not dropped");
    }
}

/// h_{t−1} is masked where it enters the recurrent products, by one mask for all steps.
#[test]
fn recurrent_dropout_is_constant_in_time() {
    for kind in Kind::ALL {
        let cell_config = config(kind, 1, false).cell;
        let mut params = Params::<f64>::new();
        let cell = cell_config.build(kind, &mut params, "rnn", "l0", &mut rng(4));
        let (steps, batch) = (5, 3);
        let x = Random::new(9).normals(steps * INPUT * batch);
        let mask = {
            let tape = Tape::new();
            let ones = tape.constant(cell.hidden(), batch, &vec![1.0; cell.hidden() * batch]);
            dropout(ones, 0.4, &mut rng(7)).value()
        };
        assert!(
            (1..batch).any(|b| (0..cell.hidden()).any(|f| mask[f * batch + b] != mask[f * batch])),
            "one mask per example"
        );

        let tape = Tape::new();
        let p = params.bind(&tape);
        let x = tape.constant(steps * INPUT, batch, &x);
        let masked = RecurrentDropout::new(&*cell, &tape, batch, 0.4, &mut rng(7));
        let (y, _) = unroll(&masked, p, x, cell.zero_state(&tape, batch), Span::default());

        let mask = tape.constant(cell.hidden(), batch, &mask);
        let mut state = cell.zero_state(&tape, batch);
        for t in 0..steps {
            let x_t = x.row_block(t * INPUT..(t + 1) * INPUT);
            state = cell.step_seeing(p, x_t, state, state.h * mask);
            let y_t = y.row_block(t * cell.hidden()..(t + 1) * cell.hidden());
            assert_eq!(y_t.value(), state.h.value(), "{kind} step {t}");
        }
    }
}

/// A GRU whose update gate is open carries its state unchanged, whatever recurrent dropout does to its
/// products: a mask on what is carried would multiply it by 0 or 1/(1−p) again at every step.
#[test]
fn recurrent_dropout_spares_what_a_gru_carries() {
    for kind in [Kind::Gru, Kind::GruResetBefore] {
        let mut params = Params::<f64>::new();
        let cell = CellConfig::new(1, 2).build(kind, &mut params, "rnn", "l0", &mut rng(4));
        params.iter_mut().for_each(|p| p.value.fill(0.0));
        let bias = params.find("rnn.bias_l0").unwrap();
        params.get_mut(bias).value[2..4].fill(1000.0); // z = σ(1000) = 1
        let tape = Tape::new();
        let p = params.bind(&tape);
        let masked = RecurrentDropout::new(&*cell, &tape, 4, 0.5, &mut rng(1));
        let h = tape.constant(2, 4, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
        let (_, end) = unroll(&masked, p, tape.zeros(30, 4), State { h, c: None }, Span::default());
        assert_eq!(end.h.value(), h.value());
    }
}

#[test]
fn every_parameter_changes_after_one_step() {
    for (kind, both) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let mut params = Params::<f64>::new();
        let stack = Stack::new(&config(kind, 2, both), &mut params, "rnn", &mut rng(3));
        let head = Linear::new(&mut params, "head", stack.features(), 2, &mut rng(4));
        let before = params.clone();
        let x = Random::new(1).normals(4 * INPUT * 3);
        let mut trainer = Trainer::new(params, Rule::Sgd(Sgd::default()), 0.1);
        let step = trainer.step(|p| {
            let x = p.tape().constant(4 * INPUT, 3, &x);
            let (y, _) = stack.forward(p, x, &stack.initial_states(p, 3), Span::default(), None);
            head.forward(p, y).cross_entropy(&[0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0])
        });
        step.unwrap();
        for (after, before) in trainer.params.iter().zip(before.iter()) {
            let changed = after.value.iter().zip(&before.value).filter(|(a, b)| a != b).count();
            // A relu unit may be dead at the start; then its row has no gradient.
            let all = if kind == Kind::ElmanRelu { 1 } else { after.value.len() };
            assert!(
                changed >= all,
                "{kind}: {changed} entries of {} changed in {}",
                after.value.len(),
                after.name
            );
        }
    }
}

/// From the second step on a stack allocates nothing.
#[test]
fn a_step_allocates_nothing() {
    for (kind, equations) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let config = StackConfig {
            dropout: 0.2,
            recurrent_dropout: if equations { 0.2 } else { 0.0 },
            ..config(kind, 3, true)
        };
        let mut case = Case::<f32>::new(&config, 1, 5, 4);
        let lengths = Lengths::new(&[3, 5, 1, 4]);
        let span = Span { lengths: Some(&lengths), equations, ..Span::default() };
        let mut tape = Tape::new();
        let mut random = rng(1);
        let mut step = || {
            tape.reset();
            let p = case.params.bind(&tape);
            let x = tape.constant(5 * INPUT, 4, &case.x);
            let (y, ends) =
                case.stack.forward(p, x, &case.stack.initial_states(p, 4), span, Some(&mut random));
            (y.square().sum() + case.stack.summary(&ends).sum()).backward();
            case.params.add_grads(p);
        };
        step();
        let count = allocation_counter::measure(&mut step);
        assert_eq!(count.count_total, 0, "{kind}, equations: {equations}");
    }
}

fn network(config: NetworkConfig) -> (Network<f64>, Params<f64>) {
    let mut params = Params::new();
    let network = Network::new(&config, &mut params, &mut rng(6));
    let mut random = Random::new(6);
    params.iter_mut().for_each(|p| p.value = random.normals(p.value.len()));
    (network, params)
}

const IDS: [usize; 12] = [3, 1, 4, 1, 5, 2, 6, 5, 3, 5, 0, 2];

/// Window after window gives what the whole text gives, and a learned state counts once.
#[test]
fn a_network_carries_its_states_from_window_to_window() {
    for (kind, learn) in Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let config = NetworkConfig {
            encoding: Encoding::Embedding(INPUT),
            layers: 2,
            learn_initial_state: learn,
            ..NetworkConfig::new(kind, 7, HIDDEN)
        };
        let (network, params) = network(config);
        let tape = Tape::new();
        let p = params.bind(&tape);
        let whole = network.forward(p, &IDS, &mut network.initial_carry(2));
        let mut carry = network.initial_carry(2);
        let (first, rest) = IDS.split_at(4);
        let [a, b] = [first, rest].map(|ids| network.forward(p, ids, &mut carry));
        assert_close("logits", &[a.value(), b.value()].concat(), &whole.value(), 1e-12);
        // The first window reaches the learned state; later ones begin with constants.
        if let Some(h_0) = params.find("rnn.h_0_l1") {
            a.square().sum().backward();
            assert!(p.get(h_0).grad().iter().all(|&g| g != 0.0) || kind == Kind::ElmanRelu);
            b.square().sum().backward();
            assert!(p.get(h_0).read_grad(|g| g.is_none_or(|g| g.iter().all(|&g| g == 0.0))));
        }
        carry.reset();
        assert_eq!(carry, network.initial_carry(2));
        assert_eq!(network.forward(p, first, &mut carry).value(), a.value());
    }
}

/// Every output of a network in both directions knows the whole window, and no other.
#[test]
fn a_network_in_both_directions_begins_every_window_anew() {
    let config = NetworkConfig { bidirectional: true, ..NetworkConfig::new(Kind::Gru, 7, HIDDEN) };
    let (network, params) = network(config);
    let tape = Tape::new();
    let p = params.bind(&tape);
    let mut carry = network.initial_carry(2);
    let [once, again] = [0, 1].map(|_| network.forward(p, &IDS, &mut carry).value());
    assert_eq!(once, again);
    let mut other = IDS;
    other[11] = 6; // the second example's last symbol
    let changed = network.forward(p, &other, &mut carry).value();
    for at in 0..once.len() {
        assert_eq!(once[at] != changed[at], at % 2 == 1, "entry {at}");
    }
}

/// A network trains with a dropout of its recurrent products; without training it has none.
#[test]
fn a_network_drops_recurrent_products_in_training() {
    let config = NetworkConfig { recurrent_dropout: 0.5, ..NetworkConfig::new(Kind::Lstm, 7, HIDDEN) };
    let (network, params) = network(config);
    let run = |seed: Option<u64>| {
        let (tape, mut carry) = (Tape::new(), network.initial_carry(2));
        let p = params.bind(&tape);
        match seed {
            Some(seed) => network.forward_train(p, &IDS, &mut carry, &mut rng(seed)).value(),
            None => network.forward(p, &IDS, &mut carry).value(),
        }
    };
    let (plain, dropped) = (run(None), run(Some(1)));
    assert_eq!(dropped, run(Some(1)));
    assert_eq!(plain[..14], dropped[..14], "the first step has no state to drop");
    assert!(plain[14..] != dropped[14..] && dropped != run(Some(2)));
}
