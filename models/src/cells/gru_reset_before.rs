//! The gated recurrent unit that resets before the matrix, as it was published (Cho et al. 2014).

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::params::{Bound, ParamId, Params};
use autograd::simd::{map2, map3};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// ```text
/// a_r = W_r x_t + U_r h_{t−1} + b_r         r = σ(a_r)     reset gate
/// a_z = W_z x_t + U_z h_{t−1} + b_z         z = σ(a_z)     update gate
/// a_n = W_n x_t + U_n (r ⊙ h_{t−1}) + b_n   n = tanh(a_n)  candidate
/// h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}                          hidden state
/// ```
///
/// | quantity | shape |
/// |---|---|
/// | `x_t` | I×B |
/// | `r, z, n, h_t` | H×B |
/// | `W` = `W_r, W_z, W_n` (`weight_ih`) | 3H×I |
/// | `U` = `U_r, U_z, U_n` (`weight_hh`) | 3H×H |
/// | `b` = `b_r, b_z, b_n` (`bias`) | 3H×1 |
///
/// The gates are stacked in PyTorch's order r, z, n; PyTorch itself resets after the matrix: see
/// [`Gru`](super::Gru). Cho et al., "Learning phrase representations using RNN encoder–decoder for
/// statistical machine translation", EMNLP (2014).
#[derive(Clone, Copy, Debug)]
pub struct GruResetBefore {
    input: usize,
    hidden: usize,
    w: ParamId,
    u: ParamId,
    b: ParamId,
}

impl GruResetBefore {
    /// Adds the parameters of a new cell: 3(I·H + H² + H) numbers.
    pub fn new<T: Float>(
        config: CellConfig,
        params: &mut Params<T>,
        prefix: &str,
        layer: &str,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let CellConfig { input, hidden, init, .. } = config;
        let init = init.for_hidden(hidden);
        let (w, u) = (init.fill_gates(rng, 3, hidden, input), init.fill_gates(rng, 3, hidden, hidden));
        let b = init.for_bias().fill(rng, 3 * hidden, 1);
        let w = params.add(format!("{prefix}.weight_ih_{layer}"), 3 * hidden, input, w);
        let u = params.add(format!("{prefix}.weight_hh_{layer}"), 3 * hidden, hidden, u);
        let b = params.add(format!("{prefix}.bias_{layer}"), 3 * hidden, 1, b);
        Self { input, hidden, w, u, b }
    }
}

impl<T: Float> Cell<T> for GruResetBefore {
    fn input(&self) -> usize {
        self.input
    }

    fn hidden(&self) -> usize {
        self.hidden
    }

    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        self.step_seeing(p, x, state, state.h)
    }

    // ANCHOR: step
    fn step_seeing<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        h_before: Var<'t, T>,
    ) -> State<'t, T> {
        let (tape, gates) = (p.tape(), 0..2 * self.hidden);
        let (w, u, b) = (p.get(self.w), p.get(self.u), p.get(self.b));
        let [w_rz, u_rz, b_rz] = [w, u, b].map(|v| v.row_block(gates.clone()));
        let [w_n, u_n, b_n] = [w, u, b].map(|v| v.row_block(gates.end..v.rows()));
        let [a_r, a_z] = tape.affine(&[(w_rz, x), (u_rz, h_before)], b_rz).chunk();
        let r = a_r.label("a_r").sigmoid().label("r");
        let z = a_z.label("a_z").sigmoid().label("z");
        let k = (r * h_before).label("k");
        let a_n = tape.affine(&[(w_n, x), (u_n, k)], b_n).label("a_n");
        let n = a_n.tanh().label("n");
        let h = ((1.0 - z) * n + z * state.h).label("h");
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
/// a_r = W_r x_t + U_r h_{t−1} + b_r,   r = σ(a_r)
/// a_z = W_z x_t + U_z h_{t−1} + b_z,   z = σ(a_z)
/// k = r ⊙ h_{t−1}
/// a_n = W_n x_t + U_n k + b_n,         n = tanh(a_n)
/// h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1.
///
/// 1. `h_t` is used by the output and by step t + 1: `dh = dy_t + dh`, where step t + 1 has left the
///    second (at t = T: the cotangent of `h_n`).
/// 2. `h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}`: `dn = dh ⊙ (1 − z)`, `dz = dh ⊙ (h_{t−1} − n)`, and
///    `dh_{t−1} = dh ⊙ z`: where z is 1, the gradient passes unchanged.
/// 3. `n = tanh(a_n)`, `a_n = W_n x_t + U_n k + b_n`: `da_n = dn ⊙ (1 − n²)`, `dk = U_nᵀ da_n`, and,
///    added up over all steps, `dU_n += da_n kᵀ`.
/// 4. `k = r ⊙ h_{t−1}`: `dr = dk ⊙ h_{t−1}`, and `dh_{t−1} = dh_{t−1} + dk ⊙ r`.
/// 5. `r = σ(a_r)`, `z = σ(a_z)`: `da_r = dr ⊙ r(1−r)`, `da_z = dz ⊙ z(1−z)`.
/// 6. `a_r` and `a_z` see the state through two blocks of U:
///    `dh_{t−1} = dh_{t−1} + U_rzᵀ [da_r; da_z]`, and, added up over all steps,
///    `dU_rz += [da_r; da_z] h_{t−1}ᵀ`.
/// 7. All three see the input, with `da = [da_r; da_z; da_n]`: `dx_t = Wᵀ da`, and, added up over all
///    steps, `dW += da x_tᵀ`, `db += da 1`.
impl<T: Float> Derivation<T> for GruResetBefore {
    fn name(&self) -> &'static str {
        "gru_reset_before_sequence"
    }

    fn sizes(&self) -> Sizes {
        let (x, h) = (self.input, self.hidden);
        Sizes { x, h, c: 0, pre: 3 * h, kept: 4 * h }
    }

    fn factors(&self, need: &mut dyn FnMut(usize, Range<usize>)) {
        need(W, 0..3 * self.hidden);
        need(U, 0..2 * self.hidden);
        need(U, 2 * self.hidden..3 * self.hidden);
    }

    // ANCHOR: forward
    fn forward(&self, step: Forward<'_, T>) {
        let Forward { inputs: p, x, h_before, pre: a, kept, h, .. } = step;
        let (rz, n_rows) = (0..2 * self.hidden, 2 * self.hidden..3 * self.hidden);
        let [r, z, n, k] = parts_mut(kept);
        affine(a, p.value(B), [(p.factor(W), x)]);
        let (a_rz, a_n) = a.split_at_mut(2 * h.len());
        add_product(a_rz, p.factor_rows(U, rz), h_before);
        let [a_r, a_z] = parts(a_rz);
        strips([&mut *r, &mut *z, &mut *k], [a_r, a_z, h_before], |[r, z, k], [a_r, a_z, h_before]| {
            T::sigmoid_slice(r, a_r);
            T::sigmoid_slice(z, a_z);
            map2(k, r, h_before, |k, r, before| *k = r * before);
        });
        add_product(a_n, p.factor_rows(U, n_rows), k);
        strips([n, h], [a_n, z, h_before], |[n, h], [a_n, z, h_before]| {
            T::tanh_slice(n, a_n);
            map3(h, z, n, h_before, |h, z, n, before| *h = (T::ONE - z) * n + z * before);
        });
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    fn backward(&self, step: Backward<'_, T>) {
        let Backward { inputs: p, h_before, kept, dh, d_kept, d_pre, dh_before, dx, .. } = step; // 1
        let (rz, n_rows) = (0..2 * self.hidden, 2 * self.hidden..3 * self.hidden);
        let ([r, z, n, _], [dr, dz, dn, dk_shown]) = (parts(kept), parts_mut(d_kept));
        let [da_r, da_z, da_n] = parts_mut(d_pre);
        let to = [dn, dz, &mut *dh_before, &mut *da_n, da_z];
        strips(to, [dh, h_before, z, n], |[dn, dz, dh_before, da_n, da_z], [dh, h_before, z, n]| {
            // ANCHOR: mix
            map2(dn, dh, z, |dn, dh, z| *dn = dh * (T::ONE - z)); // 2
            map3(dz, dh, h_before, n, |dz, dh, before, n| *dz = dh * (before - n)); // 2
            map2(dh_before, dh, z, |before, dh, z| *before = dh * z); // 2
            // ANCHOR_END: mix
            // ANCHOR: candidate-slope
            map2(da_n, dn, n, |da, dn, n| *da = dn * (T::ONE - n * n)); // 3
            // ANCHOR_END: candidate-slope
            // ANCHOR: update-slope
            map2(da_z, dz, z, |da, dz, z| *da = dz * z * (T::ONE - z)); // 5
            // ANCHOR_END: update-slope
        });
        // ANCHOR: candidate
        let dk = da_r; // where da_r will be
        product(dk, p.factor_rows_transposed(U, n_rows), da_n); // 3
        // ANCHOR_END: candidate
        show(dk_shown, dk);
        strips([dr, &mut *dh_before, dk], [h_before, r], |[dr, dh_before, dk], [h_before, r]| {
            // ANCHOR: reset
            map2(dr, dk, h_before, |dr, dk, before| *dr = dk * before); // 4
            map2(dh_before, dk, r, |before, dk, r| *before += dk * r); // 4
            // ANCHOR_END: reset
            // ANCHOR: reset-slope
            let da_r = dk; // in its place
            map2(da_r, dr, r, |da, dr, r| *da = dr * r * (T::ONE - r)); // 5
            // ANCHOR_END: reset-slope
        });
        // ANCHOR: products
        let da_rz = &d_pre[..2 * dh.len()];
        add_product(dh_before, p.factor_rows_transposed(U, rz), da_rz); // 6
        if let Some(dx) = dx {
            add_product(dx, p.factor_transposed(W), d_pre); // 7
        }
        // ANCHOR_END: products
    }

    // ANCHOR: sums
    fn sums(&self, sums: &mut Sums<'_, '_, T>) {
        let (size, k) = (self.hidden, Right::Kept(3 * self.hidden..4 * self.hidden));
        let (rz, n) = (0..2 * size, 2 * size..3 * size);
        sums.affine(n, [(W, 2 * size, Right::X), (U, 2 * size, k)], (B, 2 * size)); // 3, 7
        sums.affine(rz, [(W, 0, Right::X), (U, 0, Right::HBefore)], (B, 0)); // 6, 7
    }
    // ANCHOR_END: sums
    // ANCHOR_END: backward

    fn inside(&self, show: &mut Inside<'_, T>) {
        let part = |k: usize| k * self.hidden..(k + 1) * self.hidden;
        for (k, name) in ["a_r", "a_z", "a_n"].into_iter().enumerate() {
            show.pre(name, part(k));
        }
        for (k, name) in ["r", "z", "n", "k"].into_iter().enumerate() {
            show.kept(name, part(k));
        }
        show.h("h");
    }
}
