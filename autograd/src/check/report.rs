//! What a gradient check found, on one screen.

use super::map::Map;
use super::{Check, Diagnosis, Input, Since};
use std::fmt;
use std::io::IsTerminal;

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
    /// The names of its blocks of rows: gates, or time steps.
    pub blocks: Vec<String>,
    /// Your gradient and the right one, `[entry][cotangent]`.
    pub(super) yours: Vec<Vec<f64>>,
    pub(super) right: Vec<Vec<f64>>,
}

impl ParameterReport {
    pub(super) fn new(input: &Input, checked: usize) -> Self {
        let (name, rows, cols) = (input.name.clone(), input.rows, input.cols);
        let (relative_error, trust) = (0.0, Trust::Stable);
        let (blocks, yours, right) = (input.blocks.clone(), Vec::new(), Vec::new());
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
            blocks,
            yours,
            right,
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

/// What the check found. Prints on one screen; with colours as `{:#}`.
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
    /// Which kind of mistake it looks like.
    pub diagnosis: Diagnosis,
    /// Since which quantity the backward pass is wrong, if quantities could be compared.
    pub since: Option<Since>,
    /// Where the derivation can be read.
    pub book: Option<String>,
    /// The test that made the check.
    pub test: Option<String>,
}

impl Report {
    pub(super) fn new(parameters: Vec<ParameterReport>, check: &Check, every_entry: bool) -> Self {
        let (seed, tolerance, book) = (check.seed, check.tolerance, check.book.clone());
        // The test harness names a thread after its test.
        let thread = std::thread::current();
        let test = thread.name().filter(|name| *name != "main").map(String::from);
        let diagnosis = Diagnosis::default();
        Self { parameters, seed, tolerance, every_entry, diagnosis, since: None, book, test }
    }

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
        assert!(self.passed(), "\n{}", self.screen(std::io::stderr().is_terminal()));
    }

    /// The report with colours, if it goes to a terminal and the variable `NO_COLOR` is not set.
    pub fn screen(&self, terminal: bool) -> String {
        let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if colours { format!("{self:#}") } else { self.to_string() }
    }

    /// Whether the differences agree with these gradients: `[cotangent][input][entry]`.
    pub(super) fn confirms(&self, right: &[Vec<Vec<f64>>]) -> bool {
        self.parameters.iter().enumerate().all(|(k, p)| {
            right.iter().enumerate().all(|(c, gradients)| {
                let largest = gradients[k].iter().fold(0.0, |m: f64, x| m.max(x.abs()));
                let close = |(x, numeric): (&f64, &Vec<f64>)| (x - numeric[c]).abs() <= 1e-5 * largest;
                gradients[k].len() == p.right.len()
                    && (largest == 0.0 || gradients[k].iter().zip(&p.right).all(close))
            })
        })
    }

    fn diagnosis(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        if let Some(Since { last_right, first_wrong }) = &self.since {
            let right = last_right.as_ref().map_or(String::new(), |name| format!("right up to {name}, "));
            writeln!(f, "  going backward: {right}first wrong: {first_wrong}")?;
        }
        if !self.every_entry {
            return Ok(());
        }
        match self.diagnosis.findings.as_slice() {
            [] => writeln!(f, "  looks like: unsure, no known pattern fits every entry")?,
            findings => {
                for (number, finding) in findings.iter().enumerate() {
                    let intro = if number == 0 { "looks like:" } else { "or, as well:" };
                    let kind = paint.strong(finding.kind.name());
                    writeln!(f, "  {intro} {kind}\n    {}", finding.place)?;
                }
            }
        }
        Ok(())
    }

    fn again(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(test) = &self.test {
            writeln!(f, "  again: cargo test {test} -- --exact")?;
        }
        match &self.book {
            Some(book) => writeln!(f, "  derived in: {book}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = Paint::of(f);
        let verdict = match (self.passed(), self.wrong()) {
            (true, _) => paint.good("passed"),
            (false, true) => paint.bad("FAILED"),
            (false, false) => paint.bad("IN DOUBT"),
        };
        writeln!(f, "gradient check {verdict} (seed {}, tolerance {:e})", self.seed, self.tolerance)?;
        if !self.passed() && !self.wrong() {
            writeln!(f, "  the check, not the gradient, may be wrong")?;
        }
        let width = self.parameters.iter().map(|p| p.name.chars().count()).max().unwrap_or(0).max(9);
        write!(f, "  {:width$} {:>7} {:>11} {:>7}", "parameter", "shape", "wrong", "error")?;
        let worst = if self.passed() { "" } else { " worst at        yours       numeric" };
        writeln!(f, "{worst}")?;
        self.parameters.iter().try_for_each(|p| p.line(f, width))?;
        if self.passed() {
            return Ok(());
        }
        if self.every_entry {
            Map::of(&self.parameters).write(f, paint)?;
        }
        if self.wrong() {
            self.diagnosis(f)?;
        }
        self.again(f)
    }
}

/// Colours, or none.
#[derive(Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    /// As the `#` of `{:#}` says.
    fn of(f: &fmt::Formatter<'_>) -> Self {
        Self(f.alternate())
    }

    fn ansi(self, code: u8, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }

    pub fn good(self, text: &str) -> String {
        self.ansi(32, text)
    }

    pub fn bad(self, text: &str) -> String {
        self.ansi(31, text)
    }

    fn strong(self, text: &str) -> String {
        self.ansi(1, text)
    }
}

impl ParameterReport {
    fn line(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        let paint = Paint::of(f);
        let shape = format!("{}×{}", self.rows, self.cols);
        let what = if self.directions { " dirs" } else { "" };
        let wrong = format!("{:>11}", format!("{} of {}{what}", self.wrong, self.checked));
        let wrong = if self.wrong > 0 { paint.bad(&wrong) } else { wrong };
        write!(f, "  {:width$} {shape:>7} {wrong} {:>7.1e}", self.name, self.relative_error)?;
        let Some(worst) = self.worst.as_ref().filter(|_| self.wrong > 0) else { return writeln!(f, " ok") };
        let place = format!("({}, {})", worst.row, worst.col);
        let place = if self.directions { format!("dir {}", worst.row) } else { place };
        writeln!(f, " {place:<8}{:>13.6e} {:>13.6e}", worst.yours, worst.numeric)?;
        match self.trust {
            Trust::Stable => Ok(()),
            Trust::Noise => writeln!(f, "    (noise: the steps disagree among themselves)"),
            Trust::Kink => writeln!(f, "    (kink: no derivative at this point)"),
        }
    }
}
