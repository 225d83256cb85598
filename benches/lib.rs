//! What the benchmarks time: one training step of a recurrent layer, and of the character model.
//!
//! `cargo bench` runs them all; `cargo bench -- --quick` takes a look.

use autograd::Tape;
use models::cells::{Cell, CellConfig, Kind};
use models::init::Init;
use models::layers::{Encoding, Span, unroll};
use models::network::{Carry, Network, NetworkConfig};
use models::params::Params;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// One layer on random input, in `f32`, with the loss Σ y².
pub struct Layer {
    cell: Box<dyn Cell<f32>>,
    params: Params<f32>,
    tape: Tape<f32>,
    x: Vec<f32>,
    steps: usize,
    batch: usize,
}

impl Layer {
    /// A layer of this kind and these sizes: T, B, I and H.
    pub fn new(kind: Kind, steps: usize, batch: usize, input: usize, hidden: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut params = Params::new();
        let cell = CellConfig::new(input, hidden).build(kind, &mut params, "rnn", "l0", &mut rng);
        let x = Init::Normal { std: 1.0 }.fill(&mut rng, steps * input, batch);
        Self { cell, params, tape: Tape::new(), x, steps, batch }
    }

    /// Forward, backward, and the gradients of all parameters.
    pub fn train(&mut self, span: Span<'_>) {
        self.tape.reset();
        self.params.zero_grad();
        let p = self.params.bind(&self.tape);
        let x = self.tape.constant(self.steps * self.cell.input(), self.batch, &self.x);
        let (y, _) = unroll(&*self.cell, p, x, self.cell.zero_state(&self.tape, self.batch), span);
        y.square().sum().backward();
        self.params.add_grads(p);
    }

    /// Forward alone.
    pub fn forward(&mut self, span: Span<'_>) {
        self.tape.reset();
        let p = self.params.bind_constant(&self.tape);
        let x = self.tape.constant(self.steps * self.cell.input(), self.batch, &self.x);
        unroll(&*self.cell, p, x, self.cell.zero_state(&self.tape, self.batch), span);
    }
}

/// The character model: embedding 64, H 256, T 64, B 32, 65 characters.
pub struct CharacterModel {
    network: Network<f32>,
    trainer: Trainer<f32>,
    carry: Carry<f32>,
    ids: Vec<usize>,
}

impl CharacterModel {
    /// A freshly initialised model and a window of pseudo-random text.
    pub fn new(kind: Kind) -> Self {
        const SYMBOLS: usize = 65;
        let config =
            NetworkConfig { encoding: Encoding::Embedding(64), ..NetworkConfig::new(kind, SYMBOLS, 256) };
        let mut params = Params::new();
        let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
        let rule = "adam".parse().expect("adam is one of the optimisers");
        let trainer = Trainer::new(params, rule, 0.003).clip(Clip::Norm(1.0));
        let carry = network.initial_carry(32);
        let ids = (0..64 * 32).map(|k| (k * 7919 + k * k) % SYMBOLS).collect();
        Self { network, trainer, carry, ids }
    }

    /// One whole training step, Adam included.
    pub fn train(&mut self) {
        let Self { network, trainer, carry, ids } = self;
        let step = trainer.step(|p| network.forward(p, ids, carry).cross_entropy(ids));
        step.expect("the loss stays finite at this rate");
    }
}
