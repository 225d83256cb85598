//! From a chapter as written to the Markdown that mdBook renders.

use crate::blocks::{Block, Code, blocks};
use crate::chapters::{Chapter, Sources, project_path};
use crate::coverage::{Coverage, MARK, check_names};
use crate::figures;
use crate::includes::{check, excerpt, includes};
use crate::maths::Maths;
use crate::problem::{Problem, Problems};
use anyhow::{Context, Result, bail};
use mdbook_driver::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use std::fs;
use std::path::Path;

/// The preprocessor of `book.toml`: formulas, figures, and where each excerpt and output comes from.
#[derive(Debug)]
pub struct Unrolled;

impl Preprocessor for Unrolled {
    fn name(&self) -> &str {
        "unrolled"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let sources = Sources::of(&context.root, &book);
        let (mut chapters, problems) = expand(&sources)?;
        if !problems.is_empty() {
            bail!(problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"));
        }
        chapters.reverse();
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && chapter.source_path.is_some()
                && let Some(text) = chapters.pop()
            {
                chapter.content = text;
            }
        });
        Ok(book)
    }
}

/// Every chapter's Markdown, in their order, and what is wrong with them.
///
/// # Errors
/// When `macros.toml` or `coverage.toml` cannot be read.
pub fn expand(sources: &Sources) -> Result<(Vec<String>, Vec<Problem>)> {
    let macros =
        fs::read_to_string(sources.root.join("macros.toml")).context("cannot read book/macros.toml")?;
    let maths = Maths::new(&macros)?;
    let mut problems = Vec::new();
    let mut texts = Vec::new();
    for chapter in &sources.chapters {
        let (mut text, found) = expand_chapter(&sources.root, chapter, &maths);
        if text.contains(MARK) {
            text = text.replace(MARK, &Coverage::load(&sources.root)?.table(sources));
        }
        texts.push(text);
        problems.extend(found);
    }
    Ok((texts, problems))
}

fn expand_chapter(root: &Path, chapter: &Chapter, maths: &Maths) -> (String, Vec<Problem>) {
    let mut problems = Problems::new(&chapter.file);
    let mut text = String::with_capacity(2 * chapter.text.len());
    for block in blocks(&chapter.text) {
        match block {
            Block::Prose { line, text: prose } => {
                check(prose, &chapter.folder, line, &mut problems);
                check_headings(prose, line, &mut problems);
                check_names(prose, root, line, &mut problems);
                text.push_str(&maths.prose(prose, line, &mut problems));
            }
            Block::Figure(figure) => {
                let caption = maths.prose(figure.caption, figure.line, &mut problems);
                match figures::html(&figure, &chapter.folder, &caption) {
                    Ok(html) => text.push_str(&html),
                    Err(why) => problems.add(figure.line, why),
                }
            }
            Block::Code(code) => {
                check_code(&code, &mut problems);
                check(code.body, &chapter.folder, code.line + 1, &mut problems);
                text.push_str(&expand_code(&code, root, chapter));
            }
        }
    }
    (text, problems.finish())
}

/// A formula in a heading would end up in the page's address and in the table of contents.
fn check_headings(prose: &str, line: usize, problems: &mut Problems<'_>) {
    for (at, content) in prose.lines().enumerate() {
        if content.starts_with('#') && content.contains('$') {
            problems.add(line + at, "no formulas in headings, say it in words");
        }
    }
}

/// What rustdoc would not run must be an excerpt from a file that some other test runs.
fn check_code(code: &Code<'_>, problems: &mut Problems<'_>) {
    let odd = |c: char| !(c.is_ascii_alphanumeric() || ", _-:".contains(c));
    if let Some(c) = code.info.chars().find(|&c| odd(c)) {
        problems.add(code.line, format!("rustdoc skips a block with a {c} behind its fence"));
    }
    let Some(language) = code.words().next() else {
        return problems.add(code.line, "say what the block holds: ```rust, ```text, ```sh …");
    };
    let excerpts = includes(code.body);
    let only_excerpts = excerpts.len() == code.body.lines().count();
    if language != "rust" {
        return;
    }
    if code.words().any(|w| w == "ignore") && !only_excerpts {
        problems.add(
            code.line,
            "code that is not run (ignore) must come from a source file by {{#include FILE:ANCHOR}}",
        );
    }
    if !code.words().any(|w| w == "ignore") && !excerpts.is_empty() {
        problems.add(code.line, "an excerpt is not run here, it belongs into a ```rust,ignore block");
    }
}

/// The block with its excerpts in place, below a line that says where they are or which command prints
/// them. mdBook would put the excerpts in by itself, but as far to the right as they stand in their file.
fn expand_code(code: &Code<'_>, root: &Path, chapter: &Chapter) -> String {
    let mut text = code.text.to_owned();
    let mut origin = code.value("output").map(|output| {
        let name = output.split(':').next().unwrap_or(output);
        format!("cargo run --package book --example {name}")
    });
    for include in includes(code.body) {
        // One that cannot be read has been reported.
        let Ok(excerpt) = excerpt(&chapter.folder, &include) else {
            continue;
        };
        text = text.replacen(include.text, &indented(&excerpt.text, code.indent), 1);
        let file = project_path(root, &chapter.folder.join(include.path));
        origin.get_or_insert_with(|| format!("{}:{}", file.display(), excerpt.line));
    }
    match origin {
        Some(origin) => {
            format!("{}<div class=\"origin\"><code>{origin}</code></div>\n\n{text}", code.indent)
        }
        None => text,
    }
}

/// The lines moved left as far as they all can be, then right to `indent`, which the first already has.
pub fn indented(lines: &str, indent: &str) -> String {
    let filled = lines.lines().filter(|l| !l.trim().is_empty());
    let spaces = filled.map(|l| l.len() - l.trim_start().len()).min().unwrap_or(0);
    let moved: Vec<&str> = lines.lines().map(|l| l.get(spaces..).unwrap_or("")).collect();
    moved.join(&format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn expanded(text: &str) -> (String, Vec<Problem>) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("book/src/part")).unwrap();
        fs::write(
            folder.path().join("book/src/code.rs"),
            "\n// ANCHOR: a\n    if x {\n\n        y\n    }\n// ANCHOR_END: a\n",
        )
        .unwrap();
        let chapter = Chapter {
            name: "Chapter".to_owned(),
            file: PathBuf::from("chapter.md"),
            folder: folder.path().join("book/src/part"),
            text: text.to_owned(),
        };
        expand_chapter(&folder.path().join("book"), &chapter, &Maths::new("").unwrap())
    }

    #[test]
    fn code_keeps_its_dollars_and_says_where_it_is_from() {
        let (text, problems) =
            expanded("$a$\n```rust,ignore\n{{#include ../code.rs:a}}\n```\n```sh\necho $HOME $1\n```\n");
        assert_eq!(problems, []);
        let excerpt = "```rust,ignore
if x {

    y
}
```
";
        let above = "<div class=\"origin\"><code>book/src/code.rs:3</code></div>

";
        assert!(text.contains(&format!("{above}{excerpt}")), "{text}");
        assert!(text.ends_with("```sh\necho $HOME $1\n```\n"), "{text}");
        let (text, _) = expanded("```text,output:demo:part\nx\n```\n");
        assert!(
            text.starts_with("<div class=\"origin\"><code>cargo run --package book --example demo</code>"),
            "{text}"
        );
    }

    #[test]
    fn untested_code_is_refused() {
        for (text, line) in [
            ("```\nx\n```\n", 1),
            ("a\n```rust,ignore\nlet x = 1;\n```\n", 2),
            ("```rust,ignore\n{{#include ../code.rs:a}}\nlet y = 2;\n```\n", 1),
            ("```rust\n{{#include ../code.rs:a}}\n```\n", 1),
            ("```rust,ignore\n{{#include ../code.rs:b}}\n```\n", 2),
            ("```rust,colours=x\nlet x = 1;\n```\n", 1),
            ("a\n\n## About $x$\n", 3),
        ] {
            let (_, problems) = expanded(text);
            assert_eq!(problems.iter().map(|p| p.line).collect::<Vec<_>>(), [line], "{text}: {problems:?}");
        }
    }
}
