//! What the benchmarks time, set up once for all of them: a recurrent layer, and a whole model.
//!
//! `cargo bench` runs them all, `cargo bench -- --quick` takes a look, `cargo bench -- lstm` runs those with
//! lstm in their names. A line that ends in `elem/s` says what it counts in its group's name: operations,
//! entries, or the steps of single examples.

use autograd::Tape;
use criterion::Criterion;
use models::cells::{Cell, CellConfig, Kind};
use models::init::Init;
use models::layers::{Encoding, Span, sum_of_squares, unroll};
use models::network::{Carry, Network, NetworkConfig};
use models::params::Params;
use models::tasks::Recall;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::time::Duration;

/// Criterion with the settings of all groups: the steps take from a microsecond to half a second, and ten
/// samples of each are enough to see a difference of a few percent. Arguments of the command still count.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .configure_from_args()
}

/// The sizes of a layer and its input.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Time steps: T.
    pub steps: usize,
    /// Examples side by side: B.
    pub batch: usize,
    /// Features of the input: I.
    pub input: usize,
    /// Hidden units: H.
    pub hidden: usize,
}

impl Sizes {
    /// Steps of single examples: T·B.
    pub fn examples(&self) -> u64 {
        (self.steps * self.batch) as u64
    }
}

/// One layer on random input, in `f32`, with the loss Σ y².
pub struct Layer {
    cell: Box<dyn Cell<f32>>,
    params: Params<f32>,
    tape: Tape<f32>,
    x: Vec<f32>,
    sizes: Sizes,
}

impl Layer {
    /// A layer of this kind and these sizes.
    pub fn new(kind: Kind, sizes: Sizes) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut params = Params::new();
        let Sizes { steps, batch, input, hidden } = sizes;
        let cell = CellConfig::new(input, hidden).build(kind, &mut params, "rnn", "l0", &mut rng);
        let x = Init::Normal { std: 1.0 }.fill(&mut rng, steps * input, batch);
        Self { cell, params, tape: Tape::new(), x, sizes }
    }

    /// Forward, backward, and the gradients of all parameters.
    pub fn train(&mut self, span: Span<'_>) {
        let Sizes { steps, batch, input, .. } = self.sizes;
        self.tape.reset();
        self.params.zero_grad();
        let p = self.params.bind(&self.tape);
        let x = self.tape.constant(steps * input, batch, &self.x);
        let (y, _) = unroll(&*self.cell, p, x, self.cell.zero_state(&self.tape, batch), span);
        sum_of_squares(y).backward();
        self.params.add_grads(p);
    }

    /// Forward alone.
    pub fn forward(&mut self, span: Span<'_>) {
        let Sizes { steps, batch, input, .. } = self.sizes;
        self.tape.reset();
        let p = self.params.bind_constant(&self.tape);
        let x = self.tape.constant(steps * input, batch, &self.x);
        unroll(&*self.cell, p, x, self.cell.zero_state(&self.tape, batch), span);
    }
}

/// A whole model on one batch: symbols in, recurrent layer, linear head, softmax cross-entropy, Adam.
pub struct Model {
    network: Network<f32>,
    trainer: Trainer<f32>,
    carry: Carry<f32>,
    inputs: Vec<usize>,
    targets: Vec<usize>,
}

impl Model {
    /// The character model: embedding 64, H 256, T 64, B 32, 65 characters of pseudo-random text.
    pub fn of_characters(kind: Kind) -> Self {
        const SYMBOLS: usize = 65;
        let config =
            NetworkConfig { encoding: Encoding::Embedding(64), ..NetworkConfig::new(kind, SYMBOLS, 256) };
        let text: Vec<usize> = (0..65 * 32).map(|k| (k * 7919 + k * k) % SYMBOLS).collect();
        Self::new(&config, 32, text[..64 * 32].to_vec(), text[32..].to_vec())
    }

    /// The network that `rnn compare` trains on its task: recall a key after up to 100 steps, H 32, B 32.
    pub fn of_recall(kind: Kind, bidirectional: bool) -> Self {
        let config = NetworkConfig {
            bidirectional,
            outputs: Recall::KEYS,
            ..NetworkConfig::new(kind, Recall::SYMBOLS, 32)
        };
        let mut task = Recall::new(32);
        task.draw(&mut ChaCha8Rng::seed_from_u64(2), None);
        Self::new(&config, 32, task.inputs, task.targets)
    }

    fn new(config: &NetworkConfig, batch: usize, inputs: Vec<usize>, targets: Vec<usize>) -> Self {
        let mut params = Params::new();
        let network = Network::new(config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
        let rule = "adam".parse().expect("adam is one of the optimisers");
        let trainer = Trainer::new(params, rule, 0.003).clip(Clip::Norm(1.0));
        let carry = network.initial_carry(batch);
        Self { network, trainer, carry, inputs, targets }
    }

    /// One whole training step, Adam included.
    pub fn train(&mut self) {
        let Self { network, trainer, carry, inputs, targets } = self;
        carry.reset();
        let step = trainer.step(|p| network.forward(p, inputs, carry).cross_entropy(targets));
        step.expect("the loss stays finite at this rate");
    }
    /// The loss of the batch, without training.
    pub fn forward(&mut self) -> f32 {
        let Self { network, trainer, carry, inputs, targets } = self;
        carry.reset();
        trainer.evaluate(|p| network.forward(p, inputs, carry).cross_entropy(targets).item())
    }
}
