//! `rnn tasks`: what networks can be trained on.

use anyhow::{Context, Result};
use models::tasks::{self, Answer, Exam, Task, TaskInfo};
use std::io::Write;

/// List the tasks, or show one of them with its settings.
#[derive(clap::Args)]
pub struct Args {
    /// The task to show
    name: Option<String>,
}

pub fn run(args: &Args) -> Result<()> {
    let text = match &args.name {
        Some(name) => one(tasks::find(name)?)?,
        None => list(),
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

fn list() -> String {
    tasks::ALL.iter().map(TaskInfo::line).collect::<String>()
        + "\nrnn tasks NAME shows one with its settings; rnn train --task NAME trains it\n"
}

fn one(task: &TaskInfo) -> Result<String> {
    let TaskInfo { name, summary, source, solved, measure, .. } = task;
    let config = (task.config)();
    // Where the text lies is up to whoever trains.
    let settings: Vec<String> = config.to_toml()?.lines().skip(2).map(String::from).collect();
    let settings =
        settings.iter().filter(|line| !line.starts_with("text =")).map(|line| format!("  {line}\n"));
    let mut takes: String = task.takes.iter().map(|setting| format!(" --{setting}")).collect();
    if takes.is_empty() {
        takes = " none".into();
    }
    Ok(format!(
        "{name}: {summary}\nsource: {source}\nsolved: {solved}\nmeasured: {measure}\n\
         of the settings that not every task takes:{takes}\nsettings, if not given:\n{}",
        settings.collect::<String>()
    ))
}

/// The line that says how a network did, without its end: "0.0120 nats per digit on …, 99.80 % right".
pub fn result(task: &TaskInfo, exam: &Exam) -> String {
    let right = exam.right().map(|share| format!(", {:.2} % right", 100.0 * share));
    format!("{:.4} {}{}", exam.loss, task.measure, right.unwrap_or_default())
}

/// What to print below it: what could be reached without a network, and a few answers.
pub fn details(task: &dyn Task, exam: &Exam) -> String {
    let baseline = if exam.answers.is_empty() { None } else { task.baseline() };
    let line = |answer: &Answer| {
        let Answer { question, expected, found, right } = answer;
        let wrong = if *right { String::new() } else { format!("   wrong: {expected}") };
        format!("  {question} → {found}{wrong}\n")
    };
    let baseline = baseline.map(|line| format!("beside it, {line}\n")).unwrap_or_default();
    baseline + &exam.samples().map(line).collect::<String>()
}
