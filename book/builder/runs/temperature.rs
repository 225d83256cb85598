//! Softmax with a temperature: probabilities and entropy of a few scores.

use crate::plot::{Axis, Plot};

/// `softmax(x / τ)`.
// ANCHOR: softmax
pub fn probabilities(x: &[f64], tau: f64) -> Vec<f64> {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = x.iter().map(|x| ((x - max) / tau).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}
// ANCHOR_END: softmax

/// The entropy `−Σ p ln p`, in nats.
// ANCHOR: entropy
pub fn entropy(p: &[f64]) -> f64 {
    p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}
// ANCHOR_END: entropy

/// The scores of the example.
pub const SCORES: [f64; 4] = [2.0, 1.0, 0.5, -1.0];

/// The probabilities of four scores against the temperature.
pub fn figure() -> String {
    let x = Axis { title: "temperature", from: 0.0, to: 4.0, step: 0.5 };
    let y = Axis { title: "probability", from: 0.0, to: 1.0, step: 0.2 };
    let taus = || (1..=200).map(|k| 0.02 * f64::from(k));
    let mut plot = Plot::new(x, y);
    for (class, (colour, dash)) in
        [("q-f", ""), ("q-h", "8 4"), ("q-c", "2 4"), ("q-g", "10 4 2 4")].into_iter().enumerate()
    {
        plot = plot.line(taus().map(|tau| (tau, probabilities(&SCORES, tau)[class])), colour, dash);
    }
    plot.word((0.75, 0.78), "score 2")
        .word((1.3, 0.29), "1")
        .word((1.9, 0.22), "0.5")
        .word((1.0, 0.07), "\u{2212}1")
        .svg()
}
