//! What a cell writes down: one step forward, one step back.

use super::{Inside, Sums};
use autograd::{Float, Inputs};
use std::ops::Range;

/// One step of a recurrence, forward and, derived by hand, backward.
///
/// Every quantity is a block: features × n, row by row, of the n examples that have this step.
/// The inputs are those given to [`fused`](super::fused): `x`, the weights, the initial states.
///
/// An Elman network with a diagonal recurrent matrix, `h_t = tanh(x_t + u ⊙ h_{t−1})`:
///
/// ```
/// use autograd::{Float, Tape, simd::{map1, map2}};
/// use models::cells::State;
/// use models::cells::sequence::{Backward, Derivation, Right, Forward, Inside, Sizes, Sums, fused};
///
/// #[derive(Clone, Copy)]
/// struct Diagonal;
///
/// impl<T: Float> Derivation<T> for Diagonal {
///     fn name(&self) -> &'static str {
///         "diagonal"
///     }
///     fn sizes(&self) -> Sizes {
///         Sizes { x: 1, h: 1, c: 0, pre: 1, kept: 0 }
///     }
///     fn forward(&self, step: Forward<'_, T>) {
///         let u = step.inputs.value(1)[0];
///         map2(step.pre, step.x, step.h_before, |a, x, h| *a = x + u * h);
///         T::tanh_slice(step.h, step.pre);
///     }
///     fn backward(&self, step: Backward<'_, T>) {
///         let u = step.inputs.value(1)[0];
///         map2(step.d_pre, step.dh, step.h, |da, dh, h| *da = dh * (T::ONE - h * h));
///         map1(step.dh_before, step.d_pre, |dh, da| *dh = u * da);
///         if let Some(dx) = step.dx {
///             map1(dx, step.d_pre, |dx, da| *dx += da);
///         }
///     }
///     fn sums(&self, sums: &mut Sums<'_, '_, T>) {
///         sums.diagonal(1, 0..1, Right::HBefore);
///     }
///     fn inside(&self, show: &mut Inside<'_, T>) {
///         show.pre("a", 0..1);
///         show.h("h");
///     }
/// }
///
/// let tape = Tape::<f64>::new();
/// let x = tape.constant(3, 1, &[0.5, 0.0, -0.5]); // three steps of one feature
/// let (u, h_0) = (tape.leaf(1, 1, &[0.9]), tape.zeros(1, 1));
/// let (_, State { h, .. }) = fused(Diagonal, &[x, u, h_0], None, false);
/// h.backward();
/// assert!(u.grad()[0] > 0.0);
/// ```
pub trait Derivation<T: Float>: Copy + Send + Sync + 'static {
    /// The operation's name, for messages.
    fn name(&self) -> &'static str;

    /// How many features each quantity has.
    fn sizes(&self) -> Sizes;

    /// The inputs, and which of their rows, that the steps multiply by: `W x` forward, `Wᵀ dz` back. Not to name
    /// one costs time and nothing else.
    fn factors(&self, _need: &mut dyn FnMut(usize, Range<usize>)) {}

    /// The step forward: writes every entry of `pre`, `kept`, `h` and `c`.
    fn forward(&self, step: Forward<'_, T>);

    /// The step back: from the cotangents of `h_t` and `c_t` to those of `h_{t−1}` and `c_{t−1}`.
    fn backward(&self, step: Backward<'_, T>);

    /// The gradients that are sums over all steps: one call per weight.
    fn sums(&self, sums: &mut Sums<'_, '_, T>);

    /// The quantities to show in a trace, by the labels that the equations give them.
    fn inside(&self, show: &mut Inside<'_, T>);
}

/// How many features the quantities of a derivation have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The input `x`.
    pub x: usize,
    /// The state `h`, which is also the output.
    pub h: usize,
    /// The cell state `c`, 0 if there is none.
    pub c: usize,
    /// The pre-activations: what the weights' products end in.
    pub pre: usize,
    /// What else of the forward pass the backward pass needs.
    pub kept: usize,
}

/// The step forward of a [`Derivation`]. What is to be written holds rubbish before.
pub struct Forward<'a, T: Float> {
    /// All inputs, by number: 0 is the whole sequence, then come the weights.
    pub inputs: Inputs<'a, T>,
    /// `x_t`.
    pub x: &'a [T],
    /// `h_{t−1}`.
    pub h_before: &'a [T],
    /// `c_{t−1}`.
    pub c_before: &'a [T],
    /// The pre-activations, to write; the next step writes over them.
    pub pre: &'a mut [T],
    /// What the backward pass needs, to write.
    pub kept: &'a mut [T],
    /// `h_t`, to write.
    pub h: &'a mut [T],
    /// `c_t`, to write.
    pub c: &'a mut [T],
}

/// The step back of a [`Derivation`]. `dq` is `∂L/∂q`. What is to be written holds rubbish before.
pub struct Backward<'a, T: Float> {
    /// All inputs, by number: 0 is the whole sequence, then come the weights.
    pub inputs: Inputs<'a, T>,
    /// `h_{t−1}`.
    pub h_before: &'a [T],
    /// `c_{t−1}`.
    pub c_before: &'a [T],
    /// What the step forward kept.
    pub kept: &'a [T],
    /// `h_t`.
    pub h: &'a [T],
    /// `c_t`.
    pub c: &'a [T],
    /// `∂L/∂h_t`, complete: from the output and from step t + 1.
    pub dh: &'a [T],
    /// `∂L/∂c_t` from step t + 1, to be completed by what `h_t` adds.
    pub dc: &'a mut [T],
    /// The cotangents of what the step forward kept, for a trace; empty without one, see [`show`].
    pub d_kept: &'a mut [T],
    /// The cotangents of the pre-activations, to write.
    pub d_pre: &'a mut [T],
    /// `∂L/∂h_{t−1}`, to write.
    pub dh_before: &'a mut [T],
    /// `∂L/∂c_{t−1}`, to write.
    pub dc_before: &'a mut [T],
    /// `∂L/∂x_t`, to ADD to, if it is asked for.
    pub dx: Option<&'a mut [T]>,
}

/// Copies `from` to the beginning of `to`, unless `to` is empty: nobody looks.
///
/// A training step needs the cotangents of its gates only for a moment, until they have become those of
/// the pre-activations. To keep them for nobody would cost memory traffic at every step.
pub fn show<T: Copy>(to: &mut [T], from: &[T]) {
    if !to.is_empty() {
        to[..from.len()].copy_from_slice(from);
    }
}
