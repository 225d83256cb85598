//! What comes out of experiments, and the file that keeps it.
//!
//! The file is JSON, and its schema is the types of this module, field by field: an object is a struct, a list a `Vec`,
//! and `null` stands where an `Option` has nothing. Unknown fields are refused. A change of meaning changes
//! [`Results::VERSION`].

use super::{Contender, Experiment};
use crate::choice::Invalid;
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// The version of this schema: [`Results::VERSION`].
    pub version: u32,
    /// One for each experiment, in order.
    pub experiments: Vec<Outcome>,
}

/// One experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The task's name.
    pub task: String,
    /// What it asks, in a line.
    pub summary: String,
    /// When it is solved.
    pub solved: String,
    /// What the loss is, and on what it is measured.
    pub measure: String,
    /// What can be reached without learning, or cannot be passed, if that is known.
    pub baseline: Option<String>,
    /// Units of every recurrent layer.
    pub hidden: usize,
    /// Examples of a step.
    pub batch: usize,
    /// The budget: steps at most.
    pub steps: u64,
    /// Steps between two exams.
    pub every: u64,
    /// The learning rates to choose from. One alone: nothing was chosen.
    pub rates: Vec<f64>,
    /// What is shown point by point, if anything.
    pub profile: Option<Profile>,
    /// One line for each network, in order.
    pub networks: Vec<Line>,
}

/// What a task shows point by point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What is shown.
    pub of: String,
    /// The points' labels.
    pub labels: Vec<String>,
}

/// One network of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The network's name.
    pub network: String,
    /// How many numbers it learns.
    pub parameters: usize,
    /// The learning rate that was chosen.
    pub rate: f64,
    /// The runs that chose it, one for each rate, with a seed that is not reported. Empty if there was no choice.
    pub trials: Vec<Run>,
    /// The runs that are reported, one for each seed.
    pub runs: Vec<Run>,
    /// How many of them solved the task.
    pub solved: usize,
    /// Steps to solve it, over those that did.
    pub steps: Option<Spread>,
    /// Seconds to solve it, on one thread, exams included, over those that did.
    pub seconds: Option<Spread>,
    /// Milliseconds per step, exams included, over all runs.
    pub ms_per_step: Option<Spread>,
    /// The loss at the end, over those that have one.
    pub loss: Option<Spread>,
    /// The share of right answers at the end.
    pub right: Option<Spread>,
    /// The median of each point of the profile.
    pub profile: Vec<f64>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Its learning rate.
    pub rate: f64,
    /// The steps it made: fewer than the budget if it solved the task or its loss was no longer finite.
    pub steps: u64,
    /// Whether it solved the task, which it then did after just these steps.
    pub solved: bool,
    /// How long it took.
    pub seconds: f64,
    /// The loss of its last exam; none if that was not finite.
    pub loss: Option<f64>,
    /// The share of right answers in its last exam.
    pub right: Option<f64>,
    /// The profile of its last exam.
    pub profile: Vec<f64>,
}

/// A median, and what lies around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The median: of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these numbers; none of none.
    ///
    /// ```
    /// let spread = models::experiments::Spread::of([3.0, 1.0, 2.0, 10.0]).unwrap();
    /// assert_eq!((spread.median, spread.least, spread.most), (2.5, 1.0, 10.0));
    /// ```
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = [sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]];
        Some(Self {
            median: rounded((middle[0] + middle[1]) / 2.0),
            least: rounded(least),
            most: rounded(most),
        })
    }
}

/// To seven digits: those of an `f32`, which the networks compute with. Numbers so short are read back bit for bit.
pub(super) fn rounded(figure: f64) -> f64 {
    format!("{figure:.6e}").parse().expect("a number was written")
}

impl Run {
    /// Whether it did better than another: solved the task, or solved it earlier, or ended with a lower loss.
    pub fn is_better(&self, other: &Self) -> bool {
        let loss = |run: &Self| run.loss.unwrap_or(f64::INFINITY);
        match (self.solved, other.solved) {
            (true, true) => self.steps < other.steps,
            (false, false) => loss(self) < loss(other),
            (solved, _) => solved,
        }
    }
}

impl Line {
    /// Sums up a network's runs.
    pub fn new(network: &Contender, parameters: usize, rate: f64, trials: Vec<Run>, runs: Vec<Run>) -> Self {
        let solved = || runs.iter().filter(|run| run.solved);
        let points = runs.iter().map(|run| run.profile.len()).max().unwrap_or_default();
        let point = |k: usize| Spread::of(runs.iter().filter_map(|run| run.profile.get(k).copied()));
        Self {
            network: network.name.into(),
            parameters,
            rate,
            solved: solved().count(),
            steps: Spread::of(solved().map(|run| run.steps as f64)),
            seconds: Spread::of(solved().map(|run| run.seconds)),
            ms_per_step: Spread::of(runs.iter().map(|run| 1e3 * run.seconds / run.steps.max(1) as f64)),
            loss: Spread::of(runs.iter().filter_map(|run| run.loss)),
            right: Spread::of(runs.iter().filter_map(|run| run.right)),
            profile: (0..points).filter_map(|k| Some(point(k)?.median)).collect(),
            trials,
            runs,
        }
    }
}

impl Outcome {
    /// Of an experiment whose networks have not run yet.
    pub fn new(experiment: &Experiment, steps: u64, rates: &[f64]) -> Self {
        let info = experiment.info();
        Self {
            task: experiment.task.into(),
            summary: info.summary.into(),
            solved: info.solved.into(),
            measure: info.measure.into(),
            baseline: None,
            hidden: experiment.hidden,
            batch: experiment.batch,
            steps,
            every: experiment.every,
            rates: rates.to_vec(),
            profile: None,
            networks: Vec::new(),
        }
    }
}

impl Results {
    /// The version that is written and can be read.
    pub const VERSION: u32 = 1;

    /// The text of the file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and texts can be written") + "\n"
    }

    /// Reads what [`Results::to_json`] wrote.
    ///
    /// # Errors
    /// If it is something else, or of another version.
    pub fn from_json(text: &str) -> Result<Self, Invalid> {
        let results: Self = serde_json::from_str(text).map_err(|e| Invalid(format!("no results: {e}")))?;
        match results.version {
            Self::VERSION => Ok(results),
            found => Err(Invalid(format!("version {found}; this program reads version {}", Self::VERSION))),
        }
    }
}
