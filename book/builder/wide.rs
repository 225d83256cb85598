//! Lines of code that are wider than the page: a reader has to scroll for their end.

use crate::blocks::{Block, blocks};
use crate::chapters::Sources;
use crate::includes::{excerpt, includes};
use crate::preprocess::indented;
use crate::problem::{Problem, Problems};

/// How many columns fit on the page, on a screen of 1200 pixels: see theme/unrolled.css.
pub const COLUMNS: usize = 100;

/// The chapters' lines of code that are wider, those of excerpts too.
pub fn lines(sources: &Sources) -> Vec<Problem> {
    let mut found = Vec::new();
    for chapter in &sources.chapters {
        let mut problems = Problems::new(&chapter.file);
        for block in blocks(&chapter.text) {
            let Block::Code(code) = block else { continue };
            let mut excerpts = includes(code.body).into_iter().peekable();
            for (at, content) in code.body.lines().enumerate() {
                let line = code.line + 1 + at;
                match excerpts.next_if(|include| include.line == at) {
                    // One that cannot be read is reported elsewhere.
                    Some(include) => {
                        let Ok(excerpt) = excerpt(&chapter.folder, &include) else { continue };
                        let shown = indented(&excerpt.text, "");
                        shown.lines().for_each(|content| check(content, include.path, line, &mut problems));
                    }
                    None => check(content, "the chapter", line, &mut problems),
                }
            }
        }
        found.extend(problems.finish());
    }
    found
}

fn check(content: &str, origin: &str, line: usize, problems: &mut Problems<'_>) {
    let width = content.chars().count();
    if width > COLUMNS {
        problems.add(line, format!("{width} columns from {origin}: {}", content.trim()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chapters::Chapter;
    use std::fs;
    use std::path::PathBuf;

    #[test]
    fn wide_lines_are_found_in_blocks_and_in_excerpts() {
        let folder = tempfile::tempdir().unwrap();
        let wide = "x".repeat(COLUMNS + 1);
        fs::write(folder.path().join("s.rs"), format!("    {}\n    {wide}\n", &wide[1..])).unwrap();
        let chapter = Chapter {
            name: "Chapter".to_owned(),
            file: PathBuf::from("chapter.md"),
            folder: folder.path().to_path_buf(),
            text: format!(
                "{wide}\n```text\nnarrow\n{wide}\n```\n```rust,ignore\n{{{{#include s.rs}}}}\n```\n"
            ),
        };
        let found = lines(&Sources { root: PathBuf::new(), chapters: vec![chapter] });
        assert_eq!(found.iter().map(|p| p.line).collect::<Vec<_>>(), [4, 7], "{found:?}");
    }
}
