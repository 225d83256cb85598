//! The network whose output is fed back (Jordan 1986).

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::init::Init;
use crate::params::{Bound, ParamId, Params};
use autograd::simd::map1;
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// ```text
/// a   = W_ih x_t + W_yh y_{t−1} + b_h     pre-activation: H×B
/// h_t = tanh(a)                           hidden activation: H×B
/// y_t = W_hy h_t + b_y                    output: O×B
/// ```
///
/// | quantity | shape |
/// |---|---|
/// | `x_t` | I×B |
/// | `a, h_t` | H×B |
/// | `y_t` | O×B |
/// | `W_ih` (`weight_ih`) | H×I |
/// | `W_yh` (`weight_yh`) | H×O |
/// | `b_h` (`bias_h`) | H×1 |
/// | `W_hy` (`weight_hy`) | O×H |
/// | `b_y` (`bias_y`) | O×1 |
///
/// What Elman's network hands on is its hidden activation; what this one hands on is its output. So
/// its [`State::h`] is `y`, and [`Cell::hidden`], the number of features of output and state, is O:
/// [`CellConfig::output`], or H if that is not given. The H hidden activations stay inside.
///
/// Jordan, "Attractor dynamics and parallelism in a connectionist sequential machine", Proceedings
/// of the Cognitive Science Society 8 (1986).
#[derive(Clone, Copy, Debug)]
pub struct Jordan {
    input: usize,
    hidden: usize,
    output: usize,
    w_ih: ParamId,
    w_yh: ParamId,
    b_h: ParamId,
    w_hy: ParamId,
    b_y: ParamId,
}

impl Jordan {
    /// Adds the parameters of a new cell: I·H + 2·O·H + H + O numbers.
    pub fn new<T: Float>(
        config: CellConfig,
        params: &mut Params<T>,
        prefix: &str,
        layer: &str,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let CellConfig { input, hidden, init, .. } = config;
        let (output, init) = (config.output.unwrap_or(hidden), init.for_hidden(hidden));
        let mut add = |name: &str, init: Init, rows: usize, cols: usize| {
            params.add(format!("{prefix}.{name}_{layer}"), rows, cols, init.fill(rng, rows, cols))
        };
        let w_ih = add("weight_ih", init, hidden, input);
        let w_yh = add("weight_yh", init, hidden, output);
        let b_h = add("bias_h", init.for_bias(), hidden, 1);
        let w_hy = add("weight_hy", init, output, hidden);
        let b_y = add("bias_y", init.for_bias(), output, 1);
        Self { input, hidden, output, w_ih, w_yh, b_h, w_hy, b_y }
    }
}

impl<T: Float> Cell<T> for Jordan {
    fn input(&self) -> usize {
        self.input
    }

    // What a layer calls hidden is what a cell hands on: here the output.
    #[allow(clippy::misnamed_getters)]
    fn hidden(&self) -> usize {
        self.output
    }

    // ANCHOR: step
    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        let (tape, y_before) = (p.tape(), state.h);
        let (w_ih, w_yh, b_h) = (p.get(self.w_ih), p.get(self.w_yh), p.get(self.b_h));
        let a = tape.affine(&[(w_ih, x), (w_yh, y_before)], b_h).label("a"); // W_ih x + W_yh y + b_h
        let h = a.tanh().label("h");
        let y = tape.affine(&[(p.get(self.w_hy), h)], p.get(self.b_y)).label("y"); // W_hy h + b_y
        State { h: y, c: None }
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
        let inputs = [
            x,
            p.get(self.w_ih),
            p.get(self.w_yh),
            p.get(self.b_h),
            p.get(self.w_hy),
            p.get(self.b_y),
            state.h,
        ];
        Some(fused(*self, &inputs, lengths, reverse))
    }
}

/// The inputs, by number.
const W_IH: usize = 1;
const W_YH: usize = 2;
const B_H: usize = 3;
const W_HY: usize = 4;
const B_Y: usize = 5;

/// # The backward pass, derived
///
/// The forward pass of step t is
///
/// ```text
/// a = W_ih x_t + W_yh y_{t−1} + b_h,   h_t = tanh(a),   y_t = W_hy h_t + b_y
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1.
///
/// 1. `y_t` is the output, and it is used by step t + 1, so the cotangents from both add up:
///    `dy = dy_t + dy`, where step t + 1 has left the second (at t = T: the cotangent of `y_n`).
/// 2. `y_t = W_hy h_t + b_y`: `dh = W_hyᵀ dy`, and, added up over all steps, `dW_hy += dy h_tᵀ`,
///    `db_y += dy 1`.
/// 3. `h_t = tanh(a)`: `da = dh ⊙ (1 − h_t²)`.
/// 4. `a = W_ih x_t + W_yh y_{t−1} + b_h`: `dy_{t−1} = W_yhᵀ da`, and, added up over all steps,
///    `dW_ih += da x_tᵀ`, `dW_yh += da y_{t−1}ᵀ`, `db_h += da 1`; and `dx_t = W_ihᵀ da`.
///
/// The state `h` of the derivation is `y`, `kept` is the hidden activation, and of the stacked
/// "pre-activations" `a` and `y`, (H+O)×B, the second has no function after it.
impl<T: Float> Derivation<T> for Jordan {
    fn name(&self) -> &'static str {
        "jordan_sequence"
    }

    fn sizes(&self) -> Sizes {
        let Self { input, hidden, output, .. } = *self;
        Sizes { x: input, h: output, c: 0, pre: hidden + output, kept: hidden }
    }

    fn factors(&self, need: &mut dyn FnMut(usize, Range<usize>)) {
        need(W_IH, 0..self.hidden);
        need(W_YH, 0..self.hidden);
        need(W_HY, 0..self.output);
    }

    // ANCHOR: forward
    fn forward(&self, step: Forward<'_, T>) {
        let Forward { inputs: p, x, h_before: y_before, pre, kept: h, h: y, .. } = step;
        let (a, _) = pre.split_at_mut(h.len());
        affine(a, p.value(B_H), [(p.factor(W_IH), x), (p.factor(W_YH), y_before)]);
        strips([&mut *h], [a], |[h], [a]| T::tanh_slice(h, a));
        affine(y, p.value(B_Y), [(p.factor(W_HY), h)]);
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    fn backward(&self, step: Backward<'_, T>) {
        let Backward { inputs: p, kept: h, dh: dy, d_kept, d_pre, dh_before: dy_before, dx, .. } = step; // 1
        let (da, dy_of_sums) = d_pre.split_at_mut(h.len());
        // ANCHOR: backward-output
        dy_of_sums.copy_from_slice(dy);
        let dh = &mut *da; // where da will be
        product(dh, p.factor_transposed(W_HY), dy); // 2
        // ANCHOR_END: backward-output
        show(d_kept, dh);
        // ANCHOR: backward-activation
        strips([&mut *da], [h], |[da], [h]| {
            map1(da, h, |da, h| *da *= T::ONE - h * h); // 3
        });
        // ANCHOR_END: backward-activation
        // ANCHOR: backward-products
        product(dy_before, p.factor_transposed(W_YH), da); // 4
        if let Some(dx) = dx {
            add_product(dx, p.factor_transposed(W_IH), da); // 4
        }
        // ANCHOR_END: backward-products
    }

    fn sums(&self, sums: &mut Sums<'_, '_, T>) {
        // ANCHOR: sums
        let (a, y) = (0..self.hidden, self.hidden..self.hidden + self.output);
        sums.affine(y, [(W_HY, 0, Right::Kept(0..self.hidden))], (B_Y, 0)); // 2
        sums.affine(a, [(W_IH, 0, Right::X), (W_YH, 0, Right::HBefore)], (B_H, 0)); // 4
        // ANCHOR_END: sums
    }
    // ANCHOR_END: backward

    fn inside(&self, show: &mut Inside<'_, T>) {
        show.pre("a", 0..self.hidden);
        show.kept("h", 0..self.hidden);
        show.h("y");
    }
}
