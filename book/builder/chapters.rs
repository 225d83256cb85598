//! The chapters as their authors wrote them.

use crate::includes::tidy;
use crate::problem::Problem;
use anyhow::{Context, Result};
use mdbook_driver::MDBook;
use mdbook_driver::book::{Book, BookItem};
use std::fs;
use std::path::{Path, PathBuf};

/// One chapter.
#[derive(Clone, Debug)]
pub struct Chapter {
    /// Its title in `SUMMARY.md`.
    pub name: String,
    /// Its file, seen from the folder that holds the whole project, for messages.
    pub file: PathBuf,
    /// The folder its file lies in, from which it names other files.
    pub folder: PathBuf,
    /// Its Markdown.
    pub text: String,
}

/// Every chapter that `SUMMARY.md` lists, in its order.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The folder `book`.
    pub root: PathBuf,
    /// The chapters.
    pub chapters: Vec<Chapter>,
}

impl Sources {
    /// Reads the chapters of the book in `root`.
    ///
    /// # Errors
    /// When `book.toml`, `SUMMARY.md` or a file that it lists cannot be read.
    pub fn load(root: &Path) -> Result<Self> {
        Ok(Self::of(root, &MDBook::load(root).context("cannot load the book")?.book))
    }

    /// The chapters of a loaded book, before any preprocessing.
    pub fn of(root: &Path, book: &Book) -> Self {
        let chapters = book.iter().filter_map(|item| match item {
            BookItem::Chapter(chapter) => {
                let path = Path::new("src").join(chapter.source_path.as_ref()?);
                Some(Chapter {
                    name: chapter.name.clone(),
                    file: project_path(root, &root.join(&path)),
                    folder: root.join(path).parent()?.to_path_buf(),
                    text: chapter.content.clone(),
                })
            }
            _ => None,
        });
        Self { root: root.to_path_buf(), chapters: chapters.collect() }
    }

    /// The Markdown files in `src` that `SUMMARY.md` does not list: nobody would ever see them.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn unlisted(&self) -> Result<Vec<Problem>> {
        let files = markdown_files(&self.root.join("src"))?;
        let unlisted = files.iter().map(|path| project_path(&self.root, path)).filter(|file| {
            !file.ends_with("SUMMARY.md") && self.chapters.iter().all(|chapter| chapter.file != *file)
        });
        let what = "not in SUMMARY.md: list it there or delete it";
        Ok(unlisted.map(|file| Problem { file, line: 0, what: what.to_owned() }).collect())
    }
}

/// `path` as seen from the folder that holds the whole project: `book/src/part1/x.md`.
pub fn project_path(root: &Path, path: &Path) -> PathBuf {
    let project = tidy(&root.join(".."));
    let path = tidy(path);
    path.strip_prefix(&project).map(Path::to_path_buf).unwrap_or(path)
}

fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(markdown_files(&path)?);
        } else if path.extension().is_some_and(|e| e == "md") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
