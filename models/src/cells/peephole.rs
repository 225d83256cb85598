//! Long short-term memory whose gates see the cell state (Gers and Schmidhuber 2000).

use super::{Cell, CellConfig, State};
use crate::init::set_gate_bias;
use crate::params::{Bound, ParamId, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

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
#[derive(Clone, Debug)]
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
}
