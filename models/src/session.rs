//! The training of a network on a task, which can stop after any step and go on bit for bit.

use crate::checkpoint::{self, Checkpoint, Mark, Progress, Summary};
use crate::choice::Invalid;
use crate::config::Config;
use crate::metrics::{Row, Tally};
use crate::optim::param_norm;
use crate::tasks::{self, Exam, Task};
use crate::text::Vocabulary;
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
    mark: Mark,
    task: Box<dyn Task>,
    trainer: Trainer<f32>,
    random: ChaCha8Rng,
    progress: Progress,
    exam: Option<Exam>,
}

impl Session {
    /// A training that has not begun. The text is empty for a task that takes none.
    ///
    /// # Errors
    /// If there is no such task, a setting is not possible or not one of the task's, or the text too short for it.
    pub fn new(config: Config, text: &str) -> Result<Self, Invalid> {
        let checked = config.check()?;
        let (task, params) = tasks::find(&config.task)?.build(&config, text)?;
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
            solved: None,
            tally,
            watch,
        };
        Ok(Self { mark: Mark::of(text), config, task, trainer, random, progress, exam: None })
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
        config.check_file(if text.is_empty() { 1 } else { Vocabulary::of(text)?.size() }, saved.bytes)?;
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
        let mut state = session.task.state();
        state.position = progress.position;
        for (name, entries) in &mut state.carried {
            saved.read(&format!("carry.{name}"), entries)?;
        }
        session.task.load_state(&state)?;
        session.random = saved.random()?;
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
        let state = self.task.state();
        let carried = state.carried.iter().map(|(name, x)| (format!("carry.{name}"), x.as_slice()));
        let tensors: Vec<_> = params.chain(moments).chain(carried).collect();
        let (config, text) = (self.config.clone(), self.mark.clone());
        let progress = Progress { position: state.position, ..self.progress.clone() };
        let summary = Summary { version: checkpoint::VERSION, config, text, progress };
        checkpoint::to_bytes(&summary, &tensors, &self.random)
    }

    /// One training step on the next batch.
    ///
    /// # Errors
    /// If the loss or a gradient is not finite.
    pub fn step(&mut self) -> Result<Step, NotFinite> {
        let Self { task, random, .. } = self;
        let step = self.trainer.step(|p| task.loss(p, random))?;
        self.progress.step = step.number;
        self.progress.tally.add(&step);
        Ok(step)
    }

    /// What looks wrong after this step, if anything: see [`Watch`].
    pub fn warning(&mut self, step: &Step) -> Option<String> {
        self.progress.watch.see(step, self.trainer.clip)
    }

    /// Asks the held-out questions: a row for metrics.csv, and whether this is the best so far.
    ///
    /// # Errors
    /// If the loss is not finite.
    pub fn evaluate(&mut self) -> Result<(Row, bool), Invalid> {
        let step = self.progress.step;
        let exam = self.task.examine(&mut self.trainer);
        let exam = exam.map_err(|e| Invalid(format!("held-out examples after step {step}: {e}")))?;
        let progress = &mut self.progress;
        let best = exam.loss < progress.best;
        progress.stale = if best { 0 } else { progress.stale + 1 };
        progress.best = progress.best.min(exam.loss);
        progress.solved = progress.solved.or(exam.solved.then_some(step));
        let Tally { steps, loss, grad_norm, clipped } = std::mem::take(&mut progress.tally);
        let mean = |sum: f64| sum / steps as f64;
        let row = Row {
            step,
            train: mean(loss),
            validation: exam.loss,
            seconds: progress.seconds,
            grad_norm: mean(grad_norm),
            clip_rate: mean(clipped as f64),
            param_norm: param_norm(&self.trainer.params),
            lr: self.trainer.schedule.rate(self.config.lr, step.saturating_sub(1)),
            accuracy: exam.right(),
        };
        self.exam = Some(exam);
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

    /// The task.
    pub fn task(&self) -> &dyn Task {
        &*self.task
    }

    /// The questions of the last look at the held-out examples, and the answers.
    pub fn exam(&self) -> Option<&Exam> {
        self.exam.as_ref()
    }

    /// The network's parameters.
    pub fn params(&self) -> &crate::params::Params<f32> {
        &self.trainer.params
    }
}
