//! `rnn train`: a network on a task.

use crate::tasks::{details, result};
use crate::{on_interrupt, progress};
use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use models::checkpoint::Checkpoint;
use models::choice::Invalid;
use models::config::Config;
use models::file;
use models::inspect;
use models::metrics::{HEADER, Metrics, Row};
use models::run::{RunDir, read_text};
use models::session::Session;
use models::tasks::{self, TaskInfo};
use models::tensorboard::{Chart, Events};
use models::train::Step;
use std::io::Write;
use std::path::{Path, PathBuf, absolute};
use std::process::exit;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Train a network on a task.
///
/// `rnn tasks` lists the tasks and `rnn tasks NAME` shows one with its settings; the defaults below are those
/// of chars. There the model reads a text in parallel streams, window after window, and learns to predict
/// the next character; the state is carried from window to window, the gradient is not (truncated
/// backpropagation through time). The last tenth of the text is held out to measure it.
/// The loss is in nats per character: 0.69 nats are one bit.
///
/// Nothing is lost: Ctrl-C saves a checkpoint and ends with exit code 130, and --resume DIR goes on
/// from the last checkpoint, bit for bit as if it had never stopped.
#[derive(clap::Args)]
pub struct Args {
    /// The task, as listed by rnn tasks [default: chars]
    #[arg(long)]
    task: Option<String>,
    /// The text, UTF-8: a file, or a folder of chapters (.md); without it, the book's chapters
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The network, as listed by rnn compare, where bidirectional-lstm is lstm with --bidirectional [default: lstm]
    #[arg(long)]
    model: Option<String>,
    /// How characters become vectors: embedding, one-hot, hashing or hashing:N [default: embedding]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// Features of the character vectors [default: 64]
    #[arg(long, value_name = "N")]
    embedding: Option<usize>,
    /// Features of every recurrent layer [default: 256]
    #[arg(long, value_name = "N")]
    hidden: Option<usize>,
    /// Recurrent layers [default: 1]
    #[arg(long, value_name = "N")]
    layers: Option<usize>,
    /// Run every recurrent layer both ways: for tasks that read and do not write
    #[arg(long)]
    bidirectional: bool,
    /// Share of the outputs between two recurrent layers to drop in training: not after the last one,
    /// so that it needs --layers 2 or more [default: 0]
    #[arg(long, value_name = "F")]
    dropout: Option<f64>,
    /// Share of the hidden state to drop in training where it enters the recurrent products, the same
    /// units at every step of a window [default: 0]
    #[arg(long, value_name = "F")]
    recurrent_dropout: Option<f64>,
    /// Learn the states at the start of a text, in place of zeros
    #[arg(long)]
    learn_initial_state: bool,
    /// Characters of a window [default: 64]
    #[arg(long, value_name = "N")]
    seq: Option<usize>,
    /// Parallel streams of the text, or examples of a step [default: 32]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// How often a decoder is fed the true symbol in training and not its own, 0 to 1 [default: 1]
    #[arg(long, value_name = "F")]
    teacher_forcing: Option<f64>,
    /// Training steps [default: 1000]
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Learning rate [default: 0.003]
    #[arg(long, value_name = "F")]
    lr: Option<f64>,
    /// Optimiser: sgd, rmsprop, adagrad, adam or adamw, with options as in
    /// sgd:momentum=0.9,weight-decay=0.0001 [default: adam]
    #[arg(long, value_name = "NAME")]
    optimizer: Option<String>,
    /// Clip the norm of all gradients to this; 0 for not [default: 1, or 0 with --clip-value]
    #[arg(long, value_name = "F")]
    clip: Option<f64>,
    /// Clip each entry of a gradient to ± this; 0 for not [default: 0]
    #[arg(long, value_name = "F")]
    clip_value: Option<f64>,
    /// Learning-rate schedule: constant, cosine or step, as in cosine:warmup=100 [default: constant]
    #[arg(long, value_name = "NAME")]
    schedule: Option<String>,
    /// Initialiser of the recurrent layers: uniform, xavier-uniform, orthogonal, normal or zeros
    /// [default: uniform]
    #[arg(long, value_name = "NAME")]
    init: Option<String>,
    /// Bias of the LSTM's forget gate at the start [default: 1]
    #[arg(long, value_name = "F")]
    forget_bias: Option<f64>,
    /// Seed of all random numbers [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Steps between two looks at the held-out examples [default: a tenth of the steps]
    #[arg(long, value_name = "N")]
    eval_every: Option<u64>,
    /// Steps between two checkpoints [default: as --eval-every]
    #[arg(long, value_name = "N")]
    save_every: Option<u64>,
    /// Stop after so many looks at the held-out examples without a new best one; 0 for never [default: 0]
    #[arg(long, value_name = "N")]
    patience: Option<u64>,
    /// Keep the weights after these steps, to look at them side by side with rnn inspect: 0,10,50,100, for example;
    /// 0 is before the first
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    snapshots: Option<Vec<u64>>,
    /// Write TensorBoard's event files to this folder too: at every look at the held-out examples the columns of
    /// metrics.csv, and histograms of the gradients and, on an example, of the gates; tensorboard --logdir DIR shows them
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
    /// Folder of the run: config.toml, vocabulary.json, model.safetensors, best.safetensors,
    /// checkpoint.safetensors, metrics.csv [default: runs/latest]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder, with its own settings; --steps, --save-every, --patience and
    /// --snapshots may be given anew
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    match &args.resume {
        Some(folder) => resume(args, folder),
        None => begin(args),
    }
}

impl Args {
    /// The settings that were given of those that not every task takes.
    fn special(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            self.text.is_some(),
            self.encoding.is_some(),
            self.seq.is_some(),
            self.bidirectional,
            self.teacher_forcing.is_some(),
            self.learn_initial_state,
        ];
        TaskInfo::SPECIAL.into_iter().zip(given).filter(|(_, given)| *given).map(|(setting, _)| setting)
    }

    /// Overwrites the settings that were given.
    fn apply(&self, config: &mut Config) -> Result<()> {
        tasks::find(&config.task)?.refuse(self.special())?;
        fn set<V: Clone>(setting: &mut V, given: &Option<V>) {
            if let Some(given) = given {
                setting.clone_from(given);
            }
        }
        if let Some(path) = &self.text {
            config.text = absolute(path)?.display().to_string();
        }
        set(&mut config.task, &self.task);
        set(&mut config.model, &self.model);
        set(&mut config.encoding, &self.encoding);
        set(&mut config.embedding, &self.embedding);
        set(&mut config.hidden, &self.hidden);
        set(&mut config.layers, &self.layers);
        config.bidirectional |= self.bidirectional;
        set(&mut config.dropout, &self.dropout);
        set(&mut config.recurrent_dropout, &self.recurrent_dropout);
        config.learn_initial_state |= self.learn_initial_state;
        set(&mut config.seq, &self.seq);
        set(&mut config.batch, &self.batch);
        set(&mut config.teacher_forcing, &self.teacher_forcing);
        set(&mut config.steps, &self.steps);
        set(&mut config.lr, &self.lr);
        set(&mut config.optimizer, &self.optimizer);
        set(&mut config.clip, &self.clip);
        set(&mut config.clip_value, &self.clip_value);
        set(&mut config.schedule, &self.schedule);
        set(&mut config.init, &self.init);
        set(&mut config.forget_bias, &self.forget_bias);
        set(&mut config.seed, &self.seed);
        set(&mut config.eval_every, &self.eval_every);
        set(&mut config.save_every, &self.save_every);
        set(&mut config.patience, &self.patience);
        set(&mut config.snapshots, &self.snapshots);
        Ok(())
    }

    /// The settings of a new run.
    fn config(&self) -> Result<Config> {
        let task = tasks::find(self.task.as_deref().unwrap_or("chars"))?;
        let mut config = (task.config)();
        if task.takes("text") {
            config.text = book().display().to_string();
        }
        if let Some(steps) = self.steps {
            config.eval_every = (steps / 10).max(1);
        }
        if self.clip_value.is_some_and(|limit| limit > 0.0) {
            config.clip = 0.0;
        }
        config.save_every = self.eval_every.unwrap_or(config.eval_every);
        self.apply(&mut config)?;
        config.check()?;
        Ok(config)
    }
}

/// The chapters of the book.
pub fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("book").join("src")
}

/// A new run.
fn begin(args: &Args) -> Result<()> {
    let config = args.config()?;
    let text = text_of(&config);
    let text = if args.text.is_none() { text.context("give a text with --text FILE")? } else { text? };
    let what = args.text.as_ref().map_or(config.task.clone(), |path| path.display().to_string());
    let session = Session::new(config, &text).context(what)?;
    let folder = args.out.as_deref().unwrap_or(Path::new("runs/latest"));
    let run = RunDir::create(folder)?;
    let metrics = Metrics::open(&run.metrics_path(), 0)?;
    let mut training = Training::new(args, session, run, metrics, folder)?;
    // From here on the run can be resumed, whatever happens.
    training.save()?;
    training.go()
}

/// The text of a run; an empty one where the task takes none.
fn text_of(config: &Config) -> Result<String, Invalid> {
    if config.text.is_empty() { Ok(String::new()) } else { read_text(Path::new(&config.text)) }
}

/// A run that goes on.
fn resume(args: &Args, folder: &Path) -> Result<()> {
    let run = RunDir::resume(folder)?;
    let path = run.checkpoint_path();
    let problem = || path.display().to_string();
    let bytes = run.load_checkpoint()?;
    let mut saved = Checkpoint::open(&bytes).with_context(problem)?;
    let before = saved.summary.config.clone();
    args.apply(&mut saved.summary.config)?;
    refuse_changes(&before, &saved.summary.config, saved.summary.progress.step)?;
    saved.summary.config.check()?;
    let text = text_of(&saved.summary.config)
        .map_err(|e| Invalid(format!("{e}; if the text lies elsewhere now, say where with --text FILE")))?;
    let session = Session::resume(saved, &text).with_context(problem)?;
    let metrics = Metrics::open(&run.metrics_path(), session.progress().metrics)?;
    Training::new(args, session, run, metrics, folder)?.go()
}

/// Refuses every setting that would make the steps already done other than they were.
fn refuse_changes(before: &Config, after: &Config, step: u64) -> Result<()> {
    const HARMLESS: [&str; 5] = ["steps", "save_every", "patience", "snapshots", "text"]; // the text's bytes are compared
    let (old, new) = (toml::Table::try_from(before)?, toml::Table::try_from(after)?);
    for (key, value) in new.iter().filter(|(key, _)| !HARMLESS.contains(&key.as_str())) {
        if old.get(key) != Some(value) {
            let (key, old) = (key.replace('_', "-"), &old[key]);
            bail!(
                "--{key} {value} would change the past of this run, which has {old}; leave it out, or begin anew with --out"
            );
        }
    }
    let steps = after.steps;
    if before.check()?.schedule != after.check()?.schedule {
        bail!(
            "--steps {steps} would change the past of this run: its schedule {} ends with its {} steps",
            before.schedule,
            before.steps
        );
    }
    if steps < step {
        bail!("--steps {steps}: this run has made {step} already");
    }
    Ok(())
}

/// A session, its folder, and what is shown of it.
struct Training<'a> {
    session: Session,
    run: RunDir,
    metrics: Metrics,
    events: Option<Events>,
    folder: &'a Path,
    bar: ProgressBar,
    clock: Instant,
    /// Seconds and steps before the clock started.
    before: (f64, u64),
}

impl<'a> Training<'a> {
    fn new(args: &Args, session: Session, run: RunDir, metrics: Metrics, folder: &'a Path) -> Result<Self> {
        let before = (session.progress().seconds, session.progress().step);
        let bar = progress(session.config().steps, "train");
        bar.set_position(before.1);
        let events = args.tensorboard.as_ref().map(|folder| Events::create(folder, before.1)).transpose()?;
        Ok(Self { session, run, metrics, events, folder, bar, clock: Instant::now(), before })
    }

    /// Trains to the last step, or until it is told to stop.
    fn go(mut self) -> Result<()> {
        let Config { model, text, steps, eval_every, save_every, snapshots, .. } =
            self.session.config().clone();
        let stop = on_interrupt()?;
        let (count, task) = (self.session.params().count(), self.session.task());
        self.run.save_setup(self.session.config(), task.vocabulary())?;
        let of = if text.is_empty() { String::new() } else { format!(" of {text}") };
        self.say(&format!("{model} of {count} parameters on {}{of}", task.material()));
        let is_kept = |step| snapshots.contains(&step);
        if self.session.progress().step == 0 && is_kept(0) {
            self.snapshot(0)?;
        }
        while !self.session.finished() {
            let step = self.session.step().inspect_err(|_| self.bar.abandon())?;
            self.show(&step);
            if is_kept(step.number) {
                self.snapshot(step.number)?;
            }
            let stopping = stop.load(Ordering::Relaxed);
            if step.number.is_multiple_of(eval_every) || step.number == steps {
                self.look()?;
            }
            if step.number.is_multiple_of(save_every) || self.session.finished() || stopping {
                self.save()?;
            }
            if stopping && !self.session.finished() {
                self.bar.abandon();
                let (n, folder) = (step.number, self.folder.display());
                print(&format!("stopped after step {n}; go on with: cargo rnn train --resume {folder}\n"))?;
                exit(130); // what shells expect after Ctrl-C: 128 + SIGINT
            }
        }
        self.bar.finish_and_clear();
        self.summary()
    }

    /// Looks at the held-out examples, and keeps the weights.
    fn look(&mut self) -> Result<()> {
        self.session.note(self.seconds(), 0);
        let (row, best) = self.session.evaluate()?;
        let weights = |path: PathBuf| self.run.save_weights(&path, self.session.params());
        let written = self.metrics.write(&row).and_then(|()| weights(self.run.model_path()));
        let written = if best { written.and_then(|()| weights(self.run.best_path())) } else { written };
        self.advise(written)?;
        self.chart(&row)?;
        let right = row.accuracy.map(|share| format!("  right {:.2} %", 100.0 * share)).unwrap_or_default();
        let best = if best { "" } else { "  (not better)" };
        self.say(&format!(
            "step {:>6}  train {:.4}  held out {:.4}{right}{best}",
            row.step, row.train, row.validation
        ));
        Ok(())
    }

    /// Adds to TensorBoard's charts, if they are wanted: the row as it stands in metrics.csv, the gradients of the last step,
    /// and the gates on an example.
    fn chart(&mut self, row: &Row) -> Result<()> {
        let Some(events) = &mut self.events else { return Ok(()) };
        let line = row.to_string();
        let columns = HEADER.split(',').zip(line.split(',')).skip(1);
        let scalar = |(name, x): (&str, &str)| Some((name.to_string(), Chart::Scalar(x.parse().ok()?)));
        let mut charts: Vec<_> = columns.filter_map(scalar).collect();
        for p in self.session.params().iter() {
            charts.push((format!("gradients/{}", p.name), Chart::histogram(&p.grad)));
        }
        let record = inspect::look(self.session.params(), |p| self.session.task().show(p, None))?;
        for cell in &record.cells {
            let gates = cell.gates();
            charts.extend(
                gates.map(|q| (format!("gates/{}/{}", cell.name, q.name), Chart::histogram(&q.value))),
            );
        }
        let written = events.write(row.step, &charts);
        self.advise(written)
    }

    /// Keeps the weights as they are now.
    fn snapshot(&self, step: u64) -> Result<()> {
        self.advise(self.run.save_snapshot(step, self.session.params()))
    }

    /// Writes a checkpoint.
    fn save(&mut self) -> Result<()> {
        let length = self.metrics.sync();
        let saved = length.and_then(|length| {
            self.session.note(self.seconds(), length);
            file::replace(&self.run.checkpoint_path(), &self.session.checkpoint()?)
        });
        self.advise(saved)
    }

    /// Says, if a file could not be written, that little is lost.
    fn advise(&self, written: Result<(), Invalid>) -> Result<()> {
        if let Err(problem) = &written
            && self.session.progress().step > 0
        {
            self.bar.abandon();
            let folder = self.folder.display();
            bail!(
                "{problem}; the last checkpoint is whole: make room, then cargo rnn train --resume {folder}"
            );
        }
        Ok(written?)
    }

    fn seconds(&self) -> f64 {
        self.before.0 + self.clock.elapsed().as_secs_f64()
    }

    fn show(&mut self, step: &Step) {
        if let Some(warning) = self.session.warning(step) {
            self.say(&format!("warning: {warning}"));
        }
        if step.number.is_multiple_of(10) {
            let Config { seq, batch, .. } = *self.session.config();
            let is_text = self.session.task().vocabulary().is_some();
            let (count, unit) = if is_text { (seq * batch, "characters") } else { (batch, "examples") };
            let done = (step.number - self.before.1) as f64 * count as f64;
            let speed = done / self.clock.elapsed().as_secs_f64();
            self.bar.set_position(step.number);
            self.bar.set_message(format!("loss {:.3}  {speed:.0} {unit}/s", step.loss));
        }
    }

    /// A line above the bar. Where nobody can read it, training goes on all the same.
    fn say(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }

    fn summary(&self) -> Result<()> {
        let (progress, folder) = (self.session.progress(), self.folder.display());
        let (n, best, stale) = (progress.step, progress.best, progress.stale);
        let task = tasks::find(&self.session.config().task)?;
        let Some(exam) = self.session.exam() else {
            return print(&format!(
                "{folder} has made its {n} steps; --steps with a larger number goes on\n"
            ));
        };
        print(&format!("{}, after {n} steps\n", result(task, exam)))?;
        print(&details(self.session.task(), exam))?;
        if exam.right().is_some() {
            let solved =
                progress.solved.map_or("not solved".into(), |step| format!("solved after step {step}"));
            print(&format!("{solved}: solved means that {}\n", task.solved))?;
        }
        if best < exam.loss {
            let early = if self.session.out_of_patience() { "stopped early: " } else { "" };
            print(&format!(
                "{early}the best, {best:.4}, was {stale} looks before; --best takes its weights\n"
            ))?;
        }
        print(&match self.session.task().vocabulary() {
            Some(_) => format!(
                "Next: cargo rnn generate --from {folder} --length 500 --temperature 0.8\n  or: cargo rnn inspect --from {folder}\n"
            ),
            None => {
                format!("Next: cargo rnn eval --from {folder}\n  or: cargo rnn inspect --from {folder}\n")
            }
        })
    }
}

/// Writes to standard output; a full disk is an error, not a panic.
fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
