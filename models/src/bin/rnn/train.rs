//! `rnn train`: a character model on a text.

use crate::eval::held_out;
use crate::progress;
use anyhow::{Context, Result, bail};
use models::run::{Config, RunDir, read_text};
use models::text::{Streams, Vocabulary};
use models::train::{Clip, Trainer};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Train a character model on a text.
///
/// The model reads the text in parallel streams, window after window, and learns to predict the next
/// character; the state is carried from window to window, the gradient is not (truncated
/// backpropagation through time). The last tenth of the text is held out to measure it.
/// The loss is in nats per character: 0.69 nats are one bit.
#[derive(clap::Args)]
pub struct Args {
    /// The task: chars, the next character
    #[arg(long, default_value = "chars")]
    task: String,
    /// The text, UTF-8; without it, the chapters of the book
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The network: elman or lstm
    #[arg(long, default_value = "lstm")]
    model: String,
    /// Features of the character vectors
    #[arg(long, value_name = "N", default_value_t = 64)]
    embedding: usize,
    /// Features of every recurrent layer
    #[arg(long, value_name = "N", default_value_t = 256)]
    hidden: usize,
    /// Recurrent layers
    #[arg(long, value_name = "N", default_value_t = 1)]
    layers: usize,
    /// Characters of a window
    #[arg(long, value_name = "N", default_value_t = 64)]
    seq: usize,
    /// Parallel streams of the text
    #[arg(long, value_name = "N", default_value_t = 32)]
    batch: usize,
    /// Training steps
    #[arg(long, value_name = "N", default_value_t = 1000)]
    steps: u64,
    /// Learning rate
    #[arg(long, value_name = "F", default_value_t = 0.003)]
    lr: f64,
    /// Optimiser: sgd, rmsprop, adagrad, adam or adamw, with options as in sgd:momentum=0.9
    #[arg(long, value_name = "NAME", default_value = "adam")]
    optimizer: String,
    /// Clip the norm of all gradients to this; 0 for not
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    clip: f64,
    /// Clip each entry of a gradient to ± this; 0 for not
    #[arg(long, value_name = "F", default_value_t = 0.0)]
    clip_value: f64,
    /// Learning-rate schedule: constant, cosine or step, as in cosine:warmup=100
    #[arg(long, value_name = "NAME", default_value = "constant")]
    schedule: String,
    /// Initialiser of the recurrent layers: uniform, xavier-uniform, orthogonal, normal or zeros
    #[arg(long, value_name = "NAME", default_value = "uniform")]
    init: String,
    /// Bias of the LSTM's forget gate at the start
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    forget_bias: f64,
    /// Seed of all random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Steps between two looks at the held-out text; a tenth of the steps if not given
    #[arg(long, value_name = "N")]
    eval_every: Option<u64>,
    /// Folder of the run: config.toml, vocabulary.json, model.safetensors, metrics.csv
    #[arg(long, value_name = "DIR", default_value = "runs/latest")]
    out: PathBuf,
}

impl Args {
    fn config(&self, text: &Path) -> Config {
        Config {
            task: self.task.clone(),
            model: self.model.clone(),
            embedding: self.embedding,
            hidden: self.hidden,
            layers: self.layers,
            seq: self.seq,
            batch: self.batch,
            steps: self.steps,
            lr: self.lr,
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            clip: self.clip,
            clip_value: self.clip_value,
            init: self.init.clone(),
            forget_bias: self.forget_bias,
            seed: self.seed,
            eval_every: self.eval_every.unwrap_or((self.steps / 10).max(1)),
            text: text.display().to_string(),
        }
    }
}

pub fn run(args: &Args) -> Result<()> {
    let (path, text) = match &args.text {
        Some(path) => (path.clone(), read_text(path)?),
        None => book_text()?,
    };
    let config = args.config(&path);
    let checked = config.check()?;
    if config.clip > 0.0 && config.clip_value > 0.0 {
        bail!("--clip {} and --clip-value {} are both set; set one of them to 0", config.clip, config.clip_value);
    }

    let vocabulary = Vocabulary::of(&text).with_context(|| path.display().to_string())?;
    let ids = vocabulary.encode(&text)?;
    let (train, held) = ids.split_at(ids.len() / 10 * 9 + ids.len() % 10 * 9 / 10);
    let streams = Streams::new(train.to_vec(), config.batch, config.seq).with_context(|| path.display().to_string())?;
    if held.len() < 2 {
        bail!("{}: the held-out tenth has {} characters and needs 2; take a longer text", path.display(), held.len());
    }

    let run = RunDir::create(&args.out)?;
    let mut metrics = Metrics::create(&run.metrics_path())?;
    run.save_setup(&config, &vocabulary)?;
    let (network, params) = config.network(vocabulary.size())?;
    let count = params.count();
    let clip = match config {
        Config { clip, .. } if clip > 0.0 => Clip::Norm(clip),
        Config { clip_value, .. } if clip_value > 0.0 => Clip::Value(clip_value),
        _ => Clip::Off,
    };
    let trainer = Trainer::new(params, checked.rule, config.lr).schedule(checked.schedule).clip(clip);
    eprintln!("{} of {count} parameters on {} characters of {}", config.model, train.len(), path.display());

    let last = Loop { config: &config, network, trainer, streams, held }.run(&run, &mut metrics)?;
    println!("{last:.4} nats per character on the held-out tenth, after {} steps", config.steps);
    println!("Next: cargo rnn generate --from {} --length 500 --temperature 0.8", args.out.display());
    Ok(())
}

/// A training about to run.
struct Loop<'a> {
    config: &'a Config,
    network: models::network::Network<f32>,
    trainer: Trainer<f32>,
    streams: Streams,
    held: &'a [usize],
}

impl Loop<'_> {
    /// Trains to the last step and returns the last held-out loss.
    fn run(mut self, run: &RunDir, metrics: &mut Metrics) -> Result<f64> {
        let Config { seq, batch, steps, eval_every, .. } = *self.config;
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        let mut carry = self.network.initial_carry(batch);
        let (bar, start) = (progress(steps, "train"), Instant::now());
        let (mut sum, mut count, mut last) = (0.0, 0, f64::NAN);
        for number in 1..=steps {
            let (window, restart) = self.streams.advance(seq, seq);
            if restart {
                carry.reset();
            }
            self.streams.fill(window, &mut inputs, &mut targets);
            let step = self
                .trainer
                .step(|p| self.network.forward(p, &inputs, &mut carry).cross_entropy(&targets))
                .inspect_err(|_| bar.abandon())?;
            (sum, count) = (sum + step.loss, count + 1);
            if number % 10 == 0 {
                let speed = (number as usize * seq * batch) as f64 / start.elapsed().as_secs_f64();
                bar.set_position(number);
                bar.set_message(format!("loss {:.3}  {:.0} characters/s", step.loss, speed));
            }
            if number % eval_every == 0 || number == steps {
                last = held_out(&self.network, &mut self.trainer, self.held)?;
                metrics.row(number, sum / f64::from(count), last, start.elapsed().as_secs_f64())?;
                run.save_model(&self.trainer.params)?;
                bar.suspend(|| eprintln!("step {number:>6}  train {:.4}  held out {last:.4}", sum / f64::from(count)));
                (sum, count) = (0.0, 0);
            }
        }
        bar.finish_and_clear();
        Ok(last)
    }
}

/// metrics.csv, a row for every look at the held-out text. `train` is the mean loss since the row
/// before.
struct Metrics {
    file: File,
    path: PathBuf,
}

impl Metrics {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut metrics = Self { file, path: path.to_path_buf() };
        metrics.line("step,train,validation,seconds")?;
        Ok(metrics)
    }

    fn row(&mut self, step: u64, train: f64, validation: f64, seconds: f64) -> Result<()> {
        self.line(&format!("{step},{train:.6},{validation:.6},{seconds:.2}"))
    }

    fn line(&mut self, line: &str) -> Result<()> {
        writeln!(self.file, "{line}").with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The chapters of the book, one after the other.
fn book_text() -> Result<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src");
    let problem = || format!("the book's chapters are not at {}; give a text with --text FILE", folder.display());
    let mut chapters = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(problem)? {
            let path = entry.with_context(problem)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                chapters.push(path);
            }
        }
    }
    chapters.sort();
    let texts: Result<Vec<String>, _> = chapters.iter().map(|path| read_text(path)).collect();
    Ok((folder, texts?.concat()))
}
