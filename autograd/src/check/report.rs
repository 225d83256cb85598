//! What a gradient check found, on one screen.

use super::Input;
use std::fmt;

/// Whether the numeric derivative can be trusted where the two disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The differences agree with each other at several steps: the rule is wrong.
    Stable,
    /// They do not: the function is too rough or too large at this point for a verdict.
    Noise,
    /// The slopes to the left and to the right differ: there is no derivative at this point.
    Kink,
}

/// One compared derivative.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Row of the entry, or the number of the random direction.
    pub row: usize,
    /// Column of the entry.
    pub col: usize,
    /// What the backward pass says.
    pub yours: f64,
    /// What the differences say.
    pub numeric: f64,
    /// `|yours − numeric|`, less what rounding explains, over the larger of the two.
    pub error: f64,
    /// Whether the error is above the tolerance.
    pub wrong: bool,
    /// Whether the disagreement can be trusted.
    pub trust: Trust,
}

/// What the check found for one input.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterReport {
    /// The input's name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Its columns.
    pub cols: usize,
    /// How many entries, or directions, were compared.
    pub checked: usize,
    /// How many of those disagree.
    pub wrong: usize,
    /// Whether random directions were compared and not entries.
    pub directions: bool,
    /// The largest relative error.
    pub relative_error: f64,
    /// The entry with that error.
    pub worst: Option<Entry>,
    /// Every compared derivative, in order.
    pub entries: Vec<Entry>,
    /// Whether the disagreements can be trusted: stable if one of them can.
    pub trust: Trust,
}

impl ParameterReport {
    pub(super) fn new(input: &Input, checked: usize) -> Self {
        let (name, rows, cols) = (input.name.clone(), input.rows, input.cols);
        let (relative_error, trust) = (0.0, Trust::Stable);
        Self {
            name,
            rows,
            cols,
            checked,
            wrong: 0,
            directions: false,
            relative_error,
            worst: None,
            entries: Vec::new(),
            trust,
        }
    }

    pub(super) fn along_directions(mut self) -> Self {
        self.directions = true;
        self
    }

    pub(super) fn add(&mut self, entry: Entry) {
        if entry.wrong {
            let first = self.wrong == 0;
            self.wrong += 1;
            if first || entry.trust == Trust::Stable {
                self.trust = entry.trust;
            }
        }
        if self.worst.as_ref().is_none_or(|worst| entry.error.is_nan() || entry.error > worst.error) {
            self.relative_error = entry.error;
            self.worst = Some(entry.clone());
        }
        self.entries.push(entry);
    }
}

/// What the check found. Prints on one screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// One report per input, in order.
    pub parameters: Vec<ParameterReport>,
    /// The seed that repeats the check.
    pub seed: u64,
    /// The largest relative error that passes.
    pub tolerance: f64,
    /// Whether every entry was compared, or random directions.
    pub every_entry: bool,
}

impl Report {
    /// Whether every compared derivative agrees.
    pub fn passed(&self) -> bool {
        self.parameters.iter().all(|p| p.wrong == 0)
    }

    /// Whether a disagreement was found that the differences themselves confirm. A check that
    /// neither passed nor is wrong is in doubt: it was made at a kink, or rounding drowned it.
    pub fn wrong(&self) -> bool {
        self.parameters.iter().any(|p| p.wrong > 0 && p.trust == Trust::Stable)
    }

    /// Does nothing if the check passed.
    ///
    /// # Panics
    /// With the report if it did not.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.passed(), "\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (self.passed(), self.wrong()) {
            (true, _) => "passed",
            (false, true) => "FAILED",
            (false, false) => "IN DOUBT: the check, not the gradient, may be wrong",
        };
        writeln!(f, "gradient check {verdict}  (seed {}, tolerance {:e})", self.seed, self.tolerance)?;
        let width = self.parameters.iter().map(|p| p.name.chars().count()).max().unwrap_or(0).max(9);
        writeln!(f, "  {:width$}  {:>9}  {:>14}  {:>9}", "parameter", "shape", "wrong", "error")?;
        self.parameters.iter().try_for_each(|p| p.line(f, width))
    }
}

impl ParameterReport {
    fn line(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        let shape = format!("{}×{}", self.rows, self.cols);
        let what = if self.directions { " dirs" } else { "" };
        let wrong = format!("{} of {}{what}", self.wrong, self.checked);
        write!(f, "  {:width$}  {shape:>9}  {wrong:>14}  {:>9.1e}", self.name, self.relative_error)?;
        let Some(worst) = self.worst.as_ref().filter(|_| self.wrong > 0) else { return writeln!(f, "  ok") };
        let place = if self.directions {
            format!("along direction {}", worst.row)
        } else {
            format!("at ({}, {})", worst.row, worst.col)
        };
        write!(f, "  worst {place}: yours {:.6e}, numeric {:.6e}", worst.yours, worst.numeric)?;
        match self.trust {
            Trust::Stable => writeln!(f),
            Trust::Noise => writeln!(f, "  (noise: the steps disagree among themselves)"),
            Trust::Kink => writeln!(f, "  (kink: no derivative at this point)"),
        }
    }
}
