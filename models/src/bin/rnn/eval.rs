//! `rnn eval`: a trained network on its task, or on another text.

use crate::tasks::{details, result};
use anyhow::{Context, Result, bail};
use models::evaluate::nats_per_character;
use models::run::{RunDir, read_text};
use models::tasks;
use models::train::Trainer;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Measure a trained network on the held-out examples of its task; a character model, with --text, on another
/// text: nats, bits and perplexity per character.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the run, as given to train --out
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Another text, UTF-8: for character models
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Take the weights that were best on the held-out examples, not the last ones
    #[arg(long)]
    best: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let text = match &args.text {
        Some(path) => on_text(args, path)?,
        None => on_task(args)?,
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

/// The questions of the task, and the answers.
fn on_task(args: &Args) -> Result<String> {
    let (config, mut task, params) = RunDir::open(&args.from)?.load_task(args.best)?;
    let mut trainer = Trainer::new(params, config.check()?.rule, config.lr);
    let exam = task.examine(&mut trainer)?;
    Ok(result(tasks::find(&config.task)?, &exam) + "\n" + &details(&*task, &exam))
}

/// How well the next character of a text is predicted.
fn on_text(args: &Args, path: &Path) -> Result<String> {
    let (config, vocabulary, network, params) = RunDir::open(&args.from)?.load(args.best)?;
    let text = read_text(path)?;
    let ids = match vocabulary.encode(&text) {
        Ok(ids) => ids,
        Err(problem) => bail!("{}: {problem}", path.display()),
    };
    let mut trainer = Trainer::new(params, config.check()?.rule, config.lr);
    let nats =
        nats_per_character(&network, &mut trainer, &ids).with_context(|| path.display().to_string())?;
    let (bits, perplexity) = (nats / 2f64.ln(), nats.exp());
    Ok(format!("{nats:.4} nats per character = {bits:.4} bits, perplexity {perplexity:.3}\n"))
}
