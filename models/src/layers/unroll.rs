//! A cell over a sequence: one picture, one loop.

use crate::cells::{Cell, Lengths, State};
use crate::params::Bound;
use autograd::{Float, Var};

/// How a layer runs over a sequence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span<'a> {
    /// The examples' lengths; without them every example fills every step.
    pub lengths: Option<&'a Lengths>,
    /// From the last valid step of every example to its first.
    pub reverse: bool,
    /// Step by step, in the cell's equations, and not in the fused derivation.
    pub equations: bool,
}

/// Runs a cell over the sequence `x` ((T·I)×B) from `state`: all outputs `h_1 … h_T` as one
/// sequence ((T·H)×B), and the final state.
///
/// The same weights serve every step, so the backward pass adds up one gradient from all of them:
/// backpropagation through time. The cell's fused derivation does that in one operation; where it
/// has none, or [`Span::equations`] asks for it, the tape does it step by step.
///
/// With lengths, outputs past an example's end are zero and its final state is that of its last
/// valid step; what stands in the padding changes nothing.
///
/// # Panics
/// If the rows of `x` are not a multiple of the cell's input features, or a length is not in 1..=T.
#[track_caller]
pub fn unroll<'t, T: Float>(
    cell: &dyn Cell<T>,
    p: Bound<'t, T>,
    x: Var<'t, T>,
    state: State<'t, T>,
    span: Span<'_>,
) -> (Var<'t, T>, State<'t, T>) {
    let ((rows, cols), input) = (x.shape(), cell.input());
    assert!(rows % input == 0, "unroll: input of {rows}×{cols} is not a sequence of {input} features");
    if let Some(lengths) = span.lengths {
        lengths.assert_fit(rows / input, cols);
    }
    let fused = if span.equations { None } else { cell.sequence(p, x, state, span.lengths, span.reverse) };
    fused.unwrap_or_else(|| step_by_step(cell, p, x, state, span))
}

fn step_by_step<'t, T: Float>(
    cell: &dyn Cell<T>,
    p: Bound<'t, T>,
    x: Var<'t, T>,
    mut state: State<'t, T>,
    span: Span<'_>,
) -> (Var<'t, T>, State<'t, T>) {
    let (tape, input) = (x.tape(), cell.input());
    let steps = x.rows() / input;
    let mut outputs = tape.list();
    // ANCHOR: unroll
    for s in 0..steps {
        let t = if span.reverse { steps - 1 - s } else { s };
        tape.set_step(Some(t));
        let x_t = only_valid(x.row_block(t * input..(t + 1) * input), span.lengths, t);
        let next = cell.step(p, x_t, state);
        let (y_t, after) = keep_valid(next, state, span.lengths, t);
        outputs.push(y_t);
        state = after;
    }
    // ANCHOR_END: unroll
    tape.set_step(None);
    if span.reverse {
        outputs.reverse();
    }
    (outputs.concat_rows(), state)
}

/// The output of step `t` and the state after it. Where an example has no step `t`, its output is
/// zero and its state stays what it was: so that a forward run ends with the last valid state, and
/// a reverse run begins, at the last valid step, with the initial one.
fn keep_valid<'t, T: Float>(
    next: State<'t, T>,
    before: State<'t, T>,
    lengths: Option<&Lengths>,
    t: usize,
) -> (Var<'t, T>, State<'t, T>) {
    let Some(lengths) = lengths else { return (next.h, next) };
    // ANCHOR: keep-valid
    let tape = next.h.tape();
    let valid = || (0..lengths.batch()).map(|column| t < lengths.of(column));
    let h = tape.select(valid(), next.h, before.h);
    let c = next.c.zip(before.c).map(|(next, before)| tape.select(valid(), next, before));
    (only_valid(next.h, Some(lengths), t), State { h, c })
    // ANCHOR_END: keep-valid
}

// ANCHOR: only-valid
/// `x_t` with zeros where an example has no step `t`: a NaN in the padding must not reach the
/// cell, whose backward pass would multiply it by a cotangent of zero and get NaN.
fn only_valid<'t, T: Float>(x_t: Var<'t, T>, lengths: Option<&Lengths>, t: usize) -> Var<'t, T> {
    let Some(lengths) = lengths else { return x_t };
    let valid = (0..lengths.batch()).map(|column| t < lengths.of(column));
    x_t.tape().select(valid, x_t, x_t.tape().zeros(x_t.rows(), x_t.cols()))
}
// ANCHOR_END: only-valid
