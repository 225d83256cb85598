//! Temporal order, three bits: in which order did three X or Y come, far apart among other letters? Eight classes.
//!
//! Hochreiter and Schmidhuber (1997), task 6b, at half the length: there the sequences had 100 to 110 steps and the
//! letters lay at steps 10 to 20, 33 to 43 and 66 to 76.

use super::sequences::{self, Example, Rules, Said, choice, no_profile, spell};
use super::{Answer, Built, Exam};
use crate::config::Config;
use autograd::IGNORE_INDEX;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// The letters by number: the start, the end, the distractors, and the two that count.
pub const LETTERS: &str = "EBabcdXY";
/// Steps: the start first, the end last, at which the class is asked for.
pub const STEPS: usize = 50;
const PLACES: [RangeInclusive<usize>; 3] = [5..=10, 16..=21, 33..=38];
const X: usize = 6;
const QUESTIONS: usize = 500;

/// A sequence; the class is the order read as a binary number, X = 0 and Y = 1.
pub fn draw(random: &mut ChaCha8Rng) -> Example {
    let mut example: Example = (0..STEPS).map(|_| (random.random_range(2..6), IGNORE_INDEX)).collect();
    let class = random.random_range(0..8);
    for (bit, places) in PLACES.into_iter().enumerate() {
        example[random.random_range(places)].0 = X + (class >> (2 - bit)) % 2;
    }
    (example[0].0, example[STEPS - 1]) = (0, (1, class));
    example
}

fn answers(example: &Example, said: &Said) -> Vec<Answer> {
    let name = |class: usize| spell("XY", [class / 4, class / 2 % 2, class % 2]);
    let letters = spell(LETTERS, example.iter().map(|step| step.0));
    let end = STEPS - 1;
    vec![Answer::new(letters, name(example[end].1), name(choice(&said[end])))]
}

static RULES: Rules = Rules {
    symbols: LETTERS,
    classes: "01234567",
    draw,
    questions: |random| (0..QUESTIONS).map(|_| draw(random)).collect(),
    answers,
    solved: |exam: &Exam, _| exam.right_at_least(99),
    profile: no_profile,
    material: "sequences of 50 letters, drawn afresh",
    baseline: |_| format!("guessing: {} % right", 100.0 / 8.0),
};

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "order".into(),
        encoding: "one-hot".into(),
        hidden: 32,
        seq: STEPS,
        steps: 3000,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    sequences::build(config, &RULES)
}
