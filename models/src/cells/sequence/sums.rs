//! The gradients that are sums over all steps: those of the weights.

use super::loops::Stored;
use super::rights::{Group, Right, Rights};
use super::{Derivation, Plan, Sizes, split_mut};
use crate::threads;
use autograd::product::{Rows, add_outer, turned_size};
use autograd::{Float, Gradients, simd};
use std::ops::Range;

/// A derivation's sums, on their way.
///
/// Where `z_t = W x_t`, `dW = Σ_t dz_t x_tᵀ`: a weight that serves every step gets a gradient from
/// every step. A product per step would sum over the few columns of one step. The blocks `dz_t` of some
/// steps are kept here, so that few, large products take the place of many small ones.
pub(super) struct Gathered<'a, T> {
    sizes: Sizes,
    /// One sum after the other for so many groups of columns.
    sums: &'a mut [T],
    splits: usize,
    /// The cotangents of the pre-activations of these steps, the last step's block first, and how many
    /// columns they have.
    d_pre: &'a mut [T],
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
        let most = most(plan, sizes);
        [sums * splits, most * sizes.pre, most * widest + LANES]
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
        Self { sizes, sums, splits, d_pre, steps: last..last, width: 0, room }
    }

    /// Where the step before those that are kept writes its cotangents, of `n` columns: then [`Gathered::add`]
    /// takes them in.
    pub fn next(&mut self, n: usize) -> &mut [T] {
        &mut self.d_pre[self.width * self.sizes.pre..][..n * self.sizes.pre]
    }

    /// Takes in step `s`, whose cotangents have been written. If that makes columns enough, adds the products
    /// over them to the sums.
    pub fn add(&mut self, s: usize, cell: &impl Derivation<T>, stored: &Stored<'_, T>) {
        let n = stored.plan.active(s);
        (self.steps.start, self.width) = (s, self.width + n);
        if s == 0 || is_enough(self.width, n, self.sizes) || self.steps.len() == MOST_BLOCKS {
            self.flush(cell, stored);
            (self.steps.end, self.width) = (s, 0);
        }
    }

    /// Adds the products over all columns that are kept, or over each group of them.
    fn flush(&mut self, cell: &impl Derivation<T>, stored: &Stored<'_, T>) {
        let size = self.sums.len() / self.splits;
        for (number, sums) in self.sums.chunks_exact_mut(size.max(1)).enumerate() {
            let group = Group { number, of: self.splits };
            let (mut blocks, mut rest) = ([Rows::EMPTY; MOST_BLOCKS], &*self.d_pre);
            for (block, s) in blocks.iter_mut().zip(self.steps.clone().rev()) {
                let n = stored.plan.active(s);
                let (data, after) = rest.split_at(n * self.sizes.pre);
                let columns = group.columns(n);
                *block = Rows { data: &data[columns.start..], width: columns.len(), apart: n };
                rest = after;
            }
            let left = &blocks[..self.steps.len()];
            let rights = Rights { stored, steps: self.steps.clone(), group };
            let task = Task::Add { sums, left, rights, room: self.room };
            cell.sums(&mut Sums { sizes: self.sizes, task });
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

/// Steps over which a product goes, at most.
const MOST_BLOCKS: usize = 128;

/// How many columns a product of a weight gradient should have.
fn enough(sizes: Sizes) -> usize {
    if is_large(sizes) { 256 } else { 128 }
}

/// Whether a product has columns enough, or the step with which it ends, which has `n`, has nearly.
fn is_enough(width: usize, n: usize, sizes: Sizes) -> bool {
    width >= enough(sizes) || 2 * n >= enough(sizes)
}

/// The most columns that are kept: one less than enough, and a step more.
fn most(plan: Plan<'_>, sizes: Sizes) -> usize {
    let steps = if plan.is_whole() && is_enough(0, plan.batch, sizes) { 0 } else { enough(sizes) };
    plan.total().min(steps + plan.batch)
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
    Add { sums: &'a mut [T], left: &'a [Rows<'a, T>], rights: Rights<'a, T>, room: &'a mut [T] },
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
                let width = left.iter().map(|block| block.width).sum();
                let y = rights.turn(&weights.map(|(_, _, right)| right), width, room);
                let threads = threads::worth(sums.len() * width);
                add_products(sums, wide, (left, pre.start), y, threads);
            }
            Task::Finish { sums, dx } => {
                let (sums, mut at) = (take(sums, pre.len() * wide), 0);
                for ((weight, row, _), cols) in weights.into_iter().zip(cols) {
                    add_columns(sums, wide, at, dx.of_or_new(weight), row * cols, cols);
                    at += cols;
                }
                add_columns(sums, wide, at, dx.of_or_new(bias), b_row, 1);
            }
        }
    }
    // ANCHOR_END: affine

    /// `dw += Σ_t (dz_t ⊙ y_t) 1`, where `z = w ⊙ y`: a weight that is a diagonal matrix.
    pub fn diagonal(&mut self, weight: usize, pre: Range<usize>, right: Right) {
        match &mut self.task {
            Task::Count { sums, .. } => *sums += pre.len(),
            Task::Add { sums, left, rights, .. } => {
                let sums = take_mut(sums, pre.len());
                for (s, dz) in rights.steps.clone().rev().zip(*left) {
                    let y = rights.of_step(&right, s);
                    for (k, sum) in sums.iter_mut().enumerate() {
                        *sum += simd::dot(dz.row(pre.start + k), y.row(k));
                    }
                }
            }
            Task::Finish { sums, dx } => {
                add_columns(take(sums, pre.len()), 1, 0, dx.of_or_new(weight), 0, 1);
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

/// Adds some columns of sums, which have `wide`, to a gradient of `cols` from this place on, if it is wanted.
fn add_columns<T: Float>(
    sums: &[T],
    wide: usize,
    at: usize,
    gradient: Option<(&mut [T], bool)>,
    start: usize,
    cols: usize,
) {
    let Some((gradient, new)) = gradient else { return };
    let end = start + sums.len() / wide * cols;
    if new {
        gradient[..start].fill(T::ZERO);
        gradient[end..].fill(T::ZERO);
    }
    for (d, sums) in gradient[start..end].chunks_exact_mut(cols).zip(sums.chunks_exact(wide)) {
        let sums = &sums[at..at + cols];
        match new {
            true => d.copy_from_slice(sums),
            false => simd::map1(d, sums, |d, sum| *d += sum),
        }
    }
}

/// `S += A Yᵀ`, whose rows the threads share.
fn add_products<T: Float>(
    sums: &mut [T],
    wide: usize,
    (a, row): (&[Rows<'_, T>], usize),
    y: &[T],
    threads: usize,
) {
    let rows = sums.len() / wide;
    let (first, upper) = (threads / 2, rows * (threads / 2) / threads);
    if upper == 0 {
        return add_outer(sums, wide, (a, row), y);
    }
    let (above, below) = sums.split_at_mut(upper * wide);
    threads::join(
        || add_products(above, wide, (a, row), y, first),
        || add_products(below, wide, (a, row + upper), y, threads - first),
    );
}
