//! The error of a difference against its step: the V of the gradient check.

use crate::plot::{Axis, Plot};

/// `f(x) = x / √(1 + x²)`: operations that every processor rounds in the same way.
fn f(x: f64) -> f64 {
    x / (1.0 + x * x).sqrt()
}

/// The errors at x = 3/4, where the slope is 64/125, and steps 2⁻ᵏ, for which x ± h are exact.
pub fn figure() -> String {
    let (at, slope) = (0.75, 0.512);
    let one_sided = |h: f64| (f(at + h) - f(at)) / h;
    let central = |h: f64| (f(at + h) - f(at - h)) / (2.0 * h);
    let richardson = |h: f64| (4.0 * central(h / 2.0) - central(h)) / 3.0;
    // An error that is 0 by luck has no logarithm; it is drawn at the lower edge.
    let error = |d: f64| (d - slope).abs().max(1e-16).log10();
    let steps = (1..=46).map(|k| 2_f64.powi(-k));
    let x = Axis { title: "step h, as a power of ten", from: -14.0, to: 0.0, step: 2.0 };
    let y = Axis { title: "error, as a power of ten", from: -16.0, to: 0.0, step: 2.0 };
    Plot::new(x, y)
        .line(steps.clone().map(|h| (h.log10(), error(one_sided(h)))), "", "2 4")
        .line(steps.clone().map(|h| (h.log10(), error(central(h)))), "q-h", "")
        .line(steps.map(|h| (h.log10(), error(richardson(h)))), "q-f", "7 4")
        .word((-5.2, -7.4), "one-sided")
        .word((-3.75, -10.2), "central")
        .word((-1.9, -12.5), "Richardson")
        .svg()
}
