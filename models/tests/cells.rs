//! Three judges for every cell: its fused derivation, the tape on its equations, and differences.

use autograd::check::{Check, Random};
use autograd::{Float, Tape, Var};
use models::cells::{Cell, CellConfig, Kind, Lengths, State};
use models::layers::{Span, unroll};
use models::params::Params;
use proptest::prelude::*;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

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
    fn new(kind: Kind, seed: u64, steps: usize, batch: usize, input: usize, hidden: usize) -> Self {
        let mut random = Random::new(seed);
        let mut numbers = |n| random.normals(n).into_iter().map(T::from_f64).collect::<Vec<T>>();
        let mut params = Params::new();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let cell = CellConfig::new(input, hidden).build(kind, &mut params, "rnn", "l0", &mut rng);
        params.iter_mut().for_each(|p| p.value = numbers(p.value.len()));
        let (x, h, c) = (numbers(steps * input * batch), numbers(hidden * batch), numbers(hidden * batch));
        let cotangent = numbers((steps + 2) * hidden * batch);
        Self { cell, params, steps, batch, x, h, c, cotangent }
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

    /// Output, and the gradients of x, h_0, c_0 and every parameter.
    fn run(&self, span: Span<'_>) -> Vec<(String, Vec<T>)> {
        let tape = Tape::new();
        let (input, hidden) = (self.cell.input(), self.cell.hidden());
        let x = tape.leaf(self.steps * input, self.batch, &self.x);
        let h = tape.leaf(hidden, self.batch, &self.h);
        let c = self.cell.has_cell_state().then(|| tape.leaf(hidden, self.batch, &self.c));
        let first = tape.len();
        let y = self.record(&tape, x, State { h, c }, span);
        y.backward_with(&self.cotangent);
        let mut all = vec![("y".into(), y.value()), ("x".into(), x.grad()), ("h_0".into(), h.grad())];
        all.extend(c.map(|c| ("c_0".into(), c.grad())));
        all.extend(self.params.iter().enumerate().map(|(k, p)| (p.name.clone(), tape.var(first + k).grad())));
        all
    }
}

/// max|a − b| ≤ tolerance · max(1, max|b|), for every tensor.
fn assert_equal<T: Float>(a: &[(String, Vec<T>)], b: &[(String, Vec<T>)], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for ((name, a), (_, b)) in a.iter().zip(b) {
        assert_eq!(a.len(), b.len(), "{name}");
        let scale = b.iter().map(|x| x.to_f64().abs()).fold(1.0, f64::max);
        let apart = a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).abs());
        let largest = apart.fold(0.0, |m, d| if d <= m { m } else { d });
        assert!(largest <= tolerance * scale, "{name}: {largest:e} apart, scale {scale}");
    }
}

/// A kind, sizes T, B, I, H, and perhaps lengths.
fn cases() -> impl Strategy<Value = (Kind, u64, [usize; 4], Option<Vec<usize>>, bool)> {
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
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fused_equals_equations((kind, seed, [t, b, i, h], lengths, reverse) in cases()) {
        let lengths = lengths.map(|l| Lengths::new(&l));
        let span = Span { lengths: lengths.as_ref(), reverse, equations: false };
        let equations = Span { equations: true, ..span };
        let case = Case::<f64>::new(kind, seed, t, b, i, h);
        assert_equal(&case.run(span), &case.run(equations), 1e-12);
        let case = Case::<f32>::new(kind, seed, t, b, i, h);
        assert_equal(&case.run(span), &case.run(equations), 1e-5);
    }

    #[test]
    fn padding_changes_nothing((kind, seed, [t, b, i, h], lengths, reverse) in cases(), equations: bool) {
        let lengths = lengths.unwrap_or_else(|| vec![t; b]);
        let packed = Lengths::new(&lengths);
        let span = Span { lengths: Some(&packed), reverse, equations };
        let mut case = Case::<f64>::new(kind, seed, t, b, i, h);
        let before = case.run(span);
        let padding = |at: usize, features: usize| at / b / features >= lengths[at % b];
        for at in (0..case.x.len()).filter(|&at| padding(at, i)) {
            case.x[at] = f64::NAN;
        }
        for at in (0..t * h * b).filter(|&at| padding(at, h)) {
            case.cotangent[at] = 1e9;
        }
        assert_equal(&case.run(span), &before, 0.0);
    }
}

#[test]
fn differences_agree_with_both_forms() {
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        for (equations, reverse, lengths) in [
            (false, false, None),
            (true, false, None),
            (false, true, Some([4, 1, 3])),
            (true, true, Some([2, 4, 3])),
        ] {
            let lengths = lengths.map(|l| Lengths::new(&l));
            let span = Span { lengths: lengths.as_ref(), reverse, equations };
            let case = Case::<f64>::new(kind, 11 + number as u64, 4, 3, 2, 5);
            let mut check = Check::new(3).input("x", 8, 3, &case.x).input("h_0", 5, 3, &case.h);
            if case.cell.has_cell_state() {
                check = check.input("c_0", 5, 3, &case.c);
            }
            let report =
                check.run(|tape, v| case.record(tape, v[0], State { h: v[1], c: v.get(2).copied() }, span));
            report.assert_passed();
            parameters_agree(&case, span);
        }
    }
}

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
