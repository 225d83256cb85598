//! How far back a cotangent reaches: through the cell state of LSTMs, and through an Elman network's state.

use crate::plot::{Axis, Plot};
use autograd::Tape;
use autograd::check::Random;
use models::cells::{CellConfig, Kind};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const STEPS: usize = 60;
const INPUT: usize = 4;
const HIDDEN: usize = 32;
const BATCH: usize = 8;

/// For t = 1 … T, log₁₀ of the norm of the cotangent of `name` at t, over that at T. The network is
/// untrained, its inputs are random, and the loss is a random combination of h_T.
fn norms(kind: Kind, forget_bias: f64, name: &str) -> Vec<(f64, f64)> {
    let mut params = Params::<f64>::new();
    let config = CellConfig { forget_bias: Some(forget_bias), ..CellConfig::new(INPUT, HIDDEN) };
    let cell = config.build(kind, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    let mut random = Random::new(2);
    let tape = Tape::new();
    tape.retain_grads(true);
    let p = params.bind(&tape);
    let x = tape.constant(STEPS * INPUT, BATCH, &random.normals(STEPS * INPUT * BATCH));
    let (_, end) = unroll(&*cell, p, x, cell.zero_state(&tape, BATCH), Span::default());
    end.h.backward_with(&random.normals(HIDDEN * BATCH));
    let mut norms = Vec::new();
    tape.trace(&mut |q| {
        if let (true, Some(grad)) = (q.name == name, q.grad) {
            norms.push(grad.iter().map(|g| g * g).sum::<f64>().sqrt());
        }
    });
    let last = norms[STEPS - 1];
    norms.iter().enumerate().map(|(t, norm)| ((t + 1) as f64, (norm / last).log10())).collect()
}

/// One curve per network.
pub fn figure() -> String {
    let x = Axis { title: "time step t; the loss is at t = 60", from: 0.0, to: 60.0, step: 10.0 };
    let y = Axis { title: "cotangent at t over that at 60, log₁₀", from: -20.0, to: 2.0, step: 2.0 };
    let curves = [
        (Kind::LstmNoForget, 0.0, "c", "q-c", "", "no forget gate (1997)", 8),
        (Kind::Lstm, 3.0, "c", "q-f", "", "forget bias 3", 8),
        (Kind::Lstm, 1.0, "c", "q-f", "8 4", "forget bias 1", 8),
        (Kind::Lstm, 0.0, "c", "q-f", "2 4", "forget bias 0", 12),
        (Kind::Elman, 0.0, "h", "q-h", "", "Elman", 24),
    ];
    curves
        .into_iter()
        .fold(Plot::new(x, y), |plot, (kind, bias, name, class, dash, label, at)| {
            let curve = norms(kind, bias, name);
            let dot = curve[at - 1];
            plot.line(curve, class, dash).dot(dot, class, label)
        })
        .svg()
}
