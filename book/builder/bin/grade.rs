//! The `cargo grade` command.

use anyhow::Result;
use book::grade::handed_in::HandedIn;
use book::grade::{exercises, grade, table};
use book::render;
use clap::Parser;
use clap::error::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Marks the exercises that learners have handed in.
///
/// Each FOLDER is a learner's copy of book/exercises, of the folder exercises in it, or has the files side by side.
/// What stands above the tests of each file is put over the tests of this project, in a copy, and run there.
/// It runs with your rights: grade only what comes from people you know, or on a machine of its own.
#[derive(Parser)]
#[command(bin_name = "cargo grade", version)]
#[command(after_help = "\
Examples:
  cargo grade handed-in/*            a table for each learner, and one of all
  cargo grade --json anna ben        the same for a script")]
struct Arguments {
    /// What learners have handed in.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Print a list of {learner, name, passed, failed, diagnosis}.
    #[arg(long)]
    json: bool,
    /// How long the tests of one exercise may take.
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    match run(&arguments) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(bad_folder)) => {
            eprintln!("error: {bad_folder}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Marks, or says which folder is to blame.
fn run(arguments: &Arguments) -> Result<Result<(), String>> {
    let project = render::root().join("..");
    let known = exercises(&project.join("book/exercises"))?;
    let found: Result<Vec<_>, _> =
        arguments.folders.iter().map(|folder| HandedIn::find(folder, &known)).collect();
    let handed_in = match found {
        Ok(handed_in) => handed_in,
        Err(bad_folder) => return Ok(Err(bad_folder)),
    };
    let mut marks = Vec::new();
    for learner in &handed_in {
        eprintln!("grading {} …", learner.name);
        marks.extend(grade(&project, learner, Duration::from_secs(arguments.seconds))?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&marks)?);
    } else {
        print!("{}", table::text(&marks));
    }
    Ok(Ok(()))
}

/// Help in full; a wrong argument in one line, with exit code 2.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    eprintln!("{} (see cargo grade --help)", lines.join(" "));
    ExitCode::from(2)
}
