//! Adding: of a hundred numbers two are marked; their sum is asked for at the end.
//!
//! Hochreiter and Schmidhuber (1997), task 4, in the form that is usual now (Le, Jaitly and Hinton 2015): the numbers lie
//! between 0 and 1, one is marked in each half. Always to say 1 costs 1/6, the variance of the sum of two such numbers.

use super::exam::MeanLoss;
use super::sample::{Sample, says_a_number};
use super::{Answer, Built, Exam, Task, columns, examiner};
use crate::choice::Invalid;
use crate::config::Config;
use crate::network::{Carry, Network};
use crate::params::Bound;
use crate::train::Trainer;
use autograd::Var;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Numbers of an example.
pub const STEPS: usize = 100;
/// An answer this far from the sum is right: what Hochreiter and Schmidhuber allowed.
const NEAR: f32 = 0.04;
/// Solved below this mean squared error.
const SOLVED: f64 = 0.002;
const QUESTIONS: usize = 500;

/// An example.
#[derive(Clone, Debug, PartialEq)]
pub struct Sum {
    /// Step by step the number, and 1 if it is marked, else 0: 2·T.
    pub read: Vec<f32>,
    /// The sum of the marked numbers.
    pub sum: f32,
}

impl Sum {
    /// Draws an example.
    pub fn draw(random: &mut ChaCha8Rng) -> Self {
        let mut read: Vec<f32> = (0..STEPS).flat_map(|_| [random.random(), 0.0]).collect();
        let marked = [random.random_range(0..STEPS / 2), random.random_range(STEPS / 2..STEPS)];
        marked.iter().for_each(|&t| read[2 * t + 1] = 1.0);
        let sum = marked.iter().map(|&t| read[2 * t]).sum();
        Self { read, sum }
    }

    fn answer(&self, found: f32) -> Answer {
        let marked: Vec<String> = self
            .read
            .chunks_exact(2)
            .filter(|step| step[1] == 1.0)
            .map(|step| format!("{:.3}", step[0]))
            .collect();
        let right = (found - self.sum).abs() < NEAR;
        Answer {
            question: marked.join(" + "),
            expected: format!("{:.3}", self.sum),
            found: format!("{found:.3}"),
            right,
        }
    }
}

/// The mean squared error of who always says 1.
pub fn baseline(examples: &[Sum]) -> f64 {
    examples.iter().map(|e| f64::from(e.sum - 1.0).powi(2)).sum::<f64>() / examples.len() as f64
}

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "adding".into(),
        encoding: "one-hot".into(),
        hidden: 32,
        seq: STEPS,
        steps: 3000,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    let (network, params) = config.network(2, 1)?;
    let random = &mut examiner();
    let questions: Vec<Sum> = (0..QUESTIONS).map(|_| Sum::draw(random)).collect();
    let (carry, asked) = (network.initial_carry(config.batch), network.initial_carry(QUESTIONS));
    Ok((Box::new(Adding { network, batch: config.batch, carry, questions, asked }), params))
}

struct Adding {
    network: Network<f32>,
    batch: usize,
    carry: Carry<f32>,
    questions: Vec<Sum>,
    asked: Carry<f32>,
}

impl Task for Adding {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let examples: Vec<Sum> = (0..self.batch).map(|_| Sum::draw(random)).collect();
        self.carry.reset();
        last(&self.network, p, &examples, &mut self.carry, Some(random)).mse_loss(sums(p, &examples))
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let (mut loss, mut found) = (MeanLoss::default(), Vec::new());
        self.asked.reset();
        trainer.evaluate(|p| {
            let y = last(&self.network, p, &self.questions, &mut self.asked, None);
            found = y.value();
            loss.add(y.mse_loss(sums(p, &self.questions)), 1)
        })?;
        let answers = self.questions.iter().zip(found).map(|(sum, found)| sum.answer(found)).collect();
        Ok(Exam { loss: loss.mean(), answers, solved: loss.mean() < SOLVED, ..Exam::default() })
    }

    fn show<'t>(&self, _: Bound<'t, f32>, _: Option<&str>) -> Result<Sample<'t>, Invalid> {
        Err(says_a_number("adding"))
    }

    fn material(&self) -> String {
        format!("{STEPS} numbers, drawn afresh")
    }

    fn baseline(&self) -> Option<String> {
        Some(format!("always to say 1: a squared error of {:.4}", baseline(&self.questions)))
    }
}

/// What the network says at the last step: 1×B.
fn last<'t>(
    network: &Network<f32>,
    p: Bound<'t, f32>,
    examples: &[Sum],
    carry: &mut Carry<f32>,
    random: Option<&mut ChaCha8Rng>,
) -> Var<'t, f32> {
    let x = columns(p, examples, |sum| &sum.read);
    network.read(p, x, carry, random).row_block(STEPS - 1..STEPS)
}

fn sums<'t>(p: Bound<'t, f32>, examples: &[Sum]) -> Var<'t, f32> {
    columns(p, examples, |sum| std::slice::from_ref(&sum.sum))
}
