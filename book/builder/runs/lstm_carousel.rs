//! How far back a cotangent reaches: through the cell state of LSTMs, and through an Elman network's state.

use crate::plot::{Axis, Plot};
use autograd::Tape;
use autograd::check::Random;
use models::cells::{CellConfig, Kind};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Steps of the sequence: T.
pub const STEPS: usize = 60;
const INPUT: usize = 4;
const HIDDEN: usize = 32;
const BATCH: usize = 8;

/// For t = 1 … T, the norm of the cotangent of the state (c, in an Elman network h) at t over that at T.
/// The network is untrained, its inputs are random, and the loss is a random combination of h_T. Without
/// `recurrent`, its matrix U is zero.
pub fn norms(kind: Kind, forget_bias: f64, recurrent: bool) -> Vec<f64> {
    let mut params = Params::<f64>::new();
    let config = CellConfig { forget_bias: Some(forget_bias), ..CellConfig::new(INPUT, HIDDEN) };
    let cell = config.build(kind, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    if !recurrent {
        params.iter_mut().filter(|p| p.name == "rnn.weight_hh_l0").for_each(|p| p.value.fill(0.0));
    }
    let mut random = Random::new(2);
    let tape = Tape::new();
    tape.retain_grads(true);
    let p = params.bind(&tape);
    let x = tape.constant(STEPS * INPUT, BATCH, &random.normals(STEPS * INPUT * BATCH));
    let (_, end) = unroll(&*cell, p, x, cell.zero_state(&tape, BATCH), Span::default());
    end.h.backward_with(&random.normals(HIDDEN * BATCH));
    let state = if cell.has_cell_state() { "c" } else { "h" };
    let mut norms = Vec::new();
    tape.trace(&mut |q| {
        if let (true, Some(grad)) = (q.name == state, q.grad) {
            norms.push(grad.iter().map(|g| g * g).sum::<f64>().sqrt());
        }
    });
    let last = norms[STEPS - 1];
    norms.into_iter().map(|norm| norm / last).collect()
}

/// One curve per network.
pub fn figure() -> String {
    let x = Axis { title: "time step t; the loss is at t = 60", from: 0.0, to: 60.0, step: 10.0 };
    let y = Axis { title: "cotangent, powers of ten", from: -18.0, to: 4.0, step: 2.0 };
    let curves = [
        (Kind::LstmNoForget, 0.0, "q-c", "", "no forget gate (1997)", (3.0, 1.6)),
        (Kind::Lstm, 3.0, "q-f", "", "forget bias 3", (3.0, -1.4)),
        (Kind::Lstm, 1.0, "q-f", "8 4", "forget bias 1", (3.0, -5.4)),
        (Kind::Lstm, 0.0, "q-f", "2 4", "forget bias 0", (2.0, -8.8)),
        (Kind::Elman, 0.0, "q-h", "", "Elman", (16.0, -14.0)),
    ];
    let mut plot = Plot::new(x, y);
    for (kind, bias, class, dash, label, place) in curves {
        let curve = norms(kind, bias, true).into_iter().enumerate();
        plot =
            plot.line(curve.map(|(t, norm)| ((t + 1) as f64, norm.log10())), class, dash).word(place, label);
    }
    plot.svg()
}
