//! RMSprop: every weight with its own step size, from the recent size of its gradient.
//!
//! One learning rate cannot suit all weights: the gradient of an early time step may be a thousand times smaller than that
//! of the last. RMSprop (Tieleman and Hinton, Coursera lecture 6.5, 2012) keeps a running mean of g² and divides by its
//! root, so that what is left is close to a sign, and a step is about lr long whatever the scale of g:
//!
//! > v ← α v + (1 − α) g²,  w ← w − lr · g / (√v + ε)
//!
//! With **momentum** μ the quotient, not g, is what the decaying sum adds up (Graves, 2013, trained his LSTMs this way):
//!
//! > b ← μ b + g / (√v + ε),  w ← w − lr · b
//!
//! Weight decay λ first replaces g by g + λ w. This is PyTorch's `RMSprop`, not centred, with ε outside the root.

use super::{TINY, flush};
use crate::choice::{Choice, Invalid};
use autograd::Float;
use std::fmt;

/// The hyper-parameters, at first PyTorch's: α 0.99, ε 10⁻⁸, no momentum, no decay.
#[derive(Clone, Debug, PartialEq)]
pub struct RmsProp {
    /// α, in \[0, 1): how much of the mean of g² is kept.
    pub alpha: f64,
    /// ε, which bounds the quotient where g has been zero.
    pub eps: f64,
    /// μ, in \[0, 1).
    pub momentum: f64,
    /// λ.
    pub weight_decay: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { alpha: 0.99, eps: 1e-8, momentum: 0.0, weight_decay: 0.0 }
    }
}

impl RmsProp {
    /// Reads the hyper-parameters from a choice by name.
    pub(super) fn read(c: &mut Choice<'_>) -> Result<Self, Invalid> {
        let usual = Self::default();
        Ok(Self {
            alpha: c.number_or("alpha", 0.0..1.0, usual.alpha)?,
            eps: c.number_or("eps", 0.0.., usual.eps)?,
            momentum: c.number_or("momentum", 0.0..1.0, usual.momentum)?,
            weight_decay: c.number_or("weight-decay", 0.0.., usual.weight_decay)?,
        })
    }

    /// The names of the state kept for each parameter: v, and b if there is momentum.
    pub(super) fn state_names(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &["square_avg"] } else { &["square_avg", "momentum_buffer"] }
    }

    /// One step for the weights `w` with the gradient `g`; `b` is empty without momentum.
    pub(super) fn update<T: Float>(&self, lr: f64, w: &mut [T], g: &[T], v: &mut [T], b: &mut [T]) {
        let [lr, alpha, rest, eps] = [lr, self.alpha, 1.0 - self.alpha, self.eps].map(T::from_f64);
        let [mu, lambda] = [self.momentum, self.weight_decay].map(T::from_f64);
        if self.momentum == 0.0 {
            // ANCHOR: plain
            for ((w, &g), v) in w.iter_mut().zip(g).zip(v) {
                let g = flush(g + lambda * *w, TINY);
                *v = flush(alpha * *v + rest * g * g, TINY * TINY);
                *w -= lr * g / (v.sqrt() + eps);
            }
            // ANCHOR_END: plain
        } else {
            // ANCHOR: momentum
            for (((w, &g), v), b) in w.iter_mut().zip(g).zip(v).zip(b) {
                let g = flush(g + lambda * *w, TINY);
                *v = flush(alpha * *v + rest * g * g, TINY * TINY);
                *b = flush(mu * *b + g / (v.sqrt() + eps), TINY);
                *w -= lr * *b;
            }
            // ANCHOR_END: momentum
        }
    }
}

impl fmt::Display for RmsProp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alpha, eps, momentum, weight_decay } = self;
        write!(f, "rmsprop:alpha={alpha},eps={eps},momentum={momentum},weight-decay={weight_decay}")
    }
}
