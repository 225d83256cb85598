//! checkpoint.safetensors: everything a training needs to go on as if it had never stopped.
//!
//! One file, so that its parts cannot be of different ages. Its tensors are the parameters (`model.…`), what the optimiser
//! remembers (`optimizer.…`), the carried states (`carry.…`) and the state of the random numbers (`random`); what is not a
//! tensor is TOML in the file's metadata: the version, the configuration, the progress, and the mark of the text.

use crate::choice::Invalid;
use crate::config::{Config, read_toml};
use crate::hash::fnv1a;
use crate::metrics::Tally;
use crate::tensors::Tensors;
use crate::watch::Watch;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use safetensors::{Dtype, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The version that is written and can be read.
pub const VERSION: i64 = 1;
/// Where in the metadata the TOML stands.
const KEY: &str = "checkpoint";

/// How far a training has come, but for its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// How many steps have been made.
    pub step: u64,
    /// Where in the task's material the next batch begins: see [`TaskState`](crate::tasks::TaskState).
    pub position: usize,
    /// The time that training has taken.
    pub seconds: f64,
    /// How many bytes metrics.csv had.
    pub metrics: u64,
    /// The best loss on the held-out examples; infinite before there was one.
    pub best: f64,
    /// How many looks at the held-out examples there were since.
    pub stale: u64,
    /// The step after which the task was solved, if it has been.
    pub solved: Option<u64>,
    /// The steps since the last row of metrics.csv.
    pub tally: Tally,
    /// What the watch has seen.
    pub watch: Watch,
}

/// By what a text is known again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Its length in bytes.
    pub bytes: u64,
    /// The FNV-1a hash of its bytes, in hexadecimal.
    pub hash: String,
}

impl Mark {
    /// The mark of a text.
    pub fn of(text: &str) -> Self {
        Self { bytes: text.len() as u64, hash: format!("{:016x}", fnv1a(text.as_bytes())) }
    }
}

/// What a checkpoint holds beside its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// [`VERSION`].
    pub version: i64,
    /// The configuration.
    pub config: Config,
    /// The text; an empty one for a task that takes none.
    pub text: Mark,
    /// How far the training has come.
    pub progress: Progress,
}

/// The bytes of a checkpoint: the summary, and tensors by name, all of them columns.
///
/// # Errors
/// If a number of the configuration is too large for the file.
pub fn to_bytes(
    summary: &Summary,
    tensors: &[(String, &[f32])],
    random: &ChaCha8Rng,
) -> Result<Vec<u8>, Invalid> {
    let summary =
        toml::to_string(summary).map_err(|e| Invalid(format!("cannot write the checkpoint: {e}")))?;
    let random = random_bytes(random);
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, x)| x.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, _), bytes)| {
        let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
        (name.as_str(), view.expect("the shape was made for these bytes"))
    });
    let random = TensorView::new(Dtype::U8, vec![random.len()], &random).expect("a byte is a byte");
    let metadata = HashMap::from([(KEY.to_string(), summary)]);
    let file = safetensors::serialize(views.chain([("random", random)]), Some(metadata));
    Ok(file.expect("a file in memory can always be written"))
}

/// A checkpoint that has been opened: its summary is checked, its tensors wait to be read.
pub struct Checkpoint<'a> {
    /// What it holds beside its tensors.
    pub summary: Summary,
    /// How many bytes the file has.
    pub bytes: usize,
    tensors: Tensors<'a>,
}

impl<'a> Checkpoint<'a> {
    /// Opens a checkpoint.
    ///
    /// # Errors
    /// If it was cut short, is another kind of file or of another version, or what it says is not possible.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Invalid> {
        let tensors = Tensors::open(bytes)?;
        let text =
            tensors.metadata(KEY).ok_or_else(|| Invalid("holds tensors, but is not a checkpoint".into()))?;
        let summary: Summary = read_toml(text, VERSION)?;
        let Summary { config, progress, .. } = &summary;
        config.check()?;
        let counts = [progress.tally.steps, progress.tally.clipped, progress.stale];
        if progress.step > config.steps || counts.iter().any(|&count| count > progress.step) {
            return Err(Invalid(format!("its counts do not agree with its step {}", progress.step)));
        }
        Ok(Self { summary, bytes: bytes.len(), tensors })
    }

    /// Overwrites `entries` with those of the tensor `name`.
    ///
    /// # Errors
    /// If it is missing, not of this length, or not finite.
    pub fn read(&mut self, name: &str, entries: &mut [f32]) -> Result<(), Invalid> {
        entries.copy_from_slice(&self.tensors.numbers(name, &[entries.len()])?);
        Ok(())
    }

    /// The random numbers, where they were.
    ///
    /// # Errors
    /// If they are missing.
    pub fn random(&mut self) -> Result<ChaCha8Rng, Invalid> {
        let bytes = self.tensors.bytes("random", Dtype::U8, &[RANDOM])?;
        let (seed, rest) = bytes.split_first_chunk().expect("the shape was checked");
        let (stream, rest) = rest.split_first_chunk().expect("the shape was checked");
        let (position, _) = rest.split_first_chunk().expect("the shape was checked");
        let mut random = ChaCha8Rng::from_seed(*seed);
        random.set_stream(u64::from_le_bytes(*stream));
        random.set_word_pos(u128::from_le_bytes(*position));
        Ok(random)
    }

    /// Closes the file, of which everything must have been read.
    ///
    /// # Errors
    /// If it holds more.
    pub fn finish(self) -> Result<(), Invalid> {
        self.tensors.finish()
    }
}

/// Bytes of the random numbers' state.
const RANDOM: usize = 32 + 8 + 16;

/// A ChaCha generator is a function of its seed, its stream and how many words have been drawn.
// ANCHOR: random
fn random_bytes(random: &ChaCha8Rng) -> Vec<u8> {
    let (stream, position) = (random.get_stream().to_le_bytes(), random.get_word_pos().to_le_bytes());
    [&random.get_seed()[..], &stream, &position].concat()
}
// ANCHOR_END: random
