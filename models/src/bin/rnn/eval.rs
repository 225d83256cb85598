//! `rnn eval`: a trained character model on a text.

use anyhow::{Result, bail};
use models::network::Network;
use models::run::{RunDir, read_text};
use models::text::Streams;
use models::train::Trainer;
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
}

pub fn run(args: &Args) -> Result<()> {
    let (config, vocabulary, network, params) = RunDir::open(&args.from)?.load()?;
    let text = read_text(&args.text)?;
    let ids = match vocabulary.encode(&text) {
        Ok(ids) => ids,
        Err(problem) => bail!("{}: {problem}", args.text.display()),
    };
    if ids.len() < 2 {
        bail!("{}: one character leaves nothing to predict; take a longer text", args.text.display());
    }
    let rule = config.check()?.rule;
    let nats = held_out(&network, &mut Trainer::new(params, rule, config.lr), &ids)?;
    println!("{nats:.4} nats per character = {:.4} bits, perplexity {:.3}", nats / 2f64.ln(), nats.exp());
    Ok(())
}

/// The mean loss, in nats per character, over a text that is read from zero states: in 32 streams,
/// or fewer if it is short, so that a step costs little more than one.
pub fn held_out(network: &Network<f32>, trainer: &mut Trainer<f32>, ids: &[usize]) -> Result<f64> {
    const WINDOW: usize = 64;
    let batch = 32.min((ids.len() - 1) / WINDOW).max(1);
    // As many characters as fill the streams, and the last one's target.
    let length = (ids.len() - 1) / batch;
    let mut streams = Streams::with_targets(ids.to_vec(), batch, length)?;
    let mut carry = network.initial_carry(batch);
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    let (mut sum, mut count) = (0.0, 0);
    while count < length {
        let (window, _) = streams.advance(WINDOW.min(length - count), 1);
        let steps = window.len();
        streams.fill(window, &mut inputs, &mut targets);
        let loss = trainer.evaluate(|p| network.forward(p, &inputs, &mut carry).cross_entropy(&targets).item());
        (sum, count) = (sum + f64::from(loss) * steps as f64, count + steps);
    }
    Ok(sum / count as f64)
}
