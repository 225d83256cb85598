//! The next character of a text: many-to-many, with the state carried from window to window.

use super::sample::{LONGEST, nudged, visible};
use super::{Answer, Built, Exam, Sample, Task, TaskState};
use crate::choice::Invalid;
use crate::config::Config;
use crate::evaluate::nats_per_character;
use crate::heads::likeliest;
use crate::network::{Carry, Network};
use crate::params::Bound;
use crate::text::{Streams, Vocabulary};
use crate::train::Trainer;
use autograd::{IGNORE_INDEX, Var};
use rand_chacha::ChaCha8Rng;

/// A text and a network that reads it in parallel streams, window after window. The state is carried from
/// window to window, the gradient is not: truncated backpropagation through time.
struct Chars {
    network: Network<f32>,
    vocabulary: Vocabulary,
    streams: Streams,
    seq: usize,
    /// What the network is measured on.
    held: Vec<usize>,
    /// The loss below which a text is known by heart; without it, the text is not asked for letter by letter.
    by_heart: Option<f64>,
    carry: Carry<f32>,
    inputs: Vec<usize>,
    targets: Vec<usize>,
}

/// A text of which the last tenth is held out.
pub(super) fn chars(config: &Config, text: &str) -> Built {
    let vocabulary = Vocabulary::of(text)?;
    let mut ids = vocabulary.encode(text)?;
    let held = ids.split_off(ids.len() / 10 * 9 + ids.len() % 10 * 9 / 10);
    if held.len() < 2 {
        let have = held.len();
        return Err(Invalid(format!(
            "the held-out tenth has {have} characters and needs 2; take a longer text"
        )));
    }
    build(config, vocabulary, ids, held, None)
}

/// What the task `sentence` learns by heart.
const SENTENCE: &str = "LSTM networks are especially useful for sequence prediction problems.";

/// One sentence, learned by heart: solved when the loss on it is below 0.01 nats per character.
pub(super) fn sentence(config: &Config, _: &str) -> Built {
    by_heart(config, SENTENCE, 0.01)
}

/// The smallest text: solved when the loss on it is below 0.1, so that every letter gets more than 2/3.
pub(super) fn hello(config: &Config, _: &str) -> Built {
    by_heart(config, "hello", 0.1)
}

fn by_heart(config: &Config, text: &str, loss: f64) -> Built {
    let vocabulary = Vocabulary::of(text)?;
    let ids = vocabulary.encode(text)?;
    build(config, vocabulary, ids.clone(), ids, Some(loss))
}

fn build(
    config: &Config,
    vocabulary: Vocabulary,
    ids: Vec<usize>,
    held: Vec<usize>,
    by_heart: Option<f64>,
) -> Built {
    let streams = Streams::new(ids, config.batch, config.seq)?;
    let (network, params) = config.network(vocabulary.size(), vocabulary.size())?;
    let carry = network.initial_carry(config.batch);
    let (inputs, targets, seq) = (Vec::new(), Vec::new(), config.seq);
    let task = Chars { network, vocabulary, streams, seq, held, by_heart, carry, inputs, targets };
    Ok((Box::new(task), params))
}

/// How many characters of the held-out text are shown.
const SHOWN: usize = 80;

/// A text as a character model reads it from the initial states, to be looked at; every target is the next character.
///
/// # Errors
/// If the model never saw one of the characters (which, and where), or they are fewer than 2 or more than 300.
pub fn show_text<'t>(
    network: &Network<f32>,
    vocabulary: &Vocabulary,
    p: Bound<'t, f32>,
    text: &str,
) -> Result<Sample<'t>, Invalid> {
    let ids = vocabulary.encode(text)?;
    if !(2..=LONGEST).contains(&ids.len()) {
        return Err(Invalid(format!("a text of {} characters; it must have 2 to {LONGEST}", ids.len())));
    }
    let (x, nudge) = nudged(network.embed(p, &ids, 1));
    let logits = network.read(p, x, &mut network.initial_carry(1), None);
    let names = |chars: &mut dyn Iterator<Item = char>| chars.map(visible).collect();
    Ok(Sample {
        reads: vec![("", names(&mut text.chars()))],
        nudge,
        logits,
        classes: names(&mut vocabulary.chars().iter().copied()),
        targets: ids[1..].iter().copied().chain([IGNORE_INDEX]).collect(),
        asked: 0..ids.len(),
    })
}

impl Task for Chars {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let (window, restart) = self.streams.advance(self.seq, self.seq);
        if restart {
            self.carry.reset();
        }
        self.streams.fill(window, &mut self.inputs, &mut self.targets);
        let logits = self.network.forward_train(p, &self.inputs, &mut self.carry, random);
        logits.cross_entropy(&self.targets)
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let loss = nats_per_character(&self.network, trainer, &self.held)?;
        match self.by_heart {
            None => Ok(Exam { loss, ..Exam::default() }),
            Some(below) => {
                let answers = self.recite(trainer);
                Ok(Exam { loss, answers, solved: loss < below, ..Exam::default() })
            }
        }
    }

    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid> {
        let own = || self.vocabulary.decode(&self.held[..SHOWN.min(self.held.len())]);
        show_text(&self.network, &self.vocabulary, p, &text.map_or_else(own, String::from))
    }

    fn material(&self) -> String {
        format!("{} characters", self.streams.characters())
    }

    fn vocabulary(&self) -> Option<&Vocabulary> {
        Some(&self.vocabulary)
    }

    fn state(&self) -> TaskState {
        let carried = self.carry.parts().into_iter().map(|(name, entries)| (name, entries.to_vec()));
        TaskState { position: self.streams.position(), carried: carried.collect() }
    }

    fn load_state(&mut self, state: &TaskState) -> Result<(), Invalid> {
        for ((_, entries), (_, saved)) in self.carry.parts_mut().into_iter().zip(&state.carried) {
            entries.copy_from_slice(saved);
        }
        self.streams.seek(state.position)
    }
}

impl Chars {
    /// After every character of the text, the likeliest next one.
    fn recite(&self, trainer: &mut Trainer<f32>) -> Vec<Answer> {
        let (char, size) = (|id: usize| self.vocabulary.char(id).to_string(), self.vocabulary.size());
        let known = &self.held[..self.held.len() - 1];
        let mut carry = self.network.initial_carry(1);
        let logits = trainer.evaluate(|p| self.network.forward(p, known, &mut carry).value());
        let mut read = String::new();
        let answers = logits.chunks_exact(size).enumerate().map(|(t, logits)| {
            read += &char(self.held[t]);
            Answer::new(read.clone(), char(self.held[t + 1]), char(likeliest(logits, 0, 1)))
        });
        answers.collect()
    }
}
