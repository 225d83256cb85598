//! Marks the exercises that learners have handed in.
//!
//! Of a learner's file only what stands above its tests counts: it is put over the exercise's own tests, in a
//! copy of the exercises ([`workshop`]), built, and run there with a time limit ([`judge`]). Nothing is
//! written or started in the learner's folder.

pub mod handed_in;
pub mod judge;
pub mod table;
pub mod workshop;

use anyhow::{Context, Result};
use handed_in::HandedIn;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use workshop::Workshop;

/// One exercise, as `info.toml` lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct Exercise {
    /// Its name, which is that of its file.
    pub name: String,
    /// The folder in `exercises/` that the file lies in.
    pub dir: String,
}

impl Exercise {
    /// Its file, seen from `exercises/`.
    pub fn file(&self) -> PathBuf {
        Path::new(&self.dir).join(&self.name).with_extension("rs")
    }
}

/// What one exercise of one learner is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// The folder, as it was given.
    pub learner: String,
    /// The exercise.
    pub name: String,
    /// Tests that passed.
    pub passed: usize,
    /// Tests that did not, those that never ran among them.
    pub failed: usize,
    /// What the first failed test says; nothing if all have passed.
    pub diagnosis: String,
}

impl Mark {
    /// Whether every test has passed.
    pub fn solved(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

/// The exercises in `folder`, in the book's order.
///
/// # Errors
/// When its `info.toml` cannot be read.
pub fn exercises(folder: &Path) -> Result<Vec<Exercise>> {
    #[derive(Deserialize)]
    struct Info {
        exercises: Vec<Exercise>,
    }
    let file = folder.join("info.toml");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let info: Info = toml::from_str(&text).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(info.exercises)
}

/// Marks what one learner has handed in, with `limit` for the tests of each exercise. `project` is the folder of the whole
/// project.
///
/// # Errors
/// When the copy cannot be written, or cargo does not start.
pub fn grade(project: &Path, learner: &HandedIn, limit: Duration) -> Result<Vec<Mark>> {
    let workshop = Workshop::open(project)?;
    let programs = workshop.build(learner)?;
    let mark = |(exercise, tests): &(Exercise, usize)| {
        let (passed, failed, diagnosis) = match programs.get(&exercise.name) {
            None => (0, *tests, "not handed in".to_owned()),
            Some(Err(error)) => (0, *tests, error.clone()),
            Some(Ok(program)) => judge::run(program, workshop.folder(), *tests, limit)?,
        };
        let (learner, name) = (learner.name.clone(), exercise.name.clone());
        Ok(Mark { learner, name, passed, failed, diagnosis })
    };
    workshop.exercises().iter().map(mark).collect()
}
