//! Counting: after n letters a come n letters b, and then the end. Learned up to n = 10, asked up to n = 30.
//!
//! Gers and Schmidhuber, "LSTM recurrent networks learn simple context-free and context-sensitive languages" (2001).
//! At every letter the next one is asked for. How many a come cannot be known; from the first b on, everything can.

use super::sequences::{self, Example, Rules, Said, choice, no_profile, spell};
use super::{Answer, Built, Exam};
use crate::config::Config;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The symbols by number: the start, the letters, the end.
pub const SYMBOLS: &str = "Sab.";
const START: usize = 0;
const A: usize = 1;
const B: usize = 2;
const END: usize = 3;
/// The largest n that is learned.
pub const LEARNED: usize = 10;
/// The largest n that is asked.
pub const ASKED: usize = 30;

/// S aⁿ bⁿ and the end, which is asked for and not read.
pub fn example(n: usize) -> Example {
    let letters = [vec![START], vec![A; n], vec![B; n], vec![END]].concat();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// One answer for each n: what is written where everything can be known, from the first b on. While a's are read,
/// either letter may come; where the end is thought likelier than both, the answer begins with an end.
fn answers(example: &Example, said: &Said) -> Vec<Answer> {
    let n = example.len() / 2;
    let too_early = said[..=n].iter().any(|logits| ![A, B].contains(&choice(logits)));
    let written = said[n + 1..].iter().map(|logits| choice(logits));
    let found = too_early.then_some(END).into_iter().chain(written);
    let expected = example[n + 1..].iter().map(|step| step.1);
    vec![Answer::new(format!("n = {n}, after the first b"), spell(SYMBOLS, expected), spell(SYMBOLS, found))]
}

static RULES: Rules = Rules {
    symbols: SYMBOLS,
    classes: SYMBOLS,
    draw: |random: &mut ChaCha8Rng| example(random.random_range(1..=LEARNED)),
    questions: |_| (1..=ASKED).map(example).collect(),
    answers,
    solved: |exam: &Exam, _| exam.right_at_least(100),
    profile: no_profile,
    material: "n up to 10, drawn afresh",
    baseline: |questions| {
        let share = 100 * LEARNED / questions.len();
        format!("whoever counts to {LEARNED} and no further: {share} % right")
    },
};

/// Settings that do well.
pub(super) fn config() -> Config {
    Config {
        task: "anbn".into(),
        encoding: "one-hot".into(),
        hidden: 8,
        seq: 2 * ASKED + 1,
        steps: 3000,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    sequences::build(config, &RULES)
}
