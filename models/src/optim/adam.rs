//! Adam and AdamW: momentum in the numerator, RMSprop in the denominator, both without bias.
//!
//! Adam (Kingma and Ba, 2015) keeps running means of g and of g²:
//!
//! > m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²
//!
//! **Bias correction.** Both start at zero, so at first both are too small. Unrolled, m after t steps is
//! (1 − β₁) Σₛ β₁ᵗ⁻ˢ gₛ, whose weights add up to 1 − β₁ᵗ and not to 1. Dividing by that sum makes it a true mean again:
//!
//! > m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ),  w ← w − lr · m̂ / (√v̂ + ε)
//!
//! The very first step is then lr · g / (|g| + ε): lr long in every direction.
//!
//! **Weight decay.** Adam replaces g by g + λ w as the others do, so the decay too is divided by √v̂: a weight with large
//! gradients hardly decays. AdamW (Loshchilov and Hutter, 2019) *decouples* it, so that every weight shrinks at one rate,
//! before the step and outside m and v:
//!
//! > w ← w − lr · λ w
//!
//! These are PyTorch's `Adam` and `AdamW`, with ε outside the root and added after the correction.

use super::{TINY, flush};
use crate::choice::{Choice, Invalid};
use autograd::Float;
use std::fmt;

/// The hyper-parameters of Adam and AdamW.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// β₁, in \[0, 1): how much of the mean of g is kept.
    pub beta1: f64,
    /// β₂, in \[0, 1): how much of the mean of g² is kept.
    pub beta2: f64,
    /// ε, which bounds the quotient where g has been zero.
    pub eps: f64,
    /// λ.
    pub weight_decay: f64,
    /// Whether λ shrinks the weights directly (AdamW) or through the gradient (Adam).
    pub decoupled: bool,
}

/// PyTorch's `Adam`: β₁ 0.9, β₂ 0.999, ε 10⁻⁸, no decay.
impl Default for Adam {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0, decoupled: false }
    }
}

impl Adam {
    /// PyTorch's `AdamW`: as Adam, with a decoupled decay of 0.01.
    pub fn w() -> Self {
        Self { weight_decay: 0.01, decoupled: true, ..Self::default() }
    }

    /// Reads the hyper-parameters from a choice by name.
    pub(super) fn read(c: &mut Choice<'_>) -> Result<Self, Invalid> {
        let usual = if c.name == "adamw" { Self::w() } else { Self::default() };
        Ok(Self {
            beta1: c.number_or("beta1", 0.0..1.0, usual.beta1)?,
            beta2: c.number_or("beta2", 0.0..1.0, usual.beta2)?,
            eps: c.number_or("eps", 0.0.., usual.eps)?,
            weight_decay: c.number_or("weight-decay", 0.0.., usual.weight_decay)?,
            ..usual
        })
    }

    /// The names of the state kept for each parameter: m and v.
    pub(super) fn state_names(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    /// Step number `t` (from 1) for the weights `w` with the gradient `g`.
    pub(super) fn update<T: Float>(&self, t: u64, lr: f64, w: &mut [T], g: &[T], m: &mut [T], v: &mut [T]) {
        let [m_correction, v_correction] = [self.beta1, self.beta2].map(|beta| 1.0 - beta.powf(t as f64));
        // ANCHOR: corrections
        // w − lr · m̂ / (√v̂ + ε), with the corrections, the same for all entries, taken out of the loop
        let [rate, root] = [lr / m_correction, 1.0 / v_correction.sqrt()].map(T::from_f64);
        // ANCHOR_END: corrections
        let (shrink, lambda) =
            if self.decoupled { (1.0 - lr * self.weight_decay, 0.0) } else { (1.0, self.weight_decay) };
        let [shrink, lambda, eps] = [shrink, lambda, self.eps].map(T::from_f64);
        let [beta1, rest1] = [self.beta1, 1.0 - self.beta1].map(T::from_f64);
        let [beta2, rest2] = [self.beta2, 1.0 - self.beta2].map(T::from_f64);
        for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            // ANCHOR: step
            let g = flush(g + lambda * *w, TINY);
            *m = flush(beta1 * *m + rest1 * g, TINY);
            *v = flush(beta2 * *v + rest2 * g * g, TINY * TINY);
            *w = shrink * *w - rate * *m / (v.sqrt() * root + eps);
            // ANCHOR_END: step
        }
    }
}

impl fmt::Display for Adam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { beta1, beta2, eps, weight_decay, decoupled } = self;
        let name = if *decoupled { "adamw" } else { "adam" };
        write!(f, "{name}:beta1={beta1},beta2={beta2},eps={eps},weight-decay={weight_decay}")
    }
}
