//! The `rnn` command: train, compare, generate and evaluate recurrent networks.

mod compare;
mod eval;
mod generate;
mod inspect;
mod plot;
mod run;
mod tasks;
mod time;
mod train;

use clap::{Parser, Subcommand};
use models::threads::with_threads;
use std::io::Write;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

/// Recurrent networks from scratch: train them, compare them, watch them write.
///
/// Start with `rnn compare`: it needs no file, takes less than a minute, and shows which network can
/// remember. Then `rnn train --task chars --text FILE`, and `rnn generate --from DIR`.
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Threads that share the work of a step [default: all cores]; they change no bit of a result
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

#[derive(Subcommand)]
enum Command {
    /// Train networks on a task, or on all, and show which of them solve it and when
    Compare(compare::Args),
    /// List the tasks that networks can be trained on
    Tasks(tasks::Args),
    /// Train a network on a task, or a character model on a text
    Train(Box<train::Args>),
    /// Let a trained character model write
    Generate(generate::Args),
    /// Measure a trained network on its task, or a character model on a text
    Eval(eval::Args),
    /// Look inside a network: gates, states and gradients on one page
    Inspect(Box<inspect::Args>),
    /// Draw the training curves of some runs over each other
    Plot(plot::Args),
    /// Run a recurrent layer on a file of inputs and weights, to compare with PyTorch
    Run(run::Args),
    /// Measure how long recurrent layers take
    Time(time::Args),
}

fn main() -> ExitCode {
    let Cli { command, threads } = Cli::parse();
    let threads = threads.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let result = with_threads(threads, || run(command)).unwrap_or_else(|problem| Err(problem.into()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody can read it (a full disk behind 2>), the exit code still says it.
            let _ = writeln!(std::io::stderr(), "rnn: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Compare(args) => compare::run(&args),
        Command::Tasks(args) => tasks::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Time(args) => time::run(&args),
    }
}

/// A bar that shows how far `what` is, on the terminal only.
fn progress(steps: u64, what: &str) -> indicatif::ProgressBar {
    let style = "{prefix:>12} [{bar:32}] {pos}/{len}  {msg}  {eta} left";
    let style = indicatif::ProgressStyle::with_template(style).expect("the template is a constant");
    indicatif::ProgressBar::new(steps).with_style(style.progress_chars("=> ")).with_prefix(what.to_string())
}

/// Becomes true when the program is told to stop: by Ctrl-C, a closed terminal or `kill`. The second time ends it at once.
fn on_interrupt() -> anyhow::Result<&'static AtomicBool> {
    static STOP: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130); // what shells expect after Ctrl-C: 128 + SIGINT
        }
    })?;
    Ok(&STOP)
}
