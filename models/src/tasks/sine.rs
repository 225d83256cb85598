//! Going on with a sine: a network reads 30 points of it and writes the next 30 by itself, reading what it has written.
//!
//! The smallest of the periodic functions of Gers, Schraudolph and Schmidhuber (2002). It is trained to say the next
//! point, which is easy; asked is what it makes of its own words, where every error is read again.

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
use std::f32::consts::TAU;
use std::ops::Range;

/// Points that are read before the network goes on by itself.
pub const READ: usize = 30;
/// Points that it writes.
pub const WRITTEN: usize = 30;
const POINTS: usize = READ + WRITTEN;
/// A continuation is right if the root of its mean squared error is below this.
const NEAR: f64 = 0.2;
const QUESTIONS: usize = 100;

/// Draws a sine of a period between 10 and 30 steps, from anywhere in it.
pub fn draw(random: &mut ChaCha8Rng) -> Vec<f32> {
    let (period, start) = (random.random_range(10.0..30.0f32), random.random::<f32>());
    (0..POINTS).map(|t| (TAU * (t as f32 / period + start)).sin()).collect()
}

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "sine".into(),
        encoding: "one-hot".into(),
        hidden: 32,
        seq: POINTS,
        steps: 2000,
        lr: 0.01,
        // Small errors are read again and grow: the last steps must be fine ones.
        schedule: "cosine:floor=0.01".into(),
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    let (network, params) = config.network(1, 1)?;
    let random = &mut examiner();
    let questions = (0..QUESTIONS).map(|_| draw(random)).collect();
    let (carry, asked) = (network.initial_carry(config.batch), network.initial_carry(QUESTIONS));
    Ok((Box::new(Sine { network, batch: config.batch, carry, questions, asked }), params))
}

struct Sine {
    network: Network<f32>,
    batch: usize,
    carry: Carry<f32>,
    questions: Vec<Vec<f32>>,
    asked: Carry<f32>,
}

/// These points of the sines, a row a step.
fn points<'t>(p: Bound<'t, f32>, sines: &[Vec<f32>], range: Range<usize>) -> Var<'t, f32> {
    columns(p, sines, |sine| &sine[range.clone()])
}

impl Task for Sine {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let sines: Vec<_> = (0..self.batch).map(|_| draw(random)).collect();
        self.carry.reset();
        let next = self.network.read(p, points(p, &sines, 0..POINTS - 1), &mut self.carry, Some(random));
        next.mse_loss(points(p, &sines, 1..POINTS))
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let mut loss = MeanLoss::default();
        let mut written = self.read(trainer);
        let mut steps = Vec::new();
        for t in READ..POINTS {
            let Self { network, asked, questions, .. } = self;
            let next = trainer.evaluate(|p| {
                let y = p.tape().constant(1, QUESTIONS, &written);
                loss.add(y.mse_loss(points(p, questions, t..t + 1)), 1)?;
                Ok(network.read(p, y, asked, None).value())
            })?;
            steps.push(std::mem::replace(&mut written, next));
        }
        let answers = (0..QUESTIONS).map(|b| self.answer(b, &steps)).collect();
        let exam = Exam { loss: loss.mean(), answers, profile: self.profile(&steps), ..Exam::default() };
        Ok(Exam { solved: exam.right_at_least(95), ..exam })
    }

    fn show<'t>(&self, _: Bound<'t, f32>, _: Option<&str>) -> Result<Sample<'t>, Invalid> {
        Err(says_a_number("sine"))
    }

    fn material(&self) -> String {
        "sines of 60 points, drawn afresh".into()
    }

    fn baseline(&self) -> Option<String> {
        let written = self.questions.iter().flat_map(|sine| &sine[READ..]);
        let squares: f64 = written.map(|&y| f64::from(y).powi(2)).sum();
        Some(format!("always to say 0: a squared error of {:.4}", squares / (QUESTIONS * WRITTEN) as f64))
    }
}

impl Sine {
    /// Reads the first points; returns the first that it would write.
    fn read(&mut self, trainer: &mut Trainer<f32>) -> Vec<f32> {
        self.asked.reset();
        trainer.evaluate(|p| {
            let read = points(p, &self.questions, 0..READ);
            self.network.read(p, read, &mut self.asked, None).row_block(READ - 1..READ).value()
        })
    }

    /// The squared error of question `b` at every step that was written.
    fn errors<'a>(&'a self, b: usize, steps: &'a [Vec<f32>]) -> impl Iterator<Item = f64> + 'a {
        steps.iter().zip(&self.questions[b][READ..]).map(move |(y, truth)| f64::from(y[b] - truth).powi(2))
    }

    fn answer(&self, b: usize, steps: &[Vec<f32>]) -> Answer {
        let error = (self.errors(b, steps).sum::<f64>() / WRITTEN as f64).sqrt();
        let question = format!("sine {}, root of the mean squared error", b + 1);
        Answer {
            question,
            expected: format!("below {NEAR}"),
            found: format!("{error:.3}"),
            right: error < NEAR,
        }
    }

    /// The mean squared error, by how many points the network has written.
    fn profile(&self, steps: &[Vec<f32>]) -> Vec<(String, f64)> {
        let mut sums = [0.0; WRITTEN];
        (0..QUESTIONS)
            .for_each(|b| sums.iter_mut().zip(self.errors(b, steps)).for_each(|(sum, e)| *sum += e));
        sums.iter().enumerate().map(|(t, sum)| ((t + 1).to_string(), sum / QUESTIONS as f64)).collect()
    }
}
