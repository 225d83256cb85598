//! Segments that run again give the bits of segments that are kept, in less memory.

use allocation_counter::measure;
use autograd::check::{Check, Random};
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Kind, Lengths, State};
use models::layers::{Checkpointed, Recomputation, Span, unroll};
use models::params::{Bound, Params};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::ops::Range;
use std::rc::Rc;

const I: usize = 3;
const H: usize = 5;
const B: usize = 4;

/// A cell behind another parameter, and a batch for it.
struct Case {
    cell: Rc<dyn Cell<f64>>,
    params: Params<f64>,
    numbers: Range<usize>,
    steps: usize,
    x: Vec<f64>,
    state: Vec<f64>,
    cotangent: Vec<f64>,
}

impl Case {
    fn new(kind: Kind, steps: usize) -> Self {
        let mut random = Random::new(5);
        let mut params = Params::new();
        params.add("another", 2, 1, vec![1.0, 2.0]);
        let config = CellConfig { output: Some(H + 1), ..CellConfig::new(I, H) };
        let cell = config.build(kind, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
        let numbers = 1..params.iter().len();
        params.add("one_more", 1, 1, vec![3.0]);
        let state = cell.hidden() * B;
        let (x, cotangent) = (random.normals(steps * I * B), random.normals((steps + 2) * state));
        Self { cell: cell.into(), params, numbers, steps, x, state: random.normals(state), cotangent }
    }

    fn checkpointed(&self, every: usize, equations: bool) -> Checkpointed<f64> {
        let cell = Checkpointed::new(self.cell.clone(), self.numbers.clone(), every);
        if equations { cell.in_equations() } else { cell }
    }

    fn start<'t>(&self, tape: &'t Tape<f64>) -> State<'t, f64> {
        let leaf = || tape.leaf(self.cell.hidden(), B, &self.state);
        State { h: leaf(), c: self.cell.has_cell_state().then(leaf) }
    }

    /// The outputs, and every gradient: of x, the initial state and the parameters.
    fn run(
        &self,
        layer: impl for<'t> Fn(Bound<'t, f64>, Var<'t, f64>, State<'t, f64>) -> (Var<'t, f64>, State<'t, f64>),
    ) -> Vec<Vec<f64>> {
        let tape = Tape::new();
        let (x, start) = (tape.leaf(self.steps * I, B, &self.x), self.start(&tape));
        let p = self.params.bind(&tape);
        let (y, end) = layer(p, x, start);
        // Both used once more: their gradients are not those of the layer alone.
        let all = tape.concat_rows(&[y, end.h, end.c.unwrap_or(end.h)]);
        let loss = tape.leaf(1, all.rows() * B, &self.cotangent);
        let weighted = all * tape.constant(all.rows(), B, &loss.value());
        (weighted.sum() + x.square().sum() + start.h.square().sum()).backward();
        let mut all = vec![all.value(), x.grad(), start.h.grad()];
        all.extend(start.c.map(|c| c.grad()));
        all.extend((0..self.params.iter().len()).map(|k| tape.var(p_first(start) + k).grad()));
        all
    }
}

/// The parameters follow the initial state.
fn p_first(start: State<'_, f64>) -> usize {
    start.c.unwrap_or(start.h).index() + 1
}

/// The same segments one after the other on the tape, all kept.
fn kept<'t>(
    cell: &dyn Cell<f64>,
    p: Bound<'t, f64>,
    x: Var<'t, f64>,
    mut state: State<'t, f64>,
    every: usize,
    span: Span<'_>,
) -> (Var<'t, f64>, State<'t, f64>) {
    let (tape, steps) = (x.tape(), x.rows() / I);
    let mut parts = Vec::new();
    let mut starts: Vec<usize> = (0..steps).step_by(every).collect();
    if span.reverse {
        starts.reverse();
    }
    for first in starts {
        let end = steps.min(first + every);
        let mut x = x.row_block(first * I..end * I);
        let before = state;
        let have: Option<Vec<usize>> =
            span.lengths.map(|lengths| (0..B).map(|b| lengths.of(b).clamp(first, end) - first).collect());
        let Some(have) = have else {
            let (y, after) = unroll(cell, p, x, state, span);
            parts.push(y);
            state = after;
            continue;
        };
        let there = || have.iter().map(|&n| n > 0);
        x = tape.select(there(), x, tape.zeros(x.rows(), B));
        let lengths = Lengths::new(&have.iter().map(|&n| n.max(1)).collect::<Vec<_>>());
        let (y, after) = unroll(cell, p, x, state, Span { lengths: Some(&lengths), ..span });
        parts.push(tape.select(there(), y, tape.zeros(y.rows(), B)));
        let c = after.c.zip(before.c).map(|(c, before)| tape.select(there(), c, before));
        state = State { h: tape.select(there(), after.h, before.h), c };
    }
    if span.reverse {
        parts.reverse();
    }
    (tape.concat_rows(&parts), state)
}

fn assert_close(a: &[Vec<f64>], b: &[Vec<f64>], what: &str) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        let scale = b.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        let apart = a.iter().zip(b).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
        assert!(apart <= 1e-12 * scale, "{what}: {apart:e} apart, scale {scale}");
    }
}

#[test]
fn the_same_bits_as_segments_that_are_kept() {
    let lengths = Lengths::new(&[7, 1, 4, 6]);
    for kind in Kind::ALL {
        let case = Case::new(kind, 7);
        for (equations, reverse, with_lengths) in (0..8).map(|k| (k & 1 > 0, k & 2 > 0, k & 4 > 0)) {
            let lengths = with_lengths.then_some(&lengths);
            let span = Span { equations, reverse, lengths };
            let whole = case.run(|p, x, start| unroll(&*case.cell, p, x, start, span));
            for every in [1, 2, 3, 7, 9] {
                let what = format!("{kind}, segments of {every}, {span:?}");
                let cell = case.checkpointed(every, equations);
                let again =
                    case.run(|p, x, start| unroll(&cell, p, x, start, Span { equations: false, ..span }));
                let kept = case.run(|p, x, start| kept(&*case.cell, p, x, start, every, span));
                assert!(again == kept, "{what}: other bits");
                assert_close(&again, &whole, &what);
            }
        }
    }
}

/// A weight gradient of the fused form is a sum of several products where many columns meet.
#[test]
fn the_same_bits_where_sums_are_long() {
    let case = Case::new(Kind::Lstm, 600);
    let cell = case.checkpointed(290, false);
    let again = case.run(|p, x, start| unroll(&cell, p, x, start, Span::default()));
    let kept = case.run(|p, x, start| kept(&*case.cell, p, x, start, 290, Span::default()));
    assert!(again == kept);
}

#[test]
fn padding_changes_nothing() {
    let lengths = Lengths::new(&[7, 1, 4, 6]);
    for (kind, reverse) in [(Kind::Gru, false), (Kind::Peephole, true)] {
        let span = Span { lengths: Some(&lengths), reverse, equations: false };
        let mut case = Case::new(kind, 7);
        let cell = case.checkpointed(3, false);
        let layer = |case: &Case| {
            let tape = Tape::new();
            let (x, p) = (tape.constant(7 * I, B, &case.x), case.params.bind(&tape));
            let (y, end) = unroll(&cell, p, x, case.start(&tape), span);
            (y.square().sum() + end.h.square().sum()).backward();
            let grads: Vec<_> = case.numbers.clone().map(|k| tape.var(1 + k).grad()).collect();
            (y.value(), end.h.value(), grads)
        };
        let before = layer(&case);
        for (at, x) in case.x.iter_mut().enumerate() {
            if at / B / I >= lengths.of(at % B) {
                *x = f64::NAN;
            }
        }
        assert!(layer(&case) == before, "{kind}");
    }
}

#[test]
fn differences_agree() {
    let case = Case::new(Kind::Lstm, 7);
    let cell = case.checkpointed(3, false);
    let hidden = cell.hidden();
    let check = Check::new(4).input("x", 7 * I, B, &case.x).input("h_0", hidden, B, &case.state);
    let report = check.input("c_0", hidden, B, &case.state).run(|tape, v| {
        let p = case.params.bind_constant(tape);
        let (kept, end) =
            cell.reduce(p, v[0], State { h: v[1], c: Some(v[2]) }, Span::default(), 1, |y, times| {
                (y * (1.0 + times.start as f64)).tanh().sum_rows()
            });
        tape.concat_rows(&[kept.concat_rows(), end.h, end.cell_state()])
    });
    report.assert_passed();
}

/// The two inputs have one gradient: their contributions must not overwrite each other.
#[test]
fn an_input_given_twice() {
    let (tape, memory) = (Tape::<f64>::new(), Recomputation::new());
    let x = tape.leaf(3, 1, &[1.0, 2.0, 5.0]);
    let mut inputs = tape.list();
    [x, x, x.row_block(0..1)].into_iter().for_each(|v| inputs.push(v));
    let y = memory.run(&inputs, &[], (1, 1), |v, _| (v.get(0) * v.get(1)).sum() * v.get(2));
    (y + x.sum()).backward();
    // y = (x₀² + x₁² + x₂²) x₀
    assert_eq!(x.grad(), [2.0 + 30.0 + 1.0, 4.0 + 1.0, 10.0 + 1.0]);
}

#[test]
#[should_panic(expected = "it made (1, 1) and not the promised (2, 1)")]
fn a_promised_shape_is_kept() {
    let (tape, memory) = (Tape::<f64>::new(), Recomputation::new());
    let mut inputs = tape.list();
    inputs.push(tape.leaf(1, 1, &[1.0]));
    memory.run(&inputs, &[], (2, 1), |v, _| v.get(0).tanh());
}

/// One training step with the loss Σ y², summed segment by segment; the bytes of both tapes after it.
fn bytes(steps: usize, every: Option<usize>) -> usize {
    let case = Case::new(Kind::Lstm, steps);
    let (tape, cell) = (Tape::new(), case.checkpointed(every.unwrap_or(steps), false));
    let (p, x) = (case.params.bind(&tape), tape.constant(steps * I, B, &case.x));
    let start = cell.zero_state(&tape, B);
    if every.is_some() {
        let (losses, _) = cell.reduce(p, x, start, Span::default(), 1, |y, _| y.square().sum_rows());
        losses.concat_rows().sum().backward();
    } else {
        unroll(&*case.cell, p, x, start, Span::default()).0.square().sum().backward();
    }
    tape.bytes() + cell.bytes() - steps * I * B * size_of::<f64>()
}

#[test]
fn memory_grows_with_the_root_of_the_length() {
    let kept = [400, 1600].map(|steps| bytes(steps, None));
    let again = [(400, 20), (1600, 40)].map(|(steps, every)| bytes(steps, Some(every)));
    assert!(kept[1] > 3 * kept[0], "{kept:?} hardly grows");
    assert!(again[1] < 5 * again[0] / 2, "{again:?} is more than the root");
    assert!(10 * again[1] < kept[1], "{again:?} against {kept:?}");
}

/// One of the 20 segments at a time: more than the gates of 20 LSTM steps, less than those of all 400.
#[test]
fn segments_run_in_memory_of_their_own() {
    let case = Case::new(Kind::Lstm, 400);
    let (tape, cell) = (Tape::new(), case.checkpointed(20, false));
    let (p, x) = (case.params.bind(&tape), tape.constant(400 * I, B, &case.x));
    let (losses, _) = cell.reduce(p, x, cell.zero_state(&tape, B), Span::default(), 1, |y, _| y.sum_rows());
    losses.concat_rows().sum().backward();
    let (gates, all) = (20 * 4 * H * B, 400 * 4 * H * B);
    let numbers = cell.bytes() / size_of::<f64>();
    assert!((gates..all).contains(&numbers), "{numbers} numbers, {gates} of them gates");
}

#[test]
fn a_checkpointed_cell_is_like_the_cell() {
    for kind in Kind::ALL {
        let case = Case::new(kind, 3);
        let sizes = |cell: &dyn Cell<f64>| (cell.input(), cell.hidden(), cell.has_cell_state());
        assert_eq!(sizes(&case.checkpointed(2, false)), sizes(&*case.cell));
    }
}

/// Side by side in one matrix, and yet apart.
#[test]
fn inputs_that_lie_side_by_side() {
    let (tape, memory) = (Tape::<f64>::new(), Recomputation::new());
    let x = tape.leaf(2, 1, &[2.0, 5.0]);
    let mut inputs = tape.list();
    [x.row_block(0..1), x.row_block(1..2)].into_iter().for_each(|v| inputs.push(v));
    let y = memory.run(&inputs, &[], (1, 1), |v, _| v.get(0) * v.get(1));
    (y + x.sum()).backward();
    assert_eq!(x.grad(), [6.0, 3.0]);
}

#[test]
fn nothing_is_allocated_from_the_second_step_on() {
    let mut lengths = Lengths::default();
    for kind in Kind::ALL {
        for (equations, with_lengths) in (0..4).map(|k| (k & 1 > 0, k & 2 > 0)) {
            let mut case = Case::new(kind, 7);
            let (mut tape, cell) = (Tape::new(), case.checkpointed(3, equations));
            for number in 0..4 {
                let used = measure(|| {
                    lengths.set(&[7, 1, 4, 6]);
                    tape.reset();
                    let x = tape.leaf(7 * I, B, &case.x);
                    let (start, p) = (case.start(&tape), case.params.bind(&tape));
                    let span = Span { lengths: with_lengths.then_some(&lengths), ..Span::default() };
                    unroll(&cell, p, x, start, span).0.square().sum().backward();
                    case.params.add_grads(p);
                });
                let made = used.count_total;
                assert!(number == 0 || made == 0, "{kind}: step {number} made {made} allocations");
            }
        }
    }
}
