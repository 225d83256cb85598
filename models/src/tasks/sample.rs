//! One example, as its network sees it on a tape.

use crate::choice::Invalid;
use autograd::Var;
use std::ops::Range;

/// One example on a tape, with names for what stands there: what [`inspect`](crate::inspect) looks into.
#[derive(Debug)]
pub struct Sample<'t> {
    /// What the recurrent layers read, step by step. Where there are several stacks, each has its own, by the beginning
    /// of its cells' names in a trace: `encoder.` and `decoder.`; it is empty where there is one.
    pub reads: Vec<(&'static str, Vec<String>)>,
    /// Zeros, (T·I)×1, added to the vectors of what the first of [`Sample::reads`] says. Their gradient is that of the
    /// vectors, even where these are constants.
    pub nudge: Var<'t, f32>,
    /// The logits of S steps, (S·O)×1.
    pub logits: Var<'t, f32>,
    /// The names of the O classes.
    pub classes: Vec<String>,
    /// The right classes, step by step; [`IGNORE_INDEX`](autograd::IGNORE_INDEX) where none is known.
    pub targets: Vec<usize>,
    /// The steps, of those S, at which something is asked.
    pub asked: Range<usize>,
}

/// The most steps of a sample: more would be too much for a page.
pub(super) const LONGEST: usize = 300;

/// `x` with zeros added to it, and the zeros.
pub(super) fn nudged(x: Var<'_, f32>) -> (Var<'_, f32>, Var<'_, f32>) {
    let (rows, cols) = x.shape();
    let nudge = x.tape().leaf(rows, cols, &vec![0.0; rows * cols]);
    (x + nudge, nudge)
}

/// A character as it can be shown: blanks and line ends have signs of their own.
pub(super) fn visible(c: char) -> String {
    match c {
        ' ' => "␣".into(),
        '\n' => "↵".into(),
        '\t' => "⇥".into(),
        c if c.is_control() => format!("U+{:04X}", u32::from(c)),
        c => c.into(),
    }
}

/// What a decoder reads before its first symbol and writes after the last.
pub(super) const BOUNDARY: &str = "∎";

/// The error of a task whose samples cannot be given.
pub(super) fn no_text(task: &str) -> Invalid {
    Invalid(format!("the task {task} takes no --text; without it, a sample of its own is shown"))
}

/// The error of a task whose network answers with a number: there are no classes to show.
pub(super) fn says_a_number(task: &str) -> Invalid {
    Invalid(format!(
        "the networks of the task {task} answer with a number, and only those that choose among symbols can be shown"
    ))
}
