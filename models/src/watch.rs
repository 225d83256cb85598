//! Watching a training: one plain line when something looks wrong, and what to try.

use crate::train::{Clip, Step};
#[cfg(feature = "files")]
use serde::{Deserialize, Serialize};

// ANCHOR: constants
/// How many steps are looked at together.
const SPAN: u64 = 100;
/// How many first steps the loss is compared with.
const FIRST: u64 = 10;
/// A loss has fallen if it is below this share of the first.
const FALLEN: f64 = 0.99;
/// It has risen if it is above this multiple of the first.
const RISEN: f64 = 1.1;
/// A norm has exploded if it is this many times the usual one.
const EXPLODED: f64 = 100.0;
// ANCHOR_END: constants

/// Sees every step, and says each thing once.
///
/// - **The loss does not fall**: over the last 100 steps its mean is above 0.99 of the mean over the first 10.
/// - **The norm explodes**: the gradient's norm is 100 times its usual size, the geometric mean of the steps before. A
///   recurrent network's loss has cliffs, and one such step without clipping can undo hours (Pascanu et al. 2013).
/// - **Every step is clipped**: 100 in a row. Then it is the limit, and no longer the gradient, that sets the length of a
///   step.
///
/// ```
/// use models::{train::{Clip, Step}, watch::Watch};
/// let mut watch = Watch::default();
/// let step = |number| Step { number, loss: 2.3, grad_norm: 0.1, clipped: false, lr: 0.5 };
/// let warnings: Vec<_> = (1..=110).filter_map(|number| watch.see(&step(number), Clip::Off)).collect();
/// assert!(warnings[0].starts_with("the loss does not fall"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "files", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct Watch {
    /// The sum of the losses of the first steps.
    first: f64,
    /// The sum of the losses since the last multiple of [`SPAN`] steps.
    recent: f64,
    /// The running mean of the logarithm of the norm.
    log_norm: f64,
    /// How many steps in a row were clipped.
    clipped: u64,
    /// What has been said already.
    said: [bool; 3],
}

impl Watch {
    /// Takes note of a step; returns a line if something looks wrong that has not been said before.
    pub fn see(&mut self, step: &Step, clip: Clip) -> Option<String> {
        let found = [self.loss(step), self.explosion(step, clip), self.clipping(step, clip)];
        for (said, line) in self.said.iter_mut().zip(found) {
            if line.is_some() && !std::mem::replace(said, true) {
                return line;
            }
        }
        None
    }

    fn loss(&mut self, step: &Step) -> Option<String> {
        if step.number <= FIRST {
            self.first += step.loss / FIRST as f64;
            return None;
        }
        self.recent += step.loss / SPAN as f64;
        if !(step.number - FIRST).is_multiple_of(SPAN) {
            return None;
        }
        let (first, recent) = (self.first, std::mem::take(&mut self.recent));
        if recent <= FALLEN * first {
            return None;
        }
        let (n, less, more) = (step.number, short(step.lr / 10.0), short(step.lr * 10.0));
        // Steps that are too long throw the weights about; steps that are too short leave the loss where it was.
        let cure = match recent > RISEN * first {
            true => format!("it has risen: try a learning rate of {less}"),
            false => format!(
                "try a learning rate of {more} or {less}, and look whether targets belong to their inputs"
            ),
        };
        Some(format!("the loss does not fall: {first:.4} at first, {recent:.4} after {n} steps; {cure}"))
    }

    fn explosion(&mut self, step: &Step, clip: Clip) -> Option<String> {
        let (n, norm, usual) = (step.number, step.grad_norm, self.log_norm.exp());
        // The mean of the first steps, then one that forgets: 1 − 1/SPAN of it is kept.
        self.log_norm += (norm.max(f64::MIN_POSITIVE).ln() - self.log_norm) / n.min(SPAN) as f64;
        (n > FIRST && norm > EXPLODED * usual).then(|| {
            let cure = match clip {
                Clip::Off => format!("clip gradients to a norm of {}, or try a learning rate of", short(usual)),
                Clip::Norm(_) | Clip::Value(_) => "it was clipped; if it happens often, try a learning rate of".into(),
            };
            let (norm, usual, lr) = (short(norm), short(usual), short(step.lr / 10.0));
            format!("the gradient explodes: its norm is {norm} at step {n} and was about {usual} before; {cure} {lr}")
        })
    }

    fn clipping(&mut self, step: &Step, clip: Clip) -> Option<String> {
        self.clipped = if step.clipped { self.clipped + 1 } else { 0 };
        let (limit, raise) = match clip {
            Clip::Norm(limit) => (limit, self.log_norm.exp() * 2.0),
            Clip::Value(limit) => (limit, limit * 10.0),
            Clip::Off => return None,
        };
        (self.clipped >= SPAN).then(|| {
            let (n, limit, raise) = (step.number, short(limit), short(raise));
            format!(
                "every one of the last {SPAN} steps was clipped, up to step {n}: the limit {limit} sets their length, not \
                 the gradient; try a limit of {raise}, or a smaller learning rate"
            )
        })
    }
}

/// A number in two digits: `0.0012`, `35`, `3.1e6`.
fn short(x: f64) -> String {
    let rounded: f64 = format!("{x:.1e}").parse().unwrap_or(x);
    if (1e-4..1e5).contains(&rounded.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}
