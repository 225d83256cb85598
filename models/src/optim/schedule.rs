//! Learning-rate schedules: large steps to get there, small steps to settle.
//!
//! A rate is a function of the number of the step alone, so a run that is resumed needs nothing but that number.
//!
//! ```
//! use models::optim::Schedule;
//!
//! let schedule: Schedule = "cosine:steps=100,warmup=10".parse().unwrap();
//! assert_eq!(schedule.rate(0.01, 0), 0.001); // the first of ten steps of warm-up
//! assert_eq!(schedule.rate(0.01, 10), 0.01); // the cosine begins at its top
//! assert_eq!(schedule.rate(0.01, 110), 0.0005); // and ends at its floor
//! ```

use crate::choice::{Choice, Invalid};
use std::f64::consts::PI;
use std::{fmt, str::FromStr};

/// A warm-up, and what follows it.
///
/// During the warm-up step t (from 0) has the rate lr · (t + 1) / warmup: Adam's second moments are means of few gradients
/// at first, and early steps at full length may be far off. What follows counts its steps from the end of the warm-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// How many steps rise linearly to the full rate; 0 for none.
    pub warmup: u64,
    /// What follows.
    pub decay: Decay,
}

/// How the rate falls after the warm-up.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Decay {
    /// lr, at every step.
    #[default]
    Constant,
    /// lr · (floor + (1 − floor) · ½ (1 + cos(π t / steps))), and lr · floor from t = steps on.
    ///
    /// Half a cosine: slow at first, fastest in the middle, slow again at the end. Loshchilov and Hutter (2017), without
    /// restarts; PyTorch's `CosineAnnealingLR` with `eta_min = floor · lr`, up to its `T_max`.
    Cosine {
        /// Half the period; `None` until [`Schedule::for_steps`] sets it to the length of the training.
        steps: Option<u64>,
        /// The last rate as a fraction of the first; 0.05 unless given.
        floor: f64,
    },
    /// lr · factor^⌊t / every⌋. PyTorch's `StepLR`.
    Step {
        /// How many steps share one rate.
        every: u64,
        /// What the rate is multiplied by after them; 0.1 unless given.
        factor: f64,
    },
}

impl Schedule {
    /// The names that can be parsed.
    pub const NAMES: [&str; 3] = ["constant", "cosine", "step"];

    /// Closes the open length of a cosine, so that it ends with a training of `total` steps; leaves everything else alone.
    pub fn for_steps(mut self, total: u64) -> Self {
        if let Decay::Cosine { steps: steps @ None, .. } = &mut self.decay {
            *steps = Some(total.saturating_sub(self.warmup).max(1));
        }
        self
    }

    /// The learning rate of step number `step`, counted from 0, where `lr` is the full rate.
    ///
    /// # Panics
    /// For a cosine whose length is still open.
    #[track_caller]
    pub fn rate(&self, lr: f64, step: u64) -> f64 {
        if step < self.warmup {
            return lr * (step + 1) as f64 / self.warmup as f64;
        }
        let t = step - self.warmup;
        match self.decay {
            Decay::Constant => lr,
            Decay::Cosine { steps, floor } => {
                let steps = steps.expect("schedule cosine: no length yet, set it with for_steps");
                let done = t.min(steps) as f64 / steps as f64;
                lr * (floor + (1.0 - floor) * 0.5 * (1.0 + (PI * done).cos()))
            }
            Decay::Step { every, factor } => lr * factor.powf((t / every) as f64),
        }
    }
}

/// Reads `constant`, `cosine:steps=1000,floor=0.05` or `step:every=1000,factor=0.1`, each also with `warmup=100`.
impl FromStr for Schedule {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut c = Choice::parse("schedule", text)?;
        let decay = match c.name {
            "constant" => Decay::Constant,
            "cosine" => {
                Decay::Cosine { steps: c.count("steps")?, floor: c.number_or("floor", 0.0..=1.0, 0.05)? }
            }
            "step" => Decay::Step {
                every: c.count("every")?.ok_or_else(|| c.missing("every", "step:every=1000"))?,
                factor: c.number_or("factor", 0.0..=1.0, 0.1)?,
            },
            _ => return Err(c.unknown(&Self::NAMES)),
        };
        let warmup = c.count("warmup")?.unwrap_or(0);
        c.finish(Schedule { warmup, decay })
    }
}

/// Writes what [`Schedule::from_str`] reads.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warmup = Some(self.warmup).filter(|&n| n > 0).map(|n| format!("warmup={n}"));
        let (name, mut options) = match &self.decay {
            Decay::Constant => ("constant", vec![]),
            Decay::Cosine { steps, floor } => {
                let steps = steps.map(|n| format!("steps={n}"));
                ("cosine", steps.into_iter().chain([format!("floor={floor}")]).collect())
            }
            Decay::Step { every, factor } => {
                ("step", vec![format!("every={every}"), format!("factor={factor}")])
            }
        };
        options.extend(warmup);
        let colon = if options.is_empty() { "" } else { ":" };
        write!(f, "{name}{colon}{}", options.join(","))
    }
}
