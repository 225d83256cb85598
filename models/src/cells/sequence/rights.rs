//! What the cotangents of the pre-activations are multiplied with, for the weights' gradients.

use super::Sizes;
use super::loops::Stored;
use crate::threads;
use autograd::Float;
use autograd::product::{PANEL, Rows, turn, turned_size};
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

impl Right {
    /// How many rows it has.
    pub(super) fn rows(&self, sizes: Sizes) -> usize {
        match self {
            Self::X => sizes.x,
            Self::HBefore => sizes.h,
            Self::CBefore | Self::C => sizes.c,
            Self::Kept(rows) => rows.len(),
        }
    }
}

/// One of several groups into which every step's columns are divided.
#[derive(Clone, Copy)]
pub(super) struct Group {
    pub number: usize,
    pub of: usize,
}

impl Group {
    /// Which of a step's `n` columns.
    pub fn columns(self, n: usize) -> Range<usize> {
        n * self.number / self.of..n * (self.number + 1) / self.of
    }
}

/// The right factors of some steps.
pub(super) struct Rights<'a, T> {
    pub stored: &'a Stored<'a, T>,
    pub steps: Range<usize>,
    /// Which of every step's columns.
    pub group: Group,
}

impl<'a, T: Float> Rights<'a, T> {
    /// `(y₁; y₂; …; 1)`: the rows of these factors, of all steps side by side, the last step first, turned.
    pub fn turn<'r>(&self, factors: &[Right], width: usize, room: &'r mut [T]) -> &'r [T] {
        let rows = factors.iter().map(|right| right.rows(self.stored.sizes)).sum::<usize>() + 1;
        // Vectors that straddle two cache lines load at half the speed.
        let start = room.as_ptr().align_offset(64);
        let panels = &mut room[start..][..turned_size(rows, width)];
        self.fill(factors, panels, 0, width, threads::worth(16 * rows * width));
        panels
    }

    /// Fills panels, which the threads share, from this one on.
    fn fill(&self, factors: &[Right], panels: &mut [T], panel: usize, width: usize, threads: usize) {
        let count = panels.len() / (PANEL * width);
        let (first, here) = (threads / 2, count * (threads / 2) / threads);
        if here == 0 {
            for (k, data) in panels.chunks_exact_mut(PANEL * width).enumerate() {
                self.fill_one(factors, data, (panel + k) * PANEL);
            }
            return;
        }
        let (before, after) = panels.split_at_mut(here * PANEL * width);
        threads::join(
            || self.fill(factors, before, panel, width, first),
            || self.fill(factors, after, panel + here, width, threads - first),
        );
    }

    /// Fills the panel that begins with this row.
    fn fill_one(&self, factors: &[Right], panel: &mut [T], start: usize) {
        let mut above = 0; // rows of the factors before
        for right in factors {
            let rows = right.rows(self.stored.sizes);
            let (from, to) = (start.max(above), (start + PANEL).min(above + rows));
            let mut at = 0;
            for s in self.steps.clone().rev().filter(|_| from < to) {
                let y = self.of_step(right, s);
                turn(&mut panel[at * PANEL..], from - start, y.from(from - above), to - from);
                at += y.width;
            }
            above += rows;
        }
        if let Some(ones) = above.checked_sub(start).filter(|&row| row < PANEL) {
            for column in panel.chunks_exact_mut(PANEL) {
                column[ones] = T::ONE;
                column[ones + 1..].fill(T::ZERO);
            }
        }
    }

    /// A factor's rows at step `s`.
    pub fn of_step(&self, right: &Right, s: usize) -> Rows<'a, T> {
        let &Stored { plan, sizes, given, x, c, kept, .. } = self.stored;
        let n = plan.active(s);
        let (block, apart) = match right {
            Right::X if plan.is_whole() => plan.strided(s, sizes.x, given),
            Right::X => (&x[plan.block(s, sizes.x)], n),
            // A state may have more columns than the step: those that end before it.
            Right::HBefore => (self.stored.h_before(s), plan.had(s)),
            Right::CBefore => (plan.before(s, c, sizes.c), plan.had(s)),
            Right::C => (plan.before(s + 1, c, sizes.c), plan.had(s + 1)),
            Right::Kept(rows) => (&kept[plan.block(s, sizes.kept)][rows.start * n..], n),
        };
        let columns = self.group.columns(n);
        Rows { data: &block[columns.start..], width: columns.len(), apart }
    }
}
