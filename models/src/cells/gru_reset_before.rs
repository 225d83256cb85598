//! The gated recurrent unit that resets before the matrix, as it was published (Cho et al. 2014).

use super::{Cell, CellConfig, State};
use crate::params::{Bound, ParamId, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

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
#[derive(Clone, Debug)]
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

    // ANCHOR: step
    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        let (tape, h_before, gates) = (p.tape(), state.h, 0..2 * self.hidden);
        let (w, u, b) = (p.get(self.w), p.get(self.u), p.get(self.b));
        let [w_rz, u_rz, b_rz] = [w, u, b].map(|v| v.row_block(gates.clone()));
        let [w_n, u_n, b_n] = [w, u, b].map(|v| v.row_block(gates.end..v.rows()));
        let [a_r, a_z] = tape.affine(&[(w_rz, x), (u_rz, h_before)], b_rz).chunk();
        let r = a_r.label("a_r").sigmoid().label("r");
        let z = a_z.label("a_z").sigmoid().label("z");
        let a_n = tape.affine(&[(w_n, x), (u_n, r * h_before)], b_n).label("a_n");
        let n = a_n.tanh().label("n");
        let h = ((1.0 - z) * n + z * h_before).label("h");
        State { h, c: None }
    }
    // ANCHOR_END: step
}
