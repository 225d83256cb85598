//! The `cargo book` command.

use anyhow::{Context, Result};
use book::chapters::Sources;
use book::coverage::Coverage;
use book::problem::Problem;
use book::{outputs, preprocess, render, wide};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use mdbook_preprocessor::{Preprocessor, parse_input};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{env, fs, io};

/// Builds the book into target/book and opens it in your browser.
///
/// The book is ready to be read from disk: formulas, figures, fonts and the search index lie beside the
/// pages, nothing comes from the network.
#[derive(Parser)]
#[command(bin_name = "cargo book", version, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  cargo book                   read the book
  cargo book --no-open         build it, as a server would
  cargo book check             before you hand in a chapter
  cargo book update-outputs    after you changed a program whose output a chapter shows
How to write a chapter is in book/AUTHORS.md.")]
struct Arguments {
    /// Build only, open nothing.
    #[arg(long)]
    no_open: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Find dead links, missing images, formulas that do not parse, excerpts that are gone,
    /// untested code and anything that would be loaded from the network.
    Check {
        /// List the lines of code that a reader has to scroll for.
        #[arg(long)]
        wide: bool,
    },
    /// Run the programs in book/examples and write what they print into the chapters.
    UpdateOutputs,
    /// Answer mdBook's preprocessor protocol on standard input and output: for `mdbook build`.
    Preprocess {
        /// `supports RENDERER`: exit with 0 if the renderer can be served.
        #[arg(num_args = 0..=2, value_name = "QUESTION")]
        question: Vec<String>,
    },
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    let done = match arguments.task {
        None => build(!arguments.no_open),
        Some(Task::Check { wide }) => check(wide),
        Some(Task::UpdateOutputs) => update_outputs(),
        Some(Task::Preprocess { question }) => answer_mdbook(&question),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Help in full; a wrong argument in one line, with exit code 2.
fn explain(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    eprintln!("{} (see cargo book --help)", text.lines().next().unwrap_or("error: wrong arguments"));
    ExitCode::from(2)
}

fn build(open_it: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let problems = render::build(render::root(), target())?;
    if !problems.is_empty() {
        return Ok(report(&problems));
    }
    let page = target().join("index.html");
    println!("The book is in {} ({:.1} s)", page.display(), start.elapsed().as_secs_f64());
    if open_it && !open(&page) {
        println!("No browser could be started: open that file in one.");
    }
    Ok(ExitCode::SUCCESS)
}

fn check(list_wide: bool) -> Result<ExitCode> {
    let problems = render::check(render::root(), target())?;
    if !problems.is_empty() {
        return Ok(report(&problems));
    }
    let sources = Sources::load(render::root())?;
    println!("The book is sound: {} chapters.", sources.chapters.len());
    if let Some(pending) = Coverage::load(render::root())?.pending(&sources) {
        println!("{pending}");
    }
    let lines = wide::lines(&sources);
    if list_wide {
        lines.iter().for_each(|line| println!("{line}"));
    } else if !lines.is_empty() {
        println!("{} lines of code do not fit on the page (check --wide lists them).", lines.len());
    }
    Ok(ExitCode::SUCCESS)
}

fn update_outputs() -> Result<ExitCode> {
    build_examples()?;
    let sources = Sources::load(render::root())?;
    let printed = outputs::run(&outputs::examples(&sources))?;
    let project = render::root().join("..");
    for chapter in &sources.chapters {
        let text = outputs::updated(&chapter.text, &printed).map_err(anyhow::Error::msg);
        let text = text.with_context(|| chapter.file.display().to_string())?;
        if text != chapter.text {
            fs::write(project.join(&chapter.file), text)?;
            println!("updated {}", chapter.file.display());
        }
    }
    println!("The output blocks are what the programs print.");
    Ok(ExitCode::SUCCESS)
}

/// Builds book/examples with the profile of this program, so that they lie beside it.
fn build_examples() -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", "book", "--examples"]).current_dir(render::root());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.status().context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "the programs in book/examples do not build");
    Ok(())
}

fn answer_mdbook(question: &[String]) -> Result<ExitCode> {
    match question {
        [] => {
            let (context, book) = parse_input(io::stdin())?;
            let book = preprocess::Unrolled.run(&context, book)?;
            serde_json::to_writer(io::stdout(), &book)?;
            Ok(ExitCode::SUCCESS)
        }
        [word, renderer] if word == "supports" => Ok(ExitCode::from(u8::from(renderer != "html"))),
        _ => {
            eprintln!("error: preprocess takes nothing or `supports RENDERER` (see cargo book --help)");
            Ok(ExitCode::from(2))
        }
    }
}

fn report(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        eprintln!("{problem}");
    }
    eprintln!(
        "error: {} to mend",
        if problems.len() == 1 { "1 thing".to_owned() } else { format!("{} things", problems.len()) }
    );
    ExitCode::FAILURE
}

fn target() -> PathBuf {
    book::includes::tidy(&render::root().join("../target/book"))
}

/// Asks the desktop to show a file.
fn open(page: &Path) -> bool {
    let (program, before): (&str, &[&str]) = match env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/C", "start", ""]),
        _ => ("xdg-open", &[]),
    };
    Command::new(program).args(before).arg(page).status().is_ok_and(|status| status.success())
}
