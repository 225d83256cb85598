//! `rnn compare`: every network on one task.

use crate::progress;
use anyhow::Result;
use clap::ValueEnum;
use indicatif::ProgressBar;
use models::cells::Kind;
use models::network::{Network, NetworkConfig};
use models::optim::Rule;
use models::params::Params;
use models::tasks::Recall;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::Serialize;
use std::io::Write;
use std::time::Instant;

/// Train every network on one task and show the results side by side.
///
/// recall: one of 10 keys is shown at step 0, then a distractor a step, then a query: which key was
/// it? All networks get the same budget: 1,000 updates on lengths 1 to 100 mixed.
#[derive(clap::Args)]
pub struct Args {
    /// The task
    #[arg(long, value_enum, default_value_t = Task::Recall)]
    task: Task,
    /// Training steps of each network
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// Seed of all random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print JSON and nothing else
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Task {
    /// Recall a key after 1 to 100 distractors
    Recall,
}

const BATCH: usize = 32;
const HIDDEN: usize = 32;
const LENGTHS: [usize; 6] = [1, 5, 10, 20, 50, 100];
/// Batches that measure the accuracy at one length: 320 questions.
const TEST_BATCHES: usize = 10;

/// The networks by name, with their cell and whether they run both ways. Recall asks at a step when
/// all has been read, so it may be answered in both directions.
const NETWORKS: [(&str, Kind, bool); 9] = [
    ("elman", Kind::Elman, false),
    ("elman-relu", Kind::ElmanRelu, false),
    ("jordan", Kind::Jordan, false),
    ("bidirectional-lstm", Kind::Lstm, true),
    ("lstm", Kind::Lstm, false),
    ("lstm-no-forget", Kind::LstmNoForget, false),
    ("peephole", Kind::Peephole, false),
    ("gru", Kind::Gru, false),
    ("gru-reset-before", Kind::GruResetBefore, false),
];

/// One network's line of the table.
#[derive(Serialize)]
struct Row {
    network: &'static str,
    parameters: usize,
    /// The share of right answers, for each of [`LENGTHS`].
    accuracy: Vec<f64>,
    seconds: f64,
    ms_per_step: f64,
}

pub fn run(args: &Args) -> Result<()> {
    let Task::Recall = args.task;
    let mut rows = Vec::new();
    for (name, kind, bidirectional) in NETWORKS {
        let bar = if args.json { ProgressBar::hidden() } else { progress(args.steps, name) };
        let config = NetworkConfig {
            bidirectional,
            outputs: Recall::KEYS,
            ..NetworkConfig::new(kind, Recall::SYMBOLS, HIDDEN)
        };
        rows.push(recall(name, &config, args.steps, args.seed, &bar)?);
        bar.finish_and_clear();
    }
    if args.json {
        let lengths = LENGTHS;
        let result = serde_json::json!({"task": "recall", "steps": args.steps, "seed": args.seed, "lengths": lengths, "networks": rows});
        print(&format!("{result}\n"))
    } else {
        print(&table(&rows, args.steps))
    }
}

/// Writes to standard output; a full disk is an error, not a panic.
fn print(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn recall(
    name: &'static str,
    config: &NetworkConfig,
    steps: u64,
    seed: u64,
    bar: &ProgressBar,
) -> Result<Row> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut params = Params::<f32>::new();
    let network = Network::new(config, &mut params, &mut rng);
    let rule: Rule = "adam".parse()?;
    let mut trainer = Trainer::new(params, rule, 0.01).clip(Clip::Norm(1.0));
    let mut carry = network.initial_carry(BATCH);
    let mut task = Recall::new(BATCH);

    let start = Instant::now();
    for number in 1..=steps {
        task.draw(&mut rng, None);
        carry.reset();
        let step =
            trainer.step(|p| network.forward(p, &task.inputs, &mut carry).cross_entropy(&task.targets))?;
        if number % 20 == 0 {
            bar.set_position(number);
            bar.set_message(format!("loss {:.3}", step.loss));
        }
    }
    let seconds = start.elapsed().as_secs_f64();

    let mut accuracy = Vec::new();
    for length in LENGTHS {
        let mut sum = 0.0;
        for _ in 0..TEST_BATCHES {
            task.draw(&mut rng, Some(length));
            carry.reset();
            sum += trainer.evaluate(|p| {
                network.forward(p, &task.inputs, &mut carry).read(|logits| task.accuracy(logits))
            });
        }
        accuracy.push(sum / TEST_BATCHES as f64);
    }
    let (parameters, ms_per_step) = (trainer.params.count(), seconds * 1e3 / steps as f64);
    Ok(Row { network: name, parameters, accuracy, seconds, ms_per_step })
}

fn table(rows: &[Row], steps: u64) -> String {
    let mut out =
        String::from("Recall: one of 10 keys at step 0, a distractor a step, then: which key was it?\n");
    out += &format!("Share of right answers by distance, after {steps} updates each (chance is 0.10):\n\n");
    out += &format!("{:18} {:>10}", "network", "parameters");
    LENGTHS.iter().for_each(|length| out += &format!(" {length:>5}"));
    out += &format!(" {:>8} {:>8}\n", "seconds", "ms/step");
    for row in rows {
        out += &format!("{:18} {:>10}", row.network, row.parameters);
        row.accuracy.iter().for_each(|share| out += &format!(" {share:>5.2}"));
        out += &format!(" {:>8.1} {:>8.2}\n", row.seconds, row.ms_per_step);
    }
    out += "\nAt this equal budget; more updates (--steps) help the Elman network further.\n";
    out += "Next: cargo rnn train --task chars --text FILE --model lstm --out runs/first\n";
    out += "      lets a network learn to write; the book (cargo book) explains why an LSTM remembers.\n";
    out
}
