//! metrics.csv: a row for every look at the held-out examples.

use crate::choice::Invalid;
use crate::train::Step;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The columns, and what a spreadsheet shows above them.
pub const HEADER: &str = "step,train,validation,seconds,grad_norm,clip_rate,param_norm,lr,accuracy";

/// What happened since the last row, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// How many steps there were.
    pub steps: u64,
    /// The sum of their losses.
    pub loss: f64,
    /// The sum of their gradients' norms, before clipping.
    pub grad_norm: f64,
    /// How many of them were clipped.
    pub clipped: u64,
}

impl Tally {
    /// Adds a step.
    pub fn add(&mut self, step: &Step) {
        self.steps += 1;
        self.loss += step.loss;
        self.grad_norm += step.grad_norm;
        self.clipped += u64::from(step.clipped);
    }
}

/// One row. `train`, `grad_norm` and `clip_rate` are means over the steps since the row before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// How many steps have been made.
    pub step: u64,
    /// The loss in training, likewise.
    pub train: f64,
    /// The loss on the held-out examples, in nats or, with numbers to be predicted, their squared error.
    pub validation: f64,
    /// The time that training has taken.
    pub seconds: f64,
    /// The norm of all gradients before clipping.
    pub grad_norm: f64,
    /// The share of steps whose gradients were clipped.
    pub clip_rate: f64,
    /// The norm of all parameters.
    pub param_norm: f64,
    /// The learning rate of the last step.
    pub lr: f64,
    /// The share of right answers on the held-out examples; an empty field where no answer is right or wrong.
    pub accuracy: Option<f64>,
}

/// The row as it stands in the file.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, train, validation, seconds, grad_norm, clip_rate, param_norm, lr, accuracy } = self;
        write!(f, "{step},{train:.6},{validation:.6},{seconds:.2},")?;
        write!(f, "{grad_norm:.6},{clip_rate:.4},{param_norm:.4},{lr:.6e},")?;
        accuracy.map_or(Ok(()), |share| write!(f, "{share:.4}"))
    }
}

/// The curve of one column of the file's text: a point (step, value) for each row that has one.
///
/// # Errors
/// If it is another kind of file, has no such column, or a field is not a number.
///
/// ```
/// let csv = "step,train,validation\n10,0.5,0.6\n20,0.25,\n";
/// assert_eq!(models::metrics::curve(csv, "validation"), Ok(vec![(10.0, 0.6)]));
/// ```
pub fn curve(csv: &str, column: &str) -> Result<Vec<(f64, f64)>, Invalid> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    if names[0] != "step" {
        return Err(Invalid("not a metrics.csv: its first column is not step".into()));
    }
    let at = names.iter().position(|&name| name == column).ok_or_else(|| {
        Invalid(format!("there is no column {column} (there are {})", names[1..].join(", ")))
    })?;
    let mut points = Vec::new();
    for (number, line) in lines.enumerate() {
        let field = |at: usize| line.split(',').nth(at).filter(|field| !field.is_empty());
        let (Some(step), Some(value)) = (field(0), field(at)) else { continue };
        let parse = |field: &str| {
            let wrong = || Invalid(format!("line {}: {field} is not a number", number + 2));
            field.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(wrong)
        };
        points.push((parse(step)?, parse(value)?));
    }
    Ok(points)
}

/// The file, open for one training alone.
#[derive(Debug)]
pub struct Metrics {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Metrics {
    /// Opens the file and cuts it back to its first `keep` bytes: what a checkpoint knows of. A file that is not there or
    /// empty begins with the header.
    ///
    /// # Errors
    /// If it cannot be written, is shorter than that, or another training has it open.
    pub fn open(path: &Path, keep: u64) -> Result<Self, Invalid> {
        let problem = |e| Invalid(format!("cannot write {}: {e}", path.display()));
        let options = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = options.map_err(problem)?;
        // Two trainings in one folder would overwrite each other's checkpoints. The lock ends with the process.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Invalid(format!(
                "another training is writing {}; wait for it or stop it",
                path.display()
            )));
        }
        let length = file.metadata().map_err(problem)?.len();
        if 0 < length && length < keep {
            let path = path.display();
            return Err(Invalid(format!(
                "{path} has lost rows: {length} of {keep} bytes are left; put it back or remove it"
            )));
        }
        let length = keep.min(length);
        file.set_len(length).map_err(problem)?;
        let mut metrics = Self { file, path: path.to_path_buf(), length };
        metrics.file.seek(SeekFrom::End(0)).map_err(problem)?;
        if length == 0 {
            metrics.line(HEADER)?;
        }
        Ok(metrics)
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn write(&mut self, row: &Row) -> Result<(), Invalid> {
        self.line(&row.to_string())
    }

    /// How many bytes have been written, for the next checkpoint, and are now on the disk.
    ///
    /// # Errors
    /// If the disk does not take them.
    pub fn sync(&self) -> Result<u64, Invalid> {
        self.file.sync_data().map_err(|e| self.problem(&e))?;
        Ok(self.length)
    }

    fn line(&mut self, line: &str) -> Result<(), Invalid> {
        let line = format!("{line}\n");
        self.file.write_all(line.as_bytes()).map_err(|e| self.problem(&e))?;
        self.length += line.len() as u64;
        Ok(())
    }

    fn problem(&self, e: &std::io::Error) -> Invalid {
        Invalid(format!("cannot write {}: {e}", self.path.display()))
    }
}
