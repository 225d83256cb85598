//! What is wrong in a chapter, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// Something that an author has to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, seen from the folder that holds the whole project.
    pub file: PathBuf,
    /// Its line, counted from 1; 0 when no single line is to blame.
    pub line: usize,
    /// What is wrong and how to mend it, in one line.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.what),
        }
    }
}

/// Collects the problems of one file.
#[derive(Debug)]
pub struct Problems<'a> {
    file: &'a Path,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    /// An empty collection for `file`.
    pub fn new(file: &'a Path) -> Self {
        Self { file, found: Vec::new() }
    }

    /// One more, in `line` of the file (0: the file as a whole).
    pub fn add(&mut self, line: usize, what: impl Into<String>) {
        self.found.push(Problem { file: self.file.to_path_buf(), line, what: what.into() });
    }

    /// What was collected, in the order of the lines, each problem once.
    pub fn finish(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|p| p.line);
        self.found.dedup();
        self.found
    }
}
