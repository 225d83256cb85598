//! Everything that determines a training but the text itself: config.toml.

use crate::cells::{CellConfig, Kind};
use crate::choice::Invalid;
use crate::init::Init;
use crate::layers::{Encoding, StackConfig};
use crate::network::{Network, NetworkConfig};
use crate::optim::{Rule, Schedule};
use crate::params::Params;
use crate::train::Clip;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
#[cfg(feature = "files")]
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The settings of a training, as the command takes them and config.toml keeps them.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "files", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct Config {
    /// The version of this list: [`Config::VERSION`].
    pub version: i64,
    /// The task's name: see [`tasks::ALL`](crate::tasks::ALL).
    pub task: String,
    /// The text's path; empty for a task that brings its own examples.
    pub text: String,
    /// The network's name.
    pub model: String,
    /// How characters become vectors, by name.
    pub encoding: String,
    /// Features of the vectors.
    pub embedding: usize,
    /// Features of every recurrent layer.
    pub hidden: usize,
    /// How many recurrent layers.
    pub layers: usize,
    /// Whether every layer runs both ways.
    #[cfg_attr(feature = "files", serde(default))]
    pub bidirectional: bool,
    /// The share of the outputs between two recurrent layers that is dropped in training.
    pub dropout: f64,
    /// The share of the recurrent products' state that is dropped in training.
    #[cfg_attr(feature = "files", serde(default))]
    pub recurrent_dropout: f64,
    /// Whether the states at the start of a text are learned.
    #[cfg_attr(feature = "files", serde(default))]
    pub learn_initial_state: bool,
    /// Steps of a window of a text, to which backpropagation through time is truncated; in another task those of
    /// its longest sequence.
    pub seq: usize,
    /// Parallel streams of the text, or examples of a training step.
    pub batch: usize,
    /// With which probability a decoder is fed the true symbol in training, and not its own.
    #[cfg_attr(feature = "files", serde(default = "always"))]
    pub teacher_forcing: f64,
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
    /// How many steps lie between two checkpoints.
    pub save_every: u64,
    /// After how many looks at the held-out text without a new best one training stops; 0 for never.
    pub patience: u64,
    /// After which steps the weights are kept, to be looked at beside the last ones.
    #[cfg_attr(feature = "files", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub snapshots: Vec<u64>,
}

/// What `rnn train` does when it is told nothing.
impl Default for Config {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            task: "chars".into(),
            text: String::new(),
            model: "lstm".into(),
            encoding: "embedding".into(),
            embedding: 64,
            hidden: 256,
            layers: 1,
            bidirectional: false,
            dropout: 0.0,
            recurrent_dropout: 0.0,
            learn_initial_state: false,
            seq: 64,
            batch: 32,
            teacher_forcing: 1.0,
            steps: 1000,
            lr: 0.003,
            optimizer: "adam".into(),
            schedule: "constant".into(),
            clip: 1.0,
            clip_value: 0.0,
            init: "uniform".into(),
            forget_bias: 1.0,
            seed: 1,
            eval_every: 100,
            save_every: 100,
            patience: 0,
            snapshots: Vec::new(),
        }
    }
}

/// The largest network, in weights: 1 GiB of them in `f32`, and three times as much for their training.
const MOST_WEIGHTS: u64 = 1 << 28;
/// The most snapshots: a page that shows more would be too large.
const MOST_SNAPSHOTS: usize = 50;
/// The most numbers a training step may put on the tape: 16 GiB of them in `f32`.
const MOST_NUMBERS: u64 = 1 << 32;

impl Config {
    /// The version that is written and can be read.
    pub const VERSION: i64 = 1;

    /// The text of config.toml.
    ///
    /// # Errors
    /// If a number is too large for it.
    #[cfg(feature = "files")]
    pub fn to_toml(&self) -> Result<String, Invalid> {
        toml::to_string(self).map_err(|e| Invalid(format!("cannot write the configuration: {e}")))
    }

    /// Reads and checks what [`Config::to_toml`] wrote.
    ///
    /// # Errors
    /// If it is something else, of another version, or a value is not possible: which, and what it may be.
    #[cfg(feature = "files")]
    pub fn from_toml(text: &str) -> Result<Self, Invalid> {
        let config: Self = read_toml(text, Self::VERSION)?;
        config.check()?;
        Ok(config)
    }

    /// Checks every value and resolves the names.
    ///
    /// # Errors
    /// If one of them is not possible: which, and what it may be.
    pub fn check(&self) -> Result<Checked, Invalid> {
        self.check_counts()?;
        self.check_numbers()?;
        let clip = match *self {
            Self { clip, clip_value, .. } if clip > 0.0 && clip_value > 0.0 => {
                return Err(Invalid(format!(
                    "clip {clip} and clip-value {clip_value} are both set; set one of them to 0"
                )));
            }
            Self { clip, .. } if clip > 0.0 => Clip::Norm(clip),
            Self { clip_value, .. } if clip_value > 0.0 => Clip::Value(clip_value),
            _ => Clip::Off,
        };
        Ok(Checked {
            kind: self.model.parse()?,
            encoding: Encoding::parse(&self.encoding, self.embedding)?,
            rule: self.optimizer.parse()?,
            schedule: self.schedule.parse::<Schedule>()?.for_steps(self.steps),
            clip,
            init: self.init.parse()?,
        })
    }

    fn check_counts(&self) -> Result<(), Invalid> {
        // So large a size is a slip of the keyboard; refusing it here is kinder than running out of memory.
        let counts = [
            ("embedding", self.embedding as u64, 1, 1 << 24),
            ("hidden", self.hidden as u64, 1, 1 << 24),
            ("layers", self.layers as u64, 1, 1 << 10),
            ("seq", self.seq as u64, 1, 1 << 24),
            ("batch", self.batch as u64, 1, 1 << 24),
            ("steps", self.steps, 1, 1 << 40),
            ("eval-every", self.eval_every, 1, 1 << 40),
            ("save-every", self.save_every, 1, 1 << 40),
            ("patience", self.patience, 0, 1 << 40),
            ("seed", self.seed, 0, i64::MAX as u64),
        ];
        match counts.iter().find(|(_, count, least, most)| !(*least..=*most).contains(count)) {
            Some((name, count, least, most)) => {
                Err(Invalid(format!("{name} is {count}; it must be {least} to {most}")))
            }
            None if self.snapshots.len() > MOST_SNAPSHOTS => {
                Err(Invalid(format!("{} snapshots; at most {MOST_SNAPSHOTS} are kept", self.snapshots.len())))
            }
            None => match self.snapshots.iter().find(|&&step| step > self.steps) {
                Some(step) => Err(Invalid(format!("snapshot {step} is beyond the {} steps", self.steps))),
                None => Ok(()),
            },
        }
    }

    fn check_numbers(&self) -> Result<(), Invalid> {
        for (name, value) in [("clip", self.clip), ("clip-value", self.clip_value)] {
            if value.is_nan() || value < 0.0 {
                return Err(Invalid(format!("{name} is {value}; it must be 0 (off) or more")));
            }
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return Err(Invalid(format!("lr is {}; it must be more than 0", self.lr)));
        }
        for (name, share) in [("dropout", self.dropout), ("recurrent-dropout", self.recurrent_dropout)] {
            if !(0.0..1.0).contains(&share) {
                return Err(Invalid(format!("{name} is {share}; it must be at least 0 and less than 1")));
            }
        }
        if !(0.0..=1.0).contains(&self.teacher_forcing) {
            return Err(Invalid(format!("teacher-forcing is {}; it must be 0 to 1", self.teacher_forcing)));
        }
        if !self.forget_bias.is_finite() {
            return Err(Invalid(format!("forget-bias is {}; it must be a number", self.forget_bias)));
        }
        Ok(())
    }

    /// Checks that this many symbols make a network that fits into a machine, before any memory is taken for it.
    fn check_size(&self, symbols: usize) -> Result<(), Invalid> {
        let Self { hidden, layers, seq, batch, .. } = *self;
        let vector = Encoding::parse(&self.encoding, self.embedding)?.size(symbols);
        let product = |factors: &[usize]| factors.iter().fold(1, |p: u64, &f| p.saturating_mul(f as u64));
        // At most four gates in two directions, each with W and U.
        let weights = [
            product(&[16, layers, hidden, vector.max(hidden)]),
            product(&[symbols, vector]),
            product(&[symbols, hidden]),
        ];
        if weights.iter().any(|&n| n > MOST_WEIGHTS) {
            let with = if symbols > 1 { format!(" with {symbols} characters") } else { String::new() };
            return Err(Invalid(format!(
                "hidden {hidden} × layers {layers}{with} makes too many weights for one machine"
            )));
        }
        let numbers =
            [product(&[16, layers, hidden, seq, batch]), product(&[4, symbols.max(vector), seq, batch])];
        if numbers.iter().any(|&n| n > MOST_NUMBERS) {
            return Err(Invalid(format!(
                "batch {batch} × seq {seq} needs too much memory for one machine; take fewer"
            )));
        }
        Ok(())
    }

    /// Checks that a file of so many bytes can hold this network's weights, before any memory is taken for them.
    ///
    /// # Errors
    /// If even the smallest network of these sizes has more weights.
    pub fn check_file(&self, symbols: usize, bytes: usize) -> Result<(), Invalid> {
        self.check_size(symbols)?;
        let (vector, hidden) = (Encoding::parse(&self.encoding, self.embedding)?.size(symbols), self.hidden);
        // W of every layer, the recurrent U (as narrow as the outputs in a Jordan network), and the head.
        let weights = hidden * vector + (self.layers - 1) * hidden * hidden + symbols * hidden;
        let weights = weights + self.layers * hidden * hidden.min(symbols);
        if bytes / 4 < weights {
            return Err(Invalid(format!(
                "{bytes} bytes are too few for the weights of hidden {hidden} × layers {}; was it cut short?",
                self.layers
            )));
        }
        Ok(())
    }

    /// The random numbers of the initialiser.
    pub fn initialiser(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed)
    }

    /// The recurrent layers on embeddings of a few symbols: for the networks that do not answer step by step.
    ///
    /// # Errors
    /// If a value of the configuration is not possible.
    pub fn stack(&self) -> Result<StackConfig, Invalid> {
        let Checked { kind, init, .. } = self.check()?;
        // Small alphabets: they have no share in the size.
        self.check_size(1)?;
        let cell = CellConfig {
            init,
            forget_bias: Some(self.forget_bias),
            ..CellConfig::new(self.embedding, self.hidden)
        };
        Ok(StackConfig {
            layers: self.layers,
            bidirectional: self.bidirectional,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            learn_initial_state: self.learn_initial_state,
            ..StackConfig::new(kind, cell)
        })
    }

    /// The network from this many symbols to the logits of this many classes, and its freshly initialised parameters.
    ///
    /// # Errors
    /// If a value of the configuration is not possible.
    pub fn network(&self, symbols: usize, outputs: usize) -> Result<(Network<f32>, Params<f32>), Invalid> {
        let Checked { kind, encoding, init, .. } = self.check()?;
        self.check_size(symbols)?;
        let config = NetworkConfig {
            kind,
            symbols,
            encoding,
            hidden: self.hidden,
            layers: self.layers,
            bidirectional: self.bidirectional,
            outputs,
            init,
            forget_bias: Some(self.forget_bias),
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            learn_initial_state: self.learn_initial_state,
        };
        let mut params = Params::new();
        let network = Network::new(&config, &mut params, &mut self.initialiser());
        Ok((network, params))
    }
}

/// Teacher forcing where a file does not speak of it.
#[cfg(feature = "files")]
fn always() -> f64 {
    1.0
}

/// The names of a [`Config`], resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// The network.
    pub kind: Kind,
    /// How characters become vectors.
    pub encoding: Encoding,
    /// The optimiser.
    pub rule: Rule,
    /// The schedule.
    pub schedule: Schedule,
    /// How gradients are clipped.
    pub clip: Clip,
    /// The initialiser.
    pub init: Init,
}

/// Reads TOML whose first key is `version = {version}`.
///
/// # Errors
/// If it is something else: what, and on which line.
#[cfg(feature = "files")]
pub(crate) fn read_toml<T: DeserializeOwned>(text: &str, version: i64) -> Result<T, Invalid> {
    let problem = |e: toml::de::Error| {
        // What is missing from the whole has no line.
        let span = e.span().filter(|span| *span != (0..0));
        let line = span.map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let line = line.map(|n| format!("line {n}: ")).unwrap_or_default();
        Invalid(format!("{line}{}", e.message().replace('\n', ", ")))
    };
    // The version first: in a file of another one, other keys are to be expected.
    let table: toml::Table = text.parse().map_err(problem)?;
    match table.get("version").map(|v| v.as_integer()) {
        Some(Some(found)) if found == version => toml::from_str(text).map_err(problem),
        Some(Some(found)) => Err(Invalid(format!("version {found}; this program reads version {version}"))),
        _ => Err(Invalid(format!("there is no version = {version}; is it one of our files?"))),
    }
}
