//! The memory-length test: a key is shown first and asked for at the end.

use super::exam::MeanLoss;
use super::sample::{no_text, nudged};
use super::{Answer, Built, Exam, Sample, Task, examiner};
use crate::choice::Invalid;
use crate::config::Config;
use crate::heads::likeliest;
use crate::network::{Carry, Network};
use crate::params::Bound;
use crate::train::Trainer;
use autograd::{IGNORE_INDEX, Var};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// One of 10 keys, then distractors, then the query: which key was it?
///
/// At step 0 the input is the key; at every step up to the query it is one of 10 distractors; at
/// step `n` it is the query symbol, and the target is the key. The other steps have no target.
/// How long a network can remember is the largest `n` at which it still answers.
#[derive(Clone, Debug)]
pub struct Recall {
    /// The inputs, step by step: (T+1)·B symbols.
    pub inputs: Vec<usize>,
    /// The targets, step by step; [`IGNORE_INDEX`] but at the queries.
    pub targets: Vec<usize>,
    /// The examples of the batch: B.
    pub batch: usize,
}

impl Recall {
    /// Keys: the classes.
    pub const KEYS: usize = 10;
    /// Distractors.
    pub const DISTRACTORS: usize = 10;
    /// Input symbols: keys, distractors and the query.
    pub const SYMBOLS: usize = Self::KEYS + Self::DISTRACTORS + 1;
    /// The longest distance from key to query.
    pub const LONGEST: usize = 100;

    /// No examples yet.
    pub fn new(batch: usize) -> Self {
        Self { inputs: Vec::new(), targets: Vec::new(), batch }
    }

    /// Draws a new batch. Every example's query is `length` steps after its key, or, without a
    /// length, at a random distance of 1 to [`Self::LONGEST`].
    pub fn draw(&mut self, rng: &mut ChaCha8Rng, length: Option<usize>) {
        let steps = 1 + length.unwrap_or(Self::LONGEST);
        self.inputs.clear();
        self.targets.clear();
        for _ in 0..steps * self.batch {
            self.inputs.push(Self::KEYS + rng.random_range(0..Self::DISTRACTORS));
            self.targets.push(IGNORE_INDEX);
        }
        for example in 0..self.batch {
            let key = rng.random_range(0..Self::KEYS);
            let query = length.unwrap_or_else(|| rng.random_range(1..=Self::LONGEST));
            self.inputs[example] = key;
            self.inputs[query * self.batch + example] = Self::SYMBOLS - 1;
            self.targets[query * self.batch + example] = key;
        }
    }

    /// A symbol's name: a key 0 … 9, a distractor a … j, or the query.
    fn symbol(id: usize) -> String {
        let name = match id.checked_sub(Self::KEYS) {
            None => char::from(b'0' + id as u8),
            Some(k) if k < Self::DISTRACTORS => char::from(b'a' + k as u8),
            Some(_) => '?',
        };
        name.into()
    }

    /// The share of queries that these logits ((T+1)·10×B, row by row) answer right.
    pub fn accuracy(&self, logits: &[impl PartialOrd + Copy]) -> f64 {
        let asked = (0..self.targets.len()).filter(|&at| self.targets[at] != IGNORE_INDEX);
        let right = asked.filter(|&at| {
            let (step, example) = (at / self.batch, at % self.batch);
            let logit = |key: usize| logits[(step * Self::KEYS + key) * self.batch + example];
            (0..Self::KEYS).all(|key| key == self.targets[at] || logit(key) < logit(self.targets[at]))
        });
        right.count() as f64 / self.batch as f64
    }
}

/// The distances that are asked for, and how many questions of each.
const DISTANCES: [usize; 6] = [1, 5, 10, 20, 50, Recall::LONGEST];
const QUESTIONS: usize = 320;
/// The distance in the sample that is shown.
const SHOWN: usize = 20;

/// Settings with which the gated networks solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "recall".into(),
        encoding: "one-hot".into(),
        hidden: 32,
        seq: 1 + Recall::LONGEST,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    task(config, None)
}

/// Learned at the longest distance only: there is nothing short to begin with.
pub(super) fn build_longest(config: &Config, _: &str) -> Built {
    task(config, Some(Recall::LONGEST))
}

pub(super) fn config_longest() -> Config {
    Config { task: "recall-100".into(), ..config() }
}

fn task(config: &Config, length: Option<usize>) -> Built {
    let (network, params) = config.network(Recall::SYMBOLS, Recall::KEYS)?;
    let (carry, asked) = (network.initial_carry(config.batch), network.initial_carry(QUESTIONS));
    let (batch, random) = (Recall::new(config.batch), &mut examiner());
    let questions = DISTANCES.map(|distance| {
        let mut questions = Recall::new(QUESTIONS);
        questions.draw(random, Some(distance));
        questions
    });
    Ok((Box::new(RecallTask { network, length, batch, carry, questions, asked }), params))
}

/// The task, with a network that is asked at every step and answers only to the query.
struct RecallTask {
    network: Network<f32>,
    /// The distance that is learned; all of them if there is none.
    length: Option<usize>,
    batch: Recall,
    carry: Carry<f32>,
    /// Some for each of [`DISTANCES`].
    questions: [Recall; DISTANCES.len()],
    asked: Carry<f32>,
}

impl Task for RecallTask {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        self.batch.draw(random, self.length);
        self.carry.reset();
        let logits = self.network.forward_train(p, &self.batch.inputs, &mut self.carry, random);
        logits.cross_entropy(&self.batch.targets)
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let (mut loss, mut answers) = (MeanLoss::default(), Vec::new());
        for (questions, distance) in self.questions.iter().zip(DISTANCES) {
            self.asked.reset();
            trainer.evaluate(|p| {
                let logits = self.network.forward(p, &questions.inputs, &mut self.asked);
                let named = logits.row_block(distance * Recall::KEYS..(distance + 1) * Recall::KEYS);
                named.read(|logits| answers.extend(questions.answers(logits, distance)));
                loss.add(logits.cross_entropy(&questions.targets), QUESTIONS)
            })?;
        }
        let farthest = &answers[answers.len() - QUESTIONS..];
        let named = |answers: &[Answer]| answers.iter().filter(|answer| answer.right).count();
        let solved = named(farthest) * 100 >= QUESTIONS * 99;
        let shares = answers.chunks(QUESTIONS).map(|answers| named(answers) as f64 / QUESTIONS as f64);
        let profile = DISTANCES.iter().map(usize::to_string).zip(shares).collect();
        Ok(Exam { loss: loss.mean(), solved, profile, answers })
    }

    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid> {
        if text.is_some() {
            return Err(no_text("recall"));
        }
        let mut question = Recall::new(1);
        question.draw(&mut examiner(), Some(SHOWN));
        let (x, nudge) = nudged(self.network.embed(p, &question.inputs, 1));
        Ok(Sample {
            reads: vec![("", question.inputs.iter().map(|&symbol| Recall::symbol(symbol)).collect())],
            nudge,
            logits: self.network.read(p, x, &mut self.network.initial_carry(1), None),
            classes: (0..Recall::KEYS).map(Recall::symbol).collect(),
            targets: question.targets,
            asked: SHOWN..SHOWN + 1,
        })
    }

    fn material(&self) -> String {
        format!("{} keys and {} distractors, drawn afresh", Recall::KEYS, Recall::DISTRACTORS)
    }

    fn baseline(&self) -> Option<String> {
        Some(format!("guessing: {} % right", 100 / Recall::KEYS))
    }
}

impl Recall {
    /// What the logits of the query's step (10×B) answer, if all were asked at this distance.
    fn answers(&self, logits: &[f32], distance: usize) -> impl Iterator<Item = Answer> {
        (0..self.batch).map(move |b| {
            let key = likeliest(logits, b, self.batch).to_string();
            let question = format!("key {}, {distance} steps before", self.inputs[b]);
            Answer::new(question, self.inputs[b].to_string(), key)
        })
    }
}
