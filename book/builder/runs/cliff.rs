//! A loss with a cliff: one unit that ends up at one of two values, and the bias that decides at which.

use crate::plot::{Axis, Plot};
use autograd::Var;
use models::params::{Bound, ParamId};

/// How many steps the unit makes.
pub const STEPS: usize = 20;

/// `h_t = tanh(1.5 h_{t−1} + b)` from 0, compared with 0.7 after [`STEPS`] steps.
// ANCHOR: loss
pub fn loss<'t>(p: Bound<'t, f64>, b: ParamId) -> Var<'t, f64> {
    let mut h = p.tape().zeros(1, 1);
    for _ in 0..STEPS {
        h = (h * 1.5 + p.get(b)).tanh();
    }
    (h - 0.7).square()
}
// ANCHOR_END: loss

/// The loss as a number.
pub fn loss_at(b: f64) -> f64 {
    let h = (0..STEPS).fold(0.0, |h: f64, _| (1.5 * h + b).tanh());
    (h - 0.7) * (h - 0.7)
}

/// The loss against the bias.
pub fn figure() -> String {
    let x = Axis { title: "bias b", from: -0.2, to: 0.3, step: 0.1 };
    let y = Axis { title: "loss", from: 0.0, to: 3.0, step: 0.5 };
    let points = (0..=1000).map(|k| -0.2 + 0.0005 * f64::from(k));
    Plot::new(x, y).line(points.map(|b| (b, loss_at(b))), "q-h", "").svg()
}
