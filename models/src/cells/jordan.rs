//! The network whose output is fed back (Jordan 1986).

use super::{Cell, CellConfig, State};
use crate::init::Init;
use crate::params::{Bound, ParamId, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

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
#[derive(Clone, Debug)]
pub struct Jordan {
    input: usize,
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
        Self { input, output, w_ih, w_yh, b_h, w_hy, b_y }
    }
}

impl<T: Float> Cell<T> for Jordan {
    fn input(&self) -> usize {
        self.input
    }

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
}
