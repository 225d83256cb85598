//! Long sequences in little memory.

use super::{Recomputation, Span, unroll};
use crate::cells::{Cell, Lengths, State};
use crate::params::Bound;
use autograd::{Float, Var, VarList};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// A cell that keeps of a long sequence the states between its segments, and of the segments their
/// outputs. What is inside a segment, its gates, is computed again in the backward pass.
///
/// T steps in segments of K take memory for T/K states and for the inside of one segment of K steps: least
/// at K = √T, and then 2√T steps' worth in place of T. The forward pass runs twice, so that a training step takes
/// about a third longer. Where the outputs themselves are too many, [`Checkpointed::reduce`] keeps only what
/// is made of them.
///
/// Its gradients are, bit for bit, those of the same segments one after the other on the tape. A cell that
/// is fused over all T steps sums the weights' gradients in another order, and differs by rounding.
///
/// Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost" (2016); for recurrent
/// networks: Gruslys et al., "Memory-efficient backpropagation through time" (2016).
pub struct Checkpointed<T: Float> {
    cell: Rc<dyn Cell<T>>,
    /// The numbers of the cell's parameters.
    params: Range<usize>,
    every: usize,
    equations: bool,
    memory: Recomputation<T>,
    /// The lengths of a segment, in the form that the cell takes; and in the form that the tape does.
    lengths: Rc<RefCell<Lengths>>,
    listed: RefCell<Vec<usize>>,
}

impl<T: Float> Checkpointed<T> {
    /// The cell whose parameters have these numbers, in segments of `every` steps.
    ///
    /// # Panics
    /// If `every` is 0.
    ///
    /// ```
    /// use models::cells::{CellConfig, Kind};
    /// use models::layers::{Checkpointed, Span, unroll};
    /// use models::params::Params;
    /// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    ///
    /// let (mut params, mut rng) = (Params::<f64>::new(), ChaCha8Rng::seed_from_u64(1));
    /// let cell = CellConfig::new(2, 3).build(Kind::Gru, &mut params, "rnn", "l0", &mut rng);
    /// let cell = Checkpointed::new(cell, 0..params.iter().len(), 10);
    ///
    /// let tape = autograd::Tape::new();
    /// let (p, x) = (params.bind(&tape), tape.zeros(100 * 2, 1));
    /// let start = tape.zeros(3, 1);
    /// let (y, _) = unroll(&cell, p, x, models::cells::State { h: start, c: None }, Span::default());
    /// assert_eq!(y.shape(), (100 * 3, 1));
    /// ```
    #[track_caller]
    pub fn new(cell: impl Into<Rc<dyn Cell<T>>>, params: Range<usize>, every: usize) -> Self {
        assert!(every > 0, "checkpointed: segments of 0 steps");
        let (cell, memory) = (cell.into(), Recomputation::new());
        let (lengths, listed) = Default::default();
        Self { cell, params, every, equations: false, memory, lengths, listed }
    }

    /// The same, but the segments run in the cell's equations and not in the fused derivation.
    pub fn in_equations(self) -> Self {
        Self { equations: true, ..self }
    }

    /// Bytes of the memory that the segments run in.
    pub fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// Runs the sequence and keeps of each segment's outputs, (K·H)×B, what `keep` makes of them and of their time
    /// steps: `rows` × B numbers, the loss of every example for one. In the order of time, and the final state.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn reduce<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        start: State<'t, T>,
        span: Span<'_>,
        rows: usize,
        keep: impl for<'a> Fn(Var<'a, T>, Range<usize>) -> Var<'a, T> + Clone + 'static,
    ) -> (VarList<'t, T>, State<'t, T>) {
        self.segments(p, x, start, span, |_| rows, keep)
    }

    #[track_caller]
    fn segments<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        mut state: State<'t, T>,
        span: Span<'_>,
        rows: impl Fn(usize) -> usize,
        keep: impl for<'a> Fn(Var<'a, T>, Range<usize>) -> Var<'a, T> + Clone + 'static,
    ) -> (VarList<'t, T>, State<'t, T>) {
        let (input, mut kept) = (self.cell.input(), x.tape().list());
        let steps = x.rows() / input;
        let count = steps.div_ceil(self.every);
        for s in 0..count {
            let first = self.every * if span.reverse { count - 1 - s } else { s };
            let times = first..steps.min(first + self.every);
            let x = x.row_block(times.start * input..times.end * input);
            let (part, after) = self.segment(p, x, state, span, times.clone(), rows(times.len()), &keep);
            kept.push(part);
            state = after;
        }
        if span.reverse {
            kept.reverse();
        }
        (kept, state)
    }

    /// One segment as one operation: what is kept of it, and under it the state after it.
    #[allow(clippy::too_many_arguments)]
    fn segment<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        span: Span<'_>,
        times: Range<usize>,
        rows: usize,
        keep: &(impl for<'a> Fn(Var<'a, T>, Range<usize>) -> Var<'a, T> + Clone + 'static),
    ) -> (Var<'t, T>, State<'t, T>) {
        let mut inputs = x.tape().list();
        inputs.push(x);
        inputs.push(state.h);
        state.c.into_iter().for_each(|c| inputs.push(c));
        self.params.clone().for_each(|number| inputs.push(p.number(number)));
        let listed = &mut *self.listed.borrow_mut();
        list_lengths(listed, span.lengths, times.clone());

        let segment = Segment {
            cell: self.cell.clone(),
            first_parameter: self.params.start,
            reverse: span.reverse,
            equations: self.equations,
            lengths: self.lengths.clone(),
        };
        let (hidden, cells, keep) = (self.cell.hidden(), usize::from(state.c.is_some()), keep.clone());
        let shape = (rows + hidden * (1 + cells), x.cols());
        let all = self.memory.run(&inputs, listed, shape, move |inputs, listed| {
            let (y, end) = segment.run(inputs, listed);
            let mut all = y.tape().list();
            all.push(keep(y, times.clone()));
            all.push(end.h);
            end.c.into_iter().for_each(|c| all.push(c));
            all.concat_rows()
        });
        let c = state.c.map(|_| all.row_block(rows + hidden..rows + 2 * hidden));
        (all.row_block(0..rows), State { h: all.row_block(rows..rows + hidden), c })
    }
}

impl<T: Float> Cell<T> for Checkpointed<T> {
    fn input(&self) -> usize {
        self.cell.input()
    }

    fn hidden(&self) -> usize {
        self.cell.hidden()
    }

    fn has_cell_state(&self) -> bool {
        self.cell.has_cell_state()
    }

    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        self.cell.step(p, x, state)
    }

    fn step_seeing<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        seen: Var<'t, T>,
    ) -> State<'t, T> {
        self.cell.step_seeing(p, x, state, seen)
    }

    fn sequence<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        lengths: Option<&Lengths>,
        reverse: bool,
    ) -> Option<(Var<'t, T>, State<'t, T>)> {
        let (span, hidden) = (Span { lengths, reverse, equations: false }, self.cell.hidden());
        let (outputs, end) = self.segments(p, x, state, span, |steps| steps * hidden, |y, _| y);
        Some((outputs.concat_rows(), end))
    }
}

/// What a segment needs to run again.
struct Segment<T: Float> {
    cell: Rc<dyn Cell<T>>,
    first_parameter: usize,
    reverse: bool,
    equations: bool,
    lengths: Rc<RefCell<Lengths>>,
}

impl<T: Float> Segment<T> {
    /// The segment's outputs and the state after it, from `x`, the state before it and the cell's parameters.
    fn run<'a>(&self, inputs: &VarList<'a, T>, listed: &[usize]) -> (Var<'a, T>, State<'a, T>) {
        let (x, h) = (inputs.get(0), inputs.get(1));
        let c = self.cell.has_cell_state().then(|| inputs.get(2));
        let (tape, before) = (x.tape(), State { h, c });
        let first = c.unwrap_or(h).index() + 1;
        let p = Bound::part(tape, first, self.first_parameter);
        let mut span = Span { lengths: None, reverse: self.reverse, equations: self.equations };
        if listed.is_empty() {
            return unroll(&*self.cell, p, x, before, span);
        }

        let (lengths, there) = listed.split_at(x.cols());
        let there = || there.iter().map(|&there| there == 1);
        let only_there = |x: Var<'a, T>| tape.select(there(), x, tape.zeros(x.rows(), x.cols()));
        self.lengths.borrow_mut().set(lengths);
        let lengths = self.lengths.borrow();
        span.lengths = Some(&lengths);
        let (y, end) = unroll(&*self.cell, p, only_there(x), before, span);
        let h = tape.select(there(), end.h, before.h);
        let c = end.c.zip(before.c).map(|(c, before)| tape.select(there(), c, before));
        (only_there(y), State { h, c })
    }
}

/// How many of a segment's steps every example has, at least one; and then, for every example, 1 if it
/// has any. One that has none runs a step all the same, and is left as it was.
fn list_lengths(listed: &mut Vec<usize>, lengths: Option<&Lengths>, times: Range<usize>) {
    listed.clear();
    let Some(lengths) = lengths else { return };
    let have = |column| lengths.of(column).clamp(times.start, times.end) - times.start;
    listed.extend((0..lengths.batch()).map(|column| have(column).max(1)));
    listed.extend((0..lengths.batch()).map(|column| have(column).min(1)));
}
