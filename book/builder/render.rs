//! From the sources to the finished pages.

use crate::chapters::Sources;
use crate::coverage;
use crate::pages;
use crate::preprocess::{self, Unrolled};
use crate::problem::Problem;
use anyhow::Result;
use mdbook_driver::MDBook;
use std::path::{Path, PathBuf};

/// The folder `book` of this checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds the pages of the book in `root` into `folder`. Nothing is built while a chapter has problems:
/// they are returned instead.
///
/// # Errors
/// When the book cannot be read or its pages cannot be written.
pub fn build(root: &Path, folder: PathBuf) -> Result<Vec<Problem>> {
    let problems = check_sources(root)?;
    if problems.is_empty() {
        let mut book = MDBook::load(root)?;
        book.config.build.build_dir = folder;
        book.with_preprocessor(Unrolled);
        book.build()?;
    }
    Ok(problems)
}

/// What is wrong with the chapters as they are written.
///
/// # Errors
/// When the book cannot be read.
pub fn check_sources(root: &Path) -> Result<Vec<Problem>> {
    let sources = Sources::load(root)?;
    let mut problems = sources.unlisted()?;
    problems.extend(coverage::check(&sources)?);
    problems.extend(preprocess::expand(&sources)?.1);
    Ok(problems)
}

/// Builds the book into `folder` and reports what is wrong with its sources or, once those are sound,
/// with its pages.
///
/// # Errors
/// As [`build`].
pub fn check(root: &Path, folder: PathBuf) -> Result<Vec<Problem>> {
    let problems = build(root, folder.clone())?;
    if problems.is_empty() { pages::check(&folder, &Sources::load(root)?) } else { Ok(problems) }
}
