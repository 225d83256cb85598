//! How the loss of a two-step network answers when its weight is nudged.

use crate::plot::{Axis, Plot};

/// `L(w) = (h₂ − 1)²` with `h₂ = tanh(w h₁)` and `h₁ = tanh(w x)` at x = 1.
fn loss(w: f64) -> f64 {
    let h1 = (w * 1.0).tanh();
    let h2 = (w * h1).tanh();
    (h2 - 1.0) * (h2 - 1.0)
}

/// The curve, and the straight line whose slope two runs at w = 0.8 ± 10⁻⁶ measure.
pub fn figure() -> String {
    let (at, nudge) = (0.8, 1e-6);
    let slope = (loss(at + nudge) - loss(at - nudge)) / (2.0 * nudge);
    let x = Axis { title: "weight w", from: 0.0, to: 2.0, step: 0.2 };
    let y = Axis { title: "loss L", from: 0.0, to: 1.0, step: 0.2 };
    let curve = (0..=200).map(|k| k as f64 / 100.0).map(|w| (w, loss(w)));
    let line = [0.2, 1.1].map(|w| (w, loss(at) + slope * (w - at)));
    Plot::new(x, y)
        .line(curve, "", "")
        .line(line, "q-h", "6 4")
        .dot((at, loss(at)), "q-h", &format!("slope {slope:.4}"))
        .svg()
}
