//! Where a recurrence begins.

use crate::cells::{Cell, State};
use crate::params::{Bound, ParamId, Params};
use autograd::Float;

/// A learned initial state: `h_0` and, for the LSTM kinds, `c_0` are parameters like any other.
///
/// They are H×1 and stand in every column of the batch, so their gradient is the sum over the
/// examples of what reaches the beginning of each: `dh_0 = Σ_b dh_{0,b}`.
///
/// Without it a network begins from zeros, and needs steps at the start of every sequence to find
/// out that it is at the start. In a text that is carried on from window to window it is used once.
#[derive(Clone, Debug)]
pub struct InitialState {
    h: ParamId,
    c: Option<ParamId>,
}

impl InitialState {
    /// Adds the parameters `{prefix}.h_0_{layer}` and `{prefix}.c_0_{layer}` for a cell, zeros at first.
    pub fn new<T: Float>(cell: &dyn Cell<T>, params: &mut Params<T>, prefix: &str, layer: &str) -> Self {
        let mut zeros = |name| {
            params.add(format!("{prefix}.{name}_{layer}"), cell.hidden(), 1, vec![T::ZERO; cell.hidden()])
        };
        Self { h: zeros("h_0"), c: cell.has_cell_state().then(|| zeros("c_0")) }
    }

    // ANCHOR: state
    /// The state for a batch of `batch` examples.
    pub fn state<'t, T: Float>(&self, p: Bound<'t, T>, batch: usize) -> State<'t, T> {
        let copies = |id| p.tape().zeros(p.get(id).rows(), batch) + p.get(id); // a column added to every column
        State { h: copies(self.h), c: self.c.map(copies) }
    }
    // ANCHOR_END: state
}
