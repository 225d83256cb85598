//! Which columns are active at which step, and where they come from.

use super::strips;
use autograd::Float;
use autograd::simd::map1;
use std::ops::Range;

/// Where the packed blocks of a sequence lie, and where their columns come from.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// Steps of the padded sequence: T.
    pub steps: usize,
    /// Examples of the batch: B.
    pub batch: usize,
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
        Self { steps, batch, reverse, order, lengths }
    }

    /// Whether every example fills every step: then a block has the order of the padded sequence.
    pub fn is_whole(&self) -> bool {
        self.order.is_empty()
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

    /// Where step `s`'s block lies in a padded sequence, if all examples fill all steps.
    pub fn slice(&self, s: usize, size: usize) -> Option<Range<usize>> {
        let t = if self.reverse { self.steps - 1 - s } else { s };
        self.is_whole().then_some(t * size..(t + 1) * size)
    }

    /// Calls `visit` with the place in the padded sequence and the place in step `s`'s block of
    /// every entry of the block.
    fn places(&self, s: usize, features: usize, n: usize, mut visit: impl FnMut(usize, usize)) {
        for row in 0..features {
            for j in 0..n {
                let padded = (self.time(s, j) * features + row) * self.batch + self.column(j);
                visit(padded, row * n + j);
            }
        }
    }

    /// Copies step `s` of a padded sequence ((T·F)×B) to its block (F×n_s).
    pub fn gather<T: Float>(&self, s: usize, padded: &[T], block: &mut [T]) {
        let n = self.active(s).max(1);
        match self.slice(s, block.len()) {
            Some(slice) => block.copy_from_slice(&padded[slice]),
            None => self.places(s, block.len() / n, n, |from, to| block[to] = padded[from]),
        }
    }

    /// Adds step `s` of a padded sequence to its block; what has faded is 0.
    pub fn gather_add<T: Float>(&self, s: usize, padded: &[T], block: &mut [T]) {
        let n = self.active(s).max(1);
        match self.slice(s, block.len()) {
            Some(slice) => strips([block], [&padded[slice]], |[to], [from]| {
                map1(to, from, |y, x| *y = unless_faded(*y + x));
            }),
            None => self.places(s, block.len() / n, n, |from, to| {
                block[to] = unless_faded(block[to] + padded[from]);
            }),
        }
    }

    /// Copies a block to step `s` of a padded sequence.
    pub fn scatter<T: Float>(&self, s: usize, block: &[T], padded: &mut [T]) {
        let n = self.active(s).max(1);
        match self.slice(s, block.len()) {
            Some(slice) => strips([&mut padded[slice]], [block], |[to], [from]| to.copy_from_slice(from)),
            None => self.places(s, block.len() / n, n, |to, from| padded[to] = block[from]),
        }
    }

    /// Adds a block to step `s` of a padded sequence.
    pub fn scatter_add<T: Float>(&self, s: usize, block: &[T], padded: &mut [T]) {
        let n = self.active(s).max(1);
        self.places(s, block.len() / n, n, |to, from| padded[to] += block[from]);
    }

    /// Copies a batch (F×B) to the block of step 0: the start of a recurrence.
    pub fn gather_start<T: Float>(&self, batch: &[T], block: &mut [T]) {
        for (row, block) in
            batch.chunks_exact(self.batch.max(1)).zip(block.chunks_exact_mut(self.batch.max(1)))
        {
            block.iter_mut().enumerate().for_each(|(j, x)| *x = row[self.column(j)]);
        }
    }

    /// Adds a block of step 0 to a batch (F×B): the gradient of a recurrence's start.
    pub fn scatter_start_add<T: Float>(&self, block: &[T], batch: &mut [T]) {
        for (block, row) in
            block.chunks_exact(self.batch.max(1)).zip(batch.chunks_exact_mut(self.batch.max(1)))
        {
            block.iter().enumerate().for_each(|(j, &x)| row[self.column(j)] += x);
        }
    }

    // ANCHOR: ended
    /// Writes the columns that end with step `s` from its block to a batch (F×B): the final states.
    pub fn scatter_ended<T: Float>(&self, s: usize, block: &[T], batch: &mut [T]) {
        let (n, after) = (self.active(s), self.active(s + 1));
        for (row, block) in block.chunks_exact(n.max(1)).enumerate() {
            (after..n).for_each(|j| batch[row * self.batch + self.column(j)] = block[j]);
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
        for (row, finals) in finals.chunks_exact(self.batch).enumerate().rev() {
            block.copy_within(row * after..(row + 1) * after, row * n);
            (after..n).for_each(|j| block[row * n + j] = finals[self.column(j)]);
        }
        // ANCHOR_END: widen
    }

    /// Of states of `features` rows that begin with the initial ones (F×(B+N)): the block before step
    /// `s`, and how many columns it has: perhaps more than n_s.
    pub fn before<'b, T>(&self, s: usize, states: &'b [T], features: usize) -> (&'b [T], usize) {
        let (start, have) = match s.checked_sub(1) {
            None => (0, self.batch),
            Some(before) => (self.batch + self.start(before), self.active(before)),
        };
        (&states[start * features..(start + have) * features], have)
    }

    /// The same block cut to n_s columns: in place, or in `copy`.
    pub fn cut_before<'b, T: Float>(
        &self,
        s: usize,
        states: &'b [T],
        features: usize,
        copy: &'b mut [T],
    ) -> &'b [T] {
        // ANCHOR: cut
        let (n, (block, have)) = (self.active(s), self.before(s, states, features));
        if n == have {
            return block;
        }
        for (row, copy) in block.chunks_exact(have).zip(copy.chunks_exact_mut(n)) {
            copy.copy_from_slice(&row[..n]);
        }
        // ANCHOR_END: cut
        &copy[..features * n]
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
