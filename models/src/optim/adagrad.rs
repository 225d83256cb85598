//! AdaGrad: the more a weight has moved, the smaller its steps.
//!
//! A word that is seen once in a thousand batches has a gradient once in a thousand batches, and should then learn
//! more from it than one seen in every batch. AdaGrad (Duchi, Hazan and Singer, 2011) divides by the root of the
//! sum of all squared gradients so far:
//!
//! > s ← s + g²,  w ← w − lr · g / (√s + ε)
//!
//! The sum only grows, so steps shrink like 1/√t. That is right for a convex loss (it gives the regret bound of the paper)
//! and often too soon for a network: RMSprop puts a running mean in the place of the sum.
//!
//! Weight decay λ first replaces g by g + λ w. This is PyTorch's `Adagrad` without its own learning-rate decay.

use super::{TINY, flush};
use crate::choice::{Choice, Invalid};
use autograd::Float;
use std::fmt;

/// The hyper-parameters, at first PyTorch's: ε 10⁻¹⁰, no decay.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaGrad {
    /// ε, which keeps 0/0 out while a weight has had no gradient.
    pub eps: f64,
    /// λ.
    pub weight_decay: f64,
}

impl Default for AdaGrad {
    fn default() -> Self {
        Self { eps: 1e-10, weight_decay: 0.0 }
    }
}

impl AdaGrad {
    /// Reads the hyper-parameters from a choice by name.
    pub(super) fn read(c: &mut Choice<'_>) -> Result<Self, Invalid> {
        let usual = Self::default();
        Ok(Self {
            eps: c.number_or("eps", 0.0.., usual.eps)?,
            weight_decay: c.number_or("weight-decay", 0.0.., usual.weight_decay)?,
        })
    }

    /// The names of the state kept for each parameter: s.
    pub(super) fn state_names(&self) -> &'static [&'static str] {
        &["sum"]
    }

    /// One step for the weights `w` with the gradient `g`.
    pub(super) fn update<T: Float>(&self, lr: f64, w: &mut [T], g: &[T], s: &mut [T]) {
        let [lr, eps, lambda] = [lr, self.eps, self.weight_decay].map(T::from_f64);
        for ((w, &g), s) in w.iter_mut().zip(g).zip(s) {
            // ANCHOR: step
            let g = flush(g + lambda * *w, TINY);
            *s += g * g;
            *w -= lr * g / (s.sqrt() + eps);
            // ANCHOR_END: step
        }
    }
}

impl fmt::Display for AdaGrad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { eps, weight_decay } = self;
        write!(f, "adagrad:eps={eps},weight-decay={weight_decay}")
    }
}
