//! Dropout from step to step, with one mask for the whole sequence (Gal and Ghahramani 2016).

use super::dropout;
use crate::cells::{Cell, State};
use crate::params::Bound;
use autograd::{Float, Tape, Var};
use rand_chacha::ChaCha8Rng;

/// A cell whose recurrent products see `h_{t−1} ⊙ m`: the entries of the mask m are 0 with
/// probability p and 1/(1 − p) otherwise, drawn once per example and the same at every step.
///
/// A new mask at every step would multiply T random numbers into what a unit remembers, and nothing
/// would be left of it; here a unit is either there for the whole sequence or missing from it. Also
/// called variational dropout. What a cell carries past its products, the `c` of an LSTM or the
/// `z ⊙ h_{t−1}` of a GRU, is not dropped: see [`Cell::step_seeing`].
///
/// It runs in the cell's equations, step by step: the fused derivations take no mask.
///
/// Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent neural
/// networks", NeurIPS (2016).
pub struct RecurrentDropout<'a, T: Float> {
    cell: &'a dyn Cell<T>,
    mask: usize,
}

impl<'a, T: Float> RecurrentDropout<'a, T> {
    /// Draws the masks of a batch of `batch` examples, for one run of the cell on this tape.
    ///
    /// # Panics
    /// If p is not in \[0, 1).
    #[track_caller]
    pub fn new(cell: &'a dyn Cell<T>, tape: &Tape<T>, batch: usize, p: f64, rng: &mut ChaCha8Rng) -> Self {
        let ones = tape.constant_with(cell.hidden(), batch, |entries| entries.fill(T::ONE));
        Self { cell, mask: dropout(ones, p, rng).index() }
    }
}

impl<T: Float> Cell<T> for RecurrentDropout<'_, T> {
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
        let mask = p.tape().var(self.mask);
        self.cell.step_seeing(p, x, state, state.h * mask)
    }
}
