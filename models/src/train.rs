//! One training step, and what goes with it.

use crate::optim::{Optimizer, Rule, Schedule, clip_grad_norm, clip_grad_value};
use crate::params::{Bound, Params};
use autograd::{Anomaly, Float, Source, Tape, Var};
use std::fmt;

/// How gradients that are too large are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Clip {
    /// They are not.
    #[default]
    Off,
    /// All together, to this norm (Pascanu et al. 2013).
    Norm(f64),
    /// Each entry, to ±this value.
    Value(f64),
}

/// What one training step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The number of the step, from 1.
    pub number: u64,
    /// The loss before the step.
    pub loss: f64,
    /// The norm of all gradients before clipping.
    pub grad_norm: f64,
    /// Whether the gradients were cut.
    pub clipped: bool,
    /// The learning rate.
    pub lr: f64,
}

/// Training cannot go on: a loss or a gradient is NaN or infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct NotFinite {
    /// The number of the step, from 1. The parameters are as they were before it.
    pub step: u64,
    /// What is not finite: `loss` or `gradient`.
    pub what: &'static str,
    /// Where it came from: the first operation that made a NaN or an infinity.
    pub origin: String,
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, what, origin } = self;
        write!(
            f,
            "the {what} of step {step} is not finite, first in {origin}; try a smaller learning rate or clipping"
        )
    }
}

impl std::error::Error for NotFinite {}

/// Parameters, an optimiser and a tape: everything a training loop repeats.
///
/// ```
/// use models::{init::Init, optim::Rule, params::Params, train::Trainer};
///
/// // Fit y = 3x − 1.
/// let mut params = Params::<f64>::new();
/// let (w, b) = (params.add("w", 1, 1, vec![0.0]), params.add("b", 1, 1, vec![0.0]));
/// let mut trainer = Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.1);
/// for _ in 0..300 {
///     let step = trainer.step(|p| {
///         let x = p.tape().constant(1, 3, &[0.0, 1.0, 2.0]);
///         let target = p.tape().constant(1, 3, &[-1.0, 2.0, 5.0]);
///         (p.get(w).matmul(x) + p.get(b)).mse_loss(target)
///     });
///     step.unwrap();
/// }
/// assert!((trainer.params.get(w).value[0] - 3.0).abs() < 1e-2);
/// ```
pub struct Trainer<T: Float> {
    /// The parameters, with the gradients of the last step.
    pub params: Params<T>,
    /// The optimiser.
    pub optimizer: Optimizer<T>,
    /// The full learning rate.
    pub lr: f64,
    /// How the rate changes with the step.
    pub schedule: Schedule,
    /// How gradients are clipped.
    pub clip: Clip,
    tape: Tape<T>,
}

impl<T: Float> Trainer<T> {
    /// A trainer with a constant learning rate and no clipping.
    pub fn new(params: Params<T>, rule: Rule, lr: f64) -> Self {
        let optimizer = Optimizer::new(rule, &params);
        Self { params, optimizer, lr, schedule: Schedule::default(), clip: Clip::Off, tape: Tape::new() }
    }

    /// Sets the schedule.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Sets the clipping.
    pub fn clip(mut self, clip: Clip) -> Self {
        self.clip = clip;
        self
    }

    /// One step: forward, backward, clip, update. `loss` builds the loss, 1×1, from the parameters.
    ///
    /// # Errors
    /// If the loss or a gradient is not finite; the parameters are then left as they were.
    // ANCHOR: step
    pub fn step<F>(&mut self, loss: F) -> Result<Step, NotFinite>
    where
        F: for<'t> FnOnce(Bound<'t, T>) -> Var<'t, T>,
    {
        self.tape.reset();
        self.params.zero_grad();
        let lr = self.schedule.rate(self.lr, self.optimizer.steps());
        let number = self.optimizer.steps() + 1;

        let p = self.params.bind(&self.tape);
        let loss = loss(p);
        let value = loss.item().to_f64();
        if !value.is_finite() {
            return Err(self.not_finite(number, "loss", loss.anomaly()));
        }
        loss.backward();
        self.params.add_grads(p);

        let (grad_norm, clipped) = clip(self.clip, &mut self.params);
        if !grad_norm.is_finite() {
            return Err(self.not_finite(number, "gradient", self.tape.gradient_anomaly()));
        }
        self.optimizer.step(&mut self.params, lr);
        Ok(Step { number, loss: value, grad_norm, clipped, lr })
    }
    // ANCHOR_END: step

    /// Runs the network without training it; `read` returns what it wants to know.
    pub fn evaluate<R>(&mut self, read: impl FnOnce(Bound<'_, T>) -> R) -> R {
        self.tape.reset();
        read(self.params.bind_constant(&self.tape))
    }

    fn not_finite(&self, step: u64, what: &'static str, anomaly: Option<Anomaly>) -> NotFinite {
        let origin = match anomaly {
            // The parameters are the first nodes of the tape.
            Some(a) if a.source == Source::Given && a.node < self.params.iter().len() => {
                format!(
                    "parameter {}: entry ({}, {}) is {}",
                    self.params.iter().as_slice()[a.node].name,
                    a.row,
                    a.col,
                    a.value
                )
            }
            Some(a) => a.to_string(),
            None => "the sum of squares of all gradients".into(),
        };
        NotFinite { step, what, origin }
    }
}

/// The norm of all gradients before clipping, and whether they were cut.
fn clip<T: Float>(clip: Clip, params: &mut Params<T>) -> (f64, bool) {
    match clip {
        Clip::Off => (clip_grad_norm(params, f64::INFINITY), false),
        Clip::Norm(limit) => {
            let norm = clip_grad_norm(params, limit);
            (norm, norm > limit)
        }
        Clip::Value(limit) => {
            let norm = clip_grad_norm(params, f64::INFINITY);
            let large = |g: &T| g.to_f64().abs() > limit;
            let clipped = params.iter().any(|p| p.grad.iter().any(large));
            clip_grad_value(params, limit);
            (norm, clipped)
        }
    }
}
