//! Code that a chapter takes from a source file: `{{#include ../../models/src/cells/lstm.rs:backward}}`.
//!
//! mdBook replaces these by itself, but says nothing useful when a file or an anchor is gone. The
//! excerpt is what lies between the source's lines `ANCHOR: backward` and `ANCHOR_END: backward`.

use crate::problem::Problems;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// One `{{#include PATH:ANCHOR}}`.
#[derive(Debug, PartialEq)]
pub struct Include<'a> {
    /// How many lines of the text come before it.
    pub line: usize,
    /// The file, seen from the chapter's folder.
    pub path: &'a str,
    /// The excerpt's name; the whole file when `None`.
    pub anchor: Option<&'a str>,
    /// The include as it is written.
    pub text: &'a str,
}

/// The lines that an include stands for.
#[derive(Debug, PartialEq)]
pub struct Excerpt {
    /// The first of them, counted from 1 in its file.
    pub line: usize,
    /// The lines, without a line end after the last one.
    pub text: String,
}

/// Every include of a text; one behind a backslash is shown, not carried out.
pub fn includes(text: &str) -> Vec<Include<'_>> {
    let mut found = Vec::new();
    for (line, content) in text.lines().enumerate() {
        for (at, mark) in content.match_indices("{{#include ") {
            let Some(length) = content[at..].find("}}") else {
                continue;
            };
            if !content[..at].ends_with('\\') {
                let text = &content[at..at + length + 2];
                let inside = text[mark.len()..length].trim();
                let (path, anchor) = match inside.split_once(':') {
                    Some((path, anchor)) => (path, Some(anchor)),
                    None => (inside, None),
                };
                found.push(Include { line, path, anchor, text });
            }
        }
    }
    found
}

/// Reports the includes of `text` that give nothing; `folder` is the chapter's, `line` the text's first.
pub fn check(text: &str, folder: &Path, line: usize, problems: &mut Problems<'_>) {
    for include in includes(text) {
        if let Err(why) = excerpt(folder, &include) {
            problems.add(line + include.line, format!("include of {}: {why}", include.path));
        }
    }
    for other in ["{{#rustdoc_include", "{{#playground"] {
        if let Some(at) = text.find(other) {
            let line = line + text[..at].matches('\n').count();
            problems
                .add(line, format!("{other}}} is not used in this book, write {{{{#include FILE:ANCHOR}}}}"));
        }
    }
}

/// The lines that an include stands for, without the lines that mark them.
///
/// # Errors
/// When there are none, with the reason.
pub fn excerpt(folder: &Path, include: &Include<'_>) -> Result<Excerpt, String> {
    let source =
        fs::read_to_string(folder.join(include.path)).map_err(|e| format!("cannot read the file: {e}"))?;
    let all: Vec<&str> = source.lines().collect();
    let (from, to) = match include.anchor {
        Some(anchor) => between(&all, anchor)?,
        None => (0, all.len()),
    };
    let is_mark = |line: &str| line.contains("ANCHOR:") || line.contains("ANCHOR_END:");
    let lines: Vec<&str> = all[from..to].iter().copied().filter(|l| !is_mark(l)).collect();
    if lines.iter().all(|line| line.trim().is_empty()) {
        return Err("there is nothing in it".to_owned());
    }
    Ok(Excerpt { line: from + 1, text: lines.join("\n") })
}

/// From the line after `ANCHOR: name` to the line with `ANCHOR_END: name`.
fn between(lines: &[&str], name: &str) -> Result<(usize, usize), String> {
    if name.chars().next().is_none_or(|c| c.is_ascii_digit()) {
        let why = "line numbers go stale, name the excerpt with ANCHOR: and ANCHOR_END: in the file";
        return Err(why.to_owned());
    }
    let find = |mark: &str| {
        let marks = |line: &str| line.split_once(mark)?.1.split_whitespace().next().map(str::to_owned);
        let found = lines.iter().position(|line| marks(line).as_deref() == Some(name));
        found.ok_or_else(|| format!("the file has no line with {mark} {name}"))
    };
    let (from, to) = (find("ANCHOR:")? + 1, find("ANCHOR_END:")?);
    if from <= to { Ok((from, to)) } else { Err(format!("{name} ends before it begins")) }
}

/// `path` without `.` and `..`, as far as that goes without asking the disk.
pub fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if tidy.file_name().is_some() => {
                tidy.pop();
            }
            Component::CurDir => {}
            other => tidy.push(other),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    const SOURCE: &str = "a\n// ANCHOR: one\nb\n// ANCHOR: inner\nc\n// ANCHOR_END: inner\n// ANCHOR_END: one\n\
                          // ANCHOR: empty\n\n// ANCHOR_END: empty\n// ANCHOR: open\nd\n";

    fn problems(text: &str) -> Vec<Problem> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.rs"), SOURCE).unwrap();
        let mut problems = Problems::new(Path::new("chapter.md"));
        check(text, folder.path(), 5, &mut problems);
        problems.finish()
    }

    #[test]
    fn an_excerpt_is_the_lines_between_its_anchors() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.rs"), SOURCE).unwrap();
        let all = includes("x\n{{#include s.rs:one}} \\{{#include no.rs}}");
        let [one] = &all[..] else { panic!("{all:?}") };
        assert_eq!((one.line, one.path, one.anchor), (1, "s.rs", Some("one")));
        assert_eq!(one.text, "{{#include s.rs:one}}");
        let expected = Excerpt { line: 3, text: "b\nc".to_owned() };
        assert_eq!(excerpt(folder.path(), one), Ok(expected));
    }

    #[test]
    fn an_include_that_gives_nothing_is_named_with_its_line() {
        assert_eq!(problems("{{#include s.rs:one}} {{#include s.rs}}"), []);
        for bad in ["s.rs:two", "s.rs:empty", "s.rs:open", "s.rs:3:4", "none.rs", "s.rs:"] {
            let found = problems(&format!("\n{{{{#include {bad}}}}}"));
            assert_eq!(found.len(), 1, "{bad}");
            assert_eq!(found[0].line, 6, "{bad}");
        }
        assert_eq!(problems("{{#rustdoc_include s.rs}}").len(), 1);
    }

    #[test]
    fn paths_are_tidied() {
        assert_eq!(tidy(Path::new("book/src/part1/../../examples/./x.rs")), Path::new("book/examples/x.rs"));
    }
}
