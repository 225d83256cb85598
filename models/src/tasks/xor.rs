//! Exclusive or, in time: of three bits in a row two are drawn and the third is their exclusive or. Elman (1990).
//!
//! At every bit the next one is asked for. Nobody says where the threes begin, and only every third bit can be known:
//! the error drops there. No network can get below ⅔ ln 2 = 0.462 nats per bit, 2 of 3 bits being drawn.

use super::sequences::{self, Example, Rules, Said, choice, nats};
use super::{Answer, Built, Exam};
use crate::config::Config;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Threes of an example.
const THREES: usize = 10;
/// 40 · 30 = 1,200 bits are asked for, as by Elman.
const QUESTIONS: usize = 40;
/// Elman drew the error of twelve successive bits.
const CYCLE: usize = 12;

/// Ten threes, of which the first bit is read and not asked for, and the first bit after them.
pub fn draw(random: &mut ChaCha8Rng) -> Example {
    let mut bits = Vec::new();
    for _ in 0..THREES {
        let (a, b) = (random.random_range(0..2), random.random_range(0..2));
        bits.extend([a, b, a ^ b]);
    }
    bits.push(random.random_range(0..2));
    bits.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Whether the bit asked for at step `t`, which is bit `t + 1`, is the last of a three.
fn known(t: usize) -> bool {
    (t + 1) % 3 == 2
}

/// What the best guess costs, in nats per bit: nothing where the bit can be known, else ln 2.
pub fn floor() -> f64 {
    let steps = 3 * THREES;
    (0..steps).filter(|&t| !known(t)).count() as f64 * 2f64.ln() / steps as f64
}

fn answers(example: &Example, said: &Said) -> Vec<Answer> {
    let bits = |range: std::ops::Range<usize>| example[range].iter().map(|(bit, _)| bit.to_string());
    let asked = (0..example.len()).filter(|&t| known(t));
    let answer = |t: usize| {
        let question = bits(t - 1..t + 1).collect::<Vec<_>>().join(" xor ");
        Answer::new(question, example[t].1.to_string(), choice(&said[t]).to_string())
    };
    asked.map(answer).collect()
}

/// The mean cost of the bits by their place among twelve.
fn profile(examples: &[Example], said: &[Said]) -> Vec<(String, f64)> {
    let (mut sums, mut counts) = ([0.0; CYCLE], [0.0; CYCLE]);
    for (example, said) in examples.iter().zip(said) {
        for (t, &(_, next)) in example.iter().enumerate() {
            sums[(t + 1) % CYCLE] += nats(&said[t], next);
            counts[(t + 1) % CYCLE] += 1.0;
        }
    }
    (0..CYCLE).map(|place| ((place + 1).to_string(), sums[place] / counts[place])).collect()
}

static RULES: Rules = Rules {
    symbols: "01",
    classes: "01",
    draw,
    questions: |random| (0..QUESTIONS).map(|_| draw(random)).collect(),
    answers,
    solved: |exam: &Exam, _| exam.loss < 1.05 * floor(),
    profile,
    material: "threes of bits, drawn afresh",
    baseline: |_| {
        format!("whoever knows every third bit and guesses the others: {:.4} nats per bit", floor())
    },
};

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "xor".into(),
        encoding: "one-hot".into(),
        hidden: 8,
        seq: 3 * THREES,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    sequences::build(config, &RULES)
}
