//! The gradients that are sums over all steps: those of the weights, and of the input.

use super::fused::Stored;
use super::{Derivation, Plan, Sizes};
use crate::threads;
use autograd::ops::matmul;
use autograd::{Float, Gradients};
use faer::{Accum, MatMut, MatRef};
use std::ops::Range;

/// What a weight was multiplied by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// `x_t`.
    X,
    /// `h_{t−1}`.
    HBefore,
    /// `c_{t−1}`.
    CBefore,
    /// `c_t`.
    C,
    /// These rows of what the step forward kept.
    Kept(Range<usize>),
}

/// How many columns one product of a weight gradient takes at least.
const GATHERED: usize = 512;

/// The cotangents of the pre-activations of many steps, to be summed over them.
///
/// Where `z_t = W x_t`, `dW = Σ_t dz_t x_tᵀ`: a weight that serves every step gets a gradient from
/// every step. A product per step would sum over the few columns of one step. The columns of many
/// steps lie side by side here, so that few, large products take the place of many small ones.
pub struct Sums<'a, 'g, T: Float> {
    stored: &'a Stored<'a, T>,
    dx: &'a mut Gradients<'g, T>,
    steps: Range<usize>,
    /// The columns of these steps, and how far apart the rows lie.
    width: usize,
    stride: usize,
    d_pre: &'a [T],
    /// The other right, and which it is.
    other: &'a mut [T],
    gathered: Option<Right>,
}

/// Numbers of working memory that [`add_sums`] needs.
pub(super) fn scratch(plan: Plan<'_>, sizes: Sizes) -> usize {
    stride(plan) * (sizes.pre + sizes.x.max(sizes.h).max(sizes.c).max(sizes.kept))
}

fn stride(plan: Plan<'_>) -> usize {
    plan.total().min(GATHERED + plan.batch)
}

/// Adds the derivation's sums over all steps to the gradients of the inputs.
pub(super) fn add_sums<T: Float>(
    cell: &impl Derivation<T>,
    stored: &Stored<'_, T>,
    d_pre: &[T],
    dx: &mut Gradients<'_, T>,
    scratch: &mut [T],
) {
    let (plan, features, stride) = (stored.plan, stored.sizes.pre, stride(stored.plan));
    let (wide, other) = scratch.split_at_mut(stride * features);
    let (mut s, mut width) = (0, 0);
    for after in 1..=plan.recurrences() {
        let n = plan.active(after - 1);
        copy_columns(&d_pre[plan.block(after - 1, features)], n, n, wide, stride, width);
        width += n;
        if width >= GATHERED || after == plan.recurrences() {
            let (steps, d_pre) = (s..after, &*wide);
            let other = &mut *other;
            cell.sums(&mut Sums { stored, dx, steps, width, stride, d_pre, other, gathered: None });
            (s, width) = (after, 0);
        }
    }
}

impl<T: Float> Sums<'_, '_, T> {
    // ANCHOR: weight
    /// `dW += Σ_t dz_t y_tᵀ`, where `z = W y`: the rows `pre` of the pre-activations are the weight's
    /// rows from `row` on.
    pub fn weight(&mut self, weight: usize, row: usize, pre: Range<usize>, right: Right) {
        let cols = self.gather(right);
        let rows = pre.len();
        let Some(dw) = self.dx.of(weight) else { return };
        let dw = MatMut::from_row_major_slice_mut(&mut dw[row * cols..(row + rows) * cols], rows, cols);
        let left = view(self.d_pre, pre, self.width, self.stride);
        let right = view(self.other, 0..cols, self.width, self.stride).transpose();
        add_rows(dw, left, right, threads::worth(rows * cols * self.width));
    }
    // ANCHOR_END: weight

    // ANCHOR: bias
    /// `db += Σ_t dz_t 1`, where `z = … + b`: the rows `pre` of the pre-activations are the bias's
    /// from `row` on.
    pub fn bias(&mut self, bias: usize, row: usize, pre: Range<usize>) {
        let Some(db) = self.dx.of(bias) else { return };
        for (db, dz) in db[row..].iter_mut().zip(rows(self.d_pre, pre, self.stride)) {
            *db += dot(&dz[..self.width], None);
        }
    }
    // ANCHOR_END: bias

    /// `dw += Σ_t (dz_t ⊙ y_t) 1`, where `z = w ⊙ y`: a weight that is a diagonal matrix.
    pub fn diagonal(&mut self, weight: usize, pre: Range<usize>, right: Right) {
        self.gather(right);
        let Some(dw) = self.dx.of(weight) else { return };
        let factors = rows(self.other, 0..pre.len(), self.stride);
        for ((dw, dz), y) in dw.iter_mut().zip(rows(self.d_pre, pre, self.stride)).zip(factors) {
            *dw += dot(&dz[..self.width], Some(&y[..self.width]));
        }
    }

    /// Puts a right's columns side by side; how many features it has.
    fn gather(&mut self, right: Right) -> usize {
        let Stored { plan, sizes, h, c, kept, .. } = *self.stored;
        let rows = match &right {
            Right::X => 0..sizes.x,
            Right::HBefore => 0..sizes.h,
            Right::CBefore | Right::C => 0..sizes.c,
            Right::Kept(rows) => rows.clone(),
        };
        let cols = rows.len();
        if self.gathered.as_ref() == Some(&right) {
            return cols;
        }
        let mut at = 0;
        for s in self.steps.clone() {
            let n = plan.active(s);
            let (block, have) = match right {
                Right::X => (self.stored.x(s), n),
                Right::HBefore => plan.before(s, h, sizes.h),
                Right::CBefore => plan.before(s, c, sizes.c),
                Right::C => plan.before(s + 1, c, sizes.c),
                Right::Kept(_) => (&kept[plan.block(s, sizes.kept)], n),
            };
            copy_columns(&block[rows.start * have..rows.end * have], have, n, self.other, self.stride, at);
            at += n;
        }
        self.gathered = Some(right);
        cols
    }
}

/// `dW += A B`, whose rows the threads share.
fn add_rows<T: Float>(dw: MatMut<'_, T>, a: MatRef<'_, T>, b: MatRef<'_, T>, threads: usize) {
    let (first, upper) = (threads / 2, a.nrows() * (threads / 2) / threads);
    if first == 0 {
        return matmul(dw, Accum::Add, a, b);
    }
    let (dw_above, dw_below) = dw.split_at_row_mut(upper);
    let (above, below) = a.split_at_row(upper);
    threads::join(|| add_rows(dw_above, above, b, first), || add_rows(dw_below, below, b, threads - first));
}

/// These rows of a matrix whose rows lie `stride` apart, as one of `width` columns.
fn view<T>(wide: &[T], rows: Range<usize>, width: usize, stride: usize) -> MatRef<'_, T> {
    let part = &wide[rows.start * stride..rows.end * stride];
    MatRef::from_row_major_slice(part, rows.len(), stride).subcols(0, width)
}

fn rows<T>(wide: &[T], rows: Range<usize>, stride: usize) -> std::slice::ChunksExact<'_, T> {
    wide[rows.start * stride..rows.end * stride].chunks_exact(stride)
}

/// Copies the first `n` of a block's `have` columns to column `at` of a matrix of `stride` columns.
fn copy_columns<T: Float>(block: &[T], have: usize, n: usize, to: &mut [T], stride: usize, at: usize) {
    for (from, to) in block.chunks_exact(have.max(1)).zip(to.chunks_exact_mut(stride.max(1))) {
        to[at..at + n].copy_from_slice(&from[..n]);
    }
}

/// `Σ a ⊙ b`, or `Σ a`: 16 sums side by side, so that they need not wait for each other.
fn dot<T: Float>(a: &[T], b: Option<&[T]>) -> T {
    const LANES: usize = 16;
    let mut lanes = [T::ZERO; LANES];
    for (at, a) in a.chunks(LANES).enumerate() {
        match b {
            Some(b) => {
                lanes.iter_mut().zip(a).zip(&b[at * LANES..]).for_each(|((sum, &a), &b)| *sum += a * b)
            }
            None => lanes.iter_mut().zip(a).for_each(|(sum, &a)| *sum += a),
        }
    }
    lanes.into_iter().fold(T::ZERO, |sum, lane| sum + lane)
}
