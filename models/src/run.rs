//! A run's folder: configuration, vocabulary, weights and metrics of one training.

use crate::cells::Kind;
use crate::choice::Invalid;
use crate::init::Init;
use crate::network::{Network, NetworkConfig};
use crate::optim::{Rule, Schedule};
use crate::params::Params;
use crate::text::Vocabulary;
use crate::weights;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that determines a character model's training but the text itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Always `chars`: the next character.
    pub task: String,
    /// The network's name.
    pub model: String,
    /// Features of the embedding.
    pub embedding: usize,
    /// Features of every recurrent layer.
    pub hidden: usize,
    /// How many recurrent layers.
    pub layers: usize,
    /// Steps of a window: backpropagation through time is truncated to it.
    pub seq: usize,
    /// Parallel streams of the text.
    pub batch: usize,
    /// Training steps.
    pub steps: u64,
    /// The full learning rate.
    pub lr: f64,
    /// The optimiser, by name.
    pub optimizer: String,
    /// The schedule, by name.
    pub schedule: String,
    /// The norm that gradients are clipped to; 0 for none.
    pub clip: f64,
    /// The value that gradients are clipped to, entry by entry; 0 for none.
    pub clip_value: f64,
    /// The initialiser of the recurrent layers, by name.
    pub init: String,
    /// The bias of the LSTM's forget gate at the start.
    pub forget_bias: f64,
    /// The seed of all random numbers.
    pub seed: u64,
    /// How many steps lie between two looks at the held-out text.
    pub eval_every: u64,
    /// The text's path.
    pub text: String,
}

impl Config {
    /// Checks every value and resolves the names.
    ///
    /// # Errors
    /// If one of them is not possible: which, and what it may be.
    pub fn check(&self) -> Result<Checked, Invalid> {
        let sizes = [
            ("embedding", self.embedding),
            ("hidden", self.hidden),
            ("layers", self.layers),
            ("seq", self.seq),
            ("batch", self.batch),
            ("steps", self.steps as usize),
            ("eval-every", self.eval_every as usize),
        ];
        for (name, size) in sizes {
            // So large a size is a slip of the keyboard; refusing it here is kinder than running out of memory.
            if size == 0 || size > 1 << 24 {
                return Err(Invalid(format!("{name} is {size}; it must be 1 to {}", 1 << 24)));
            }
        }
        let weights = self.embedding.max(self.hidden).saturating_mul(self.hidden).saturating_mul(8 * self.layers);
        if weights > 1 << 30 {
            return Err(Invalid(format!("hidden {} × layers {} makes too many weights for one machine", self.hidden, self.layers)));
        }
        for (name, value) in [("clip", self.clip), ("clip-value", self.clip_value)] {
            if !(value >= 0.0) {
                return Err(Invalid(format!("{name} is {value}; it must be 0 (off) or more")));
            }
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return Err(Invalid(format!("lr is {}; it must be more than 0", self.lr)));
        }
        if self.task != "chars" {
            return Err(Invalid(format!("there is no task '{}' for a run; it is chars", self.task)));
        }
        Ok(Checked {
            kind: self.model.parse()?,
            rule: self.optimizer.parse()?,
            schedule: self.schedule.parse::<Schedule>()?.for_steps(self.steps),
            init: self.init.parse()?,
        })
    }

    /// The network for this many symbols and its freshly initialised parameters.
    ///
    /// # Errors
    /// If a value of the configuration is not possible.
    pub fn network(&self, symbols: usize) -> Result<(Network<f32>, Params<f32>), Invalid> {
        let Checked { kind, init, .. } = self.check()?;
        let config = NetworkConfig {
            kind,
            symbols,
            embedding: self.embedding,
            hidden: self.hidden,
            layers: self.layers,
            outputs: symbols,
            init,
            forget_bias: Some(self.forget_bias),
        };
        let mut params = Params::new();
        let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(self.seed));
        Ok((network, params))
    }
}

/// The names of a [`Config`], resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The network.
    pub kind: Kind,
    /// The optimiser.
    pub rule: Rule,
    /// The schedule.
    pub schedule: Schedule,
    /// The initialiser.
    pub init: Init,
}

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// Makes the folder for a new run.
    ///
    /// # Errors
    /// If it already holds a run, or cannot be made.
    pub fn create(path: &Path) -> Result<Self, Invalid> {
        let run = Self(path.to_path_buf());
        if run.config_path().exists() {
            return Err(Invalid(format!("{} already holds a run; choose another --out", path.display())));
        }
        fs::create_dir_all(path).map_err(|e| Invalid(format!("cannot make the folder {}: {e}", path.display())))?;
        Ok(run)
    }

    /// The folder of a run that was trained before.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(path: &Path) -> Result<Self, Invalid> {
        let run = Self(path.to_path_buf());
        if run.config_path().is_file() { Ok(run) } else { Err(Invalid(format!("{} holds no run: there is no config.toml", path.display()))) }
    }

    /// Where the configuration lies.
    pub fn config_path(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Where the vocabulary lies.
    pub fn vocabulary_path(&self) -> PathBuf {
        self.0.join("vocabulary.json")
    }

    /// Where the weights lie.
    pub fn model_path(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    /// Where the metrics lie.
    pub fn metrics_path(&self) -> PathBuf {
        self.0.join("metrics.csv")
    }

    /// Writes the configuration and the vocabulary.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save_setup(&self, config: &Config, vocabulary: &Vocabulary) -> Result<(), Invalid> {
        let text = toml::to_string(config).map_err(|e| Invalid(format!("cannot write the configuration: {e}")))?;
        let chars = serde_json::to_string(vocabulary.chars()).map_err(|e| Invalid(format!("cannot write the vocabulary: {e}")))?;
        write(&self.vocabulary_path(), chars.as_bytes())?;
        write(&self.config_path(), text.as_bytes())
    }

    /// Reads the configuration and the vocabulary.
    ///
    /// # Errors
    /// If a file cannot be read or does not hold what it should.
    pub fn load_setup(&self) -> Result<(Config, Vocabulary), Invalid> {
        let path = self.config_path();
        let config: Config = toml::from_str(&read_text(&path)?).map_err(|e| {
            Invalid(format!("{}: {}", path.display(), e.message()))
        })?;
        config.check().map_err(|e| Invalid(format!("{}: {e}", path.display())))?;
        let path = self.vocabulary_path();
        let chars: Vec<char> =
            serde_json::from_str(&read_text(&path)?).map_err(|e| Invalid(format!("{}: {e}", path.display())))?;
        let vocabulary = Vocabulary::from_chars(chars).map_err(|e| Invalid(format!("{}: {e}", path.display())))?;
        Ok((config, vocabulary))
    }

    /// Writes the weights: whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_model(&self, params: &Params<f32>) -> Result<(), Invalid> {
        write(&self.model_path(), &weights::to_bytes(params))
    }

    /// Reads the weights.
    ///
    /// # Errors
    /// If the file cannot be read or does not hold this network's weights.
    pub fn load_model(&self, params: &mut Params<f32>) -> Result<(), Invalid> {
        let path = self.model_path();
        let bytes = fs::read(&path).map_err(|e| Invalid(format!("cannot read {}: {e}", path.display())))?;
        weights::from_bytes(params, &bytes).map_err(|e| Invalid(format!("{}: {e}", path.display())))
    }

    /// The network of a finished run, with its weights.
    ///
    /// # Errors
    /// If a file cannot be read or does not hold what it should.
    pub fn load(&self) -> Result<(Config, Vocabulary, Network<f32>, Params<f32>), Invalid> {
        let (config, vocabulary) = self.load_setup()?;
        let (network, mut params) = config.network(vocabulary.size())?;
        self.load_model(&mut params)?;
        Ok((config, vocabulary, network, params))
    }
}

/// Writes a file by way of a temporary one beside it, so that it is whole or not there.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Invalid> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path)).map_err(|e| {
        let _ = fs::remove_file(&temporary);
        Invalid(format!("cannot write {}: {e}", path.display()))
    })
}

/// Reads a text file.
///
/// # Errors
/// If it cannot be read, is empty, or is not UTF-8 (at which byte).
pub fn read_text(path: &Path) -> Result<String, Invalid> {
    let bytes = fs::read(path).map_err(|e| Invalid(format!("cannot read {}: {e}", path.display())))?;
    if bytes.is_empty() {
        return Err(Invalid(format!("{} is empty", path.display())));
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Invalid(format!("{} is not UTF-8 text: byte {at} does not fit; convert it with iconv", path.display()))
    })
}
