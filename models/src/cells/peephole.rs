//! Long short-term memory whose gates see the cell state (Gers and Schmidhuber 2000).

use super::sequence::*;
use super::{Cell, CellConfig, Lengths, State};
use crate::init::set_gate_bias;
use crate::params::{Bound, ParamId, Params};
use autograd::simd::{map1, map2, map3};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// ```text
/// z = W x_t + U h_{t−1} + b            all four pre-activations but for the peepholes: 4H×B
/// i = σ(z_i + w_ci ⊙ c_{t−1})          input gate: sees the cell state as it was
/// f = σ(z_f + w_cf ⊙ c_{t−1})          forget gate: too
/// g = tanh(z_g)                        candidate
/// c_t = f ⊙ c_{t−1} + i ⊙ g            cell state
/// o = σ(z_o + w_co ⊙ c_t)              output gate: sees the new cell state
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
/// | `w_ci, w_cf, w_co` (`weight_ci`, …) | H×1 |
///
/// A peephole is one weight per unit: each gate sees its own cell alone, so what would be a matrix
/// is a diagonal one, and `w ⊙ c` multiplies row by row. The gates are stacked in PyTorch's order
/// i, f, g, o. Gers and Schmidhuber, "Recurrent nets that time and count", IJCNN (2000).
#[derive(Clone, Copy, Debug)]
pub struct Peephole {
    input: usize,
    hidden: usize,
    w: ParamId,
    u: ParamId,
    b: ParamId,
    w_ci: ParamId,
    w_cf: ParamId,
    w_co: ParamId,
}

impl Peephole {
    /// Adds the parameters of a new cell: 4(I·H + H² + H) + 3H numbers.
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
        // A diagonal is no matrix to be orthogonal: it starts like a bias.
        let mut peephole = |gate: char| {
            params.add(
                format!("{prefix}.weight_c{gate}_{layer}"),
                hidden,
                1,
                init.for_bias().fill(rng, hidden, 1),
            )
        };
        let [w_ci, w_cf, w_co] = ['i', 'f', 'o'].map(&mut peephole);
        Self { input, hidden, w, u, b, w_ci, w_cf, w_co }
    }
}

impl<T: Float> Cell<T> for Peephole {
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
        let (w_ci, w_cf, w_co) = (p.get(self.w_ci), p.get(self.w_cf), p.get(self.w_co));
        let c_before = state.cell_state();
        let z = p.tape().affine(&[(w, x), (u, state.h)], b).label("z"); // W x + U h + b
        let [z_i, z_f, z_g, z_o] = z.chunk();
        let i = (z_i + c_before * w_ci).sigmoid().label("i");
        let f = (z_f + c_before * w_cf).sigmoid().label("f");
        let g = z_g.tanh().label("g");
        let c = (f * c_before + i * g).label("c");
        let o = (z_o + c * w_co).sigmoid().label("o");
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
        let inputs = [
            x,
            p.get(self.w),
            p.get(self.u),
            p.get(self.b),
            p.get(self.w_ci),
            p.get(self.w_cf),
            p.get(self.w_co),
            state.h,
            state.cell_state(),
        ];
        Some(fused(*self, &inputs, lengths, reverse))
    }
}

/// The inputs, by number.
const W: usize = 1;
const U: usize = 2;
const B: usize = 3;
const W_CI: usize = 4;
const W_CF: usize = 5;
const W_CO: usize = 6;

/// # The backward pass, derived
///
/// The forward pass of step t is
///
/// ```text
/// z = W x_t + U h_{t−1} + b
/// i = σ(z_i + w_ci ⊙ c_{t−1}),   f = σ(z_f + w_cf ⊙ c_{t−1}),   g = tanh(z_g)
/// c_t = f ⊙ c_{t−1} + i ⊙ g
/// o = σ(z_o + w_co ⊙ c_t)
/// h_t = o ⊙ tanh(c_t)
/// ```
///
/// Write `dq` for `∂L/∂q`. We go through those lines from the last to the first, at t = T … 1, and
/// carry `dh` and `dc`, which step t + 1 has left (at t = T: the cotangents of `h_n` and `c_n`).
///
/// 1. `h_t` is used by the output and by step t + 1: `dh = dy_t + dh`.
/// 2. `h_t = o ⊙ tanh(c_t)`: `do = dh ⊙ tanh(c_t)`, and `c_t` gets `dc = dc + dh ⊙ o ⊙ (1 − tanh²(c_t))`.
/// 3. `o = σ(z_o + w_co ⊙ c_t)`: `dz_o = do ⊙ o(1−o)`; the gate looks at `c_t`, which so gets
///    `dc = dc + dz_o ⊙ w_co`; and, added up over all steps, `dw_co += (dz_o ⊙ c_t) 1`.
/// 4. `c_t = f ⊙ c_{t−1} + i ⊙ g`: `di = dc ⊙ g`, `df = dc ⊙ c_{t−1}`, `dg = dc ⊙ i`; and
///    `dc_{t−1} = dc ⊙ f`.
/// 5. Through the gates' functions: `dz_i = di ⊙ i(1−i)`, `dz_f = df ⊙ f(1−f)`,
///    `dz_g = dg ⊙ (1−g²)`. Both gates look at `c_{t−1}`, which so gets
///    `dc_{t−1} = dc_{t−1} + dz_i ⊙ w_ci + dz_f ⊙ w_cf`; and, added up over all steps,
///    `dw_ci += (dz_i ⊙ c_{t−1}) 1`, `dw_cf += (dz_f ⊙ c_{t−1}) 1`.
/// 6. `z = W x_t + U h_{t−1} + b`: `dh_{t−1} = Uᵀ dz`, and, added up over all steps,
///    `dW += dz x_tᵀ`, `dU += dz h_{t−1}ᵀ`, `db += dz 1`; and `dx_t = Wᵀ dz`.
impl<T: Float> Derivation<T> for Peephole {
    fn name(&self) -> &'static str {
        "peephole_sequence"
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
        let seen = &mut *h; // what a gate sees; h itself comes last
        seen.copy_from_slice(z_i);
        add_diagonal(seen, p.value(W_CI), c_before);
        T::sigmoid_slice(i, seen);
        seen.copy_from_slice(z_f);
        add_diagonal(seen, p.value(W_CF), c_before);
        T::sigmoid_slice(f, seen);
        T::tanh_slice(g, z_g);
        map2(c, f, c_before, |c, f, before| *c = f * before);
        map2(c, i, g, |c, i, g| *c += i * g);
        seen.copy_from_slice(z_o);
        add_diagonal(seen, p.value(W_CO), c);
        T::sigmoid_slice(o, seen);
        T::tanh_slice(h, c);
        map1(h, o, |h, o| *h *= o);
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
        strips([tanh_c, d_o, &mut *dc, &mut *dz_o], [dh, o, c], |[tanh_c, d_o, dc, dz_o], [dh, o, c]| {
            // ANCHOR: read
            T::tanh_slice(tanh_c, c);
            map2(d_o, dh, tanh_c, |d, dh, tc| *d = dh * tc); // 2
            map3(dc, dh, o, tanh_c, |dc, dh, o, tc| *dc += dh * o * (T::ONE - tc * tc)); // 2
            // ANCHOR_END: read
            // ANCHOR: output
            map2(dz_o, d_o, o, |dz, d, o| *dz = d * o * (T::ONE - o)); // 3
            // ANCHOR_END: output
        });
        // ANCHOR: seen
        add_diagonal(dc, p.value(W_CO), dz_o); // 3
        // ANCHOR_END: seen
        let to = [di, df, dg, &mut *dc_before, &mut *dz_i, &mut *dz_f, dz_g];
        strips(to, [dc, i, f, g, c_before], |to, [dc, i, f, g, c_before]| {
            let [di, df, dg, dc_before, dz_i, dz_f, dz_g] = to;
            // ANCHOR: mix
            map2(di, dc, g, |d, dc, g| *d = dc * g); // 4
            map2(df, dc, c_before, |d, dc, before| *d = dc * before); // 4
            map2(dg, dc, i, |d, dc, i| *d = dc * i); // 4
            map2(dc_before, dc, f, |d, dc, f| *d = dc * f); // 4
            // ANCHOR_END: mix
            // ANCHOR: gates
            map2(dz_i, di, i, |dz, d, i| *dz = d * i * (T::ONE - i)); // 5
            map2(dz_f, df, f, |dz, d, f| *dz = d * f * (T::ONE - f)); // 5
            map2(dz_g, dg, g, |dz, d, g| *dz = d * (T::ONE - g * g)); // 5
            // ANCHOR_END: gates
        });
        // ANCHOR: before
        add_diagonal(dc_before, p.value(W_CI), dz_i); // 5
        add_diagonal(dc_before, p.value(W_CF), dz_f); // 5
        // ANCHOR_END: before
        // ANCHOR: products
        product(dh_before, p.factor_transposed(U), dz); // 6
        if let Some(dx) = dx {
            add_product(dx, p.factor_transposed(W), dz); // 6
        }
        // ANCHOR_END: products
    }

    // ANCHOR: sums
    fn sums(&self, sums: &mut Sums<'_, '_, T>) {
        let (size, z) = (self.hidden, 0..4 * self.hidden);
        sums.diagonal(W_CO, 3 * size..4 * size, Right::C); // 3
        sums.diagonal(W_CI, 0..size, Right::CBefore); // 5
        sums.diagonal(W_CF, size..2 * size, Right::CBefore); // 5
        sums.affine(z, [(W, 0, Right::X), (U, 0, Right::HBefore)], (B, 0)); // 6
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
