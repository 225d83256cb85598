//! The table at the end of the book: what recurrent networks are taught with, where this book explains
//! it, and the command or the test that shows it.
//!
//! The rows are in `coverage.toml`; a chapter shows them where its text says `{{coverage}}`. Whatever a
//! row names must be there: the chapter and the section, the test, the command and its options.

use crate::chapters::{Chapter, Sources, project_path};
use crate::problem::{Problem, Problems};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the table goes.
pub const MARK: &str = "{{coverage}}";

/// The whole table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The numbers of the rows that may still name what is not there.
    #[serde(default)]
    pending: Vec<usize>,
    row: Vec<Row>,
}

/// One row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: usize,
    /// What it is about.
    what: String,
    /// What you can see when it works.
    works: String,
    /// The chapter's file in `src`, perhaps with a section: `part3/lstm.md#the-picture`.
    chapter: String,
    /// What shows it: commands (`cargo rnn compare`) and tests (`models/tests/cells.rs: numbers_of_parameters`).
    shown: Vec<String>,
}

impl Coverage {
    /// Reads `coverage.toml` in `root`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(root: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(root.join("coverage.toml")).context("cannot read book/coverage.toml")?;
        toml::from_str(&text).context("book/coverage.toml")
    }

    /// The table in Markdown.
    pub fn table(&self, sources: &Sources) -> String {
        let mut table = String::from("<div class=\"coverage\">\n\n");
        table.push_str("| | what, and how you see that it works | chapter | shown by |\n|--:|---|---|---|\n");
        for Row { number, what, works, chapter, shown } in &self.row {
            let link = match chapter_of(chapter, sources) {
                Some(found) => format!("[{}]({chapter})", found.name),
                None => "to come".to_owned(),
            };
            let shown: Vec<String> = shown.iter().map(|shown| shown_in_table(shown)).collect();
            let shown = shown.join("<br>");
            table.push_str(&format!("| {number} | **{what}**: {works} | {link} | {shown} |\n"));
        }
        table + "\n</div>\n"
    }

    /// In words, which rows are still pending and which of them need not be; nothing when none are.
    pub fn pending(&self, sources: &Sources) -> Option<String> {
        let whole = |number: &&usize| {
            self.row.iter().any(|row| row.number == **number && row.missing(sources).is_empty())
        };
        let done: Vec<&usize> = self.pending.iter().filter(whole).collect();
        (!self.pending.is_empty()).then(|| {
            format!(
                "Rows still pending in coverage.toml: {:?}; of these nothing is missing in {done:?}.",
                self.pending
            )
        })
    }
}

/// A command as it is typed; a test by its name.
fn shown_in_table(shown: &str) -> String {
    format!("`{}`", shown.split_once(": ").map_or(shown, |(_, test)| test))
}

/// The chapter of `part3/lstm.md#the-picture`.
fn chapter_of<'a>(path: &str, sources: &'a Sources) -> Option<&'a Chapter> {
    let file = Path::new("book/src").join(path.split('#').next().unwrap_or(path));
    sources.chapters.iter().find(|chapter| chapter.file == file)
}

impl Row {
    /// What the row names and is not there.
    fn missing(&self, sources: &Sources) -> Vec<String> {
        let mut missing = Vec::new();
        match chapter_of(&self.chapter, sources) {
            None => missing.push(format!("there is no chapter {}", self.chapter)),
            Some(chapter) => {
                let section = self.chapter.split_once('#').map(|(_, section)| section);
                if section.is_some_and(|section| !sections(&chapter.text).iter().any(|id| id == section)) {
                    missing.push(format!("{}: the chapter has no such section", self.chapter));
                }
            }
        }
        let project = sources.root.join("..");
        missing.extend(self.shown.iter().filter_map(|shown| not_there(&project, shown)));
        missing
    }
}

/// The addresses of a chapter's headings, as mdBook makes them.
fn sections(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let id = |heading: &str| -> String {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().map(|c| if c.is_whitespace() { '-' } else { c });
        kept.filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(id).collect()
}

/// What is wrong with a command or a test.
fn not_there(project: &Path, shown: &str) -> Option<String> {
    let words: Vec<&str> = shown.split_whitespace().collect();
    match words[..] {
        ["cargo", "rnn", command, ..] => no_command(project, command, &words[3..]),
        ["cargo", "run", .., "--package", package, "--example", example] => {
            let file = project.join(format!("{package}/examples/{example}.rs"));
            (!file.is_file()).then(|| {
                format!("{shown}: there is no {}", project_path(&project.join("book"), &file).display())
            })
        }
        ["cargo", "bench", ..] => None,
        _ => match shown.split_once(": ") {
            Some((file, test)) => no_test(project, file, test),
            None => Some(format!("{shown}: neither a known command nor FILE: TEST")),
        },
    }
}

/// Looks for the subcommand and its options in the sources of `rnn`.
fn no_command(project: &Path, command: &str, arguments: &[&str]) -> Option<String> {
    let read = |name: &str| fs::read_to_string(project.join(format!("models/src/bin/rnn/{name}.rs")));
    let variant = format!("{command}::Args");
    let main = read("main").ok()?;
    let Some(source) = read(command).ok().filter(|_| main.contains(&variant)) else {
        return Some(format!("rnn has no command {command}"));
    };
    let tasks = fs::read_to_string(project.join("models/src/tasks/list.rs")).ok()?;
    if let Some(at) = arguments.iter().position(|word| *word == "--task") {
        let task = arguments.get(at + 1).copied().unwrap_or_default();
        if !tasks.contains(&format!("name: \"{task}\"")) {
            return Some(format!("rnn has no task {task}"));
        }
    }
    let mut options = arguments.iter().filter_map(|word| word.strip_prefix("--"));
    let unknown = options.find(|option| !source.contains(&format!(" {}:", option.replace('-', "_"))))?;
    Some(format!("rnn {command} has no option --{unknown}"))
}

/// Looks for a test, or for any function of that name, in a file.
fn no_test(project: &Path, file: &str, test: &str) -> Option<String> {
    let Ok(source) = fs::read_to_string(project.join(file)) else {
        return Some(format!("there is no file {file}"));
    };
    (!source.contains(&format!("fn {test}("))).then(|| format!("{file} has no test {test}"))
}

/// What prose names as `` `NAME` in `FILE.rs` `` and is not there.
pub fn check_names(prose: &str, root: &Path, line: usize, problems: &mut Problems<'_>) {
    let spans: Vec<&str> = prose.split('`').collect();
    let mut read = 0;
    for (at, window) in spans.windows(3).enumerate() {
        read += window[0].matches('\n').count();
        let [name, between, file] = window else { continue };
        let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
        let joined = between.split_whitespace().eq(["in"]);
        if at % 2 == 0 || !word || !joined || !file.ends_with(".rs") {
            continue;
        }
        match fs::read_to_string(root.join("..").join(file)) {
            Err(_) => problems.add(line + read, format!("there is no file {file}")),
            Ok(source) if !source.contains(name) => {
                problems.add(line + read, format!("there is no {name} in {file}"));
            }
            Ok(_) => {}
        }
    }
}

/// What the rows name and is not there, but for those that are pending.
///
/// # Errors
/// When `coverage.toml` cannot be read.
pub fn check(sources: &Sources) -> Result<Vec<Problem>> {
    let path = sources.root.join("coverage.toml");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let coverage = Coverage::load(&sources.root)?;
    let file = PathBuf::from("book/coverage.toml");
    let mut problems = Problems::new(&file);
    for (at, row) in coverage.row.iter().enumerate() {
        let line = text.lines().position(|l| l == format!("number = {}", row.number)).map_or(0, |l| l + 1);
        if row.number != at + 1 {
            problems.add(line, format!("row {} stands where row {} belongs", row.number, at + 1));
        }
        let missing = row.missing(sources);
        if !coverage.pending.contains(&row.number) {
            missing.into_iter().for_each(|what| problems.add(line, what));
        }
    }
    Ok(problems.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render;

    const TABLE: &str = "pending = [2]\n\n[[row]]\nnumber = 1\nwhat = 'a'\nworks = 'b'\nchapter = 'README.md'\nshown = []\n\n\
                         [[row]]\nnumber = 2\nwhat = 'a'\nworks = 'b'\nchapter = 'none.md'\nshown = []\n";

    /// The problems of a table like the one above, in a book that has a title page only.
    fn problems(table: &str) -> Vec<Problem> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("book");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("coverage.toml"), table).unwrap();
        let mut sources = Sources::load(render::root()).unwrap();
        sources.chapters.truncate(1);
        sources.chapters[0].text = "# The title\n".to_owned();
        sources.root = root;
        check(&sources).unwrap()
    }

    #[test]
    fn what_is_not_there_is_named_with_its_line() {
        assert_eq!(problems(TABLE), []);
        assert_eq!(problems(&TABLE.replace("README.md", "README.md#the-title")), []);
        for (from, to, line) in [
            ("README.md", "README.md#the-end", 4),
            ("README.md", "other.md", 4),
            ("[2]", "[]", 11),
            ("number = 1", "number = 3", 4),
            ("shown = []\n\n", "shown = ['models/none.rs: a_test']\n\n", 4),
        ] {
            let found = problems(&TABLE.replacen(from, to, 1));
            assert_eq!(found.iter().map(|p| p.line).collect::<Vec<_>>(), [line], "{from} → {to}: {found:?}");
        }
    }

    #[test]
    fn names_in_prose_are_looked_up() {
        let file = "`models/tests/cells.rs`";
        for (prose, lines) in [
            (format!("a `x`\n`fused_equals_equations` in {file}, `y`"), vec![]),
            (format!("a `x`\n`dream` in\n{file}, `y` in `z`"), vec![8]),
            ("`dream` in `models/tests/dream.rs`".to_owned(), vec![7]),
        ] {
            let mut problems = Problems::new(Path::new("chapter.md"));
            check_names(&prose, render::root(), 7, &mut problems);
            assert_eq!(problems.finish().iter().map(|p| p.line).collect::<Vec<_>>(), lines, "{prose}");
        }
    }

    #[test]
    fn commands_and_tests_are_looked_up() {
        let project = render::root().join("..");
        for good in [
            "cargo rnn compare --json",
            "cargo rnn train --task dates --teacher-forcing 0.5",
            "cargo run --package models --example hello",
            "models/tests/cells.rs: fused_equals_equations",
        ] {
            assert_eq!(not_there(&project, good), None);
        }
        for bad in [
            "cargo rnn dream",
            "cargo rnn compare --dream",
            "cargo rnn train --task dream",
            "cargo run --package models --example dream",
            "models/tests/cells.rs: dream",
            "models/tests/dream.rs: dream",
            "dream",
        ] {
            assert!(not_there(&project, bad).is_some(), "{bad}");
        }
    }
}
