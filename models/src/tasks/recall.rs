//! The memory-length test: a key is shown first and asked for at the end.

use autograd::IGNORE_INDEX;
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
