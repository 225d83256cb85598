//! The gradients that are sums over all steps: those of the weights.

use super::fused::Stored;
use super::{Derivation, Plan, Sizes};
use crate::threads;
use autograd::ops::matmul;
use autograd::{Float, Gradients, simd};
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

/// The cotangents of the pre-activations of many steps, side by side, to be summed over them.
///
/// Where `z_t = W x_t`, `dW = Σ_t dz_t x_tᵀ`: a weight that serves every step gets a gradient from
/// every step. A product per step would sum over the few columns of one step. The columns of many
/// steps lie side by side here, so that few, large products take the place of many small ones. Where a
/// step alone has columns enough, it is taken as it lies.
pub(super) struct Gathered<'a, T> {
    features: usize,
    /// Their columns, from the last step to the first, and how far apart the rows lie.
    d_pre: &'a mut [T],
    stride: usize,
    steps: Range<usize>,
    width: usize,
    /// How many are enough.
    enough: usize,
    /// What they are multiplied with.
    other: &'a mut [T],
}

impl<'a, T: Float> Gathered<'a, T> {
    /// Numbers of working memory that it needs.
    pub fn scratch(plan: Plan<'_>, sizes: Sizes) -> usize {
        stride(plan, sizes) * (sizes.pre + sizes.x.max(sizes.h).max(sizes.c).max(sizes.kept))
    }

    /// Before the first step back: no columns.
    pub fn new(plan: Plan<'a>, sizes: Sizes, scratch: &'a mut [T]) -> Self {
        let (stride, enough, last) = (stride(plan, sizes), enough(sizes), plan.recurrences());
        let (d_pre, other) = scratch.split_at_mut(stride * sizes.pre);
        Self { features: sizes.pre, d_pre, stride, steps: last..last, width: 0, enough, other }
    }

    /// Takes in step `s`, the one before those that it has. If that makes columns enough, adds the
    /// derivation's sums over them to the gradients of the inputs.
    pub fn add(
        &mut self,
        s: usize,
        d_pre: &[T],
        cell: &impl Derivation<T>,
        stored: &Stored<'_, T>,
        dx: &mut Gradients<'_, T>,
    ) {
        let n = d_pre.len() / self.features;
        let alone = n >= self.enough;
        if !alone {
            copy_columns(d_pre, n, n, self.d_pre, self.stride, self.width);
            (self.steps.start, self.width) = (s, self.width + n);
        }
        if self.width > 0 && (alone || self.width >= self.enough || s == 0) {
            let (width, stride, columns) = (self.width, self.stride, &mut *self.other);
            let rights = Rights { stored, steps: self.steps.clone(), columns, stride, gathered: None };
            cell.sums(&mut Sums { dx, d_pre: self.d_pre, width, stride, rights });
            self.width = 0;
        }
        if alone {
            let rights = Rights { stored, steps: s..s + 1, columns: self.other, stride: n, gathered: None };
            cell.sums(&mut Sums { dx, d_pre, width: n, stride: n, rights });
        }
        if self.width == 0 {
            self.steps = s..s;
        }
    }
}

/// How many columns a product of a weight gradient should have. It reads and writes the whole gradient:
/// where that is large, the columns should be worth it.
fn enough(sizes: Sizes) -> usize {
    if sizes.pre * sizes.h.max(sizes.x) > 1 << 17 { 512 } else { 128 }
}

/// The most columns that are gathered: one less than enough, and a step more.
fn stride(plan: Plan<'_>, sizes: Sizes) -> usize {
    plan.total().min(enough(sizes) + plan.batch)
}

/// What a derivation's [`Derivation::sums`] adds to: the gradients that are sums over steps.
pub struct Sums<'a, 'g, T: Float> {
    dx: &'a mut Gradients<'g, T>,
    d_pre: &'a [T],
    width: usize,
    stride: usize,
    rights: Rights<'a, T>,
}

impl<T: Float> Sums<'_, '_, T> {
    // ANCHOR: weight
    /// `dW += Σ_t dz_t y_tᵀ`, where `z = W y`: the rows `pre` of the pre-activations are the weight's
    /// rows from `row` on.
    pub fn weight(&mut self, weight: usize, row: usize, pre: Range<usize>, right: Right) {
        let (y, stride, cols) = self.rights.get(right);
        let Some(dw) = self.dx.of(weight) else { return };
        let dw = &mut dw[row * cols..(row + pre.len()) * cols];
        let dw = MatMut::from_row_major_slice_mut(dw, pre.len(), cols);
        let threads = threads::worth(pre.len() * cols * self.width);
        let left = view(self.d_pre, pre, self.width, self.stride);
        add_rows(dw, left, view(y, 0..cols, self.width, stride).transpose(), threads);
    }
    // ANCHOR_END: weight

    // ANCHOR: bias
    /// `db += Σ_t dz_t 1`, where `z = … + b`: the rows `pre` of the pre-activations are the bias's
    /// from `row` on.
    pub fn bias(&mut self, bias: usize, row: usize, pre: Range<usize>) {
        let Some(db) = self.dx.of(bias) else { return };
        let dz = rows(self.d_pre, pre, self.stride);
        db[row..].iter_mut().zip(dz).for_each(|(db, dz)| *db += simd::sum(&dz[..self.width]));
    }
    // ANCHOR_END: bias

    /// `dw += Σ_t (dz_t ⊙ y_t) 1`, where `z = w ⊙ y`: a weight that is a diagonal matrix.
    pub fn diagonal(&mut self, weight: usize, pre: Range<usize>, right: Right) {
        let (y, stride, cols) = self.rights.get(right);
        let Some(dw) = self.dx.of(weight) else { return };
        let both = rows(self.d_pre, pre, self.stride).zip(rows(y, 0..cols, stride));
        for (dw, (dz, y)) in dw.iter_mut().zip(both) {
            *dw += simd::dot(&dz[..self.width], &y[..self.width]);
        }
    }
}

/// What the cotangents of some steps are multiplied with.
struct Rights<'a, T> {
    stored: &'a Stored<'a, T>,
    steps: Range<usize>,
    /// The right that was gathered last, and which it is.
    columns: &'a mut [T],
    stride: usize,
    gathered: Option<Right>,
}

impl<T: Float> Rights<'_, T> {
    /// A right's columns, how far apart its rows lie, and how many rows it has. The columns of several
    /// steps are put side by side, unless they lie there.
    fn get(&mut self, right: Right) -> (&[T], usize, usize) {
        if self.steps.len() == 1 {
            return self.stored.right(&right, self.steps.start);
        }
        let mut at = 0;
        let rows = self.stored.right(&right, self.steps.start).2;
        if self.gathered.as_ref() != Some(&right) {
            for s in self.steps.clone().rev() {
                let (n, (block, have, _)) = (self.stored.plan.active(s), self.stored.right(&right, s));
                copy_columns(block, have, n, self.columns, self.stride, at);
                at += n;
            }
            self.gathered = Some(right);
        }
        (self.columns, self.stride, rows)
    }
}

impl<'a, T> Stored<'a, T> {
    /// A right's block at step `s`, how many columns it has, perhaps more than the step, and how many rows.
    fn right(&self, right: &Right, s: usize) -> (&'a [T], usize, usize) {
        let Stored { plan, sizes, h, c, kept, .. } = *self;
        let ((block, have), rows) = match right {
            Right::X => ((self.x(s), plan.active(s)), 0..sizes.x),
            Right::HBefore => (plan.before(s, h, sizes.h), 0..sizes.h),
            Right::CBefore => (plan.before(s, c, sizes.c), 0..sizes.c),
            Right::C => (plan.before(s + 1, c, sizes.c), 0..sizes.c),
            Right::Kept(rows) => ((&kept[plan.block(s, sizes.kept)], plan.active(s)), rows.clone()),
        };
        (&block[rows.start * have..rows.end * have], have, rows.len())
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
    let rows = block.len() / have.max(1);
    share_rows(block, (have, n), &mut to[..rows * stride], (stride, at), threads::worth(16 * rows * n));
}

fn share_rows<T: Float>(
    block: &[T],
    (have, n): (usize, usize),
    to: &mut [T],
    (stride, at): (usize, usize),
    threads: usize,
) {
    let (rows, first) = (block.len() / have.max(1), threads / 2);
    if first > 0 {
        let upper = rows * first / threads;
        let (above, below) = block.split_at(upper * have);
        let (to_above, to_below) = to.split_at_mut(upper * stride);
        threads::join(
            || share_rows(above, (have, n), to_above, (stride, at), first),
            || share_rows(below, (have, n), to_below, (stride, at), threads - first),
        );
        return;
    }
    for (from, to) in block.chunks_exact(have.max(1)).zip(to.chunks_exact_mut(stride.max(1))) {
        to[at..at + n].copy_from_slice(&from[..n]);
    }
}
