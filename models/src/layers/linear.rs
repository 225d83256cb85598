//! The fully connected layer.

use super::every_step::EveryStep;
use crate::init::Init;
use crate::params::{Bound, ParamId, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

/// `y = W x + b`, with `W` (`weight`) O×I and `b` (`bias`) O×1.
#[derive(Clone, Debug)]
pub struct Linear {
    output: usize,
    w: ParamId,
    b: ParamId,
}

impl Linear {
    /// Adds the parameters of a new layer, uniform in ±1/√I as in PyTorch.
    pub fn new<T: Float>(
        params: &mut Params<T>,
        prefix: &str,
        input: usize,
        output: usize,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let init = Init::Uniform { bound: None }.for_hidden(input);
        let w = params.add(format!("{prefix}.weight"), output, input, init.fill(rng, output, input));
        let b = params.add(format!("{prefix}.bias"), output, 1, init.fill(rng, output, 1));
        Self { output, w, b }
    }

    /// Features of the output: O.
    pub fn output(&self) -> usize {
        self.output
    }

    /// The layer at every step of a sequence: `x` is (T·I)×B, the result (T·O)×B. A single step is
    /// a sequence of one.
    ///
    /// # Panics
    /// If the rows of `x` are not a multiple of I.
    #[track_caller]
    pub fn forward<'t, T: Float>(&self, p: Bound<'t, T>, x: Var<'t, T>) -> Var<'t, T> {
        p.tape().apply(EveryStep, &[p.get(self.b), p.get(self.w), x])
    }
}
