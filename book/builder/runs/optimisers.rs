//! Optimisers side by side: in a ravine of two weights, and on an LSTM that learns a sentence by heart.

use crate::plot::{Axis, Plot};
use models::cells::Kind;
use models::network::{Network, NetworkConfig};
use models::optim::{Optimizer, Rule};
use models::params::Params;
use models::text::Vocabulary;
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// The rules that are compared, each with the rate that was best for the LSTM, its line and its colour.
pub const RULES: [(&str, f64, &str, &str); 5] = [
    ("sgd", 3.0, "", "q-x"),
    ("sgd:momentum=0.9", 1.0, "8 4", "q-h"),
    ("adagrad", 0.3, "2 4", "q-g"),
    ("rmsprop", 0.03, "10 4 2 4", "q-z"),
    ("adam", 0.1, "", "q-f"),
];

/// The loss and the weights on the way down `½ w₁² + ½ 100 w₂²`, from (1, 1).
// ANCHOR: ravine
pub fn descend(rule: &Rule, lr: f64, steps: usize) -> Vec<(f64, [f64; 2])> {
    let mut params = Params::new();
    let w = params.add("w", 2, 1, vec![1.0, 1.0]);
    let mut optimizer = Optimizer::new(rule.clone(), &params);
    let mut path = Vec::new();
    for _ in 0..=steps {
        let [w1, w2] = [0, 1].map(|k| params.get(w).value[k]);
        path.push((0.5 * (w1 * w1 + 100.0 * w2 * w2), [w1, w2]));
        params.get_mut(w).grad = vec![w1, 100.0 * w2];
        optimizer.step(&mut params, lr);
    }
    path
}
// ANCHOR_END: ravine

/// What the LSTM learns by heart.
const SENTENCE: &str = "LSTM networks are especially useful for sequence prediction problems.";

/// The losses of an LSTM of 16 units; they end early if one is not finite.
// ANCHOR: train
pub fn train(rule: &Rule, lr: f64, steps: u64) -> Vec<f64> {
    let vocabulary = Vocabulary::of(SENTENCE).expect("many characters");
    let ids = vocabulary.encode(SENTENCE).expect("they are its own");
    let config = NetworkConfig::new(Kind::Lstm, vocabulary.size(), 16);
    let mut params = Params::<f64>::new();
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let mut trainer = Trainer::new(params, rule.clone(), lr);
    let (inputs, targets) = (&ids[..ids.len() - 1], &ids[1..]);
    let losses = (0..steps).map_while(|_| {
        let mut start = network.initial_carry(1);
        let step = trainer.step(|p| network.forward(p, inputs, &mut start).cross_entropy(targets));
        step.ok().map(|step| step.loss)
    });
    losses.collect()
}
// ANCHOR_END: train

/// The loss of the LSTM against the step, for every rule at its own rate.
pub fn compared() -> String {
    let x = Axis { title: "step of training", from: 0.0, to: 150.0, step: 30.0 };
    let y = Axis { title: "loss, in nats", from: 0.0, to: 3.5, step: 0.5 };
    let words = [(112.0, 2.45), (84.0, 1.55), (120.0, 1.2), (50.0, 0.35), (20.0, 0.8)];
    let mut plot = Plot::new(x, y);
    for ((text, lr, dash, class), at) in RULES.into_iter().zip(words) {
        let losses = train(&text.parse().expect("a rule"), lr, 151);
        let points = losses.into_iter().enumerate().map(|(t, loss)| (t as f64, loss.min(3.5)));
        plot = plot.line(points, class, dash).word(at, text);
    }
    plot.svg()
}

/// How many times too long Adam's steps are without its corrections, where all gradients are equal.
pub fn correction() -> String {
    let x = Axis { title: "step of training, as a power of ten", from: 0.0, to: 4.0, step: 1.0 };
    let y = Axis { title: "times too long", from: 0.0, to: 7.0, step: 1.0 };
    let factor = |beta2: f64| {
        let points = (0..=200).map(move |k| f64::from(k) / 50.0);
        points.map(move |power| {
            let t = 10_f64.powf(power);
            (power, (1.0 - 0.9_f64.powf(t)) / (1.0 - beta2.powf(t)).sqrt())
        })
    };
    Plot::new(x, y)
        .line(factor(0.999), "q-f", "")
        .line(factor(0.99), "q-h", "8 4")
        .word((1.5, 6.0), "\u{3b2}\u{2082} = 0.999")
        .word((1.25, 2.6), "\u{3b2}\u{2082} = 0.99")
        .svg()
}
