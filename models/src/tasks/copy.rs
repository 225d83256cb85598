//! Copying: ten symbols are shown, then nothing for a while, then all ten are asked for, in order.
//!
//! After Hochreiter and Schmidhuber (1997), as posed by Arjovsky, Shah and Bengio, "Unitary evolution recurrent neural
//! networks" (2016). The blanks are asked for, too, so that a network that remembers nothing pays for
//! ten symbols among T + 20: 10 ln 8 / (T + 20) nats per step.

use super::sequences::{self, Example, Rules, Said, choice, no_profile, spell};
use super::{Answer, Built, Exam};
use crate::config::Config;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Symbols that are shown.
pub const SHOWN: usize = 10;
/// Different symbols.
pub const ALPHABET: usize = 8;
/// Steps between the last symbol shown and the first one asked for: T.
pub const WAIT: usize = 10;
const BLANK: usize = ALPHABET;
const GO: usize = ALPHABET + 1;
const QUESTIONS: usize = 200;

/// Ten symbols, T − 1 blanks, the sign to go, ten blanks; asked for are blanks, and the symbols at the last ten steps.
pub fn draw(random: &mut ChaCha8Rng) -> Example {
    let shown: Vec<usize> = (0..SHOWN).map(|_| random.random_range(0..ALPHABET)).collect();
    let blanks = |count| std::iter::repeat_n(BLANK, count);
    let read = shown.iter().copied().chain(blanks(WAIT - 1)).chain([GO]).chain(blanks(SHOWN));
    let asked = blanks(SHOWN + WAIT).chain(shown.iter().copied());
    read.zip(asked).collect()
}

/// What a network that remembers nothing pays, in nats per step.
pub fn baseline() -> f64 {
    SHOWN as f64 * (ALPHABET as f64).ln() / (WAIT + 2 * SHOWN) as f64
}

/// One answer for each symbol.
fn answers(example: &Example, said: &Said) -> Vec<Answer> {
    let name = |symbol: usize| spell("abcdefgh_", [symbol]);
    let shown = spell("abcdefgh", example[..SHOWN].iter().map(|step| step.0));
    let answer = |place: usize| {
        let t = WAIT + SHOWN + place;
        let question = format!("{shown}, symbol {}", place + 1);
        Answer::new(question, name(example[t].1), name(choice(&said[t])))
    };
    (0..SHOWN).map(answer).collect()
}

static RULES: Rules = Rules {
    symbols: "abcdefgh_!",
    classes: "abcdefgh_",
    draw,
    questions: |random| (0..QUESTIONS).map(|_| draw(random)).collect(),
    answers,
    solved: |exam: &Exam, _| exam.right_at_least(99),
    profile: no_profile,
    material: "10 symbols out of 8, drawn afresh",
    baseline: |_| format!("whoever remembers nothing: {:.4} nats per step", baseline()),
};

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "copy".into(),
        encoding: "one-hot".into(),
        hidden: 64,
        seq: WAIT + 2 * SHOWN,
        steps: 4000,
        lr: 0.01,
        eval_every: 200,
        save_every: 200,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    sequences::build(config, &RULES)
}
