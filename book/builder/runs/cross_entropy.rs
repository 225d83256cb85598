//! The loss of a right class against how far its score is ahead, and the slope of that loss.

use crate::plot::{Axis, Plot};

/// Two classes: `p = 1 / (1 + e⁻ᵈ)` for a score that is d ahead, the loss `−ln p`, the gradient `p − 1`.
pub fn figure() -> String {
    let p = |d: f64| 1.0 / (1.0 + (-d).exp());
    let x = Axis { title: "how far the right score is ahead, d", from: -5.0, to: 5.0, step: 1.0 };
    let y = Axis { title: "loss, gradient", from: -1.0, to: 5.0, step: 1.0 };
    let places = (-100..=100).map(|k| f64::from(k) / 20.0);
    Plot::new(x, y)
        .line(places.clone().map(|d| (d, -p(d).ln())), "q-h", "")
        .line(places.map(|d| (d, p(d) - 1.0)), "q-f", "7 4")
        .word((-2.6, 3.1), "loss")
        .word((-3.4, -0.7), "gradient")
        .dot((0.0, -p(0.0).ln()), "q-h", "ln 2")
        .svg()
}
