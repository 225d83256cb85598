//! What a network says about examples that it has never seen.

use crate::choice::Invalid;
use crate::hash::fnv1a;
use autograd::Var;

/// Whether an example belongs to the tenth that is never trained on.
///
/// ```
/// assert_eq!((0..10_000).filter(|n| models::tasks::is_held_out(&n.to_string())).count(), 1004);
/// ```
pub fn is_held_out(example: &str) -> bool {
    fnv1a(example.as_bytes()).is_multiple_of(10)
}

/// The held-out questions and what the network answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exam {
    /// The mean loss on them.
    pub loss: f64,
    /// The answers; none where no answer is right or wrong.
    pub answers: Vec<Answer>,
    /// Whether the task is solved, as its list entry defines it.
    pub solved: bool,
    /// What the task shows point by point, as its list entry says: each point's label and figure. Empty for most tasks.
    pub profile: Vec<(String, f64)>,
}

/// A question and an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question.
    pub question: String,
    /// The right answer.
    pub expected: String,
    /// The network's.
    pub found: String,
    /// Whether the network's is right, wholly.
    pub right: bool,
}

impl Answer {
    /// An answer that is right if it is the expected one to the letter.
    pub fn new(question: String, expected: String, found: String) -> Self {
        let right = expected == found;
        Self { question, expected, found, right }
    }
}

impl Exam {
    /// How many answers are shown of each sort.
    const SAMPLES: usize = 5;

    /// The share of answers that are right, if there are any answers.
    pub fn right(&self) -> Option<f64> {
        let count = self.answers.len();
        (count > 0).then(|| self.answers.iter().filter(|a| a.right).count() as f64 / count as f64)
    }

    /// A few answers to look at: the first ones, and the first that are wrong.
    pub fn samples(&self) -> impl Iterator<Item = &Answer> {
        let (first, rest) = self.answers.split_at(Self::SAMPLES.min(self.answers.len()));
        first.iter().chain(rest.iter().filter(|a| !a.right).take(Self::SAMPLES))
    }
}

/// The mean of losses that are means themselves, over different numbers of things.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MeanLoss {
    sum: f64,
    count: usize,
}

impl MeanLoss {
    /// Adds the mean loss (1×1) over `count` things.
    ///
    /// # Errors
    /// If it is not finite.
    pub(super) fn add(&mut self, loss: Var<'_, f32>, count: usize) -> Result<(), Invalid> {
        if let Some(origin) = loss.anomaly() {
            return Err(Invalid(format!("the loss is not finite, first in {origin}")));
        }
        self.sum += f64::from(loss.item()) * count as f64;
        self.count += count;
        Ok(())
    }

    /// The mean over all of them.
    pub(super) fn mean(self) -> f64 {
        self.sum / self.count as f64
    }
}

impl Exam {
    /// Whether so many of a hundred answers are right, or more.
    pub(super) fn right_at_least(&self, percent: usize) -> bool {
        self.answers.iter().filter(|answer| answer.right).count() * 100 >= self.answers.len() * percent
    }
}
