//! Looking inside: every labelled quantity on the tape, step by step.

/// A named quantity at one time step.
#[derive(Clone, Copy, Debug)]
pub struct Quantity<'a, T> {
    /// Its name in the equations, for example `f` or `pre-activation`.
    pub name: &'a str,
    /// Which layer and direction it belongs to, for example `l0_reverse`.
    pub scope: Option<&'a str>,
    /// The time step.
    pub step: Option<usize>,
    /// Rows: features.
    pub rows: usize,
    /// Columns: examples of the batch.
    pub cols: usize,
    /// The entries, row by row.
    pub value: &'a [T],
    /// The gradient of the loss with respect to it, if it is known.
    pub grad: Option<&'a [T]>,
}

/// What [`Tape::trace`](crate::Tape::trace) calls with every quantity.
pub type Visit<'a, T> = dyn FnMut(Quantity<'_, T>) + 'a;
