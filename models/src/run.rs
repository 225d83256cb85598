//! A run's folder: configuration, vocabulary, weights, checkpoint and metrics of one training.

use crate::choice::Invalid;
use crate::config::Config;
use crate::file;
use crate::network::Network;
use crate::params::Params;
use crate::tasks::{self, Task};
use crate::text::{self, Vocabulary};
use crate::weights;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest configuration, in bytes.
const LONGEST_CONFIG: u64 = 1 << 20;
/// The longest vocabulary: room for every character there is.
const LONGEST_VOCABULARY: u64 = 1 << 25;
/// The longest file of tensors.
const LONGEST_TENSORS: u64 = 1 << 33;
/// The longest text.
const LONGEST_TEXT: u64 = 1 << 31;

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
        if run.config_path().exists() || run.checkpoint_path().exists() {
            return Err(Invalid(format!("{} already holds a run; choose another --out", path.display())));
        }
        fs::create_dir_all(path)
            .map_err(|e| Invalid(format!("cannot make the folder {}: {e}", path.display())))?;
        Ok(run)
    }

    /// The folder of a run that was trained before.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(path: &Path) -> Result<Self, Invalid> {
        Self(path.to_path_buf()).holding("config.toml")
    }

    /// The folder of a run that can go on.
    ///
    /// # Errors
    /// If there is none.
    pub fn resume(path: &Path) -> Result<Self, Invalid> {
        Self(path.to_path_buf()).holding("checkpoint.safetensors")
    }

    fn holding(self, name: &str) -> Result<Self, Invalid> {
        if self.0.join(name).is_file() {
            return Ok(self);
        }
        Err(Invalid(format!("{} holds no run: there is no {name}", self.0.display())))
    }

    /// Where the configuration lies.
    pub fn config_path(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// Where the vocabulary lies.
    pub fn vocabulary_path(&self) -> PathBuf {
        self.0.join("vocabulary.json")
    }

    /// Where the weights of the last look at the held-out text lie.
    pub fn model_path(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    /// Where the weights with the lowest loss on the held-out text lie.
    pub fn best_path(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    /// Where the weights after a step lie, if they were to be kept.
    pub fn snapshot_path(&self, step: u64) -> PathBuf {
        self.0.join("snapshots").join(format!("{step}.safetensors"))
    }

    /// Where the checkpoint lies.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.0.join("checkpoint.safetensors")
    }

    /// Where the metrics lie.
    pub fn metrics_path(&self) -> PathBuf {
        self.0.join("metrics.csv")
    }

    /// The metrics, as text.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn load_metrics(&self) -> Result<String, Invalid> {
        read(&self.metrics_path(), LONGEST_TEXT, text::from_utf8)
    }

    /// Writes the configuration and, for a text, the vocabulary.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save_setup(&self, config: &Config, vocabulary: Option<&Vocabulary>) -> Result<(), Invalid> {
        if let Some(vocabulary) = vocabulary {
            file::replace(&self.vocabulary_path(), vocabulary.to_json().as_bytes())?;
        }
        file::replace(&self.config_path(), config.to_toml()?.as_bytes())
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// If the file cannot be read or does not hold what it should.
    pub fn load_config(&self) -> Result<Config, Invalid> {
        read(&self.config_path(), LONGEST_CONFIG, |bytes| {
            let config = Config::from_toml(&text::from_utf8(bytes)?)?;
            tasks::find(&config.task)?.check(&config)?;
            Ok(config)
        })
    }

    /// Writes weights.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_weights(&self, path: &Path, params: &Params<f32>) -> Result<(), Invalid> {
        file::replace(path, &weights::to_bytes(params))
    }

    /// Keeps the weights after a step.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn save_snapshot(&self, step: u64, params: &Params<f32>) -> Result<(), Invalid> {
        let path = self.snapshot_path(step);
        let folder = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)
            .map_err(|e| Invalid(format!("cannot make the folder {}: {e}", folder.display())))?;
        self.save_weights(&path, params)
    }

    /// The snapshots that are there, of those that were to be kept, in order: the step and its parameters, which are
    /// named and shaped as `like`.
    ///
    /// # Errors
    /// If a file does not hold what it should.
    pub fn load_snapshots(
        &self,
        config: &Config,
        like: &Params<f32>,
    ) -> Result<Vec<(u64, Params<f32>)>, Invalid> {
        let mut steps = config.snapshots.clone();
        steps.sort_unstable();
        steps.dedup();
        let kept = steps.into_iter().filter(|&step| self.snapshot_path(step).is_file());
        let load = |step| {
            let mut params = like.clone();
            read(&self.snapshot_path(step), LONGEST_TENSORS, |bytes| {
                weights::from_bytes(&mut params, &bytes)
            })?;
            Ok((step, params))
        };
        kept.map(load).collect()
    }

    /// The network of a run on a text, with its last weights or its best ones.
    ///
    /// # Errors
    /// If the task is not a text, or a file cannot be read or does not hold what it should.
    pub fn load(&self, best: bool) -> Result<(Config, Vocabulary, Network<f32>, Params<f32>), Invalid> {
        let config = self.load_config()?;
        if !tasks::find(&config.task)?.is_text {
            let (folder, task) = (self.0.display(), &config.task);
            return Err(Invalid(format!(
                "{folder} holds a run of the task {task}, which is not a text; rnn eval --from {folder} measures it"
            )));
        }
        let vocabulary =
            read(&self.vocabulary_path(), LONGEST_VOCABULARY, |bytes| Vocabulary::from_json(&bytes))?;
        let (network, params) = self.weights(best, |bytes| load_weights(&config, &vocabulary, &bytes))?;
        Ok((config, vocabulary, network, params))
    }

    /// The task of a run, with its network's last weights or its best ones.
    ///
    /// # Errors
    /// If a file cannot be read or does not hold what it should.
    pub fn load_task(&self, best: bool) -> Result<(Config, Box<dyn Task>, Params<f32>), Invalid> {
        let config = self.load_config()?;
        let text = if config.text.is_empty() { String::new() } else { read_text(Path::new(&config.text))? };
        let (task, params) = self.weights(best, |bytes| {
            config.check_file(1, bytes.len())?;
            let (task, mut params) = tasks::find(&config.task)?.build(&config, &text)?;
            weights::from_bytes(&mut params, &bytes)?;
            Ok((task, params))
        })?;
        Ok((config, task, params))
    }

    fn weights<V>(&self, best: bool, make: impl FnOnce(Vec<u8>) -> Result<V, Invalid>) -> Result<V, Invalid> {
        read(&if best { self.best_path() } else { self.model_path() }, LONGEST_TENSORS, make)
    }

    /// Reads the checkpoint's bytes, for [`Checkpoint::open`](crate::checkpoint::Checkpoint::open).
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn load_checkpoint(&self) -> Result<Vec<u8>, Invalid> {
        file::read(&self.checkpoint_path(), LONGEST_TENSORS)
    }
}

/// The network of a configuration, with the weights of a safetensors file.
///
/// # Errors
/// If the file does not hold this network's weights.
pub fn load_weights(
    config: &Config,
    vocabulary: &Vocabulary,
    bytes: &[u8],
) -> Result<(Network<f32>, Params<f32>), Invalid> {
    config.check_file(vocabulary.size(), bytes.len())?;
    let (network, mut params) = config.network(vocabulary.size(), vocabulary.size())?;
    weights::from_bytes(&mut params, bytes)?;
    Ok((network, params))
}

/// Reads a file and makes something of it; errors name the file.
fn read<V>(path: &Path, limit: u64, make: impl FnOnce(Vec<u8>) -> Result<V, Invalid>) -> Result<V, Invalid> {
    make(file::read(path, limit)?).map_err(|e| Invalid(format!("{}: {e}", path.display())))
}

/// Reads a text: a file, or all chapters (`.md`) in a folder and the folders in it, one after the other.
///
/// # Errors
/// If it cannot be read, is empty, or is not UTF-8 (at which byte).
pub fn read_text(path: &Path) -> Result<String, Invalid> {
    if !path.is_dir() {
        return read(path, LONGEST_TEXT, text::from_utf8);
    }
    let mut chapters = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let problem = |e| Invalid(format!("cannot read {}: {e}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(problem)? {
            let entry = entry.map_err(problem)?;
            let path = entry.path();
            // Links to folders are not followed: they could go round in circles.
            if entry.file_type().map_err(problem)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                chapters.push(path);
            }
        }
    }
    chapters.sort();
    if chapters.is_empty() {
        return Err(Invalid(format!("{} is a folder without chapters (.md); give a file", path.display())));
    }
    chapters.iter().map(|path| read_text(path)).collect()
}
