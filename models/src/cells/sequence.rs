//! What the fused sequences of all cells share: which columns are active at which step, and the
//! products that every cell needs.
//!
//! A *fused* sequence is one operation on the tape: a cell's whole recurrence forward, and its
//! hand-derived backward pass through time. Inside, examples are sorted by length, longest first, and
//! step `s` of the recurrence works on the `n_s` examples that are longer than `s`: a *packed* block
//! of F×n_s numbers. The blocks of all steps lie one after the other, F×N numbers in all with
//! N = Σ lengths, so that a batch costs its valid steps and no more.

use autograd::ops::matmul;
use autograd::{Float, Quantity, Visit};
use faer::{Accum, MatMut, MatRef};
use std::ops::Range;

/// The lengths of a batch's examples, and the order of the columns from longest to shortest.
///
/// ```
/// use models::cells::Lengths;
/// let lengths = Lengths::new(&[2, 5, 3]);
/// assert_eq!((lengths.longest(), lengths.total()), (5, 10));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// B columns, longest first, then their B lengths.
    packed: Vec<usize>,
}

impl Lengths {
    /// The lengths of the batch's columns.
    pub fn new(lengths: &[usize]) -> Self {
        let mut new = Self::default();
        new.set(lengths);
        new
    }

    /// Replaces the lengths, in the same memory.
    pub fn set(&mut self, lengths: &[usize]) {
        self.packed.clear();
        self.packed.extend(0..lengths.len());
        // Sorting by (length, column) is stable without a buffer.
        self.packed.sort_unstable_by_key(|&column| (std::cmp::Reverse(lengths[column]), column));
        for at in 0..lengths.len() {
            self.packed.push(lengths[self.packed[at]]);
        }
    }

    /// How many examples there are: B.
    pub fn batch(&self) -> usize {
        self.packed.len() / 2
    }

    /// The largest length.
    pub fn longest(&self) -> usize {
        self.packed.get(self.batch()).copied().unwrap_or(0)
    }

    /// The sum of all lengths: how many steps of single examples a batch costs.
    pub fn total(&self) -> usize {
        self.packed[self.batch()..].iter().sum()
    }

    /// The length of a column.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn of(&self, column: usize) -> usize {
        let (order, lengths) = self.packed.split_at(self.batch());
        let place = order.iter().position(|&c| c == column).expect("lengths: no such column");
        lengths[place]
    }

    /// # Panics
    /// If these are not lengths of 1 to `steps` for `batch` columns.
    #[track_caller]
    pub(crate) fn assert_fit(&self, steps: usize, batch: usize) {
        let (shortest, longest) = (self.packed.last().copied().unwrap_or(1), self.longest());
        let fit = self.batch() == batch && shortest >= 1 && longest <= steps;
        assert!(
            fit,
            "lengths: {} lengths of {shortest} to {longest} for {steps} steps of {batch} examples",
            self.batch()
        );
    }

    /// For the tape: the columns in order, then their lengths.
    pub(crate) fn packed(&self) -> &[usize] {
        &self.packed
    }
}

/// Where the packed blocks of a sequence lie, and where their columns come from.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// Steps of the padded sequence: T.
    pub steps: usize,
    /// Examples of the batch: B.
    pub batch: usize,
    /// Whether the recurrence runs from each example's last valid step to its first.
    pub reverse: bool,
    order: &'a [usize],
    lengths: &'a [usize],
}

impl<'a> Plan<'a> {
    /// `packed` is [`Lengths::packed`], or empty where all examples fill all steps.
    pub fn new(steps: usize, batch: usize, reverse: bool, packed: &'a [usize]) -> Self {
        let (order, lengths) = packed.split_at(packed.len() / 2);
        Self { steps, batch, reverse, order, lengths }
    }

    /// Steps of the recurrence: the longest example's length.
    pub fn recurrences(&self) -> usize {
        self.lengths.first().copied().unwrap_or(if self.order.is_empty() { self.steps } else { 0 })
    }

    /// How many examples are longer than `s`: n_s.
    pub fn active(&self, s: usize) -> usize {
        match self.order.is_empty() {
            true if s < self.steps => self.batch,
            true => 0,
            false => self.lengths.partition_point(|&length| length > s),
        }
    }

    /// All valid steps of all examples: N.
    pub fn total(&self) -> usize {
        if self.order.is_empty() { self.steps * self.batch } else { self.lengths.iter().sum() }
    }

    /// The batch's column that packed column `j` is.
    pub fn column(&self, j: usize) -> usize {
        self.order.get(j).copied().unwrap_or(j)
    }

    /// The time of the padded sequence at which packed column `j` is at step `s`.
    pub fn time(&self, s: usize, j: usize) -> usize {
        let length = self.lengths.get(j).copied().unwrap_or(self.steps);
        if self.reverse { length - 1 - s } else { s }
    }

    /// The step at which packed column `j` is at time `t`, if its example is that long.
    pub fn step(&self, t: usize, j: usize) -> Option<usize> {
        let length = self.lengths.get(j).copied().unwrap_or(self.steps);
        let s = if self.reverse { length.checked_sub(1 + t)? } else { t };
        (t < length).then_some(s)
    }

    /// How many columns lie before step `s`'s packed block.
    pub fn start(&self, s: usize) -> usize {
        if self.order.is_empty() {
            s * self.batch
        } else {
            self.lengths.iter().map(|&length| length.min(s)).sum()
        }
    }

    /// Where step `s`'s block lies among packed blocks of `features` rows.
    pub fn block(&self, s: usize, features: usize) -> Range<usize> {
        let start = self.start(s) * features;
        start..start + self.active(s) * features
    }

    /// Copies step `s` of a padded sequence ((T·F)×B) to a packed block (F×n_s).
    pub fn gather<T: Float>(&self, s: usize, padded: &[T], block: &mut [T]) {
        self.places(s, block.len(), |from, to| block[to] = padded[from]);
    }

    /// Copies a packed block to step `s` of a padded sequence.
    pub fn scatter<T: Float>(&self, s: usize, block: &[T], padded: &mut [T]) {
        self.places(s, block.len(), |to, from| padded[to] = block[from]);
    }

    /// Adds a packed block to step `s` of a padded sequence.
    pub fn scatter_add<T: Float>(&self, s: usize, block: &[T], padded: &mut [T]) {
        self.places(s, block.len(), |to, from| padded[to] += block[from]);
    }

    /// Calls `visit` with the place in the padded sequence and the place in step `s`'s block of
    /// every entry of the block.
    fn places(&self, s: usize, size: usize, mut visit: impl FnMut(usize, usize)) {
        let n = self.active(s);
        let features = size / n.max(1);
        for row in 0..features {
            for j in 0..n {
                let padded = (self.time(s, j) * features + row) * self.batch + self.column(j);
                visit(padded, row * n + j);
            }
        }
    }

    /// Copies a batch (F×B) to a packed block of step `s`: the start of a recurrence.
    pub fn gather_batch<T: Float>(&self, s: usize, batch: &[T], block: &mut [T]) {
        let n = self.active(s);
        for (row, block) in block.chunks_exact_mut(n.max(1)).enumerate() {
            block.iter_mut().enumerate().for_each(|(j, x)| *x = batch[row * self.batch + self.column(j)]);
        }
    }

    /// Adds a packed block of step 0 to a batch (F×B): the gradient of a recurrence's start.
    pub fn scatter_batch_add<T: Float>(&self, block: &[T], batch: &mut [T]) {
        for (block, row) in
            block.chunks_exact(self.batch.max(1)).zip(batch.chunks_exact_mut(self.batch.max(1)))
        {
            block.iter().enumerate().for_each(|(j, &x)| row[self.column(j)] += x);
        }
    }

    /// Of packed states that begin with the initial ones (F×(B+N)): those before step `s`, and how
    /// many columns they have.
    pub fn before<'b, T>(&self, s: usize, states: &'b [T]) -> (&'b [T], usize) {
        let features = states.len() / (self.batch + self.total()).max(1);
        let skip = features * self.batch;
        match s.checked_sub(1) {
            None => (&states[..skip], self.batch),
            Some(before) => {
                let block = self.block(before, features);
                (&states[skip + block.start..skip + block.end], self.active(before))
            }
        }
    }

    /// The same, with the states of step `s` itself to write.
    pub fn before_and_at<'b, T>(&self, s: usize, states: &'b mut [T]) -> ((&'b [T], &'b mut [T]), usize) {
        let features = states.len() / (self.batch + self.total()).max(1);
        let (size, have) = (self.before(s, states).0.len(), self.before(s, states).1);
        let at = features * self.batch + self.block(s, features).start;
        let (done, rest) = states.split_at_mut(at);
        ((&done[at - size..], &mut rest[..features * self.active(s)]), have)
    }

    /// Writes the columns that end with step `s` from its packed block to a batch (F×B): the final
    /// states.
    pub fn scatter_ended<T: Float>(&self, s: usize, block: &[T], batch: &mut [T]) {
        let n = self.active(s);
        for (row, block) in block.chunks_exact(n.max(1)).enumerate() {
            (self.active(s + 1)..n).for_each(|j| batch[row * self.batch + self.column(j)] = block[j]);
        }
    }

    /// The block of step `s`'s cotangent, from that of step `s + 1` (F×n_{s+1}) and, in the columns
    /// that end with step `s`, from the cotangent of the final states (F×B): the way back of
    /// [`Plan::scatter_ended`]. Widens `block` in place.
    pub fn widen<T: Float>(&self, s: usize, features: usize, finals: &[T], block: &mut [T]) {
        let (n, after) = (self.active(s), self.active(s + 1));
        // From the last row to the first, so that nothing is overwritten before it has moved.
        for row in (0..features).rev() {
            block.copy_within(row * after..(row + 1) * after, row * n);
            for j in after..n {
                block[row * n + j] = finals[row * self.batch + self.column(j)];
            }
        }
    }
}

/// The first `want` columns of a packed block of `have` columns: the block itself, or a copy.
pub(crate) fn columns<'a, T: Float>(block: &'a [T], have: usize, want: usize, copy: &'a mut [T]) -> &'a [T] {
    if have == want {
        return block;
    }
    let rows = block.len() / have;
    for row in 0..rows {
        copy[row * want..(row + 1) * want].copy_from_slice(&block[row * have..row * have + want]);
    }
    &copy[..rows * want]
}

/// Consecutive parts of these sizes.
pub(crate) fn split<T, const N: usize>(mut memory: &[T], sizes: [usize; N]) -> [&[T]; N] {
    sizes.map(|size| {
        let (part, rest) = memory.split_at(size);
        memory = rest;
        part
    })
}

/// Consecutive parts of these sizes, to write.
pub(crate) fn split_mut<T, const N: usize>(mut memory: &mut [T], sizes: [usize; N]) -> [&mut [T]; N] {
    sizes.map(|size| {
        let (part, rest) = std::mem::take(&mut memory).split_at_mut(size);
        memory = rest;
        part
    })
}

/// The first `n` columns of a packed block of `have` columns, as a matrix of `rows` rows.
pub(crate) fn block_matrix<T>(block: &[T], rows: usize, n: usize, have: usize) -> MatRef<'_, T> {
    MatRef::from_row_major_slice_with_stride(block, rows, n, have)
}

/// `y += A B` for a row-major `y` of B's columns.
pub(crate) fn add_product<T: Float>(y: &mut [T], a: MatRef<'_, T>, b: MatRef<'_, T>) {
    matmul(MatMut::from_row_major_slice_mut(y, a.nrows(), b.ncols()), Accum::Add, a, b);
}

/// `y = b 1ᵀ`: every one of the `n` columns is the bias.
pub(crate) fn fill_bias<T: Float>(y: &mut [T], bias: &[T], n: usize) {
    y.chunks_exact_mut(n.max(1)).zip(bias).for_each(|(row, &b)| row.fill(b));
}

/// `db += dz 1`, over a packed block of `n` columns.
pub(crate) fn add_bias_gradient<T: Float>(db: &mut [T], dz: &[T], n: usize) {
    for (db, row) in db.iter_mut().zip(dz.chunks_exact(n.max(1))) {
        row.iter().for_each(|&dz| *db += dz);
    }
}

/// How many columns of the packed sequence one product of a weight gradient takes at least.
const GATHERED: usize = 512;

/// Numbers of working memory that [`add_weight_gradient`] needs for an R×C weight.
pub(crate) fn gather_scratch(batch: usize, rows: usize, cols: usize) -> usize {
    (GATHERED + batch) * (rows + cols)
}

/// `dw += Σ_s dz_s x_sᵀ`: the gradient of weights (R×C) that serve every step.
///
/// A product per step would sum over the few columns of one step. Gathering the columns of many steps
/// side by side makes few, large products of many small ones. `dz` is packed; `x` gives for a step
/// its block and how many columns that block has, of which the first n_s count.
pub(crate) fn add_weight_gradient<'a, T: Float>(
    plan: Plan<'_>,
    dw: &mut [T],
    (rows, cols): (usize, usize),
    dz: &[T],
    x: impl Fn(usize) -> (&'a [T], usize),
    scratch: &mut [T],
) {
    let wide = GATHERED + plan.batch;
    let (left, right) = scratch.split_at_mut(wide * rows);
    let mut width = 0;
    for s in 0..plan.recurrences() {
        let n = plan.active(s);
        copy_columns(&dz[plan.block(s, rows)], n, n, left, wide, width);
        let (block, have) = x(s);
        copy_columns(block, have, n, &mut right[..wide * cols], wide, width);
        width += n;
        if width >= GATHERED || s + 1 == plan.recurrences() {
            let left = MatRef::from_row_major_slice_with_stride(&*left, rows, width, wide);
            let right = MatRef::from_row_major_slice_with_stride(&right[..wide * cols], cols, width, wide);
            matmul(MatMut::from_row_major_slice_mut(dw, rows, cols), Accum::Add, left, right.transpose());
            width = 0;
        }
    }
}

/// Copies the first `n` of a block's `have` columns to column `at` of a matrix of `wide` columns.
fn copy_columns<T: Float>(block: &[T], have: usize, n: usize, to: &mut [T], wide: usize, at: usize) {
    for (from, to) in block.chunks_exact(have.max(1)).zip(to.chunks_exact_mut(wide)) {
        to[at..at + n].copy_from_slice(&from[..n]);
    }
}

/// A quantity inside a fused sequence, for the trace: number `part` of `parts` stacked ones.
pub(crate) struct Inside<'a, T> {
    pub name: &'static str,
    pub parts: usize,
    pub part: usize,
    /// Packed.
    pub value: &'a [T],
    /// Packed alike, if it is known.
    pub grad: Option<&'a [T]>,
}

/// Shows quantities of `features` rows step by step, as F×B with zeros past an example's length.
pub(crate) fn show<T: Float>(
    plan: Plan<'_>,
    features: usize,
    inside: &[Inside<'_, T>],
    visit: &mut Visit<'_, T>,
) {
    let (rows, cols) = (features, plan.batch);
    for t in 0..plan.steps {
        for quantity in inside {
            let value = unpack(plan, features, quantity, quantity.value, t);
            let grad = quantity.grad.map(|grad| unpack(plan, features, quantity, grad, t));
            let (name, step, grad) = (quantity.name, Some(t), grad.as_deref());
            visit(Quantity { name, scope: None, step, rows, cols, value: &value, grad });
        }
    }
}

fn unpack<T: Float>(
    plan: Plan<'_>,
    features: usize,
    inside: &Inside<'_, T>,
    packed: &[T],
    t: usize,
) -> Vec<T> {
    let mut dense = vec![T::ZERO; features * plan.batch];
    for j in 0..plan.batch {
        let Some(s) = plan.step(t, j) else { continue };
        let (block, n) = (plan.block(s, inside.parts * features), plan.active(s));
        for row in 0..features {
            let from = (inside.part * features + row) * n + j;
            dense[row * plan.batch + plan.column(j)] = packed[block.start + from];
        }
    }
    dense
}
