//! Reber's embedded grammar without end: string after string, and nobody says where one begins. The state is carried on
//! and never reset.
//!
//! Gers, Schmidhuber and Cummins, "Learning to forget: continual prediction with LSTM" (2000). Without a forget gate the
//! cell states grow and grow; with one the network learns to reset itself. Asked is the second T or P of every string:
//! what else may come follows from the last few symbols, and no memory is needed for it. The authors count the symbols
//! up to the first error; here it is the share of right answers, which says how often a network errs after that as well.

use super::exam::MeanLoss;
use super::reber::{B, E, Place, SYMBOLS};
use super::sample::{LONGEST, Sample, no_text};
use super::sequences::{sample, spell};
use super::{Answer, Built, Exam, Task, TaskState, examiner};
use crate::choice::Invalid;
use crate::config::Config;
use crate::heads::likeliest;
use crate::network::{Carry, Network};
use crate::params::Bound;
use crate::train::Trainer;
use autograd::Var;
use rand_chacha::ChaCha8Rng;

/// Streams that are asked, as many as the authors', and their length: 10,000 symbols instead of their 1,000,000.
const QUESTIONS: usize = 10;
const LENGTH: usize = 10_000;
/// Steps of them that are on the tape at once.
const WINDOW: usize = 500;

/// Endless streams of strings, side by side.
#[derive(Clone, Debug)]
pub struct Streams {
    places: Vec<Place>,
    /// Of each stream the last symbol that was drawn, which is the next one that is read.
    last: Vec<usize>,
}

impl Streams {
    /// Streams before their first string, as if one had just ended.
    pub fn new(count: usize) -> Self {
        Self { places: vec![Place::Start; count], last: vec![E; count] }
    }

    /// The next `steps` symbols of each stream to read, step by step, and those that come after each.
    pub fn draw(&mut self, random: &mut ChaCha8Rng, steps: usize) -> (Vec<usize>, Vec<usize>) {
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..steps {
            inputs.extend(&self.last);
            for (place, last) in self.places.iter_mut().zip(&mut self.last) {
                *last = place.draw(random);
            }
            targets.extend(&self.last);
        }
        (inputs, targets)
    }
}

/// Settings with which an LSTM solves the task.
pub(super) fn config() -> Config {
    Config {
        task: "continual".into(),
        encoding: "one-hot".into(),
        hidden: 16,
        seq: 50,
        batch: 16,
        steps: 3000,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    let (network, params) = config.network(SYMBOLS.len(), SYMBOLS.len())?;
    let (inputs, targets) = Streams::new(QUESTIONS).draw(&mut examiner(), LENGTH);
    let (carry, asked) = (network.initial_carry(config.batch), network.initial_carry(QUESTIONS));
    let streams = Streams::new(config.batch);
    Ok((Box::new(Continual { network, steps: config.seq, streams, carry, inputs, targets, asked }), params))
}

struct Continual {
    network: Network<f32>,
    /// Steps of a window, to which backpropagation through time is truncated.
    steps: usize,
    streams: Streams,
    carry: Carry<f32>,
    /// The streams that are asked.
    inputs: Vec<usize>,
    targets: Vec<usize>,
    asked: Carry<f32>,
}

impl Task for Continual {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let (inputs, targets) = self.streams.draw(random, self.steps);
        self.network.forward_train(p, &inputs, &mut self.carry, random).cross_entropy(&targets)
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let (mut loss, mut logits) = (MeanLoss::default(), Vec::new());
        self.asked.reset();
        let windows = self.inputs.chunks(WINDOW * QUESTIONS).zip(self.targets.chunks(WINDOW * QUESTIONS));
        for (inputs, targets) in windows {
            trainer.evaluate(|p| {
                let y = self.network.forward(p, inputs, &mut self.asked);
                logits.extend(y.value());
                loss.add(y.cross_entropy(targets), targets.len())
            })?;
        }
        let answers = (0..QUESTIONS).flat_map(|stream| self.answers(&logits, stream)).collect();
        let exam = Exam { loss: loss.mean(), answers, ..Exam::default() };
        Ok(Exam { solved: exam.right_at_least(99), ..exam })
    }

    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid> {
        if text.is_some() {
            return Err(no_text("continual"));
        }
        let first = |all: &[usize]| all.iter().step_by(QUESTIONS).take(LONGEST).copied().collect();
        Ok(sample(p, &self.network, [SYMBOLS; 2], first(&self.inputs), first(&self.targets)))
    }

    fn material(&self) -> String {
        format!("endless streams of strings, in windows of {}", self.steps)
    }

    fn baseline(&self) -> Option<String> {
        Some(format!("guessing T or P: {} % right", 100 / 2))
    }

    fn state(&self) -> TaskState {
        let mut carried: Vec<(String, Vec<f32>)> =
            self.carry.parts().into_iter().map(|(name, entries)| (name, entries.to_vec())).collect();
        carried
            .push(("places".into(), self.streams.places.iter().map(|place| place.number() as f32).collect()));
        carried.push(("last".into(), self.streams.last.iter().map(|&symbol| symbol as f32).collect()));
        TaskState { position: 0, carried }
    }

    fn load_state(&mut self, state: &TaskState) -> Result<(), Invalid> {
        let (states, streams) = state.carried.split_at(state.carried.len() - 2);
        for ((_, entries), (_, saved)) in self.carry.parts_mut().into_iter().zip(states) {
            entries.copy_from_slice(saved);
        }
        let number = |x: f32, count: usize| match x as usize {
            number if number < count && number as f32 == x => Ok(number),
            _ => Err(Invalid(format!("{x} is no symbol or place of the grammar"))),
        };
        for (stream, place) in self.streams.places.iter_mut().enumerate() {
            *place = Place::of(number(streams[0].1[stream], Place::COUNT)?);
            self.streams.last[stream] = number(streams[1].1[stream], SYMBOLS.len())?;
        }
        Ok(())
    }
}

impl Continual {
    /// One answer for each second T or P of a stream: the one before an E that ends a whole string.
    fn answers(&self, logits: &[f32], stream: usize) -> Vec<Answer> {
        let read: Vec<usize> = (0..LENGTH).map(|t| self.inputs[t * QUESTIONS + stream]).collect();
        let target = |t: usize| self.targets[t * QUESTIONS + stream];
        // Only there is an E followed by T or P: after the E that ends Reber's own string.
        let asked = (1..LENGTH).filter(|&t| read[t] == E && target(t) != B);
        let answer = |t: usize| {
            let begun = read[..t].iter().rposition(|&symbol| symbol == E).map_or(0, |end| end + 1);
            let found = likeliest(
                &logits[t * SYMBOLS.len() * QUESTIONS..][..SYMBOLS.len() * QUESTIONS],
                stream,
                QUESTIONS,
            );
            let question = format!("step {t}: {}", spell(SYMBOLS, read[begun..=t].iter().copied()));
            Answer::new(question, spell(SYMBOLS, [target(t)]), spell(SYMBOLS, [found]))
        };
        asked.map(answer).collect()
    }
}
