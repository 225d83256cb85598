//! `rnn eval`: a trained character model on a text.

use anyhow::{Context, Result, bail};
use models::evaluate::nats_per_character;
use models::run::{RunDir, read_text};
use models::train::Trainer;
use std::io::Write;
use std::path::PathBuf;

/// Measure a trained character model on a text: nats, bits and perplexity per character.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the run, as given to train --out
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The text, UTF-8
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// Take the weights that were best on the held-out text, not the last ones
    #[arg(long)]
    best: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let (config, vocabulary, network, params) = RunDir::open(&args.from)?.load(args.best)?;
    let text = read_text(&args.text)?;
    let ids = match vocabulary.encode(&text) {
        Ok(ids) => ids,
        Err(problem) => bail!("{}: {problem}", args.text.display()),
    };
    let mut trainer = Trainer::new(params, config.check()?.rule, config.lr);
    let nats =
        nats_per_character(&network, &mut trainer, &ids).with_context(|| args.text.display().to_string())?;
    let (bits, perplexity) = (nats / 2f64.ln(), nats.exp());
    writeln!(std::io::stdout(), "{nats:.4} nats per character = {bits:.4} bits, perplexity {perplexity:.3}")
        .context("cannot write to standard output")
}
