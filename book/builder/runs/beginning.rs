//! How far back the gradient reaches before anything is learned: for different first weights, and for
//! different forget biases.

use super::gradient_flow::Network;
use crate::plot::{Axis, Plot};
use models::init::Init;

/// Curves of log₁₀ ‖∂L/∂q_t‖, each with its name written at a point.
fn figure(q: &str, from: f64, class: &str, curves: &[(Network, &str, &'static str, (f64, f64))]) -> String {
    let x = Axis { title: "step t; the loss is at t = 100", from: 0.0, to: 100.0, step: 10.0 };
    let y =
        Axis { title: "norm, as a power of ten", from, to: 2.0, step: if from < -20.0 { 4.0 } else { 2.0 } };
    let mut plot = Plot::new(x, y);
    for (network, dash, name, at) in curves {
        let norms = network.norms(q).into_iter().enumerate();
        let points = norms.map(|(t, norm)| ((t + 1) as f64, norm.log10()));
        plot = plot.line(points.filter(|(_, power)| *power >= from), class, dash).word(*at, name);
    }
    plot.svg()
}

/// Elman networks that differ in the initialiser of their recurrent matrix.
pub fn first_weights() -> String {
    let elman = |init| Network { init, ..Network::orthogonal(1.0) };
    let uniform = Init::Uniform { bound: None };
    figure(
        "h",
        -22.0,
        "q-h",
        &[
            (elman(Init::Normal { std: 0.01 }), "2 4", "normal, std 0.01", (59.0, -20.5)),
            (elman(uniform), "10 4", "uniform, 1/\u{221a}H", (42.0, -15.5)),
            (elman(Init::XavierUniform { gain: 1.0 }), "6 3", "Xavier", (14.0, -2.0)),
            (elman(Init::Orthogonal), "", "orthogonal", (14.0, -6.8)),
        ],
    )
}

/// LSTMs that differ in their forget gate's bias.
pub fn forget_bias() -> String {
    figure(
        "c",
        -22.0,
        "q-c",
        &[
            (Network::lstm(0.0), "2 4", "bias 0", (12.0, -20.0)),
            (Network::lstm(1.0), "10 4", "bias 1", (8.0, -8.8)),
            (Network::lstm(3.0), "6 3", "bias 3", (8.0, -1.6)),
            (Network::lstm(5.0), "", "bias 5", (26.0, 1.0)),
        ],
    )
}
