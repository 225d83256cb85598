//! How large the gradient of a loss at the end of a sequence still is at every step before it.

use crate::plot::{Axis, Plot};
use autograd::check::Random;
use autograd::{Quantity, Tape};
use models::cells::{Cell, CellConfig, Kind, State};
use models::init::Init;
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Steps of the sequence: T.
pub const STEPS: usize = 100;
/// Hidden units: H.
pub const HIDDEN: usize = 64;
const INPUT: usize = 8;

/// A network at its first step of training.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Its cell.
    pub kind: Kind,
    /// Its recurrent matrix: this initialiser …
    pub init: Init,
    /// … times this number.
    pub scale: f64,
    /// The forget gate's bias, in an LSTM.
    pub forget_bias: f64,
}

impl Network {
    /// An Elman network with a random orthogonal matrix times `scale`.
    pub fn orthogonal(scale: f64) -> Self {
        Self { kind: Kind::Elman, init: Init::Orthogonal, scale, forget_bias: 0.0 }
    }

    /// An LSTM with PyTorch's initialiser and this forget bias.
    pub fn lstm(forget_bias: f64) -> Self {
        Self { kind: Kind::Lstm, init: Init::Uniform { bound: None }, scale: 1.0, forget_bias }
    }

    // ANCHOR: norms
    /// The norms of ∂L/∂q_t for t = 1 … T, as multiples of that at T: `q` is h, or an LSTM's c.
    pub fn norms(self, q: &str) -> Vec<f64> {
        let mut norms = Vec::new();
        self.run(|quantity| {
            if quantity.name == q {
                let squares = quantity.grad.into_iter().flatten().map(|g| g * g);
                norms.push(squares.sum::<f64>().sqrt());
            }
        });
        let last = norms[STEPS - 1];
        norms.into_iter().map(|norm| norm / last).collect()
    }

    /// One run forward and back, and a look at everything inside, step by step. The inputs are random
    /// numbers, and so is the cotangent of h_T: the loss sees the last state alone.
    pub fn run(self, mut look: impl FnMut(Quantity<'_, f64>)) {
        let (cell, params) = self.build();
        let mut random = Random::new(2);
        let tape = Tape::new();
        tape.retain_grads(true);
        let x = tape.constant(STEPS * INPUT, 1, &random.normals(STEPS * INPUT));
        let start = cell.zero_state(&tape, 1);
        let (_, State { h, .. }) = unroll(&*cell, params.bind(&tape), x, start, Span::default());
        h.backward_with(&random.normals(HIDDEN));
        tape.trace(&mut look);
    }
    // ANCHOR_END: norms

    /// The cell and its parameters, of which the second is the recurrent matrix.
    pub fn build(self) -> (Box<dyn Cell<f64>>, Params<f64>) {
        let mut params = Params::new();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let config = CellConfig { forget_bias: Some(self.forget_bias), ..CellConfig::new(INPUT, HIDDEN) };
        let cell = config.build(self.kind, &mut params, "rnn", "l0", &mut rng);
        let u = params.find("rnn.weight_hh_l0").expect("every cell here has one");
        let u = &mut params.get_mut(u).value;
        let gates = u.len() / (HIDDEN * HIDDEN);
        let entries = self.init.for_hidden(HIDDEN).fill_gates::<f64>(&mut rng, gates, HIDDEN, HIDDEN);
        u.iter_mut().zip(entries).for_each(|(u, entry)| *u = self.scale * entry);
        (cell, params)
    }
}

/// The networks that are compared: a name, the network, and the quantity whose gradient is carried back.
pub fn cells() -> [(&'static str, Network, &'static str); 5] {
    let pytorch = Init::Uniform { bound: None };
    let (elman, relu) = (Network::orthogonal(1.0), Network::orthogonal(2.0_f64.sqrt()));
    [
        ("tanh, PyTorch's start", Network { init: pytorch, ..elman }, "h"),
        ("tanh, orthogonal", elman, "h"),
        ("relu, \u{221a}2 orthogonal", Network { kind: Kind::ElmanRelu, ..relu }, "h"),
        ("LSTM, forget bias 1", Network::lstm(1.0), "c"),
        ("LSTM, forget bias 3", Network::lstm(3.0), "c"),
    ]
}

fn plot(from: f64, to: f64) -> Plot<'static> {
    let x = Axis { title: "step t", from: 0.0, to: 100.0, step: 10.0 };
    Plot::new(x, Axis { title: "norm, as a power of ten", from, to, step: 4.0 })
}

/// The series as points (t, power of ten), as far as the axis reaches.
fn points(norms: &[f64], from: f64) -> Vec<(f64, f64)> {
    let powers = norms.iter().enumerate().map(|(t, norm)| ((t + 1) as f64, norm.log10()));
    powers.filter(|(_, power)| *power >= from).collect()
}

/// Elman networks whose recurrent matrices differ by a factor alone.
pub fn scales() -> String {
    let mut plot = plot(-24.0, 12.0);
    for (scale, dash, at) in [
        (0.5, "2 4", (43.0, -22.5)),
        (0.9, "10 4", (14.0, -10.0)),
        (1.0, "", (10.0, -4.2)),
        (1.5, "10 4", (10.0, 2.2)),
        (2.0, "6 3", (10.0, 6.2)),
        (3.0, "2 4", (4.0, 8.6)),
    ] {
        let points = points(&Network::orthogonal(scale).norms("h"), -24.0);
        plot = plot.line(points, "q-h", dash).word(at, &format!("{scale} Q"));
    }
    plot.svg()
}

/// Different cells, each as a training begins.
pub fn kinds() -> String {
    let mut plot = plot(-24.0, 4.0);
    for (k, ((name, network, q), dash)) in
        cells().into_iter().zip(["2 4", "10 4", "6 3", "10 4", ""]).enumerate()
    {
        let class = if q == "c" { "q-c" } else { "q-h" };
        let below = -13.0 - 2.4 * k as f64;
        plot = plot.line(points(&network.norms(q), -24.0), class, dash);
        plot = plot.line([(56.0, below), (64.0, below)], class, dash).word((66.0, below - 0.5), name);
    }
    plot.svg()
}

/// The factor w (1 − h²) of one unit at the state it settles in, against w.
pub fn factor() -> String {
    let x = Axis { title: "weight w", from: 0.0, to: 4.0, step: 0.5 };
    let y = Axis { title: "factor of a step", from: 0.0, to: 1.0, step: 0.2 };
    let curve = (0..=400).map(|k| f64::from(k) / 100.0).map(|w| (w, settled(w).1));
    Plot::new(x, y).line(curve, "q-h", "").svg()
}

/// Where h = tanh(w h) settles from 0.5, and the factor there.
pub fn settled(w: f64) -> (f64, f64) {
    let h = (0..3000).fold(0.5_f64, |h, _| (w * h).tanh());
    (h, w * (1.0 - h * h))
}
