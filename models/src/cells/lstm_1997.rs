//! Long short-term memory as it was first published, without a forget gate (Hochreiter and
//! Schmidhuber 1997).

use super::{Cell, CellConfig, State};
use crate::params::{Bound, ParamId, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

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
#[derive(Clone, Debug)]
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
}
