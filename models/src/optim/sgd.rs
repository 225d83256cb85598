//! Stochastic gradient descent, with momentum.
//!
//! The gradient g is the direction in which the loss grows fastest, so we step against it (Robbins and Monro, 1951):
//!
//! > w ← w − lr · g
//!
//! In a narrow valley g points mostly across it, and the steps bounce between the walls. **Momentum** (Polyak, 1964) keeps
//! a decaying sum of past gradients: what alternates cancels, and what persists adds up, to 1/(1 − μ) times one gradient.
//!
//! > b ← μ b + g,  w ← w − lr · b
//!
//! **Weight decay** λ adds the gradient of the penalty ½ λ ‖w‖² to g, which pulls every weight towards zero:
//!
//! > g ← g + λ w
//!
//! This is PyTorch's `SGD` (dampening 0, no Nesterov). There the learning rate multiplies the whole sum b; in Polyak's form
//! it stands inside the sum, which differs only while the rate changes.

use super::{TINY, flush};
use crate::choice::{Choice, Invalid};
use autograd::Float;
use std::fmt;

/// The hyper-parameters, at first PyTorch's: no momentum, no decay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sgd {
    /// μ, in \[0, 1).
    pub momentum: f64,
    /// λ.
    pub weight_decay: f64,
}

impl Sgd {
    /// Reads the hyper-parameters from a choice by name.
    pub(super) fn read(c: &mut Choice<'_>) -> Result<Self, Invalid> {
        let usual = Self::default();
        Ok(Self {
            momentum: c.number_or("momentum", 0.0..1.0, usual.momentum)?,
            weight_decay: c.number_or("weight-decay", 0.0.., usual.weight_decay)?,
        })
    }

    /// The names of the state kept for each parameter: b, if there is momentum.
    pub(super) fn state_names(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    /// One step for the weights `w` with the gradient `g`; `b` is empty without momentum.
    pub(super) fn update<T: Float>(&self, lr: f64, w: &mut [T], g: &[T], b: &mut [T]) {
        let [lr, mu, lambda] = [lr, self.momentum, self.weight_decay].map(T::from_f64);
        if self.momentum == 0.0 {
            // ANCHOR: plain
            for (w, &g) in w.iter_mut().zip(g) {
                *w -= lr * (g + lambda * *w);
            }
            // ANCHOR_END: plain
        } else {
            // ANCHOR: momentum
            for ((w, &g), b) in w.iter_mut().zip(g).zip(b) {
                *b = flush(mu * *b + (g + lambda * *w), TINY);
                *w -= lr * *b;
            }
            // ANCHOR_END: momentum
        }
    }
}

impl fmt::Display for Sgd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { momentum, weight_decay } = self;
        write!(f, "sgd:momentum={momentum},weight-decay={weight_decay}")
    }
}
