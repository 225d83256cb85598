//! Two companies: four days' values each, which differ on the first day only, and the fifth day's is asked for.
//!
//! The smallest task that needs a memory, and an LSTM of one unit solves it. After Starmer, "Long short-term memory with
//! PyTorch" (StatQuest 2022). `examples/companies.rs` does the same with every gate written out.

use super::exam::MeanLoss;
use super::sample::{Sample, says_a_number};
use super::{Answer, Built, Exam, Task};
use crate::choice::Invalid;
use crate::config::Config;
use crate::network::{Carry, Network};
use crate::params::Bound;
use crate::train::Trainer;
use autograd::Var;
use rand_chacha::ChaCha8Rng;

/// Day by day, company A and company B: T×B.
pub const DAYS: [[f32; 2]; 4] = [[0.0, 1.0], [0.5, 0.5], [0.25, 0.25], [1.0, 1.0]];
/// The fifth day of each.
pub const FIFTH: [f32; 2] = [0.0, 1.0];
/// A guess this far from the truth is right.
const NEAR: f32 = 0.1;

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "companies".into(),
        encoding: "one-hot".into(),
        hidden: 1,
        seq: DAYS.len(),
        batch: FIFTH.len(),
        steps: 300,
        lr: 0.1,
        eval_every: 30,
        save_every: 30,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    let (network, params) = config.network(1, 1)?;
    let carry = network.initial_carry(FIFTH.len());
    Ok((Box::new(Companies { network, carry }), params))
}

struct Companies {
    network: Network<f32>,
    carry: Carry<f32>,
}

impl Companies {
    /// The guesses, 1×2.
    fn guess<'t>(&mut self, p: Bound<'t, f32>, random: Option<&mut ChaCha8Rng>) -> Var<'t, f32> {
        let x = p.tape().constant(DAYS.len(), FIFTH.len(), DAYS.as_flattened());
        self.carry.reset();
        self.network.read(p, x, &mut self.carry, random).row_block(DAYS.len() - 1..DAYS.len())
    }
}

impl Task for Companies {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        self.guess(p, Some(random)).mse_loss(p.tape().constant(1, FIFTH.len(), &FIFTH))
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let (mut loss, mut guesses) = (MeanLoss::default(), Vec::new());
        trainer.evaluate(|p| {
            let y = self.guess(p, None);
            guesses = y.value();
            loss.add(y.mse_loss(p.tape().constant(1, FIFTH.len(), &FIFTH)), 1)
        })?;
        let answer = |(b, guess): (usize, f32)| {
            let days: Vec<String> = DAYS.iter().map(|day| day[b].to_string()).collect();
            let (question, right) = (days.join(" "), (guess - FIFTH[b]).abs() < NEAR);
            Answer { question, expected: FIFTH[b].to_string(), found: format!("{guess:.3}"), right }
        };
        let answers = guesses.into_iter().enumerate().map(answer).collect();
        let exam = Exam { loss: loss.mean(), answers, ..Exam::default() };
        Ok(Exam { solved: exam.right_at_least(100), ..exam })
    }

    fn show<'t>(&self, _: Bound<'t, f32>, _: Option<&str>) -> Result<Sample<'t>, Invalid> {
        Err(says_a_number("companies"))
    }

    fn material(&self) -> String {
        format!("{} companies, {} days", FIFTH.len(), DAYS.len())
    }

    /// The mean of the fifth days is the best guess of whoever forgets the first.
    fn baseline(&self) -> Option<String> {
        let mean = FIFTH.iter().sum::<f32>() / FIFTH.len() as f32;
        let error = FIFTH.iter().map(|y| (y - mean).powi(2)).sum::<f32>() / FIFTH.len() as f32;
        Some(format!("whoever forgets the first day: a squared error of {error}"))
    }
}
