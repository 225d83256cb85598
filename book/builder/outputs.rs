//! Output blocks: what a chapter shows as printed is what a program printed.
//!
//! A block ```` ```text,output:scalar_tape ```` holds everything that `book/examples/scalar_tape.rs`
//! prints; ```` ```text,output:scalar_tape:forward ```` the part below its line `== forward`.

use crate::blocks::{Block, blocks};
use crate::chapters::{Chapter, Sources};
use crate::problem::{Problem, Problems};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What each example printed, by its name.
pub type Outputs = BTreeMap<String, String>;

/// The names of the examples whose output the chapters show.
pub fn examples(sources: &Sources) -> Vec<String> {
    let mut names: Vec<String> = sources.chapters.iter().flat_map(|c| wanted(&c.text)).collect();
    names.sort();
    names.dedup();
    names
}

fn wanted(text: &str) -> Vec<String> {
    let codes =
        blocks(text).into_iter().filter_map(|b| if let Block::Code(code) = b { Some(code) } else { None });
    codes.filter_map(|c| Some(name_and_part(c.value("output")?).0.to_owned())).collect()
}

fn name_and_part(output: &str) -> (&str, Option<&str>) {
    output.split_once(':').map_or((output, None), |(name, part)| (name, Some(part)))
}

/// Runs the built examples.
///
/// # Errors
/// When one is missing, older than its source, or fails.
pub fn run(names: &[String]) -> Result<Outputs> {
    let folder = built_examples()?;
    names.iter().map(|name| Ok((name.clone(), run_one(&folder, name)?))).collect()
}

/// `target/<profile>/examples`, where cargo put the examples when it built this program.
fn built_examples() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let mut folder = program.parent().context("this program lies in no folder")?;
    if folder.ends_with("deps") {
        folder = folder.parent().unwrap_or(folder);
    }
    Ok(folder.join("examples"))
}

fn run_one(folder: &Path, name: &str) -> Result<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{name}.rs"));
    let written = fs::metadata(&source)
        .and_then(|m| m.modified())
        .with_context(|| format!("no example book/examples/{name}.rs"))?;
    let program = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let built = fs::metadata(&program).and_then(|m| m.modified());
    ensure!(
        built.is_ok_and(|built| built >= written),
        "the example {name} is not built, or not since it was changed: run `cargo build --package book --examples`"
    );
    let run =
        Command::new(&program).output().with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        run.status.success(),
        "the example {name} failed: {}",
        String::from_utf8_lossy(&run.stderr).trim()
    );
    Ok(String::from_utf8(run.stdout)?)
}

/// The output blocks that differ from what the examples printed.
pub fn differences(sources: &Sources, outputs: &Outputs) -> Vec<Problem> {
    sources.chapters.iter().flat_map(|chapter| differences_in(chapter, outputs)).collect()
}

fn differences_in(chapter: &Chapter, outputs: &Outputs) -> Vec<Problem> {
    let mut problems = Problems::new(&chapter.file);
    for block in blocks(&chapter.text) {
        let Block::Code(code) = block else { continue };
        let Some(output) = code.value("output") else {
            continue;
        };
        match expected(output, outputs) {
            Err(why) => problems.add(code.line, why),
            Ok(expected) => {
                if let Some((at, shown, printed)) = first_difference(code.body, &expected, code.indent) {
                    let what = format!(
                        "the chapter shows {shown:?}, the program prints {printed:?}: mend either, or run `cargo book update-outputs`"
                    );
                    problems.add(code.line + 1 + at, what);
                }
            }
        }
    }
    problems.finish()
}

fn first_difference(body: &str, expected: &str, indent: &str) -> Option<(usize, String, String)> {
    let shown: Vec<&str> = body.lines().map(|l| l.strip_prefix(indent).unwrap_or(l)).collect();
    let printed: Vec<&str> = expected.lines().collect();
    let line = |lines: &[&str], at: usize| lines.get(at).unwrap_or(&"").to_string();
    let at = (0..shown.len().max(printed.len())).find(|&at| shown.get(at) != printed.get(at))?;
    Some((at, line(&shown, at), line(&printed, at)))
}

/// What a block with this `output:` must hold.
fn expected(output: &str, outputs: &Outputs) -> Result<String, String> {
    let (name, part) = name_and_part(output);
    let printed = outputs.get(name).ok_or_else(|| format!("the example {name} was not run"))?;
    match part {
        None => Ok(printed.trim_end().to_owned() + "\n"),
        Some(part) => section(printed, part).ok_or_else(|| format!("{name} prints no line \"== {part}\"")),
    }
}

/// The lines below `== part`, up to the next such line, without blank lines at either end.
fn section(printed: &str, part: &str) -> Option<String> {
    let title =
        |line: &str| line.strip_prefix("== ").map(|t| t.split([':', ' ']).next().unwrap_or(t).to_owned());
    let mut lines = printed.lines().skip_while(|l| title(l).as_deref() != Some(part));
    lines.next()?;
    let lines: Vec<&str> = lines.take_while(|l| title(l).is_none()).collect();
    Some(lines.join("\n").trim_matches('\n').to_owned() + "\n")
}

/// The chapter with its output blocks holding what the examples printed.
///
/// # Errors
/// When a block names an example that was not run, or a part that it does not print.
pub fn updated(text: &str, outputs: &Outputs) -> Result<String, String> {
    let mut new = String::with_capacity(text.len());
    for block in blocks(text) {
        match &block {
            Block::Code(code) if code.value("output").is_some() => {
                let (fence, rest) = code.text.split_once('\n').unwrap_or((code.text, ""));
                new.push_str(fence);
                new.push('\n');
                for line in expected(code.value("output").unwrap_or_default(), outputs)?.lines() {
                    new.push_str(format!("{}{line}", code.indent).trim_end());
                    new.push('\n');
                }
                new.push_str(&rest[code.body.len()..]);
            }
            other => new.push_str(other.text()),
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAPTER: &str =
        "text\n\n```text,output:demo:two\nold\n```\n- item\n  ```text,output:demo\n  ```\nend\n";
    const PRINTED: &str = "== one: first\na\n\n== two\n\nb\nc\n\n== three\n";

    fn outputs() -> Outputs {
        Outputs::from([("demo".to_owned(), PRINTED.to_owned())])
    }

    fn chapter(text: String) -> Chapter {
        Chapter {
            name: "Chapter".to_owned(),
            file: PathBuf::from("chapter.md"),
            folder: PathBuf::new(),
            text,
        }
    }

    #[test]
    fn a_block_that_differs_is_named_and_can_be_rewritten() {
        let problems = differences_in(&chapter(CHAPTER.to_owned()), &outputs());
        assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), [4, 8]);
        assert!(problems[0].what.contains("shows \"old\", the program prints \"b\""), "{}", problems[0]);

        let new = updated(CHAPTER, &outputs()).unwrap();
        assert!(new.starts_with("text\n\n```text,output:demo:two\nb\nc\n```\n- item\n"), "{new}");
        assert!(new.ends_with("  == three\n  ```\nend\n"), "{new}");
        assert_eq!(differences_in(&chapter(new), &outputs()), []);
    }

    #[test]
    fn a_block_without_its_program_or_part_is_named() {
        for text in ["```text,output:other\n```\n", "```text,output:demo:four\n```\n"] {
            assert_eq!(differences_in(&chapter(text.to_owned()), &outputs()).len(), 1);
            assert!(updated(text, &outputs()).is_err());
        }
        assert!(run(&["no_such_example".to_owned()]).is_err());
    }
}
