//! Three judges for every cell: its fused derivation, the tape on its equations, and differences.

use allocation_counter::measure;
use autograd::check::{Check, Random};
use autograd::{Float, Tape, Var};
use models::cells::sequence::Derivation;
use models::cells::{Cell, CellConfig, Kind, Lengths, State};
use models::cells::{Elman, Gru, GruResetBefore, Jordan, Lstm, Lstm1997, Peephole};
use models::layers::{Span, unroll};
use models::params::Params;
use models::threads::with_threads;
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Longer than one product of the weights' gradients takes; so wide that a step has a product alone, with steps
/// behind it that have not; so wide that the threads share the columns; and more right factors than one panel
/// takes: see `sequence::sums`, `sequence::columns` and `sequence::rights`.
#[test]
fn many_columns_at_once() {
    let sizes = [[40, 45, 3, 2], [4, 140, 3, 2], [3, 137, 16, 32], [3, 33, 40, 50]];
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

/// The products of large weights wait for 512 columns, or for the columns of 128 steps.
#[test]
fn many_columns_of_large_weights() {
    for sizes in [[20, 40, 9, 180], [131, 2, 9, 180]] {
        let [steps, batch, ..] = sizes;
        let uneven: Vec<usize> = (0..batch).map(|k| steps - k * 29 % steps).collect();
        for lengths in [None, Some(Lengths::new(&uneven))] {
            let case = || Case::<f64>::new(Kind::Lstm, 5, sizes);
            let fused = Span { lengths: lengths.as_ref(), reverse: false, equations: false };
            let want = case().run(Span { equations: true, ..fused });
            assert_equal(&case().run(fused), &want, 1e-11);
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

/// What a message calls the operation, and which rows of which inputs are packed for its products: a
/// weight left out would only cost time, which no other test sees.
#[test]
fn derivations_say_their_names_and_factors() {
    fn said(cell: impl Derivation<f64>) -> (&'static str, Vec<(usize, Range<usize>)>) {
        let mut factors = vec![];
        cell.factors(&mut |weight, rows| factors.push((weight, rows)));
        (cell.name(), factors)
    }
    let (mut params, mut rng) = (Params::<f64>::new(), ChaCha8Rng::seed_from_u64(1));
    let config = CellConfig { output: Some(7), ..CellConfig::new(2, 5) };
    let (p, rng) = (&mut params, &mut rng);

    let elman = Elman::new(config, p, "a", "l0", rng);
    assert_eq!(said(elman), ("elman_sequence", vec![(1, 0..5), (2, 0..5)]));
    assert_eq!(said(elman.with_relu()).0, "elman_relu_sequence");
    let jordan = Jordan::new(config, p, "b", "l0", rng);
    assert_eq!(said(jordan), ("jordan_sequence", vec![(1, 0..5), (2, 0..5), (4, 0..7)]));
    let lstm = Lstm::new(config, p, "c", "l0", rng);
    assert_eq!(said(lstm), ("lstm_sequence", vec![(1, 0..20), (2, 0..20)]));
    let no_forget = Lstm1997::new(config, p, "d", "l0", rng);
    assert_eq!(said(no_forget), ("lstm_no_forget_sequence", vec![(1, 0..15), (2, 0..15)]));
    let peephole = Peephole::new(config, p, "e", "l0", rng);
    assert_eq!(said(peephole), ("peephole_sequence", vec![(1, 0..20), (2, 0..20)]));
    let gru = Gru::new(config, p, "f", "l0", rng);
    let factors = vec![(1, 0..10), (1, 10..15), (2, 0..10), (2, 10..15), (2, 0..15)];
    assert_eq!(said(gru), ("gru_sequence", factors));
    let reset_before = GruResetBefore::new(config, p, "g", "l0", rng);
    let factors = vec![(1, 0..15), (2, 0..10), (2, 10..15)];
    assert_eq!(said(reset_before), ("gru_reset_before_sequence", factors));
}

#[test]
fn kinds_are_read_as_they_are_written() {
    for kind in Kind::ALL {
        assert_eq!(kind.to_string().parse::<Kind>().ok(), Some(kind));
    }
    let unknown = "elmann".parse::<Kind>().unwrap_err().to_string();
    assert!(unknown.contains("elmann") && unknown.contains("gru-reset-before"), "{unknown}");
}

/// A state of zeros has the cell's size, and a cell state where the cell has one.
#[test]
fn states_of_zeros() {
    for kind in Kind::ALL {
        let (case, tape) = (Case::<f64>::new(kind, 1, [3, 2, 4, 5]), Tape::new());
        let State { h, c } = case.cell.zero_state(&tape, 3);
        assert_eq!((h.shape(), h.value()), ((case.cell.hidden(), 3), vec![0.0; case.cell.hidden() * 3]));
        let is_lstm = matches!(kind, Kind::LstmNoForget | Kind::Lstm | Kind::Peephole);
        assert_eq!(c.map(|c| c.shape()), is_lstm.then_some((case.cell.hidden(), 3)));
    }
}

/// Without one a cell falls back on its equations: the same numbers, many times slower.
#[test]
fn every_cell_has_a_derivation() {
    for kind in Kind::ALL {
        let (case, tape) = (Case::<f64>::new(kind, 1, [3, 2, 4, 5]), Tape::new());
        let (x, start) = case.leaves(&tape);
        assert!(case.cell.sequence(case.params.bind(&tape), x, start, None, false).is_some(), "{kind}");
    }
}

#[test]
fn lengths_of_a_batch() {
    let lengths = Lengths::new(&[2, 5, 3]);
    assert_eq!((lengths.batch(), lengths.longest(), lengths.total(), lengths.of(2)), (3, 5, 10, 3));
    assert_eq!((Lengths::default().longest(), Lengths::default().total()), (0, 0));
}

/// Lengths of 1 to T, one for each example: here of 1 to 3, for two.
#[test]
fn lengths_must_fit_the_batch() {
    let case = Case::<f64>::new(Kind::Elman, 1, [3, 2, 4, 5]);
    let run = |lengths: &[usize]| {
        let lengths = Lengths::new(lengths);
        case.run(Span { lengths: Some(&lengths), ..Span::default() });
    };
    run(&[1, 3]);
    for wrong in [&[0, 3][..], &[1, 4], &[1, 3, 2], &[2]] {
        let panic = catch_unwind(AssertUnwindSafe(|| run(wrong))).expect_err("it should panic");
        let message = panic.downcast_ref::<String>().expect("a message with numbers in it");
        assert!(message.starts_with("lengths: "), "{wrong:?}: {message}");
    }
}

/// A cotangent smaller than [`Float::FADED`] is 0, one as large or NaN stays. In a Jordan network of one
/// unit and one step the output's is the gradient of its bias.
#[test]
fn faded_cotangents_are_zero() {
    let mut case = Case::<f64>::new(Kind::Jordan, 1, [1, 1, 1, 1]);
    case.cotangent.fill(0.0);
    let mut bias = |cotangent| {
        case.cotangent[0] = cotangent;
        let results = case.run(Span::default());
        results.iter().find(|(name, _)| name == "rnn.bias_y_l0").expect("Jordan's output has a bias").1[0]
    };
    for stays in [f64::FADED, -f64::FADED, 1.0] {
        assert_eq!(bias(stays), stays);
        assert_eq!(bias(0.99 * stays.signum() * f64::FADED), 0.0);
    }
    assert!(bias(f64::NAN).is_nan());
}

/// Products that see another state than the one before: in most cells that is all there is to see. A GRU
/// carries the state itself past its products too.
#[test]
fn steps_may_see_another_state() {
    for kind in Kind::ALL {
        let (case, tape) = (Case::<f64>::new(kind, 1, [1, 2, 4, 5]), Tape::new());
        let ((x, state), p) = (case.leaves(&tape), case.params.bind(&tape));
        let seen = state.h * 0.5;
        let step = |h| case.cell.step(p, x, State { h, ..state }).h.value();
        let value = case.cell.step_seeing(p, x, state, seen).h.value();
        assert_ne!(value, step(state.h), "{kind}");
        let carries = matches!(kind, Kind::Gru | Kind::GruResetBefore);
        assert_eq!(value != step(seen), carries, "{kind}");
    }
}

/// What does not fit is named, with the shape that it should have.
#[test]
fn sequences_must_fit_the_cell() {
    let case = Case::<f64>::new(Kind::Lstm, 1, [3, 2, 4, 5]);
    let message = |rows: usize, h: usize, c: usize| {
        let run = || {
            let tape = Tape::new();
            let zeros = |rows| tape.zeros(rows, 2);
            let state = State { h: zeros(h), c: Some(zeros(c)) };
            case.cell.sequence(case.params.bind(&tape), zeros(rows), state, None, false).is_some()
        };
        let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("it should panic");
        panic.downcast_ref::<String>().expect("a message with numbers in it").clone()
    };
    for (rows, h, c, says) in [
        (0, 5, 5, "0 rows are not a sequence of 4 features"),
        (10, 5, 5, "10 rows are not a sequence of 4 features"),
        (12, 6, 5, "h_0 must be 5×2, it is 6×2"),
        (12, 5, 4, "c_0 must be 5×2, it is 4×2"),
    ] {
        let message = message(rows, h, c);
        assert!(message.starts_with("lstm_sequence of ") && message.contains(says), "{message}");
    }
}
