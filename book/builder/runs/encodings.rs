//! The same network learns the same text, its characters written down in different ways.

use crate::plot::{Axis, Plot};
use models::cells::Kind;
use models::layers::Encoding;
use models::network::{Network, NetworkConfig};
use models::optim::Rule;
use models::params::Params;
use models::text::{Streams, Vocabulary};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const TEXT: &str = include_str!("../../src/part1/chain-rule.md");
const STEPS: usize = 160;
const WINDOW: usize = 25;
const BATCH: usize = 8;
const HIDDEN: usize = 48;

/// The loss of every step of training.
fn losses(encoding: Encoding) -> Vec<f64> {
    let vocabulary = Vocabulary::of(TEXT).expect("the chapter has more than one character");
    let ids = vocabulary.encode(TEXT).expect("the vocabulary is the text's");
    let mut streams = Streams::new(ids, BATCH, WINDOW).expect("the chapter is long enough");
    let config = NetworkConfig { encoding, ..NetworkConfig::new(Kind::Gru, vocabulary.size(), HIDDEN) };
    let mut params = Params::<f32>::new();
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let mut trainer = Trainer::new(params, "adam".parse::<Rule>().expect("adam is a rule"), 0.01);
    let (mut inputs, mut targets, mut carry) = (Vec::new(), Vec::new(), network.initial_carry(BATCH));
    let step = |_| {
        let (window, restart) = streams.advance(WINDOW, WINDOW);
        if restart {
            carry.reset();
        }
        streams.fill(window, &mut inputs, &mut targets);
        let step = trainer.step(|p| network.forward(p, &inputs, &mut carry).cross_entropy(&targets));
        step.expect("the loss stays finite at this rate").loss
    };
    (0..STEPS).map(step).collect()
}

/// Means of ten losses each, against the step.
pub fn figure() -> String {
    let x = Axis { title: "step of training", from: 0.0, to: 160.0, step: 20.0 };
    let y = Axis { title: "loss, nats a character", from: 2.0, to: 4.5, step: 0.5 };
    let mut plot = Plot::new(x, y);
    for (k, (encoding, name, dash)) in [
        (Encoding::OneHot, "one-hot", ""),
        (Encoding::Embedding(16), "embedding, 16 features", "10 4"),
        (Encoding::Hashing(256), "hashing, 256 places", "6 3"),
        (Encoding::Hashing(16), "hashing, 16 places", "2 4"),
    ]
    .into_iter()
    .enumerate()
    {
        let mean = |(k, ten): (usize, &[f64])| (k as f64 * 10.0 + 5.0, ten.iter().sum::<f64>() / 10.0);
        let losses = losses(encoding);
        let below = 4.3 - 0.2 * k as f64;
        plot = plot.line(losses.chunks(10).enumerate().map(mean), "q-x", dash);
        plot = plot.line([(80.0, below), (92.0, below)], "q-x", dash).word((95.0, below - 0.05), name);
    }
    plot.svg()
}
