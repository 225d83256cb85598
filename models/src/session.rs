//! The training of a character model, which can stop after any step and go on bit for bit.

use crate::checkpoint::{self, Checkpoint, Mark, Progress, Summary};
use crate::choice::Invalid;
use crate::config::Config;
use crate::evaluate::nats_per_character;
use crate::metrics::{Row, Tally};
use crate::network::{Carry, Network};
use crate::optim::param_norm;
use crate::text::{Streams, Vocabulary};
use crate::train::{NotFinite, Step, Trainer};
use crate::watch::Watch;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// A training between two steps. What it is made of beside the text and the configuration is what a checkpoint holds.
///
/// ```
/// use models::{checkpoint::Checkpoint, config::Config, session::Session};
///
/// let text = "hello world, ".repeat(20);
/// let config = Config { hidden: 4, seq: 5, batch: 2, dropout: 0.5, ..Config::default() };
/// let mut whole = Session::new(config, &text).unwrap();
/// whole.step().unwrap();
/// let saved = whole.checkpoint().unwrap();
/// whole.step().unwrap();
///
/// let mut resumed = Session::resume(Checkpoint::open(&saved).unwrap(), &text).unwrap();
/// resumed.step().unwrap();
/// assert_eq!(whole.checkpoint(), resumed.checkpoint());
/// ```
pub struct Session {
    config: Config,
    vocabulary: Vocabulary,
    mark: Mark,
    network: Network<f32>,
    trainer: Trainer<f32>,
    streams: Streams,
    held: Vec<usize>,
    carry: Carry<f32>,
    random: ChaCha8Rng,
    progress: Progress,
    inputs: Vec<usize>,
    targets: Vec<usize>,
}

impl Session {
    /// A training that has not begun. The last tenth of the text is held out to measure it.
    ///
    /// # Errors
    /// If a setting is not possible, or the text too short for it.
    pub fn new(config: Config, text: &str) -> Result<Self, Invalid> {
        let checked = config.check()?;
        let vocabulary = Vocabulary::of(text)?;
        let mut ids = vocabulary.encode(text)?;
        let held = ids.split_off(ids.len() / 10 * 9 + ids.len() % 10 * 9 / 10);
        if held.len() < 2 {
            let have = held.len();
            return Err(Invalid(format!(
                "the held-out tenth has {have} characters and needs 2; take a longer text"
            )));
        }
        let streams = Streams::new(ids, config.batch, config.seq)?;
        let (network, params) = config.network(vocabulary.size())?;
        let trainer =
            Trainer::new(params, checked.rule, config.lr).schedule(checked.schedule).clip(checked.clip);
        // Another stream of the same seed than the initialiser's.
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        random.set_stream(1);
        let (tally, watch) = (Tally::default(), Watch::default());
        let progress = Progress {
            step: 0,
            position: 0,
            seconds: 0.0,
            metrics: 0,
            best: f64::INFINITY,
            stale: 0,
            tally,
            watch,
        };
        Ok(Self {
            carry: network.initial_carry(config.batch),
            mark: Mark::of(text),
            inputs: Vec::new(),
            targets: Vec::new(),
            config,
            vocabulary,
            network,
            trainer,
            streams,
            held,
            random,
            progress,
        })
    }

    /// Takes up where a checkpoint was made. The text must be the same, wherever it now lies.
    ///
    /// # Errors
    /// If it is not, or the checkpoint does not hold what it should.
    pub fn resume(mut saved: Checkpoint<'_>, text: &str) -> Result<Self, Invalid> {
        let Summary { config, text: mark, progress, .. } = saved.summary.clone();
        let now = Mark::of(text);
        if now != mark {
            return Err(Invalid(format!(
                "the text {} has changed: it had {} bytes (hash {}) and has {} (hash {}) now; give the same with --text FILE",
                config.text, mark.bytes, mark.hash, now.bytes, now.hash
            )));
        }
        config.check_file(Vocabulary::of(text)?.size(), saved.bytes)?;
        let mut session = Self::new(config, text)?;
        for p in session.trainer.params.iter_mut() {
            saved.read(&format!("model.{}", p.name), &mut p.value)?;
        }
        let optimizer = &mut session.trainer.optimizer;
        let mut moments: Vec<_> =
            optimizer.state().iter().map(|(name, x)| (name.clone(), x.to_vec())).collect();
        for (name, entries) in &mut moments {
            saved.read(&format!("optimizer.{name}"), entries)?;
        }
        optimizer.load_state(progress.step, &moments)?;
        for (name, entries) in session.carry.parts_mut() {
            saved.read(&format!("carry.{name}"), entries)?;
        }
        session.random = saved.random()?;
        session.streams.seek(progress.position)?;
        session.progress = progress;
        saved.finish()?;
        Ok(session)
    }

    /// The bytes of a checkpoint of this moment.
    ///
    /// # Errors
    /// If a number of the configuration is too large for a file.
    pub fn checkpoint(&self) -> Result<Vec<u8>, Invalid> {
        let params = self.trainer.params.iter().map(|p| (format!("model.{}", p.name), p.value.as_slice()));
        let moments =
            self.trainer.optimizer.state().into_iter().map(|(name, x)| (format!("optimizer.{name}"), x));
        let carried = self.carry.parts().into_iter().map(|(name, x)| (format!("carry.{name}"), x));
        let tensors: Vec<_> = params.chain(moments).chain(carried).collect();
        let (config, text, progress) = (self.config.clone(), self.mark.clone(), self.progress.clone());
        let summary = Summary { version: checkpoint::VERSION, config, text, progress };
        checkpoint::to_bytes(&summary, &tensors, &self.random)
    }

    /// One training step on the next window.
    ///
    /// # Errors
    /// If the loss or a gradient is not finite.
    pub fn step(&mut self) -> Result<Step, NotFinite> {
        let seq = self.config.seq;
        let (window, restart) = self.streams.advance(seq, seq);
        if restart {
            self.carry.reset();
        }
        self.streams.fill(window, &mut self.inputs, &mut self.targets);
        let Self { network, carry, random, inputs, targets, .. } = self;
        let step =
            self.trainer.step(|p| network.forward_train(p, inputs, carry, random).cross_entropy(targets))?;
        self.progress.step = step.number;
        self.progress.position = self.streams.position();
        self.progress.tally.add(&step);
        Ok(step)
    }

    /// What looks wrong after this step, if anything: see [`Watch`].
    pub fn warning(&mut self, step: &Step) -> Option<String> {
        self.progress.watch.see(step, self.trainer.clip)
    }

    /// Looks at the held-out text: a row for metrics.csv, and whether this is the best so far.
    ///
    /// # Errors
    /// If the loss is not finite.
    pub fn evaluate(&mut self) -> Result<(Row, bool), Invalid> {
        let validation = nats_per_character(&self.network, &mut self.trainer, &self.held)
            .map_err(|e| Invalid(format!("held-out text after step {}: {e}", self.progress.step)))?;
        let progress = &mut self.progress;
        let best = validation < progress.best;
        progress.stale = if best { 0 } else { progress.stale + 1 };
        progress.best = progress.best.min(validation);
        let Tally { steps, loss, grad_norm, clipped } = std::mem::take(&mut progress.tally);
        let mean = |sum: f64| sum / steps as f64;
        let row = Row {
            step: progress.step,
            train: mean(loss),
            validation,
            seconds: progress.seconds,
            grad_norm: mean(grad_norm),
            clip_rate: mean(clipped as f64),
            param_norm: param_norm(&self.trainer.params),
            lr: self.trainer.schedule.rate(self.config.lr, progress.step.saturating_sub(1)),
        };
        Ok((row, best))
    }

    /// Whether all steps have been made, or patience has run out.
    pub fn finished(&self) -> bool {
        self.progress.step >= self.config.steps || self.out_of_patience()
    }

    /// Whether the held-out loss has not improved for so long that training stops early.
    pub fn out_of_patience(&self) -> bool {
        self.config.patience > 0 && self.progress.stale >= self.config.patience
    }

    /// How far it has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The time that training has taken and the length of metrics.csv, which the session cannot know.
    pub fn note(&mut self, seconds: f64, metrics: u64) {
        (self.progress.seconds, self.progress.metrics) = (seconds, metrics);
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The characters of the text.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The network's parameters.
    pub fn params(&self) -> &crate::params::Params<f32> {
        &self.trainer.params
    }

    /// How many characters are trained on.
    pub fn characters(&self) -> usize {
        self.streams.characters()
    }
}
