//! What truncated backpropagation through time leaves out of a gradient.

use crate::plot::{Axis, Plot};
use autograd::IGNORE_INDEX;
use autograd::check::Random;
use models::cells::Kind;
use models::network::{Network, NetworkConfig};
use models::params::Params;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// How many steps after a bit its echo is asked for.
pub const DELAY: usize = 6;
/// Parallel streams.
pub const STREAMS: usize = 16;

/// An LSTM of 16 units that reads bits and answers with bits.
pub fn network() -> (Network<f64>, Params<f64>) {
    let mut params = Params::new();
    let config = NetworkConfig::new(Kind::Lstm, 2, 16);
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    (network, params)
}

/// Random bits, step by step, and for each of them the bit of [`DELAY`] steps before.
// ANCHOR: echo
pub fn echo(steps: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let draws = Random::new(seed).normals(steps * STREAMS);
    let bits: Vec<usize> = draws.into_iter().map(|x| usize::from(x > 0.0)).collect();
    let mut targets = vec![IGNORE_INDEX; DELAY * STREAMS];
    targets.extend(&bits[..(steps - DELAY) * STREAMS]);
    (bits, targets)
}
// ANCHOR_END: echo

/// How many steps of the streams are read in training.
pub const LENGTH: usize = 7_200;

/// Trains in windows of `window` steps, on `length` in all. Returns the mean loss over the last quarter,
/// and the trained network.
// ANCHOR: train
pub fn train(window: usize, keep: bool, length: usize) -> (f64, Network<f64>, Params<f64>) {
    let (network, params) = network();
    let (bits, targets) = echo(length, 1);
    let rule = "adam".parse().expect("a rule");
    let mut trainer = Trainer::new(params, rule, 0.01).clip(Clip::Norm(1.0));
    let mut carry = network.initial_carry(STREAMS);
    let count = length / window;
    let mut losses = Vec::new();
    for i in 0..count {
        let places = i * window * STREAMS..(i + 1) * window * STREAMS;
        if !keep {
            carry.reset();
        }
        let step = trainer.step(|p| {
            let logits = network.forward(p, &bits[places.clone()], &mut carry);
            logits.cross_entropy(&targets[places.clone()])
        });
        losses.push(step.expect("the loss stays finite").loss);
    }
    let last = &losses[count - count / 4..];
    (last.iter().sum::<f64>() / last.len() as f64, network, trainer.params)
}
// ANCHOR_END: train

/// The gradient of the mean loss over 96 steps, read in windows whose state is carried.
// ANCHOR: gradient
pub fn gradient(network: &Network<f64>, params: &Params<f64>, window: usize) -> Vec<f64> {
    let (steps, mut params) = (96, params.clone());
    let (bits, targets) = echo(steps, 2);
    params.zero_grad();
    let mut carry = network.initial_carry(STREAMS);
    for start in (0..steps).step_by(window) {
        let places = start * STREAMS..(start + window) * STREAMS;
        let tape = autograd::Tape::new();
        let p = params.bind(&tape);
        let logits = network.forward(p, &bits[places.clone()], &mut carry);
        let asked = targets[places.clone()].iter().filter(|t| **t != IGNORE_INDEX).count();
        let share = asked as f64 / ((steps - DELAY) * STREAMS) as f64;
        (logits.cross_entropy(&targets[places]) * share).backward();
        params.add_grads(p);
    }
    params.iter().flat_map(|p| p.grad.clone()).collect()
}
// ANCHOR_END: gradient

/// The cosine of the angle between the truncated gradient and the whole one, and the ratio of their lengths.
pub fn compared(network: &Network<f64>, params: &Params<f64>, window: usize) -> (f64, f64) {
    let (part, whole) = (gradient(network, params, window), gradient(network, params, 96));
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
    let lengths = (dot(&part, &part).sqrt(), dot(&whole, &whole).sqrt());
    (dot(&part, &whole) / (lengths.0 * lengths.1), lengths.0 / lengths.1)
}

/// How many steps have been read in the middle of training.
pub const MIDDLE: usize = 2_400;

/// The windows that divide 96.
pub const WINDOWS: [usize; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96];

/// The cosine against the window, before training and in the middle of it.
pub fn figure() -> String {
    let x = Axis { title: "window, in steps", from: 0.0, to: 96.0, step: 12.0 };
    let y = Axis { title: "cosine", from: 0.0, to: 1.0, step: 0.2 };
    let points = |(network, params): (Network<f64>, Params<f64>)| {
        WINDOWS.map(|window| (window as f64, compared(&network, &params, window).0))
    };
    let (_, trained, params) = train(24, true, MIDDLE);
    Plot::new(x, y)
        .line(points(network()), "q-h", "8 4")
        .line(points((trained, params)), "q-f", "")
        .word((40.0, 0.85), "before training")
        .word((40.0, 0.3), "in the middle of it")
        .svg()
}
