//! The gated recurrent unit that resets after the matrix, as PyTorch and Keras have it.

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::params::{Bound, ParamId, Params};
use autograd::simd::{map2, map3};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// ```text
/// a_r = W_r x_t + U_r h_{t−1} + b_r    r = σ(a_r)     reset gate
/// a_z = W_z x_t + U_z h_{t−1} + b_z    z = σ(a_z)     update gate
/// q   = U_n h_{t−1} + b_hn                            what the state adds to the candidate
/// a_n = W_n x_t + b_n + r ⊙ q          n = tanh(a_n)  candidate
/// h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}                     hidden state
/// ```
///
/// | quantity | shape |
/// |---|---|
/// | `x_t` | I×B |
/// | `r, z, q, n, h_t` | H×B |
/// | `W` = `W_r, W_z, W_n` (`weight_ih`) | 3H×I |
/// | `U` = `U_r, U_z, U_n` (`weight_hh`) | 3H×H |
/// | `b` = `b_r, b_z, b_n` (`bias`) | 3H×1 |
/// | `b_hn` (`bias_hn`) | H×1 |
///
/// The gates are stacked in PyTorch's order r, z, n. The candidate needs a bias of its own inside
/// the product with r: of PyTorch's two biases those of r and z only ever appear as their sum, those
/// of n do not.
///
/// The unit is that of Cho et al., "Learning phrase representations using RNN encoder–decoder for
/// statistical machine translation", EMNLP (2014), where r multiplies `h` before the matrix: see
/// [`GruResetBefore`](super::GruResetBefore). Multiplying after it makes one product of three,
/// `U h`, and is what cuDNN, and with it PyTorch and Keras, computes.
#[derive(Clone, Copy, Debug)]
pub struct Gru {
    input: usize,
    hidden: usize,
    w: ParamId,
    u: ParamId,
    b: ParamId,
    b_hn: ParamId,
}

impl Gru {
    /// Adds the parameters of a new cell: 3(I·H + H² + H) + H numbers.
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
        let (b, b_hn) = (init.for_bias().fill(rng, 3 * hidden, 1), init.for_bias().fill(rng, hidden, 1));
        let w = params.add(format!("{prefix}.weight_ih_{layer}"), 3 * hidden, input, w);
        let u = params.add(format!("{prefix}.weight_hh_{layer}"), 3 * hidden, hidden, u);
        let b = params.add(format!("{prefix}.bias_{layer}"), 3 * hidden, 1, b);
        let b_hn = params.add(format!("{prefix}.bias_hn_{layer}"), hidden, 1, b_hn);
        Self { input, hidden, w, u, b, b_hn }
    }
}

impl<T: Float> Cell<T> for Gru {
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
        let q = tape.affine(&[(u_n, h_before)], p.get(self.b_hn)).label("q"); // U_n h + b_hn
        let a_n = (tape.affine(&[(w_n, x)], b_n) + r * q).label("a_n");
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
        let inputs = [x, p.get(self.w), p.get(self.u), p.get(self.b), p.get(self.b_hn), state.h];
        Some(fused(*self, &inputs, lengths, reverse))
    }
}

/// The inputs, by number.
const W: usize = 1;
const U: usize = 2;
const B: usize = 3;
const B_HN: usize = 4;

/// # The backward pass, derived
///
/// The forward pass of step t is
///
/// ```text
/// a_r = W_r x_t + U_r h_{t−1} + b_r,   r = σ(a_r)
/// a_z = W_z x_t + U_z h_{t−1} + b_z,   z = σ(a_z)
/// q = U_n h_{t−1} + b_hn
/// a_n = W_n x_t + b_n + r ⊙ q,         n = tanh(a_n)
/// h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1.
///
/// 1. `h_t` is used by the output and by step t + 1: `dh = dy_t + dh`, where step t + 1 has left the
///    second (at t = T: the cotangent of `h_n`).
/// 2. `h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}`: `dn = dh ⊙ (1 − z)`, `dz = dh ⊙ (h_{t−1} − n)`, and
///    `dh_{t−1} = dh ⊙ z`: where z is 1, the gradient passes unchanged.
/// 3. `n = tanh(a_n)`, `a_n = W_n x_t + b_n + r ⊙ q`: `da_n = dn ⊙ (1 − n²)`, `dr = da_n ⊙ q`, and
///    `dq = da_n ⊙ r`.
/// 4. `r = σ(a_r)`, `z = σ(a_z)`: `da_r = dr ⊙ r(1−r)`, `da_z = dz ⊙ z(1−z)`.
/// 5. `a_r`, `a_z` and `q` see the state through the three blocks of U:
///    `dh_{t−1} = dh_{t−1} + Uᵀ [da_r; da_z; dq]`, and, added up over all steps,
///    `dU += [da_r; da_z; dq] h_{t−1}ᵀ` and `db_hn += dq 1`.
/// 6. `a_r`, `a_z` and `a_n` see the input through the three blocks of W: `dx_t = Wᵀ [da_r; da_z; da_n]`,
///    and, added up over all steps, `dW += [da_r; da_z; da_n] x_tᵀ` and `db += [da_r; da_z; da_n] 1`.
///
/// The pre-activations are stacked as `a_r, a_z, q, a_n` here, so that the three that see the state
/// lie together and one product with U serves them.
impl<T: Float> Derivation<T> for Gru {
    fn name(&self) -> &'static str {
        "gru_sequence"
    }

    fn sizes(&self) -> Sizes {
        let (x, h) = (self.input, self.hidden);
        Sizes { x, h, c: 0, pre: 4 * h, kept: 4 * h }
    }

    fn factors(&self, need: &mut dyn FnMut(usize, Range<usize>)) {
        need(W, 0..2 * self.hidden);
        need(W, 2 * self.hidden..3 * self.hidden);
        need(U, 0..2 * self.hidden);
        need(U, 2 * self.hidden..3 * self.hidden);
        need(U, 0..3 * self.hidden);
    }

    // ANCHOR: forward
    fn forward(&self, step: Forward<'_, T>) {
        let Forward { inputs: p, x, h_before, pre, kept, h, .. } = step;
        let (size, rz, n_rows) = (h.len(), 0..2 * self.hidden, 2 * self.hidden..3 * self.hidden);
        let (b_rz, b_n) = p.value(B).split_at(2 * self.hidden);
        let ([r, z, q, n], (a_rz, a_qn)) = (parts_mut(kept), pre.split_at_mut(2 * size));
        let (a_q, a_n) = a_qn.split_at_mut(size);
        affine(a_rz, b_rz, [(p.factor_rows(W, rz.clone()), x), (p.factor_rows(U, rz), h_before)]);
        affine(a_q, p.value(B_HN), [(p.factor_rows(U, n_rows.clone()), h_before)]);
        affine(a_n, b_n, [(p.factor_rows(W, n_rows), x)]);
        let ([a_r, a_z], a_q) = (parts(a_rz), &*a_q);
        strips([r, z, q, n, a_n, h], [a_r, a_z, a_q, h_before], |to, [a_r, a_z, a_q, h_before]| {
            let [r, z, q, n, a_n, h] = to;
            T::sigmoid_slice(r, a_r);
            T::sigmoid_slice(z, a_z);
            q.copy_from_slice(a_q);
            map2(a_n, r, q, |a, r, q| *a += r * q);
            T::tanh_slice(n, a_n);
            map3(h, z, n, h_before, |h, z, n, before| *h = (T::ONE - z) * n + z * before);
        });
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    fn backward(&self, step: Backward<'_, T>) {
        let Backward { inputs: p, h_before, kept, dh, d_kept, d_pre, dh_before, dx, .. } = step; // 1
        let ([r, z, q, n], [dr, dz, _, dn]) = (parts(kept), parts_mut(d_kept));
        let [da_r, da_z, dq, da_n] = parts_mut(d_pre);
        let to = [dn, dz, &mut *dh_before, da_n, dr, dq, da_r, da_z];
        strips(to, [dh, h_before, r, z, q, n], |to, [dh, h_before, r, z, q, n]| {
            let [dn, dz, dh_before, da_n, dr, dq, da_r, da_z] = to;
            // ANCHOR: mix
            map2(dn, dh, z, |dn, dh, z| *dn = dh * (T::ONE - z)); // 2
            map3(dz, dh, h_before, n, |dz, dh, before, n| *dz = dh * (before - n)); // 2
            map2(dh_before, dh, z, |before, dh, z| *before = dh * z); // 2
            // ANCHOR_END: mix
            // ANCHOR: candidate
            map2(da_n, dn, n, |da, dn, n| *da = dn * (T::ONE - n * n)); // 3
            map2(dr, da_n, q, |dr, da, q| *dr = da * q); // 3
            map2(dq, da_n, r, |dq, da, r| *dq = da * r); // 3
            // ANCHOR_END: candidate
            // ANCHOR: gates
            map2(da_r, dr, r, |da, dr, r| *da = dr * r * (T::ONE - r)); // 4
            map2(da_z, dz, z, |da, dz, z| *da = dz * z * (T::ONE - z)); // 4
            // ANCHOR_END: gates
        });
        // ANCHOR: products
        let da_rzq = &d_pre[..3 * dh.len()];
        add_product(dh_before, p.factor_transposed(U), da_rzq); // 5
        if let Some(dx) = dx {
            let (rz, n_rows) = (0..2 * self.hidden, 2 * self.hidden..3 * self.hidden);
            add_product(dx, p.factor_rows_transposed(W, rz), &d_pre[..2 * dh.len()]); // 6
            add_product(dx, p.factor_rows_transposed(W, n_rows), &d_pre[3 * dh.len()..]); // 6
        }
        // ANCHOR_END: products
    }

    // ANCHOR: sums
    fn sums(&self, sums: &mut Sums<'_, '_, T>) {
        let size = self.hidden;
        let (rz, q, n) = (0..2 * size, 2 * size..3 * size, 3 * size..4 * size);
        sums.affine(rz, [(W, 0, Right::X), (U, 0, Right::HBefore)], (B, 0)); // 5, 6
        sums.affine(q, [(U, 2 * size, Right::HBefore)], (B_HN, 0)); // 5
        sums.affine(n, [(W, 2 * size, Right::X)], (B, 2 * size)); // 6
    }
    // ANCHOR_END: sums
    // ANCHOR_END: backward

    fn inside(&self, show: &mut Inside<'_, T>) {
        let part = |k: usize| k * self.hidden..(k + 1) * self.hidden;
        for (k, name) in ["a_r", "a_z", "q", "a_n"].into_iter().enumerate() {
            show.pre(name, part(k));
        }
        for (k, name) in [(0, "r"), (1, "z"), (3, "n")] {
            show.kept(name, part(k));
        }
        show.h("h");
    }
}
