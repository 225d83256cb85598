//! A copy of the exercises, in which a learner's code meets the exercises' own tests.

use super::Exercise;
use super::handed_in::HandedIn;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

/// The line at which an exercise's tests begin.
const TESTS: &str = "#[cfg(test)]";

/// The copy, in `target/grade`. It is ours alone as long as this value lives.
pub struct Workshop {
    folder: PathBuf,
    /// The exercises as they come.
    original: PathBuf,
    exercises: Vec<(Exercise, usize)>,
    _lock: File,
}

impl Workshop {
    /// Copies what the exercises share, after a wait for whoever is grading already.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn open(project: &Path) -> Result<Self> {
        let project = project.canonicalize()?;
        let (original, folder) = (project.join("book/exercises"), project.join("target/grade"));
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock().context("cannot lock target/grade")?;
        copy_folder(&original.join("src"), &folder.join("src"))?;
        copy(&original.join("Cargo.lock"), &folder.join("Cargo.lock"))?;
        let count = |exercise: Exercise| {
            let tests = read(&original.join("exercises").join(exercise.file()))?.matches("#[test]").count();
            Ok((exercise, tests))
        };
        let exercises = super::exercises(&original)?.into_iter().map(count).collect::<Result<_>>()?;
        Ok(Self { folder, original, exercises, _lock: lock })
    }

    /// Where the copy is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every exercise, and how many tests it has.
    pub fn exercises(&self) -> &[(Exercise, usize)] {
        &self.exercises
    }

    /// Builds the tests of what was handed in: a program for each exercise, or why there is none.
    ///
    /// # Errors
    /// When the copy cannot be written, or cargo does not start.
    pub fn build(&self, learner: &HandedIn) -> Result<BTreeMap<String, Result<PathBuf, String>>> {
        let mut programs = BTreeMap::new();
        let mut bins = String::new();
        for (name, path) in &learner.files {
            let Some((exercise, _)) = self.exercises.iter().find(|(exercise, _)| exercise.name == *name)
            else {
                continue;
            };
            let own = read(&self.original.join("exercises").join(exercise.file()))?;
            match fs::read_to_string(path) {
                Err(error) => programs.insert(name.clone(), Err(format!("cannot be read: {error}"))),
                Ok(theirs) => {
                    write(&self.folder.join(name).with_extension("rs"), &joined(&theirs, &own))?;
                    bins += &format!("  {{ name = \"{name}\", path = \"{name}.rs\" }},\n");
                    programs.insert(name.clone(), Err("does not compile".to_owned()))
                }
            };
        }
        let manifest = read(&self.original.join("Cargo.toml"))?;
        write(&self.folder.join("Cargo.toml"), &with_bins(&manifest, &bins, &self.original))?;
        for message in self.cargo()?.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            read_message(&message, &mut programs);
        }
        Ok(programs)
    }

    /// What cargo says, message by message, while it builds all tests that can be built.
    fn cargo(&self) -> Result<String> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments =
            ["build", "--tests", "--keep-going", "--locked", "--quiet", "--message-format", "json"];
        let mut command = Command::new(cargo);
        command.args(arguments).current_dir(&self.folder);
        let output = command.output().context("cannot start cargo")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        // A learner's mistake is a message; without one it is not the learner who is to blame.
        let blame = output.status.success() || said.contains("\"compiler-message\"");
        anyhow::ensure!(blame, "cargo cannot build: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(said)
    }
}

/// The learner's code above the exercise's tests: what a learner does to the tests does not count.
fn joined(theirs: &str, own: &str) -> String {
    let code = theirs.split_once(TESTS).map_or(theirs, |(code, _)| code);
    let tests = own.split_once(TESTS).map_or("", |(_, tests)| tests);
    format!("{code}\n{TESTS}{tests}")
}

/// The manifest of the exercises with other programs; its paths, which are relative, made absolute.
fn with_bins(manifest: &str, bins: &str, original: &Path) -> String {
    let (before, rest) = manifest.split_once("bin = [").unwrap_or((manifest, "]"));
    let after = rest.split_once(']').map_or("", |(_, after)| after);
    let project = original.join("../..").display().to_string();
    format!("{before}bin = [\n{bins}]{after}").replace("path = \"../..", &format!("path = \"{project}"))
}

/// A program that was built, or an error that says why it was not.
fn read_message(message: &Value, programs: &mut BTreeMap<String, Result<PathBuf, String>>) {
    let Some(program) = message["target"]["name"].as_str().and_then(|name| programs.get_mut(name)) else {
        return;
    };
    if let Some(path) = message["executable"].as_str() {
        *program = Ok(path.into());
    }
    let error = &message["message"];
    if error["level"] == "error" && *program == Err("does not compile".to_owned()) {
        let line = error["spans"][0]["line_start"].as_u64().map_or(String::new(), |n| format!(", line {n}"));
        *program = Err(format!("does not compile{line}: {}", error["message"].as_str().unwrap_or_default()));
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes only what has changed: cargo looks at the time.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    write(to, &read(from)?)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries: io::Result<Vec<_>> = fs::read_dir(from)?.collect();
    entries?.iter().try_for_each(|entry| copy(&entry.path(), &to.join(entry.file_name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_above_the_tests_is_theirs() {
        let own = "fn f() -> i32 { 0 }\n\n#[cfg(test)]\nmod tests { own }\n";
        let want = "fn f() -> i32 { 1 }\n\n#[cfg(test)]\nmod tests { own }\n";
        assert_eq!(joined("fn f() -> i32 { 1 }\n#[cfg(test)]\nmod tests { nothing }\n", own), want);
        assert_eq!(joined("fn f() -> i32 { 1 }\n", own), want);
    }

    #[test]
    fn other_programs_and_absolute_paths() {
        let manifest = "bin = [\n  { name = \"a\", path = \"exercises/a.rs\" },\n]\n[dependencies]\nb = { path = \"../../b\" }\n";
        let changed =
            with_bins(manifest, "  { name = \"c\", path = \"c.rs\" },\n", Path::new("/p/book/exercises"));
        let want = "bin = [\n  { name = \"c\", path = \"c.rs\" },\n]\n[dependencies]\nb = { path = \"/p/book/exercises/../../b\" }\n";
        assert_eq!(changed, want);
    }

    #[test]
    fn the_first_error_is_told_and_a_program_is_found() {
        let waiting = || Err("does not compile".to_owned());
        let mut programs = BTreeMap::from([("a".to_owned(), waiting()), ("b".to_owned(), waiting())]);
        for message in [
            r#"{"target":{"name":"a"},"message":{"level":"error","message":"mismatched types","spans":[{"line_start":7}]}}"#,
            r#"{"target":{"name":"a"},"message":{"level":"error","message":"aborting","spans":[]}}"#,
            r#"{"target":{"name":"b"},"message":{"level":"warning","message":"unused","spans":[]}}"#,
            r#"{"target":{"name":"b"},"executable":"/t/b"}"#,
            r#"{"target":{"name":"exercises"},"executable":null}"#,
        ] {
            read_message(&serde_json::from_str(message).unwrap(), &mut programs);
        }
        assert_eq!(programs["a"], Err("does not compile, line 7: mismatched types".to_owned()));
        assert_eq!(programs["b"], Ok(PathBuf::from("/t/b")));
    }
}
