//! The simple recurrent network (Elman 1990).

use super::{Cell, CellConfig, State};
use crate::params::{Bound, ParamId, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

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
#[derive(Clone, Debug)]
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
}
