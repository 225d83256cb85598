//! One vector in, a sequence out.

use super::{Decoder, Targets};
use crate::cells::State;
use crate::layers::{Linear, StackConfig, States};
use crate::params::{Bound, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

/// One vector in, a sequence of symbols out: the vector sets the decoder's initial states,
/// `tanh(W v + b)` with weights of its own for every `h_0` and `c_0`, and the decoder unfolds them in time.
pub struct OneToMany<T: Float> {
    /// Of every layer, for `h_0` and, in the LSTM kinds, for `c_0`.
    start: Vec<Vec<Linear>>,
    decoder: Decoder<T>,
}

impl<T: Float> OneToMany<T> {
    /// Adds the parameters `start.h_0_l0.weight`, `start.h_0_l0.bias`, `start.c_0_l0.weight` … for vectors of `input` features, and
    /// those of a [`Decoder`] of `symbols` symbols, `decoder.…`.
    ///
    /// # Panics
    /// If the stack is bidirectional.
    #[track_caller]
    pub fn new(
        input: usize,
        symbols: usize,
        config: &StackConfig,
        params: &mut Params<T>,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let decoder = Decoder::new(symbols, config, params, "decoder", rng);
        let mut start = Vec::new();
        for (layer, cell) in decoder.stack().cells().enumerate() {
            let names: &[_] = if cell.has_cell_state() { &["h_0", "c_0"] } else { &["h_0"] };
            let linear =
                |name| Linear::new(params, &format!("start.{name}_l{layer}"), input, cell.hidden(), rng);
            start.push(names.iter().map(linear).collect());
        }
        Self { start, decoder }
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder<T> {
        &self.decoder
    }

    /// The logits of every step for the vectors `v` (I×B), fed the true symbols: see [`Decoder::forward`].
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward<'t>(&self, p: Bound<'t, T>, v: Var<'t, T>, targets: &Targets) -> Var<'t, T> {
        self.decoder.forward(p, self.states(p, v), targets, None)
    }

    /// The same for training, with a share of teacher forcing: see [`Decoder::forward_train`].
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn forward_train<'t>(
        &self,
        p: Bound<'t, T>,
        v: Var<'t, T>,
        targets: &mut Targets,
        ratio: f64,
        rng: &mut ChaCha8Rng,
    ) -> Var<'t, T> {
        self.decoder.forward_train(p, self.states(p, v), targets, ratio, rng)
    }

    /// What it writes for the vectors `v` (I×B): see [`Decoder::greedy`].
    #[track_caller]
    pub fn greedy<'t>(&self, p: Bound<'t, T>, v: Var<'t, T>, longest: usize) -> Vec<Vec<usize>> {
        self.decoder.greedy(p, self.states(p, v), v.cols(), longest)
    }

    /// The decoder's initial states for the vectors `v` (I×B).
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn states<'t>(&self, p: Bound<'t, T>, v: Var<'t, T>) -> States<'t, T> {
        // ANCHOR: states
        let mut states = States::new(p.tape());
        for layer in &self.start {
            let state = |linear: &Linear| linear.forward(p, v).tanh();
            states.push(State { h: state(&layer[0]), c: layer.get(1).map(state) });
        }
        states
        // ANCHOR_END: states
    }
}
