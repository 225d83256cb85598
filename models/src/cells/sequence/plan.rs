//! Which columns are active at which step, and where they come from.

use super::{Columns, strips};
use autograd::Float;
use autograd::simd::map1;
use std::ops::Range;

/// Where the packed blocks of a sequence lie, and where their columns come from.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// Steps of the padded sequence: T.
    pub steps: usize,
    /// Examples that it is about: the batch's, B, or some of them.
    pub batch: usize,
    /// Which of the batch's columns is its first, and how many the batch has.
    pub first: usize,
    all: usize,
    /// Whether the recurrence runs from each example's last valid step to its first.
    reverse: bool,
    /// The batch's columns, longest first, and their lengths; none where all examples fill all steps.
    order: &'a [usize],
    lengths: &'a [usize],
}

impl<'a> Plan<'a> {
    /// `packed` is [`Lengths::packed`](super::Lengths), or empty where all examples fill all steps.
    pub fn new(steps: usize, batch: usize, reverse: bool, packed: &'a [usize]) -> Self {
        let (order, lengths) = packed.split_at(packed.len() / 2);
        let whole = lengths.last().is_none_or(|&shortest| shortest == steps);
        let (order, lengths) = if whole { (&[][..], &[][..]) } else { (order, lengths) };
        Self { steps, batch, first: 0, all: batch, reverse, order, lengths }
    }

    /// The same for some of the examples, where all of them fill all steps.
    pub fn part(&self, columns: Range<usize>) -> Self {
        debug_assert!(self.is_whole(), "sorted columns lie anywhere");
        Self { first: self.first + columns.start, batch: columns.len(), ..*self }
    }

    /// Whether every example fills every step: then a block has the order of the padded sequence.
    pub fn is_whole(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether step after step of the padded sequence is a block: then its memory can serve as theirs.
    pub fn is_all(&self) -> bool {
        self.is_whole() && self.batch == self.all
    }

    /// Steps of the recurrence: the longest example's length.
    pub fn recurrences(&self) -> usize {
        self.lengths.first().copied().unwrap_or(self.steps)
    }

    // ANCHOR: active
    /// How many examples are longer than `s`: n_s.
    pub fn active(&self, s: usize) -> usize {
        match self.is_whole() {
            true if s < self.steps => self.batch,
            true => 0,
            false => self.lengths.partition_point(|&length| length > s),
        }
    }
    // ANCHOR_END: active

    /// All valid steps of all examples: N.
    pub fn total(&self) -> usize {
        self.start(self.steps)
    }

    /// How many columns lie before step `s`'s block.
    fn start(&self, s: usize) -> usize {
        if self.is_whole() { s * self.batch } else { self.lengths.iter().map(|&length| length.min(s)).sum() }
    }

    /// The batch's column that packed column `j` is.
    pub fn column(&self, j: usize) -> usize {
        self.order.get(j).copied().unwrap_or(j)
    }

    fn length(&self, j: usize) -> usize {
        self.lengths.get(j).copied().unwrap_or(self.steps)
    }

    // ANCHOR: time
    /// The time of the padded sequence at which packed column `j` is at step `s`.
    fn time(&self, s: usize, j: usize) -> usize {
        if self.reverse { self.length(j) - 1 - s } else { s }
    }
    // ANCHOR_END: time

    /// The step at which packed column `j` is at time `t`, if its example is that long.
    pub fn step(&self, t: usize, j: usize) -> Option<usize> {
        let last = self.length(j).checked_sub(1 + t)?;
        Some(if self.reverse { last } else { t })
    }

    /// Where step `s`'s block lies among blocks of `features` rows.
    pub fn block(&self, s: usize, features: usize) -> Range<usize> {
        let start = self.start(s) * features;
        start..start + self.active(s) * features
    }

    /// Where step `s`'s block lies in a padded sequence, if its columns are all that there are.
    pub fn slice(&self, s: usize, size: usize) -> Option<Range<usize>> {
        let t = if self.reverse { self.steps - 1 - s } else { s };
        self.is_all().then_some(t * size..(t + 1) * size)
    }

    /// The step before step `s` of a padded sequence, before the first of which comes `start`, and step `s`
    /// itself, to be written: if its columns are all that there are.
    pub fn before_and_at<'b, T>(
        &self,
        s: usize,
        start: &'b [T],
        padded: &'b mut [T],
    ) -> (&'b [T], &'b mut [T]) {
        let size = start.len();
        let at = if self.reverse { self.steps - 1 - s } else { s } * size;
        if s == 0 {
            return (start, &mut padded[at..at + size]);
        }
        let (lower, upper) = padded.split_at_mut(if self.reverse { at + size } else { at });
        match self.reverse {
            false => (&lower[at - size..], &mut upper[..size]),
            true => (&upper[..size], &mut lower[at..]),
        }
    }

    /// Calls `visit` with the place in the padded sequence, row and column, and the place in step `s`'s
    /// block of every entry of the block.
    fn places(&self, s: usize, features: usize, n: usize, mut visit: impl FnMut(usize, usize, usize)) {
        for row in 0..features {
            for j in 0..n {
                visit(self.time(s, j) * features + row, self.column(j), row * n + j);
            }
        }
    }

    /// Step `s` of a padded sequence, where all examples fill all steps, from its first column on; and how
    /// far apart its rows lie.
    pub fn strided<'b, T>(&self, s: usize, features: usize, padded: &'b [T]) -> (&'b [T], usize) {
        (&padded[self.time(s, 0) * features * self.all + self.first..], self.all)
    }

    /// The same row by row.
    fn rows<'b, T>(&self, s: usize, features: usize, padded: &'b [T]) -> impl Iterator<Item = &'b [T]> {
        let ((step, apart), n) = (self.strided(s, features, padded), self.batch);
        step.chunks(apart).take(features).map(move |row| &row[..n])
    }

    /// Copies step `s` of a padded sequence ((T·F)×B) to its block (F×n_s).
    pub fn gather<T: Float>(&self, s: usize, padded: &[T], block: &mut [T]) {
        let n = self.active(s).max(1);
        let features = block.len() / n;
        match self.slice(s, block.len()) {
            Some(slice) => block.copy_from_slice(&padded[slice]),
            None if self.is_whole() => block
                .chunks_exact_mut(n)
                .zip(self.rows(s, features, padded))
                .for_each(|(to, from)| to.copy_from_slice(from)),
            None => {
                self.places(s, features, n, |row, column, to| block[to] = padded[row * self.all + column])
            }
        }
    }

    /// Adds step `s` of a padded sequence to its block; what has faded is 0.
    pub fn gather_add<T: Float>(&self, s: usize, padded: &[T], block: &mut [T]) {
        let n = self.active(s).max(1);
        let features = block.len() / n;
        let add = |y: &mut T, x: T| *y = unless_faded(*y + x);
        match self.slice(s, block.len()) {
            Some(slice) => strips([block], [&padded[slice]], |[to], [from]| map1(to, from, add)),
            None if self.is_whole() => block
                .chunks_exact_mut(n)
                .zip(self.rows(s, features, padded))
                .for_each(|(to, from)| map1(to, from, add)),
            None => self.places(s, features, n, |row, column, to| {
                add(&mut block[to], padded[row * self.all + column]);
            }),
        }
    }

    /// Copies a block to step `s` of a padded sequence.
    pub fn scatter<T: Float>(&self, s: usize, block: &[T], padded: &mut Columns<'_, T>) {
        let n = self.active(s).max(1);
        let features = block.len() / n;
        if self.is_whole() {
            let first = self.time(s, 0) * features;
            return padded.each_row(first, block, n, |row, block| row.copy_from_slice(block));
        }
        self.places(s, features, n, |row, column, from| padded.row(row)[column] = block[from]);
    }

    /// Adds a block to step `s` of a padded sequence.
    pub fn scatter_add<T: Float>(&self, s: usize, block: &[T], padded: &mut Columns<'_, T>) {
        let n = self.active(s).max(1);
        let features = block.len() / n;
        if self.is_whole() {
            let first = self.time(s, 0) * features;
            return padded.each_row(first, block, n, |row, block| map1(row, block, |y, x| *y += x));
        }
        self.places(s, features, n, |row, column, from| padded.row(row)[column] += block[from]);
    }

    /// Copies a batch (F×B) to the block of step 0: the start of a recurrence.
    pub fn gather_start<T: Float>(&self, batch: &[T], block: &mut [T]) {
        let rows = batch.chunks_exact(self.all.max(1)).zip(block.chunks_exact_mut(self.batch.max(1)));
        for (row, block) in rows {
            block.iter_mut().enumerate().for_each(|(j, x)| *x = row[self.first + self.column(j)]);
        }
    }

    /// Adds a block of step 0 to a batch (F×B): the gradient of a recurrence's start.
    pub fn scatter_start_add<T: Float>(&self, block: &[T], batch: &mut [T]) {
        let rows = block.chunks_exact(self.batch.max(1)).zip(batch.chunks_exact_mut(self.all.max(1)));
        for (block, row) in rows {
            block.iter().enumerate().for_each(|(j, &x)| row[self.first + self.column(j)] += x);
        }
    }

    // ANCHOR: ended
    /// Writes the columns that end with step `s` from its block to a batch (F×B): the final states.
    pub fn scatter_ended<T: Float>(&self, s: usize, block: &[T], batch: &mut Columns<'_, T>) {
        let (n, after) = (self.active(s), self.active(s + 1));
        if n == after {
            return;
        }
        for (row, block) in block.chunks_exact(n).enumerate() {
            let batch = batch.row(row);
            (after..n).for_each(|j| batch[self.column(j)] = block[j]);
        }
    }
    // ANCHOR_END: ended

    /// Makes the cotangent of step `s`'s state, F×n_s, of what step `s + 1` has left at the beginning
    /// of `block`, F×n_{s+1}: the columns that end with step `s` get the cotangent of the final
    /// states (F×B). The way back of [`Plan::scatter_ended`].
    pub fn widen<T: Float>(&self, s: usize, finals: &[T], block: &mut [T]) {
        // ANCHOR: widen
        let (n, after) = (self.active(s), self.active(s + 1));
        if n == after {
            return;
        }
        // From the last row to the first, so that nothing is overwritten before it has moved.
        for (row, finals) in finals.chunks_exact(self.all).enumerate().rev() {
            block.copy_within(row * after..(row + 1) * after, row * n);
            (after..n).for_each(|j| block[row * n + j] = finals[self.first + self.column(j)]);
        }
        // ANCHOR_END: widen
    }

    /// Of states of `features` rows that begin with the initial ones (F×(B+N)): the block before step
    /// `s`. It may have more than n_s columns.
    pub fn before<'b, T>(&self, s: usize, states: &'b [T], features: usize) -> &'b [T] {
        let start = s.checked_sub(1).map_or(0, |before| self.batch + self.start(before));
        &states[start * features..(start + self.had(s)) * features]
    }

    /// How many columns the state before step `s` has.
    pub fn had(&self, s: usize) -> usize {
        s.checked_sub(1).map_or(self.batch, |before| self.active(before))
    }

    /// The state before step `s`, cut to n_s columns: in place, or in `copy`.
    pub fn cut<'b, T: Float>(&self, s: usize, block: &'b [T], copy: &'b mut [T]) -> &'b [T] {
        // ANCHOR: cut
        let (n, had) = (self.active(s), self.had(s));
        if n == had {
            return block;
        }
        for (row, copy) in block.chunks_exact(had).zip(copy.chunks_exact_mut(n.max(1))) {
            copy.copy_from_slice(&row[..n]);
        }
        // ANCHOR_END: cut
        &copy[..block.len() / had * n]
    }
}

// ANCHOR: faded
/// `x`, or 0 where it is so small that it changes nothing: see [`Float::FADED`]. NaN stays NaN.
pub(super) fn unless_faded<T: Float>(x: T) -> T {
    if x > -T::FADED && x < T::FADED { T::ZERO } else { x }
}
// ANCHOR_END: faded

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faded_cotangents_are_zero_and_nothing_else_is() {
        let lengths = [[0, 1], [2, 1]].concat(); // the order, and the lengths
        for plan in [Plan::new(2, 2, false, &[]), Plan::new(2, 2, false, &lengths)] {
            let padded = [1e-31_f32, -1e-31, 0.0, 0.0];
            let mut block = [1e-31, f32::NAN];
            plan.gather_add(0, &padded, &mut block);
            assert!(block[0] == 0.0 && block[1].is_nan(), "{block:?}");
            let mut block = [1e-29, -1.0];
            plan.gather_add(0, &padded, &mut block);
            assert_eq!(block, [1e-29 + 1e-31, -1.0]);
        }
        assert_eq!(unless_faded(-1e-289_f64), -1e-289);
        assert_eq!(unless_faded(-1e-291_f64), 0.0);
    }
}
