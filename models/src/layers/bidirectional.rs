//! Two cells over one sequence, one from each end (Schuster and Paliwal 1997).

use super::{Span, interleave, unroll};
use crate::cells::{Cell, State};
use crate::params::Bound;
use autograd::{Float, Var};

/// Runs one cell from the first step to the last and another, with weights of its own, from the last
/// to the first. `y_t = [forward_t; backward_t]`, so that every output knows the whole sequence.
///
/// ```text
///  x_1   x_2   x_3
///   ├────→├────→├──→    forward_t knows x_1 … x_t
/// ←─┤←────┤←────┤       backward_t knows x_t … x_T
///  y_1   y_2   y_3      (T·2H)×B
/// ```
///
/// With lengths, the backward cell begins at each example's own last valid step, never in the
/// padding. Returned are the outputs and both final states: the forward cell's, of the last valid
/// step, and the backward cell's, of the FIRST step.
///
/// The mistake to avoid: for one answer about the whole sequence, the output at the last position
/// will not do. Its lower half comes from a backward cell that has read one symbol. The two final
/// states are what to take: [`Stack::summary`](super::Stack::summary).
///
/// Schuster and Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions on Signal
/// Processing 45 (1997).
///
/// # Panics
/// As [`unroll`], and if the span is already in reverse.
#[track_caller]
pub fn bidirectional<'t, T: Float>(
    cells: [&dyn Cell<T>; 2],
    p: Bound<'t, T>,
    x: Var<'t, T>,
    start: [State<'t, T>; 2],
    span: Span<'_>,
) -> (Var<'t, T>, [State<'t, T>; 2]) {
    assert!(!span.reverse, "bidirectional: it runs both ways already, a reversed span has no meaning");
    // ANCHOR: both
    let [forward, backward] = cells;
    let (y, end) = unroll(forward, p, x, start[0], span);
    let (y_back, end_back) = unroll(backward, p, x, start[1], Span { reverse: true, ..span });
    let steps = x.rows() / forward.input();
    (interleave(y, y_back, steps), [end, end_back])
    // ANCHOR_END: both
}
