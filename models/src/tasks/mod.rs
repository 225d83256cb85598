//! Tasks: what networks are trained on, each with its published source and a definition of solved.
//!
//! | task | shape | what is asked |
//! |---|---|---|
//! | `chars` | many-to-many | the next character of a text |
//! | `hello` | many-to-many | the smallest text: "hell" → "o" |
//! | `sentence` | many-to-many | one sentence, by heart |
//! | `companies` | many-to-one | a fifth day, from a first one |
//! | [`xor`] | many-to-many | the next bit, of which every third can be known |
//! | [`letters`] | many-to-many | the next letter of "ba dii guuu …" |
//! | [`Recall`] | many-to-many | a key, after up to 100 distractors |
//! | [`adding`] | many-to-one | the sum of two marked numbers out of 100 |
//! | [`order`] | many-to-one | in which order three letters came |
//! | [`copy`] | many-to-many | ten symbols, in order, after a pause |
//! | [`reber`], [`continual`] | many-to-many | the next symbol of a grammar with a memory |
//! | [`anbn`] | many-to-many | as many b as there were a |
//! | [`timing`] | many-to-many | a spike at every tenth step |
//! | [`sine`] | many-to-many | how a sine goes on |
//! | [`sentiment`] | many-to-one | what a sentence with "although" or "but" means |
//! | [`numbers`] | one-to-many | a number's name, letter by letter |
//! | [`dates`] | encoder–decoder | a date in another form |
//!
//! [`ALL`] lists them. A task brings its network along, draws the batches and asks the questions; everything
//! else (steps, checkpoints, metrics) is the same for all of them and lies in [`Session`](crate::session::Session).
//!
//! Held out means: never seen in training, in whatever form. Which examples of a generated task are held out is
//! decided by a hash of the example itself, so that no seed can mix them up. Where there are too many examples for one to
//! come twice, or only one, as in `hello`, nothing is held out.

pub mod adding;
pub mod anbn;
mod chars;
pub mod companies;
pub mod continual;
pub mod copy;
pub mod dates;
mod exam;
pub mod letters;
mod list;
pub mod numbers;
pub mod order;
pub mod reber;
mod recall;
mod sample;
pub mod sentiment;
mod sequences;
pub mod sine;
pub mod timing;
pub mod xor;

pub use chars::show_text;
pub use exam::{Answer, Exam, is_held_out};
pub use list::{ALL, TaskInfo, find};
pub use recall::Recall;
pub use sample::Sample;
pub use sequences::Example;

use crate::choice::Invalid;
use crate::params::{Bound, Params};
use crate::text::Vocabulary;
use crate::train::Trainer;
use autograd::Var;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// A task with its network, between two training steps.
///
/// A task decides by itself what its network reads, symbols or numbers, and what the loss is.
pub trait Task {
    /// Draws the next training batch and returns the loss on it, 1×1. All that is random comes from `random`.
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32>;

    /// Asks the held-out questions, always the same ones.
    ///
    /// # Errors
    /// If the loss is not finite.
    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid>;

    /// One example to be looked at, on the tape of `p`: the one that `text` describes or, without it, one of the task's own,
    /// always the same.
    ///
    /// # Errors
    /// If the text is not one of the task's: what is wrong with it.
    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid>;

    /// What is trained on, to be said in one line: "90 characters".
    fn material(&self) -> String;

    /// What can be reached without a recurrent network, if that is known: one line to print beside.
    fn baseline(&self) -> Option<String> {
        None
    }

    /// The characters, if the task is a text that its network can continue.
    fn vocabulary(&self) -> Option<&Vocabulary> {
        None
    }

    /// What a checkpoint must hold beside parameters and random numbers: nothing, where batches are drawn afresh.
    fn state(&self) -> TaskState {
        TaskState::default()
    }

    /// Goes to where [`Task::state`] was taken.
    ///
    /// # Errors
    /// If this task cannot be there.
    fn load_state(&mut self, state: &TaskState) -> Result<(), Invalid> {
        match state.position {
            0 => Ok(()),
            position => Err(Invalid(format!("position {position}: this task has no places"))),
        }
    }
}

/// A task that is about to be trained, and its network's initial parameters.
pub type Built = Result<(Box<dyn Task>, Params<f32>), Invalid>;

/// Where a task is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskState {
    /// Where in its material the next batch begins.
    pub position: usize,
    /// The states that the network carries from batch to batch, by name.
    pub carried: Vec<(String, Vec<f32>)>,
}

/// Draws a task's questions: the same for every seed of the training, so that trainings can be compared.
fn examiner() -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    random.set_stream(2);
    random
}

/// Examples as columns: entry `r` of what `of` says of example `b` in row `r`, column `b`.
fn columns<'t, E>(p: Bound<'t, f32>, examples: &[E], of: impl Fn(&E) -> &[f32]) -> Var<'t, f32> {
    let batch = examples.len();
    p.tape().constant_with(of(&examples[0]).len(), batch, |entries| {
        for (b, example) in examples.iter().enumerate() {
            of(example).iter().enumerate().for_each(|(r, &x)| entries[r * batch + b] = x);
        }
    })
}

/// Draws until the example's key is held out, or is not.
fn draw_until<E>(held_out: bool, mut draw: impl FnMut() -> E, key: impl Fn(&E) -> String) -> E {
    loop {
        let example = draw();
        if is_held_out(&key(&example)) == held_out {
            return example;
        }
    }
}
