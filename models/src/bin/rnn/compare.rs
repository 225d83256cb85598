//! `rnn compare`: which network solves which task, and when.

use crate::{on_interrupt, progress};
use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use models::experiments::{self, Contender, Experiment, Plan, Results, Watcher, picture, table};
use models::{file, threads};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::exit;

/// Train networks on a task and show which of them solve it, after how many steps, with how many seeds.
///
/// Without --task and --all, a quick look: recall, each network once. One of 10 keys is shown at step 0, then 1 to 100
/// distractors, then a query: which key was it?
///
/// With --task each network is trained at the best of three learning rates, chosen on a seed of its own, and then with
/// every seed. All networks of a task get the same budget; a run ends when it has solved the task. Runs are shared out
/// to the threads, one to each; --threads changes the time and no bit of a figure.
#[derive(clap::Args)]
pub struct Args {
    /// The task, as listed by rnn tasks
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    task: Option<String>,
    /// Every experiment there is, into compare.json and a picture for each task
    #[arg(long)]
    all: bool,
    /// Where --all writes them [default: the book's folder of results]
    #[arg(long, value_name = "DIR", requires = "all")]
    out: Option<PathBuf>,
    /// Seeds that are reported of each network [default: 5; in the quick look 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// The networks, separated by commas [default: those of the experiment's list]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    networks: Vec<String>,
    /// Training steps of each run at most [default: the experiment's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Learning rates to choose from, separated by commas; with one alone nothing is chosen [default: the experiment's]
    #[arg(long, value_name = "RATES", value_delimiter = ',')]
    rates: Vec<f64>,
    /// Write JSON to this file; without a file, print it and nothing else
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with = "all")]
    json: Option<PathBuf>,
    /// Write a picture to this file
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    svg: Option<PathBuf>,
}

/// The task of the quick look.
const QUICK: &str = "recall";

pub fn run(args: &Args) -> Result<()> {
    let plans = args.plans()?;
    if let Some(folder) = args.all.then(|| args.folder()) {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let results = train(&plans, args.json.as_deref() == Some(Path::new("-")))?;
    if args.all {
        return save(&args.folder(), &results);
    }
    let outcome = &results.experiments[0];
    match args.json.as_deref() {
        Some(path) if path == "-" => return print(&results.to_json()),
        Some(path) => file::replace(path, results.to_json().as_bytes())?,
        None => {}
    }
    if let Some(path) = &args.svg {
        file::replace(path, picture(outcome).as_bytes())?;
    }
    print(&(table(outcome) + &args.next()))
}

impl Args {
    /// Where --all writes.
    fn folder(&self) -> PathBuf {
        let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("book").join("results");
        self.out.clone().unwrap_or_else(usual)
    }

    /// What is to be run, checked to be possible.
    fn plans(&self) -> Result<Vec<Plan>> {
        let quick = self.task.is_none() && !self.all;
        if self.all {
            return experiments::ALL.iter().map(|experiment| self.plan(experiment, false)).collect();
        }
        Ok(vec![self.plan(experiments::find(self.task.as_deref().unwrap_or(QUICK))?, quick)?])
    }

    fn plan(&self, experiment: &'static Experiment, quick: bool) -> Result<Plan> {
        let listed = experiment.networks.iter().copied();
        let named: Vec<&str> = if self.networks.is_empty() {
            listed.collect()
        } else {
            self.networks.iter().map(|n| n.trim()).collect()
        };
        if named.iter().collect::<BTreeSet<_>>().len() < named.len() {
            bail!("--networks names one network twice");
        }
        let networks: Vec<&'static Contender> =
            named.into_iter().map(experiments::network).collect::<Result<_, _>>()?;
        let rates = match (&self.rates[..], quick) {
            ([], true) => experiment.rates[..1].to_vec(),
            ([], false) => experiment.rates.to_vec(),
            (given, _) => given.to_vec(),
        };
        let seeds = 1..1 + self.seeds.unwrap_or(if quick { 1 } else { 5 });
        let plan = Plan { experiment, networks, rates, seeds, steps: self.steps.unwrap_or(experiment.steps) };
        plan.check()?;
        Ok(plan)
    }

    /// What to do next.
    fn next(&self) -> String {
        if self.task.is_some() {
            return String::new();
        }
        "\nOne run each, at one learning rate; cargo rnn compare --task recall takes five, at the best of three rates.\n\
         Next: cargo rnn train --task chars --text FILE --model lstm --out runs/first\n      \
         lets a network learn to write; the book (cargo book) explains why an LSTM remembers.\n"
            .into()
    }
}

/// Runs everything, under a bar. Ctrl-C ends it, and nothing is written.
fn train(plans: &[Plan], quiet: bool) -> Result<Results> {
    let budget = plans.iter().map(Plan::budget).sum();
    let bar = if quiet { ProgressBar::hidden() } else { progress(budget, "compare") };
    let watcher = Watcher { steps: &|steps| bar.inc(steps), stop: on_interrupt()? };
    let results = experiments::run(plans, threads::count(), &watcher);
    bar.finish_and_clear();
    match results? {
        Some(results) => Ok(results),
        None => {
            let _ = writeln!(std::io::stderr(), "stopped; nothing was written");
            exit(130); // what shells expect after Ctrl-C: 128 + SIGINT
        }
    }
}

/// Writes the results of all experiments, and a picture of each.
fn save(folder: &Path, results: &Results) -> Result<()> {
    for outcome in &results.experiments {
        file::replace(&folder.join(format!("{}.svg", outcome.task)), picture(outcome).as_bytes())?;
    }
    file::replace(&folder.join("compare.json"), results.to_json().as_bytes())?;
    let tables: Vec<String> = results.experiments.iter().map(table).collect();
    print(&format!(
        "{}\nwritten to {}: compare.json, and a picture for each task\n",
        tables.join("\n"),
        folder.display()
    ))
}

/// Writes to standard output; a full disk is an error, not a panic.
fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
