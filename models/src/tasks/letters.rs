//! Consonants and their vowels: ba, dii, guuu, in random order; the next letter is asked for. Elman (1990).
//!
//! Which consonant comes cannot be known, but which vowels follow it, how many, and so *when* a consonant comes: the
//! error is high at consonants and low at vowels. A consonant costs ln 3 at least, and there is one in three letters:
//! no network can get below ⅓ ln 3 = 0.366 nats per letter.

use super::sequences::{self, Example, Rules, Said, choice, nats, spell};
use super::{Answer, Built, Exam};
use crate::config::Config;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The letters by number: consonants first.
pub const LETTERS: &str = "bdgaiu";
const CONSONANTS: usize = 3;
/// Consonants of an example.
const BLOCKS: usize = 10;
const QUESTIONS: usize = 50;

/// Ten consonants with their vowels, and the consonant that comes next.
pub fn draw(random: &mut ChaCha8Rng) -> Example {
    let mut letters = Vec::new();
    for _ in 0..BLOCKS {
        let consonant = random.random_range(0..CONSONANTS);
        letters.push(consonant);
        // One a after b, two i after d, three u after g.
        letters.extend(std::iter::repeat_n(CONSONANTS + consonant, consonant + 1));
    }
    letters.push(random.random_range(0..CONSONANTS));
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// What the best guess costs on these examples, in nats per letter: ln 3 for a consonant, nothing for a vowel.
pub fn floor(examples: &[Example]) -> f64 {
    let letters: Vec<usize> = examples.iter().flatten().map(|&(_, next)| next).collect();
    let consonants = letters.iter().filter(|&&letter| letter < CONSONANTS).count();
    consonants as f64 * (CONSONANTS as f64).ln() / letters.len() as f64
}

fn answers(example: &Example, said: &Said) -> Vec<Answer> {
    let vowels = (0..example.len()).filter(|&t| example[t].1 >= CONSONANTS);
    let answer = |t: usize| {
        let read = spell(LETTERS, example[..=t].iter().map(|step| step.0));
        Answer::new(read, spell(LETTERS, [example[t].1]), spell(LETTERS, [choice(&said[t])]))
    };
    vowels.map(answer).collect()
}

/// What every letter of the first example costs.
fn profile(examples: &[Example], said: &[Said]) -> Vec<(String, f64)> {
    let costs = examples[0].iter().zip(&said[0]);
    costs.map(|(&(_, next), logits)| (spell(LETTERS, [next]), nats(logits, next))).collect()
}

static RULES: Rules = Rules {
    symbols: LETTERS,
    classes: LETTERS,
    draw,
    questions: |random| (0..QUESTIONS).map(|_| draw(random)).collect(),
    answers,
    solved: |exam: &Exam, questions| exam.loss < 1.05 * floor(questions),
    profile,
    material: "ba, dii and guuu, drawn afresh",
    baseline: |questions| {
        format!(
            "whoever knows every vowel and guesses the consonants: {:.4} nats per letter",
            floor(questions)
        )
    },
};

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "letters".into(),
        encoding: "one-hot".into(),
        hidden: 16,
        seq: 4 * BLOCKS,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    sequences::build(config, &RULES)
}
