//! Long short-term memory as it was first published, without a forget gate (Hochreiter and
//! Schmidhuber 1997).

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::params::{Bound, ParamId, Params};
use autograd::simd::{map1, map2, map3};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// ```text
/// z = W x_t + U h_{t−1} + b            all three pre-activations, stacked: 3H×B
/// i = σ(z_i)    o = σ(z_o)             input gate, output gate
/// g = tanh(z_g)                        candidate
/// c_t = c_{t−1} + i ⊙ g                cell state: nothing is ever forgotten
/// h_t = o ⊙ tanh(c_t)                  hidden state
/// ```
///
/// | quantity | shape |
/// |---|---|
/// | `x_t` | I×B |
/// | `i, g, o, c_t, h_t` | H×B |
/// | `W` (`weight_ih`) | 3H×I |
/// | `U` (`weight_hh`) | 3H×H |
/// | `b` (`bias`) | 3H×1 |
///
/// The gates are stacked in the order i, g, o. Hochreiter and Schmidhuber, "Long short-term memory",
/// Neural Computation 9 (1997), with today's activations: the paper squashes g to (−2, 2) and c to
/// (−1, 1) by scaled logistic functions, here both are tanh.
#[derive(Clone, Copy, Debug)]
pub struct Lstm1997 {
    input: usize,
    hidden: usize,
    w: ParamId,
    u: ParamId,
    b: ParamId,
}

impl Lstm1997 {
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

impl<T: Float> Cell<T> for Lstm1997 {
    fn input(&self) -> usize {
        self.input
    }

    fn hidden(&self) -> usize {
        self.hidden
    }

    fn has_cell_state(&self) -> bool {
        true
    }

    // ANCHOR: step
    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        let (w, u, b) = (p.get(self.w), p.get(self.u), p.get(self.b));
        let z = p.tape().affine(&[(w, x), (u, state.h)], b).label("z"); // W x + U h + b
        let [i, g, o] = z.chunk();
        let i = i.sigmoid().label("i");
        let g = g.tanh().label("g");
        let o = o.sigmoid().label("o");
        let c = (state.cell_state() + i * g).label("c");
        let h = (o * c.tanh()).label("h");
        State { h, c: Some(c) }
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
        let inputs = [x, p.get(self.w), p.get(self.u), p.get(self.b), state.h, state.cell_state()];
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
/// z = W x_t + U h_{t−1} + b,   i, o = σ(z_i), σ(z_o),   g = tanh(z_g)
/// c_t = c_{t−1} + i ⊙ g,       h_t = o ⊙ tanh(c_t)
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1, and
/// carry `dh` and `dc`, which step t + 1 has left (at t = T: the cotangents of `h_n` and `c_n`).
///
/// 1. `h_t` is used by the output and by step t + 1: `dh = dy_t + dh`.
/// 2. `h_t = o ⊙ tanh(c_t)`: `do = dh ⊙ tanh(c_t)`, and `c_t` gets `dc = dc + dh ⊙ o ⊙ (1 − tanh²(c_t))`.
/// 3. `c_t = c_{t−1} + i ⊙ g`: `di = dc ⊙ g`, `dg = dc ⊙ i`, and `dc_{t−1} = dc`. That last line is
///    the constant error carousel: whatever the distance, the gradient passes unchanged.
/// 4. Through the gates' functions, with `σ' = σ(1 − σ)` and `tanh' = 1 − tanh²`:
///    `dz_i = di ⊙ i(1−i)`, `dz_g = dg ⊙ (1−g²)`, `dz_o = do ⊙ o(1−o)`.
/// 5. `z = W x_t + U h_{t−1} + b`: `dh_{t−1} = Uᵀ dz`, and, added up over all steps,
///    `dW += dz x_tᵀ`, `dU += dz h_{t−1}ᵀ`, `db += dz 1`; and `dx_t = Wᵀ dz`.
impl<T: Float> Derivation<T> for Lstm1997 {
    fn name(&self) -> &'static str {
        "lstm_no_forget_sequence"
    }

    fn sizes(&self) -> Sizes {
        let (x, h) = (self.input, self.hidden);
        Sizes { x, h, c: h, pre: 3 * h, kept: 3 * h }
    }

    fn factors(&self, need: &mut dyn FnMut(usize, Range<usize>)) {
        need(W, 0..3 * self.hidden);
        need(U, 0..3 * self.hidden);
    }

    // ANCHOR: forward
    fn forward(&self, step: Forward<'_, T>) {
        let Forward { inputs: p, x, h_before, c_before, pre: z, kept, h, c } = step;
        let [i, g, o] = parts_mut(kept);
        affine(z, p.value(B), [(p.factor(W), x), (p.factor(U), h_before)]);
        let [z_i, z_g, z_o] = parts(z);
        let (to, from) = ([i, g, o, c, h], [z_i, z_g, z_o, c_before]);
        strips(to, from, |[i, g, o, c, h], [z_i, z_g, z_o, c_before]| {
            T::sigmoid_slice(i, z_i);
            T::tanh_slice(g, z_g);
            T::sigmoid_slice(o, z_o);
            map3(c, c_before, i, g, |c, before, i, g| *c = before + i * g);
            T::tanh_slice(h, c);
            map1(h, o, |h, o| *h *= o);
        });
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    fn backward(&self, step: Backward<'_, T>) {
        let Backward { inputs: p, kept, c, dh, dc, d_kept, d_pre: dz, dh_before, dc_before, dx, .. } = step; // 1
        let ([i, g, o], [di, dg, d_o]) = (parts(kept), parts_mut(d_kept));
        let [dz_i, dz_g, dz_o] = parts_mut(dz);
        let tanh_c = &mut *dh_before; // computed again: faster than to write it and read it back
        let to = [tanh_c, d_o, dc, di, dg, dc_before, dz_i, dz_g, dz_o];
        strips(to, [dh, i, g, o, c], |to, [dh, i, g, o, c]| {
            let [tanh_c, d_o, dc, di, dg, dc_before, dz_i, dz_g, dz_o] = to;
            T::tanh_slice(tanh_c, c);
            map2(d_o, dh, tanh_c, |d, dh, tc| *d = dh * tc); // 2
            map3(dc, dh, o, tanh_c, |dc, dh, o, tc| *dc += dh * o * (T::ONE - tc * tc)); // 2
            map2(di, dc, g, |d, dc, g| *d = dc * g); // 3
            map2(dg, dc, i, |d, dc, i| *d = dc * i); // 3
            dc_before.copy_from_slice(dc); // 3
            map2(dz_i, di, i, |dz, d, i| *dz = d * i * (T::ONE - i)); // 4
            map2(dz_g, dg, g, |dz, d, g| *dz = d * (T::ONE - g * g)); // 4
            map2(dz_o, d_o, o, |dz, d, o| *dz = d * o * (T::ONE - o)); // 4
        });
        product(dh_before, p.factor_transposed(U), dz); // 5
        if let Some(dx) = dx {
            add_product(dx, p.factor_transposed(W), dz); // 5
        }
    }

    fn sums(&self, sums: &mut Sums<'_, '_, T>) {
        let z = 0..3 * self.hidden;
        sums.affine(z, [(W, 0, Right::X), (U, 0, Right::HBefore)], (B, 0)); // 5
    }
    // ANCHOR_END: backward

    fn inside(&self, show: &mut Inside<'_, T>) {
        let size = self.hidden;
        show.pre("z", 0..3 * size);
        for (k, name) in ["i", "g", "o"].into_iter().enumerate() {
            show.kept(name, k * size..(k + 1) * size);
        }
        show.c("c");
        show.h("h");
    }
}
