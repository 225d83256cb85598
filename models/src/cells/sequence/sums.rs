//! The gradients that are sums over all steps: those of the weights.

use super::loops::Stored;
use super::rights::{Right, Rights};
use super::{Derivation, Plan, Sizes, split_mut};
use crate::threads;
use autograd::product::{Rows, add_outer, turned_size};
use autograd::{Float, Gradients, simd};
use std::ops::Range;

/// A derivation's sums, on their way.
///
/// Where `z_t = W x_t`, `dW = Σ_t dz_t x_tᵀ`: a weight that serves every step gets a gradient from
/// every step. A product per step would sum over the few columns of one step. The columns of many
/// steps lie side by side here, so that few, large products take the place of many small ones. Where a
/// step alone has columns enough, it is taken as it lies.
pub(super) struct Gathered<'a, T> {
    sizes: Sizes,
    /// One sum after the other for so many groups of columns.
    sums: &'a mut [T],
    splits: usize,
    /// The cotangents of the pre-activations: their columns, from the last step to the first, and how far
    /// apart the rows lie.
    d_pre: &'a mut [T],
    stride: usize,
    steps: Range<usize>,
    width: usize,
    /// Room for what they are multiplied with.
    room: &'a mut [T],
}

impl<'a, T: Float> Gathered<'a, T> {
    /// Numbers of working memory: the sums, which come first, the cotangents, and the room.
    pub fn scratch(plan: Plan<'_>, sizes: Sizes, cell: &impl Derivation<T>, splits: usize) -> [usize; 3] {
        let mut count = Sums { sizes, task: Task::Count { sums: 0, widest: 0 } };
        cell.sums(&mut count);
        let Task::Count { sums, widest } = count.task else { unreachable!("a task stays what it is") };
        let stride = stride(plan, sizes);
        [sums * splits, stride * sizes.pre, stride * widest + LANES]
    }

    /// Before the first step back: no columns.
    pub fn new(
        plan: Plan<'_>,
        sizes: Sizes,
        cell: &impl Derivation<T>,
        splits: usize,
        scratch: &'a mut [T],
    ) -> Self {
        let [sums, d_pre, room] = split_mut(scratch, Self::scratch(plan, sizes, cell, splits));
        sums.fill(T::ZERO);
        let last = plan.recurrences();
        Self { sizes, sums, splits, d_pre, stride: stride(plan, sizes), steps: last..last, width: 0, room }
    }

    /// Takes in step `s`, the one before those that it has. If that makes columns enough, adds the
    /// products over them to the sums.
    pub fn add(&mut self, s: usize, d_pre: &[T], cell: &impl Derivation<T>, stored: &Stored<'_, T>) {
        let (n, enough) = (d_pre.len() / self.sizes.pre, enough(self.sizes));
        // To copy columns costs as much as a product of a few of them loses.
        let alone = 4 * n >= enough;
        if !alone {
            copy_columns((d_pre, n), n, self.d_pre, self.stride, self.width);
            (self.steps.start, self.width) = (s, self.width + n);
        }
        if self.width > 0 && (alone || self.width >= enough || s == 0) {
            let left = Rows { data: self.d_pre, width: self.width, apart: self.stride };
            let rights = Rights { stored, steps: self.steps.clone(), first: 0 };
            let task = Task::Add { sums: self.sums, left, rights, room: self.room };
            cell.sums(&mut Sums { sizes: self.sizes, task });
            self.width = 0;
        }
        if alone {
            let size = self.sums.len() / self.splits;
            for (split, sums) in self.sums.chunks_exact_mut(size.max(1)).enumerate() {
                let (first, end) = (n * split / self.splits, n * (split + 1) / self.splits);
                let left = Rows { data: &d_pre[first..], width: end - first, apart: n };
                let rights = Rights { stored, steps: s..s + 1, first };
                let task = Task::Add { sums, left, rights, room: self.room };
                cell.sums(&mut Sums { sizes: self.sizes, task });
            }
        }
        if self.width == 0 {
            self.steps = s..s;
        }
    }
}

/// Adds complete sums, which [`Gathered`] has left in its working memory, to the gradients of the inputs.
pub(super) fn finish<T: Float>(
    plan: Plan<'_>,
    sizes: Sizes,
    cell: &impl Derivation<T>,
    splits: usize,
    scratch: &[T],
    dx: &mut Gradients<'_, T>,
) {
    let [all, ..] = Gathered::scratch(plan, sizes, cell, splits);
    for sums in scratch[..all].chunks_exact((all / splits).max(1)) {
        cell.sums(&mut Sums { sizes, task: Task::Finish { sums, dx } });
    }
}

/// Whether the weights are so large that a product should have many columns: it reads and writes the
/// whole gradient.
pub(super) fn is_large(sizes: Sizes) -> bool {
    sizes.pre * (sizes.x + sizes.h) > 1 << 17
}

/// Numbers of a vector of the processor, at most.
const LANES: usize = 16;

/// How many columns a product of a weight gradient should have.
fn enough(sizes: Sizes) -> usize {
    if is_large(sizes) { 512 } else { 128 }
}

/// The most columns that are gathered: one less than enough, and a step more.
fn stride(plan: Plan<'_>, sizes: Sizes) -> usize {
    plan.total().min(enough(sizes) + plan.batch)
}

/// What a derivation's [`Derivation::sums`] lists: the gradients that are sums over steps. The list is
/// read several times: to count their numbers, to add the products of some steps to them, and at the
/// end to add them to the gradients.
pub struct Sums<'a, 'g, T: Float> {
    sizes: Sizes,
    task: Task<'a, 'g, T>,
}

enum Task<'a, 'g, T: Float> {
    /// Numbers of all sums, and the rows of the widest right factor.
    Count { sums: usize, widest: usize },
    /// The sums that are still to come on the list get the products of these columns.
    Add { sums: &'a mut [T], left: Rows<'a, T>, rights: Rights<'a, T>, room: &'a mut [T] },
    /// The sums that are still to come are complete.
    Finish { sums: &'a [T], dx: &'a mut Gradients<'g, T> },
}

impl<T: Float> Sums<'_, '_, T> {
    // ANCHOR: affine
    /// The way back of [`affine`](super::affine). Where `z = Σₖ Wₖ yₖ + b`, one product gives
    /// `(dW₁ dW₂ … db) += Σ_t dz_t (y₁; y₂; …; 1)ᵀ`: the rows `pre` of the pre-activations belong to
    /// these inputs, from these rows on, and were multiplied by these factors.
    pub fn affine<const K: usize>(
        &mut self,
        pre: Range<usize>,
        weights: [(usize, usize, Right); K],
        (bias, b_row): (usize, usize),
    ) {
        let cols = weights.each_ref().map(|(_, _, right)| right.rows(self.sizes));
        let ones: usize = cols.iter().sum(); // the last of the right factor's rows
        let wide = (ones + 1).next_multiple_of(LANES);
        match &mut self.task {
            Task::Count { sums, widest } => {
                (*sums, *widest) = (*sums + pre.len() * wide, turned_size(wide, 1).max(*widest));
            }
            Task::Add { sums, left, rights, room } => {
                let sums = take_mut(sums, pre.len() * wide);
                let y = rights.turn(&weights.map(|(_, _, right)| right), left.width, room);
                let threads = threads::worth(sums.len() * left.width);
                add_products(sums, wide, left.from(pre.start), y, threads);
            }
            Task::Finish { sums, dx } => {
                let (sums, mut at) = (take(sums, pre.len() * wide), 0);
                for ((weight, row, _), cols) in weights.into_iter().zip(cols) {
                    add_columns(sums, wide, at, dx.of(weight).map(|dw| &mut dw[row * cols..]), cols);
                    at += cols;
                }
                add_columns(sums, wide, at, dx.of(bias).map(|db| &mut db[b_row..]), 1);
            }
        }
    }
    // ANCHOR_END: affine

    /// `dw += Σ_t (dz_t ⊙ y_t) 1`, where `z = w ⊙ y`: a weight that is a diagonal matrix.
    pub fn diagonal(&mut self, weight: usize, pre: Range<usize>, right: Right) {
        match &mut self.task {
            Task::Count { sums, .. } => *sums += pre.len(),
            Task::Add { sums, left, rights, .. } => {
                let (sums, mut at) = (take_mut(sums, pre.len()), 0);
                for s in rights.steps.clone().rev() {
                    let y = rights.of_step(&right, s, left.width);
                    for (k, sum) in sums.iter_mut().enumerate() {
                        let dz = &left.row(pre.start + k)[at..at + y.width];
                        *sum += simd::dot(dz, y.row(k));
                    }
                    at += y.width;
                }
            }
            Task::Finish { sums, dx } => {
                add_columns(take(sums, pre.len()), 1, 0, dx.of(weight), 1);
            }
        }
    }
}

/// The next numbers, which are gone from `rest` then.
fn take<'a, T>(rest: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

fn take_mut<'a, T>(rest: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (taken, left) = std::mem::take(rest).split_at_mut(count);
    *rest = left;
    taken
}

/// Adds some columns of sums, which have `wide`, to a gradient of `cols`, if it is wanted.
fn add_columns<T: Float>(sums: &[T], wide: usize, at: usize, gradient: Option<&mut [T]>, cols: usize) {
    let Some(gradient) = gradient else { return };
    for (d, sums) in gradient.chunks_exact_mut(cols).zip(sums.chunks_exact(wide)) {
        simd::map1(d, &sums[at..at + cols], |d, sum| *d += sum);
    }
}

/// `S += A Yᵀ`, whose rows the threads share.
fn add_products<T: Float>(sums: &mut [T], wide: usize, a: Rows<'_, T>, y: &[T], threads: usize) {
    let rows = sums.len() / wide;
    let (first, upper) = (threads / 2, rows * (threads / 2) / threads);
    if upper == 0 {
        return add_outer(sums, wide, a, y);
    }
    let (above, below) = sums.split_at_mut(upper * wide);
    threads::join(
        || add_products(above, wide, a, y, first),
        || add_products(below, wide, a.from(upper), y, threads - first),
    );
}

/// Copies `n` columns of a block, whose rows lie so far apart, to column `at` of a matrix of `stride` columns.
fn copy_columns<T: Float>(block: (&[T], usize), n: usize, to: &mut [T], stride: usize, at: usize) {
    let rows = to.len() / stride;
    share_rows(block, n, to, (stride, at), threads::worth(16 * rows * n));
}

fn share_rows<T: Float>(
    (block, apart): (&[T], usize),
    n: usize,
    to: &mut [T],
    (stride, at): (usize, usize),
    threads: usize,
) {
    let first = threads / 2;
    if first > 0 {
        let upper = to.len() / stride * first / threads;
        let (above, below) = block.split_at(upper * apart);
        let (to_above, to_below) = to.split_at_mut(upper * stride);
        threads::join(
            || share_rows((above, apart), n, to_above, (stride, at), first),
            || share_rows((below, apart), n, to_below, (stride, at), threads - first),
        );
        return;
    }
    let rows = block.chunks(apart).zip(to.chunks_exact_mut(stride));
    match n {
        1 => rows.for_each(|(from, to)| to[at] = from[0]), // a call for one number would take longer
        _ => rows.for_each(|(from, to)| to[at..at + n].copy_from_slice(&from[..n])),
    }
}
