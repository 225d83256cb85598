//! `rnn generate`: let a trained character model write.

use anyhow::{Context, Result, bail};
use models::run::RunDir;
use models::text::sample;
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::io::{self, Write};
use std::path::PathBuf;

/// Let a trained character model write.
///
/// The model reads the prompt, then draws one character after the other from what it predicts.
/// Temperature divides the logits: below 1 it plays safe, above 1 it dares, 0 always takes the
/// likeliest.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the run, as given to train --out
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// What the text begins with; a newline if not given
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Characters to write
    #[arg(long, value_name = "N", default_value_t = 500)]
    length: usize,
    /// Daring: 0 is greedy
    #[arg(long, value_name = "F", default_value_t = 0.8)]
    temperature: f64,
    /// Take the weights that were best on the held-out text, not the last ones
    #[arg(long)]
    best: bool,
    /// Seed of the drawing
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub fn run(args: &Args) -> Result<()> {
    match write_text(args) {
        // Whoever reads our text has seen enough: `rnn generate … | head`.
        Err(error) if broken_pipe(&error) => Ok(()),
        result => result,
    }
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe)
}

fn write_text(args: &Args) -> Result<()> {
    if !(args.temperature >= 0.0 && args.temperature.is_finite()) {
        bail!("--temperature {}: it must be 0 (greedy) or more", args.temperature);
    }
    if args.prompt.as_deref() == Some("") {
        bail!("--prompt is empty: the model needs a character to begin with");
    }
    let (config, vocabulary, network, params) = RunDir::open(&args.from)?.load(args.best)?;
    // A model that never saw a newline begins with the first character it knows, often a space.
    let usual = *vocabulary.chars().iter().find(|&&c| c == '\n').unwrap_or(&vocabulary.char(0));
    let prompt = args.prompt.clone().unwrap_or(usual.into());
    let ids = vocabulary.encode(&prompt).context("--prompt")?;
    let mut trainer = Trainer::new(params, config.check()?.rule, config.lr);
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    let mut carry = network.initial_carry(1);
    let mut out = io::stdout().lock();

    let mut write = |text: &str| {
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write the text")
    };
    write(prompt.trim_start_matches('\n'))?;
    let mut logits = vec![0.0f32; vocabulary.size()];
    let mut next = None;
    for step in 0..ids.len().saturating_add(args.length) {
        let id = ids.get(step).copied().or(next).unwrap_or_default();
        if step >= ids.len() {
            write(vocabulary.char(id).encode_utf8(&mut [0; 4]))?;
        }
        trainer.evaluate(|p| network.forward(p, &[id], &mut carry).read(|y| logits.copy_from_slice(y)));
        next = Some(sample(&logits, args.temperature, &mut rng));
    }
    write("\n")
}
