//! Three judges for every cell: its fused derivation, the tape on its equations, and differences.

use allocation_counter::measure;
use autograd::check::{Check, Random};
use autograd::{Float, Tape, Var};
use models::cells::{Cell, CellConfig, Kind, Lengths, State};
use models::layers::{Span, unroll};
use models::params::Params;
use models::threads::with_threads;
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

/// Output, and the gradients of x, h_0, c_0 and every parameter, by name.
type Results<T> = Vec<(String, Vec<T>)>;

/// A cell and a batch of random numbers for it. The sizes are all different, so that a transpose
/// cannot slip through.
struct Case<T: Float> {
    cell: Box<dyn Cell<T>>,
    params: Params<T>,
    steps: usize,
    batch: usize,
    x: Vec<T>,
    h: Vec<T>,
    c: Vec<T>,
    /// The cotangent of the outputs and of the final states.
    cotangent: Vec<T>,
}

impl<T: Float> Case<T> {
    fn new(kind: Kind, seed: u64, [steps, batch, input, hidden]: [usize; 4]) -> Self {
        let mut random = Random::new(seed);
        let mut numbers = |n| random.normals(n).into_iter().map(T::from_f64).collect::<Vec<T>>();
        let mut params = Params::new();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let config = CellConfig { output: Some(hidden + 1), ..CellConfig::new(input, hidden) };
        let cell = config.build(kind, &mut params, "rnn", "l0", &mut rng);
        params.iter_mut().for_each(|p| p.value = numbers(p.value.len()));
        let (x, state) = (numbers(steps * input * batch), cell.hidden() * batch);
        let (h, c, cotangent) = (numbers(state), numbers(state), numbers((steps + 2) * state));
        Self { cell, params, steps, batch, x, h, c, cotangent }
    }

    /// x and the initial state as leaves.
    fn leaves<'t>(&self, tape: &'t Tape<T>) -> (Var<'t, T>, State<'t, T>) {
        let x = tape.leaf(self.steps * self.cell.input(), self.batch, &self.x);
        let state = |entries: &[T]| tape.leaf(self.cell.hidden(), self.batch, entries);
        let c = self.cell.has_cell_state().then(|| state(&self.c));
        (x, State { h: state(&self.h), c })
    }

    /// Outputs and final states, one under the other.
    fn record<'t>(
        &self,
        tape: &'t Tape<T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        span: Span<'_>,
    ) -> Var<'t, T> {
        let p = self.params.bind(tape);
        let (y, end) = unroll(&*self.cell, p, x, state, span);
        tape.concat_rows(&[y, end.h, end.c.unwrap_or(end.h)])
    }

    fn run(&self, span: Span<'_>) -> Results<T> {
        let tape = Tape::new();
        let (x, start) = self.leaves(&tape);
        let first = tape.len();
        let y = self.record(&tape, x, start, span);
        y.backward_with(&self.cotangent);
        let mut all = vec![("y".into(), y.value()), ("x".into(), x.grad()), ("h_0".into(), start.h.grad())];
        all.extend(start.c.map(|c| ("c_0".into(), c.grad())));
        all.extend(self.params.iter().enumerate().map(|(k, p)| (p.name.clone(), tape.var(first + k).grad())));
        all
    }

    /// Column `j` alone, without padding.
    fn column(&self, kind: Kind, seed: u64, j: usize, length: usize) -> Self {
        let (input, hidden) = (self.cell.input(), self.cell.hidden());
        let inner = if kind == Kind::Jordan { hidden - 1 } else { hidden };
        let mut one = Self::new(kind, seed, [length, 1, input, inner]);
        one.x = column(&self.x, self.batch, j)[..length * input].to_vec();
        (one.h, one.c) = (column(&self.h, self.batch, j), column(&self.c, self.batch, j));
        let cotangent = column(&self.cotangent, self.batch, j);
        one.cotangent = [&cotangent[..length * hidden], &cotangent[self.steps * hidden..]].concat();
        one
    }
}

fn column<T: Float>(entries: &[T], cols: usize, j: usize) -> Vec<T> {
    entries.iter().skip(j).step_by(cols).copied().collect()
}

/// max|a − b| ≤ tolerance · max(1, max|b|).
#[track_caller]
fn assert_close<T: Float>(name: &str, a: &[T], b: &[T], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{name}");
    let scale = b.iter().map(|x| x.to_f64().abs()).fold(1.0, f64::max);
    let apart = a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
    let largest = apart.fold(0.0, |m, d| if d <= m { m } else { d });
    assert!(largest <= tolerance * scale, "{name}: {largest:e} apart, scale {scale}");
}

#[track_caller]
fn assert_equal<T: Float>(a: &Results<T>, b: &Results<T>, tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for ((name, a), (_, b)) in a.iter().zip(b) {
        assert_close(name, a, b, tolerance);
    }
}

/// Everything a tape shows, values and gradients, by name and time step; zeros past an example's
/// length, where the equations go on with what stands there and the derivation does not.
fn trace<T: Float>(case: &Case<T>, span: Span<'_>) -> BTreeMap<(String, usize), [Vec<T>; 2]> {
    let tape = Tape::new();
    let (x, start) = case.leaves(&tape);
    tape.retain_grads(true);
    let y = case.record(&tape, x, start, span);
    y.backward_with(&case.cotangent);
    let mut shown = BTreeMap::new();
    tape.trace(&mut |q| {
        let (t, mut value) = (q.step.expect("every quantity of a cell has a time step"), q.value.to_vec());
        let past = |at: usize| span.lengths.is_some_and(|lengths| t >= lengths.of(at % q.cols));
        value.iter_mut().enumerate().filter(|(at, _)| past(*at)).for_each(|(_, x)| *x = T::ZERO);
        let grad = q.grad.map_or_else(|| vec![T::ZERO; q.rows * q.cols], <[T]>::to_vec);
        assert_eq!((q.cols, value.len()), (case.batch, q.rows * q.cols));
        let twice = shown.insert((q.name.to_string(), t), [value, grad]);
        assert!(twice.is_none(), "{} at {t} is shown twice", q.name);
    });
    shown
}

/// Whether a pre-activation lies so near the kink of relu that rounding may move it across.
fn near_a_kink(kind: Kind, case: &Case<f64>, span: Span<'_>) -> bool {
    let shown = trace(case, span);
    let entries = || shown.iter().filter(|((name, _), _)| name == "a").flat_map(|(_, [value, _])| value);
    let largest = entries().fold(1.0, |m: f64, a| m.max(a.abs()));
    kind == Kind::ElmanRelu && entries().any(|a| *a != 0.0 && a.abs() < 1e-4 * largest)
}

/// What a proptest draws: a kind, a seed, sizes T, B, I, H, perhaps lengths, and the direction.
type Drawn = (Kind, u64, [usize; 4], Option<Vec<usize>>, bool);

fn cases() -> impl Strategy<Value = Drawn> {
    let sizes = [1..=7usize, 1..=5, 1..=6, 1..=6];
    (prop::sample::select(Kind::ALL.to_vec()), any::<u64>(), sizes, any::<bool>(), any::<bool>())
        .prop_flat_map(|(kind, seed, sizes, with_lengths, reverse)| {
            let [steps, batch, ..] = sizes;
            let lengths =
                prop::collection::vec(1..=steps, batch).prop_map(move |l| with_lengths.then_some(l));
            (Just(kind), Just(seed), Just(sizes), lengths, Just(reverse))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    // ANCHOR: fused-equals-equations
    #[test]
    fn fused_equals_equations((kind, seed, sizes, lengths, reverse) in cases()) {
        let lengths = lengths.map(|l| Lengths::new(&l));
        let fused = Span { lengths: lengths.as_ref(), reverse, equations: false };
        let equations = Span { equations: true, ..fused };
        let case = Case::<f64>::new(kind, seed, sizes);
        assert_equal(&case.run(fused), &case.run(equations), 1e-12);
        if !near_a_kink(kind, &case, fused) {
            let case = Case::<f32>::new(kind, seed, sizes);
            assert_equal(&case.run(fused), &case.run(equations), 1e-5);
        }
    }
    // ANCHOR_END: fused-equals-equations

    #[test]
    fn both_forms_show_the_same_inside((kind, seed, sizes, lengths, reverse) in cases()) {
        let lengths = lengths.map(|l| Lengths::new(&l));
        let fused = Span { lengths: lengths.as_ref(), reverse, equations: false };
        let case = Case::<f64>::new(kind, seed, sizes);
        let (a, b) = (trace(&case, fused), trace(&case, Span { equations: true, ..fused }));
        prop_assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
        prop_assert!(a.len() >= 2 * sizes[0], "a cell shows its pre-activation and its state at every step");
        for (((name, t), [value, grad]), [same_value, same_grad]) in a.iter().zip(b.values()) {
            assert_close(&format!("{name} at {t}"), value, same_value, 1e-12);
            assert_close(&format!("gradient of {name} at {t}"), grad, same_grad, 1e-12);
        }
    }

    #[test]
    fn padding_changes_nothing((kind, seed, sizes, lengths, reverse) in cases(), equations: bool) {
        let [steps, batch, input, _] = sizes;
        let lengths = lengths.unwrap_or_else(|| vec![steps; batch]);
        let packed = Lengths::new(&lengths);
        let span = Span { lengths: Some(&packed), reverse, equations };
        let mut case = Case::<f64>::new(kind, seed, sizes);
        // ANCHOR: padding
        let before = case.run(span);
        let padding = |at: usize, features: usize| at / batch / features >= lengths[at % batch];
        for at in (0..case.x.len()).filter(|&at| padding(at, input)) {
            case.x[at] = f64::NAN;
        }
        let output = case.cell.hidden();
        for at in (0..steps * output * batch).filter(|&at| padding(at, output)) {
            case.cotangent[at] = 1e9;
        }
        assert_equal(&case.run(span), &before, 0.0);
        // ANCHOR_END: padding
    }

    #[test]
    fn a_batch_gives_what_its_examples_give((kind, seed, sizes, lengths, reverse) in cases(), equations: bool) {
        let [steps, batch, input, _] = sizes;
        let lengths = lengths.unwrap_or_else(|| vec![steps; batch]);
        let packed = Lengths::new(&lengths);
        let case = Case::<f64>::new(kind, seed, sizes);
        let all = case.run(Span { lengths: Some(&packed), reverse, equations });
        let output = case.cell.hidden();
        let mut summed: Results<f64> = all.iter().map(|(name, g)| (name.clone(), vec![0.0; g.len()])).collect();
        for (j, &length) in lengths.iter().enumerate() {
            let one = case.column(kind, seed, j, length).run(Span { lengths: None, reverse, equations });
            for (((name, all), (_, one)), (_, sum)) in all.iter().zip(&one).zip(&mut summed) {
                let features = match name.as_str() {
                    "y" => output,
                    "x" => input,
                    "h_0" | "c_0" => 0,
                    _ => {
                        sum.iter_mut().zip(one).for_each(|(sum, g)| *sum += g);
                        continue;
                    }
                };
                let all = column(all, batch, j);
                let (valid, rest) = all.split_at(length * features);
                let (padding, finals) = rest.split_at((steps - length) * features);
                assert_close(name, &[valid, finals].concat(), one, 1e-12);
                prop_assert!(padding.iter().all(|&p| p == 0.0), "{name} past its end: {padding:?}");
            }
        }
        let weights = |r: &Results<f64>| r.iter().filter(|(name, _)| name.starts_with("rnn")).cloned().collect();
        assert_equal(&weights(&all), &weights(&summed), 1e-12);
    }
}

// ANCHOR: differences
#[test]
fn differences_agree_with_both_forms() {
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        for (equations, reverse, lengths) in [
            (false, false, None),
            (true, false, None),
            (false, true, None),
            (true, true, None),
            (false, false, Some([4, 1, 3])),
            (false, true, Some([4, 1, 3])),
            (true, true, Some([2, 4, 3])),
        ] {
            let lengths = lengths.map(|l| Lengths::new(&l));
            let span = Span { lengths: lengths.as_ref(), reverse, equations };
            let case = Case::<f64>::new(kind, 11 + number as u64, [4, 3, 2, 5]);
            let state = case.cell.hidden();
            let mut check = Check::new(3).input("x", 8, 3, &case.x).input("h_0", state, 3, &case.h);
            if case.cell.has_cell_state() {
                check = check.input("c_0", state, 3, &case.c);
            }
            let report =
                check.run(|tape, v| case.record(tape, v[0], State { h: v[1], c: v.get(2).copied() }, span));
            report.assert_passed();
            parameters_agree(&case, span);
        }
    }
}
// ANCHOR_END: differences

/// The same for the parameters, which the check puts on the tape in their order.
fn parameters_agree(case: &Case<f64>, span: Span<'_>) {
    let mut check = Check::new(5);
    for p in case.params.iter() {
        check = check.input(p.name.clone(), p.rows, p.cols, &p.value);
    }
    let report = check.run(|tape, _| {
        let p = case.params.bound_at(tape, 0);
        let x = tape.constant(case.steps * case.cell.input(), case.batch, &case.x);
        let h = tape.constant(case.cell.hidden(), case.batch, &case.h);
        let c = case.cell.has_cell_state().then(|| tape.constant(case.cell.hidden(), case.batch, &case.c));
        let (y, end) = unroll(&*case.cell, p, x, State { h, c }, span);
        tape.concat_rows(&[y, end.h, end.c.unwrap_or(end.h)])
    });
    report.assert_passed();
}

/// Longer than one product of the weights' gradients takes; so wide that a step is taken alone, with steps
/// behind it that are not; so wide that the threads share the columns; and weights whose gradients are made by one
/// product or by several: see `sequence::sums` and `sequence::columns`.
#[test]
fn many_columns_at_once() {
    let sizes = [[40, 45, 3, 2], [4, 140, 3, 2], [3, 137, 16, 32]];
    for ((number, kind), sizes) in
        Kind::ALL.into_iter().enumerate().flat_map(|kind| sizes.map(|sizes| (kind, sizes)))
    {
        let [steps, batch, ..] = sizes;
        let uneven: Vec<usize> = (1..=batch).map(|k| 1 + k * 29 % steps).collect();
        for lengths in [None, Some(Lengths::new(&uneven))] {
            let case = || {
                let mut case = Case::<f64>::new(kind, number as u64, sizes);
                // Small weights, so that 40 steps of relu do not explode.
                case.params.iter_mut().for_each(|p| p.value.iter_mut().for_each(|w| *w *= 0.3));
                case
            };
            let fused = Span { lengths: lengths.as_ref(), reverse: number % 2 == 0, equations: false };
            let equations = Span { equations: true, ..fused };
            let (want, want_shown) = (case().run(equations), trace(&case(), equations));
            for threads in [1, 2] {
                let both = || (case().run(fused), trace(&case(), fused));
                let (have, shown) = with_threads(threads, both).expect("so few threads are there");
                assert_equal(&have, &want, 1e-12);
                for ((name, t), [value, grad]) in &want_shown {
                    let [same_value, same_grad] = &shown[&(name.clone(), *t)];
                    assert_close(&format!("{name} at {t}"), same_value, value, 1e-12);
                    assert_close(&format!("gradient of {name} at {t}"), same_grad, grad, 1e-12);
                }
            }
        }
    }
}

#[test]
fn nothing_is_allocated_from_the_second_step_on() {
    for kind in Kind::ALL {
        for (equations, reverse, with_lengths) in (0..8).map(|k| (k & 1 > 0, k & 2 > 0, k & 4 > 0)) {
            let mut case = Case::<f32>::new(kind, 1, [6, 5, 3, 4]);
            let (mut tape, mut lengths, mut each) = (Tape::new(), Lengths::default(), [3, 6, 1, 6, 2]);
            for number in 0..4 {
                each.rotate_left(1);
                let used = measure(|| {
                    lengths.set(&each);
                    tape.reset();
                    let (x, start) = case.leaves(&tape);
                    let p = case.params.bind(&tape);
                    let lengths = with_lengths.then_some(&lengths);
                    let (y, _) = unroll(&*case.cell, p, x, start, Span { lengths, reverse, equations });
                    y.square().sum().backward();
                    case.params.add_grads(p);
                });
                let made = used.count_total;
                let form = if equations { "equations" } else { "fused" };
                assert!(
                    number == 0 || made == 0,
                    "{kind}, {form}, reverse {reverse}: step {number} made {made}"
                );
            }
        }
    }
}

#[test]
fn numbers_of_parameters() {
    // I = 3, H = 5, O = 6 for Jordan.
    let counts = [45, 45, 5 * 3 + 2 * 5 * 6 + 5 + 6, 135, 180, 195, 140, 135];
    for (kind, count) in Kind::ALL.into_iter().zip(counts) {
        assert_eq!(Case::<f32>::new(kind, 1, [1, 1, 3, 5]).params.count(), count, "{kind}");
    }
}

#[test]
fn forget_gates_start_where_they_are_told() {
    for kind in [Kind::Lstm, Kind::Peephole] {
        let mut params = Params::<f64>::new();
        let config = CellConfig { forget_bias: Some(2.5), ..CellConfig::new(3, 4) };
        config.build(kind, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
        let bias = &params.get(params.find("rnn.bias_l0").unwrap()).value;
        for (at, &b) in bias.iter().enumerate() {
            assert_eq!(b == 2.5, (4..8).contains(&at), "{kind}: entry {at} is {b}");
        }
    }
}
