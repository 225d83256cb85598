//! Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::init::set_gate_bias;
use crate::params::{Bound, ParamId, Params};
use autograd::simd::{map1, map2, map3};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// ```text
/// z = W x_t + U h_{t−1} + b            all four pre-activations, stacked: 4H×B
/// i = σ(z_i)    f = σ(z_f)             input gate, forget gate
/// g = tanh(z_g) o = σ(z_o)             candidate, output gate
/// c_t = f ⊙ c_{t−1} + i ⊙ g            cell state
/// h_t = o ⊙ tanh(c_t)                  hidden state
/// ```
///
/// | quantity | shape |
/// |---|---|
/// | `x_t` | I×B |
/// | `i, f, g, o, c_t, h_t` | H×B |
/// | `W` (`weight_ih`) | 4H×I |
/// | `U` (`weight_hh`) | 4H×H |
/// | `b` (`bias`) | 4H×1 |
///
/// The gates are stacked in PyTorch's order i, f, g, o. Hochreiter and Schmidhuber, "Long short-term
/// memory", Neural Computation 9 (1997); Gers, Schmidhuber and Cummins, "Learning to forget",
/// Neural Computation 12 (2000).
#[derive(Clone, Copy, Debug)]
pub struct Lstm {
    input: usize,
    hidden: usize,
    w: ParamId,
    u: ParamId,
    b: ParamId,
}

impl Lstm {
    /// Adds the parameters of a new cell: 4(I·H + H² + H) numbers.
    pub fn new<T: Float>(
        config: CellConfig,
        params: &mut Params<T>,
        prefix: &str,
        layer: &str,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let CellConfig { input, hidden, init, forget_bias, .. } = config;
        let init = init.for_hidden(hidden);
        let (w, u) = (init.fill_gates(rng, 4, hidden, input), init.fill_gates(rng, 4, hidden, hidden));
        let mut b = init.for_bias().fill(rng, 4 * hidden, 1);
        if let Some(value) = forget_bias {
            set_gate_bias(&mut b, 4, 1, value);
        }
        let w = params.add(format!("{prefix}.weight_ih_{layer}"), 4 * hidden, input, w);
        let u = params.add(format!("{prefix}.weight_hh_{layer}"), 4 * hidden, hidden, u);
        let b = params.add(format!("{prefix}.bias_{layer}"), 4 * hidden, 1, b);
        Self { input, hidden, w, u, b }
    }
}

impl<T: Float> Cell<T> for Lstm {
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
        let z = x.tape().affine(&[(w, x), (u, state.h)], b).label("z"); // W x + U h + b
        let [i, f, g, o] = z.chunk();
        let i = i.sigmoid().label("i");
        let f = f.sigmoid().label("f");
        let g = g.tanh().label("g");
        let o = o.sigmoid().label("o");
        let c = (f * state.cell_state() + i * g).label("c");
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
/// z = W x_t + U h_{t−1} + b,   i, f, o = σ(z_i), σ(z_f), σ(z_o),   g = tanh(z_g)
/// c_t = f ⊙ c_{t−1} + i ⊙ g,   h_t = o ⊙ tanh(c_t)
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1, and
/// carry `dh` and `dc`, which step t + 1 has left (at t = T: the cotangents of `h_n` and `c_n`).
///
/// 1. `h_t` is used by the output and by step t + 1: `dh = dy_t + dh`.
/// 2. `h_t = o ⊙ tanh(c_t)`: `do = dh ⊙ tanh(c_t)`, and `c_t` gets `dc = dc + dh ⊙ o ⊙ (1 − tanh²(c_t))`.
/// 3. `c_t = f ⊙ c_{t−1} + i ⊙ g`: `di = dc ⊙ g`, `df = dc ⊙ c_{t−1}`, `dg = dc ⊙ i`; and
///    `dc_{t−1} = dc ⊙ f`. That last line is the constant error carousel: where f is 1, the gradient
///    passes unchanged.
/// 4. Through the gates' functions, with `σ' = σ(1 − σ)` and `tanh' = 1 − tanh²`:
///    `dz_i = di ⊙ i(1−i)`, `dz_f = df ⊙ f(1−f)`, `dz_g = dg ⊙ (1−g²)`, `dz_o = do ⊙ o(1−o)`.
/// 5. `z = W x_t + U h_{t−1} + b`: `dh_{t−1} = Uᵀ dz`, and, added up over all steps,
///    `dW += dz x_tᵀ`, `dU += dz h_{t−1}ᵀ`, `db += dz 1`; and `dx_t = Wᵀ dz`.
impl<T: Float> Derivation<T> for Lstm {
    fn name(&self) -> &'static str {
        "lstm_sequence"
    }

    fn sizes(&self) -> Sizes {
        let (x, h) = (self.input, self.hidden);
        Sizes { x, h, c: h, pre: 4 * h, kept: 4 * h }
    }

    fn factors(&self, need: &mut dyn FnMut(usize, Range<usize>)) {
        need(W, 0..4 * self.hidden);
        need(U, 0..4 * self.hidden);
    }

    // ANCHOR: forward
    fn forward(&self, step: Forward<'_, T>) {
        let Forward { inputs: p, x, h_before, c_before, pre: z, kept, h, c } = step;
        let [i, f, g, o] = parts_mut(kept);
        affine(z, p.value(B), [(p.factor(W), x), (p.factor(U), h_before)]);
        let [z_i, z_f, z_g, z_o] = parts(z);
        let (to, from) = ([i, f, g, o, c, h], [z_i, z_f, z_g, z_o, c_before]);
        strips(to, from, |[i, f, g, o, c, h], [z_i, z_f, z_g, z_o, c_before]| {
            T::sigmoid_slice(i, z_i);
            T::sigmoid_slice(f, z_f);
            T::tanh_slice(g, z_g);
            T::sigmoid_slice(o, z_o);
            map2(c, f, c_before, |c, f, before| *c = f * before);
            map2(c, i, g, |c, i, g| *c += i * g);
            T::tanh_slice(h, c);
            map1(h, o, |h, o| *h *= o);
        });
    }
    // ANCHOR_END: forward

    // ANCHOR: backward
    fn backward(&self, step: Backward<'_, T>) {
        let Backward {
            inputs: p,
            c_before,
            kept,
            c,
            dh,
            dc,
            d_kept,
            d_pre: dz,
            dh_before,
            dc_before,
            dx,
            ..
        } = step; // 1
        let ([i, f, g, o], [di, df, dg, d_o]) = (parts(kept), parts_mut(d_kept));
        let [dz_i, dz_f, dz_g, dz_o] = parts_mut(dz);
        let tanh_c = &mut *dh_before; // computed again: faster than to write it and read it back
        let to = [tanh_c, d_o, dc, di, df, dg, dc_before, dz_i, dz_f, dz_g, dz_o];
        strips(to, [dh, i, f, g, o, c, c_before], |to, [dh, i, f, g, o, c, c_before]| {
            let [tanh_c, d_o, dc, di, df, dg, dc_before, dz_i, dz_f, dz_g, dz_o] = to;
            // ANCHOR: read
            T::tanh_slice(tanh_c, c);
            map2(d_o, dh, tanh_c, |d, dh, tc| *d = dh * tc); // 2
            map3(dc, dh, o, tanh_c, |dc, dh, o, tc| *dc += dh * o * (T::ONE - tc * tc)); // 2
            // ANCHOR_END: read
            // ANCHOR: mix
            map2(di, dc, g, |d, dc, g| *d = dc * g); // 3
            map2(df, dc, c_before, |d, dc, before| *d = dc * before); // 3
            map2(dg, dc, i, |d, dc, i| *d = dc * i); // 3
            // ANCHOR: carousel
            map2(dc_before, dc, f, |d, dc, f| *d = dc * f); // 3
            // ANCHOR_END: carousel
            // ANCHOR_END: mix
            // ANCHOR: gates
            map2(dz_i, di, i, |dz, d, i| *dz = d * i * (T::ONE - i)); // 4
            map2(dz_f, df, f, |dz, d, f| *dz = d * f * (T::ONE - f)); // 4
            map2(dz_g, dg, g, |dz, d, g| *dz = d * (T::ONE - g * g)); // 4
            map2(dz_o, d_o, o, |dz, d, o| *dz = d * o * (T::ONE - o)); // 4
            // ANCHOR_END: gates
        });
        // ANCHOR: products
        product(dh_before, p.factor_transposed(U), dz); // 5
        if let Some(dx) = dx {
            add_product(dx, p.factor_transposed(W), dz); // 5
        }
        // ANCHOR_END: products
    }

    // ANCHOR: sums
    fn sums(&self, sums: &mut Sums<'_, '_, T>) {
        let z = 0..4 * self.hidden;
        sums.affine(z, [(W, 0, Right::X), (U, 0, Right::HBefore)], (B, 0)); // 5
    }
    // ANCHOR_END: sums
    // ANCHOR_END: backward

    fn inside(&self, show: &mut Inside<'_, T>) {
        let size = self.hidden;
        show.pre("z", 0..4 * size);
        for (k, name) in ["i", "f", "g", "o"].into_iter().enumerate() {
            show.kept(name, k * size..(k + 1) * size);
        }
        show.c("c");
        show.h("h");
    }
}
