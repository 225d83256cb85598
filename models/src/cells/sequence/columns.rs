//! Threads at large batches: each takes some of the columns through all steps.
//!
//! A step alone is little work to share: the threads would meet several times in each. But an example's
//! states depend on no other example's. So the batch is cut into parts, each of which goes through the
//! whole sequence by itself, and the threads meet at its end, where the parts' sums for the weights'
//! gradients are added, always in the same order. Into how many parts the batch is cut depends on the
//! sizes and not on the threads: neither does any bit of the results.

use super::{Plan, Sizes, sums};
use crate::threads;
use autograd::Float;
use faer::{MatMut, RowMut};
use std::ops::Range;

/// The columns of a row-major matrix that one part writes.
pub(crate) enum Columns<'a, T> {
    /// All of them, and how many that are.
    All { data: &'a mut [T], cols: usize },
    /// Some of them.
    Some(MatMut<'a, T>),
}

impl<'a, T: Float> Columns<'a, T> {
    /// All columns.
    pub fn new(data: &'a mut [T], cols: usize) -> Self {
        Self::All { data, cols }
    }

    /// The first columns and the others.
    fn split_at(self, column: usize) -> [Self; 2] {
        let matrix = match self {
            Self::All { data, cols } => MatMut::from_row_major_slice_mut(data, data.len() / cols, cols),
            Self::Some(matrix) => matrix,
        };
        <[_; 2]>::from(matrix.split_at_col_mut(column)).map(Self::Some)
    }

    /// One row.
    pub fn row(&mut self, row: usize) -> &mut [T] {
        match self {
            Self::All { data, cols } => &mut data[row * *cols..(row + 1) * *cols],
            Self::Some(matrix) => slice(matrix.as_mut().row_mut(row)),
        }
    }

    /// Calls `f` with every row of `block`, of `n` columns, and the row that it belongs to: from `first` on.
    pub fn each_row(&mut self, first: usize, block: &[T], n: usize, f: impl Fn(&mut [T], &[T])) {
        let blocks = block.chunks_exact(n);
        match self {
            Self::All { data, cols } => {
                data[first * *cols..]
                    .chunks_exact_mut(*cols)
                    .zip(blocks)
                    .for_each(|(row, block)| f(row, block));
            }
            Self::Some(matrix) => {
                let rows = matrix.as_mut().subrows_mut(first, blocks.len()).row_iter_mut();
                rows.zip(blocks).for_each(|(row, block)| f(slice(row), block));
            }
        }
    }
}

/// A row of a row-major matrix.
fn slice<'a, T: Float>(row: RowMut<'a, T>) -> &'a mut [T] {
    row.transpose_mut().try_as_col_major_mut().expect("a row-major matrix").as_slice_mut()
}

/// The parts of a batch.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    whole: Plan<'a>,
    pub count: usize,
    /// How many sums each part has: those that several threads would make, if one thread goes through the
    /// sequence with all columns at once.
    pub sums: usize,
}

/// Columns of a part, at least. A product with fewer would cost more.
const WIDTH: usize = 64;

impl<'a> Parts<'a> {
    /// Large weights are better shared by rows, of which every thread then reads its own alone; and
    /// sorted columns lie anywhere.
    pub fn new(whole: Plan<'a>, sizes: Sizes, together: bool) -> Self {
        let one = !whole.is_whole() || sums::is_large(sizes);
        let count = if one { 1 } else { (whole.batch / WIDTH).clamp(1, 16) };
        if together { Self { whole, count: 1, sums: count } } else { Self { whole, count, sums: 1 } }
    }

    pub fn get(&self, part: usize) -> Plan<'a> {
        if self.count == 1 { self.whole } else { self.whole.part(self.column(part)..self.column(part + 1)) }
    }

    /// The first column of a part.
    fn column(&self, part: usize) -> usize {
        self.whole.batch * part / self.count
    }

    /// What memory all parts take, if one takes so much.
    pub fn size(&self, of_one: impl Fn(Plan<'a>) -> usize) -> usize {
        (0..self.count).map(|part| of_one(self.get(part))).sum()
    }

    /// Every part's memory, one after the other.
    pub fn memory<'b, T>(
        &self,
        mut memory: &'b [T],
        of_one: impl Fn(Plan<'a>) -> usize,
    ) -> impl Iterator<Item = (Plan<'a>, &'b [T])> {
        (0..self.count).map(move |part| {
            let plan = self.get(part);
            let (own, rest) = memory.split_at(of_one(plan));
            memory = rest;
            (plan, own)
        })
    }

    // ANCHOR: share
    /// Calls `f` for every part, with its own memory and its own columns; threads share the parts.
    pub fn share<T: Float, const K: usize>(
        &self,
        parts: Range<usize>,
        memory: &mut [T],
        columns: [Columns<'_, T>; K],
        of_one: &(impl Fn(Plan<'a>) -> usize + Sync),
        f: &(impl Fn(usize, &mut [T], [Columns<'_, T>; K]) + Sync),
    ) {
        if self.count == 1 {
            return f(0, memory, columns);
        }
        if parts.len() == 1 {
            return threads::with_share(self.count, || f(parts.start, memory, columns));
        }
        let (start, middle, end) = (parts.start, parts.start + parts.len() / 2, parts.end);
        let size = (start..middle).map(|part| of_one(self.get(part))).sum();
        let (memory, memory_after) = memory.split_at_mut(size);
        let mut halves = columns.map(|it| it.split_at(self.column(middle) - self.column(start)).map(Some));
        let [columns, columns_after] =
            [0, 1].map(|half| halves.each_mut().map(|it| it[half].take().expect("taken once")));
        threads::join(
            || self.share(start..middle, memory, columns, of_one, f),
            || self.share(middle..end, memory_after, columns_after, of_one, f),
        );
    }
    // ANCHOR_END: share
}
