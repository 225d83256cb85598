//! The simple recurrent network (Elman 1990).

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::params::{Bound, ParamId, Params};
use autograd::simd::{map1, map2};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// ```text
/// a   = W x_t + U h_{t−1} + b      pre-activation
/// h_t = tanh(a), or relu(a)        hidden state
/// ```
///
/// | quantity | shape |
/// |---|---|
/// | `x_t` | I×B |
/// | `a, h_t` | H×B |
/// | `W` (`weight_ih`) | H×I |
/// | `U` (`weight_hh`) | H×H |
/// | `b` (`bias`) | H×1 |
///
/// Elman, "Finding structure in time", Cognitive Science 14 (1990).
#[derive(Clone, Copy, Debug)]
pub struct Elman {
    input: usize,
    hidden: usize,
    w: ParamId,
    u: ParamId,
    b: ParamId,
    relu: bool,
}

impl Elman {
    /// Adds the parameters of a new cell: I·H + H² + H numbers.
    pub fn new<T: Float>(
        config: CellConfig,
        params: &mut Params<T>,
        prefix: &str,
        layer: &str,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let CellConfig { input, hidden, init, .. } = config;
        let init = init.for_hidden(hidden);
        let w =
            params.add(format!("{prefix}.weight_ih_{layer}"), hidden, input, init.fill(rng, hidden, input));
        let u =
            params.add(format!("{prefix}.weight_hh_{layer}"), hidden, hidden, init.fill(rng, hidden, hidden));
        let b = params.add(format!("{prefix}.bias_{layer}"), hidden, 1, init.for_bias().fill(rng, hidden, 1));
        Self { input, hidden, w, u, b, relu: false }
    }

    /// The same cell with relu(a) = max(a, 0) in place of tanh(a).
    pub fn with_relu(self) -> Self {
        Self { relu: true, ..self }
    }
}

impl<T: Float> Cell<T> for Elman {
    fn input(&self) -> usize {
        self.input
    }

    fn hidden(&self) -> usize {
        self.hidden
    }

    // ANCHOR: step
    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        let (w, u, b) = (p.get(self.w), p.get(self.u), p.get(self.b));
        let a = x.tape().affine(&[(w, x), (u, state.h)], b).label("a"); // W x + U h + b
        let h = if self.relu { a.relu() } else { a.tanh() }.label("h");
        State { h, c: None }
    }
    // ANCHOR_END: step

    fn sequence<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        lengths: Option<&Lengths>,
        reverse: bool,
    ) -> Option<(Var<'t, T>, State<'t, T>)> {
        let inputs = [x, p.get(self.w), p.get(self.u), p.get(self.b), state.h];
        Some(fused(*self, &inputs, lengths, reverse))
    }
}

/// The inputs, by number.
const W: usize = 1;
const U: usize = 2;
const B: usize = 3;

/// # The backward pass, derived
///
/// The forward pass of step t is
///
/// ```text
/// a = W x_t + U h_{t−1} + b,   h_t = tanh(a)
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1.
///
/// 1. `h_t` is used by the output and by step t + 1, so the cotangents from both add up:
///    `dh = dy_t + dh`, where step t + 1 has left the second (at t = T: the cotangent of `h_n`).
/// 2. `h_t = tanh(a)`: `da = dh ⊙ (1 − h_t²)`. For relu, `da = dh` where `h_t > 0`, and 0 elsewhere.
/// 3. `a = W x_t + U h_{t−1} + b`: `dh_{t−1} = Uᵀ da`, and, added up over all steps,
///    `dW += da x_tᵀ`, `dU += da h_{t−1}ᵀ`, `db += da 1`; and `dx_t = Wᵀ da`.
///
/// A cotangent on its way back is multiplied by `diag(1 − h²)` and `Uᵀ` at every step: if their
/// product is smaller than one it vanishes, if larger it explodes.
impl<T: Float> Derivation<T> for Elman {
    fn name(&self) -> &'static str {
        if self.relu { "elman_relu_sequence" } else { "elman_sequence" }
    }

    fn sizes(&self) -> Sizes {
        Sizes { x: self.input, h: self.hidden, c: 0, pre: self.hidden, kept: 0 }
    }

    fn factors(&self, need: &mut dyn FnMut(usize, Range<usize>)) {
        need(W, 0..self.hidden);
        need(U, 0..self.hidden);
    }

    // ANCHOR: forward
    fn forward(&self, step: Forward<'_, T>) {
        let Forward { inputs: p, x, h_before, pre: a, h, .. } = step;
        affine(a, p.value(B), [(p.factor(W), x), (p.factor(U), h_before)]);
        strips([h], [a], |[h], [a]| match self.relu {
            false => T::tanh_slice(h, a),
            true => map1(h, a, |h, a| *h = if a < T::ZERO { T::ZERO } else { a }),
        });
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    fn backward(&self, step: Backward<'_, T>) {
        let Backward { inputs: p, h, dh, d_pre: da, dh_before, dx, .. } = step; // 1
        // ANCHOR: backward-activation
        strips([&mut *da], [dh, h], |[da], [dh, h]| match self.relu {
            false => map2(da, dh, h, |da, dh, h| *da = dh * (T::ONE - h * h)), // 2
            true => map2(da, dh, h, |da, dh, h| *da = if h > T::ZERO { dh } else { T::ZERO }), // 2
        });
        // ANCHOR_END: backward-activation
        // ANCHOR: backward-products
        product(dh_before, p.factor_transposed(U), da); // 3
        if let Some(dx) = dx {
            add_product(dx, p.factor_transposed(W), da); // 3
        }
        // ANCHOR_END: backward-products
    }

    fn sums(&self, sums: &mut Sums<'_, '_, T>) {
        // ANCHOR: sums
        let a = 0..self.hidden;
        sums.affine(a, [(W, 0, Right::X), (U, 0, Right::HBefore)], (B, 0)); // 3
        // ANCHOR_END: sums
    }
    // ANCHOR_END: backward

    fn inside(&self, show: &mut Inside<'_, T>) {
        show.pre("a", 0..self.hidden);
        show.h("h");
    }
}
