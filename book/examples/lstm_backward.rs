//! The LSTM's backward pass: two steps of one unit by hand, the check of the library's derivation, and the
//! check of one that is broken.
//!
//! `cargo run --package book --example lstm_backward`

use autograd::check::{Check, Report};
use autograd::{Tape, Var};
use book::runs::lstm_carousel::{STEPS, norms};
use models::cells::sequence::{Backward, Derivation, Forward, Inside, Sizes, Sums, fused};
use models::cells::{CellConfig, Kind, Lstm};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

// ANCHOR: given
/// For the gates i, f, g, o.
const W: [f64; 4] = [0.5, 0.4, 0.9, 0.3];
const U: [f64; 4] = [-0.3, 0.6, 0.5, -0.2];
const B: [f64; 4] = [0.1, 1.0, 0.0, 0.2];
const X: [f64; 2] = [1.0, -0.5];
const H0: f64 = 0.2;
const C0: f64 = 0.4;
// ANCHOR_END: given

const GATES: [&str; 4] = ["i", "f", "g", "o"];

/// What a step of one unit keeps for the way back.
struct Step {
    x: f64,
    h_before: f64,
    c_before: f64,
    gates: [f64; 4],
    c: f64,
    tanh_c: f64,
    h: f64,
}

/// The cotangents of a step; `dz` for the gates i, f, g, o.
struct Back {
    dz: [f64; 4],
    dh_before: f64,
    dc_before: f64,
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn forward(x: f64, h_before: f64, c_before: f64) -> Step {
    let z = [0, 1, 2, 3].map(|k| W[k] * x + U[k] * h_before + B[k]);
    let gates @ [i, f, g, o] = [sigmoid(z[0]), sigmoid(z[1]), z[2].tanh(), sigmoid(z[3])];
    let c = f * c_before + i * g;
    Step { x, h_before, c_before, gates, c, tanh_c: c.tanh(), h: o * c.tanh() }
}

/// One step back, each line printed: `dy` from the loss, the others from step t + 1.
fn backward(s: &Step, dy: f64, dh_after: f64, dc_after: f64) -> Back {
    let [i, f, g, o] = s.gates;
    let dh = dy + dh_after;
    println!("1  h   {dy:7.4} + {dh_after:7.4} = {dh:7.4}");
    let d_o = dh * s.tanh_c;
    println!("2  o   {dh:7.4} * {:7.4} = {d_o:7.4}", s.tanh_c);
    let slope = 1.0 - s.tanh_c * s.tanh_c;
    let dc = dc_after + dh * o * slope;
    println!("2  c   {dc_after:7.4} + {dh:7.4} * {o:7.4} * {slope:7.4} = {dc:7.4}");
    for (name, factor) in [("i ", g), ("f ", s.c_before), ("g ", i), ("c'", f)] {
        println!("3  {name}  {dc:7.4} * {factor:7.4} = {:7.4}", dc * factor);
    }
    let d = [dc * g, dc * s.c_before, dc * i, d_o];
    let slopes = [i * (1.0 - i), f * (1.0 - f), 1.0 - g * g, o * (1.0 - o)];
    let dz = [0, 1, 2, 3].map(|k| d[k] * slopes[k]);
    for k in 0..4 {
        println!("4  z_{} {:7.4} * {:7.4} = {:7.4}", GATES[k], d[k], slopes[k], dz[k]);
    }
    let dh_before: f64 = U.iter().zip(dz).map(|(u, dz)| u * dz).sum();
    let terms: Vec<String> = U.iter().zip(dz).map(|(u, dz)| format!("{u} * {dz:.4}")).collect();
    println!("5  h'  {} = {dh_before:7.4}", terms.join(" + "));
    Back { dz, dh_before, dc_before: dc * f }
}

fn main() {
    let first = forward(X[0], H0, C0);
    let second = forward(X[1], first.h, first.c);
    let steps = [first, second];
    println!("== forward");
    println!(" t      i       f       g       o        c   tanh c       h");
    for (t, s) in steps.iter().enumerate() {
        let [i, f, g, o] = s.gates;
        println!("{:2} {i:7.4} {f:7.4} {g:7.4} {o:7.4}  {:7.4}  {:7.4} {:7.4}", t + 1, s.c, s.tanh_c, s.h);
    }
    println!("\n== second: t = 2");
    let two = backward(&steps[1], 1.0, 0.0, 0.0);
    println!("\n== first: t = 1");
    let one = backward(&steps[0], 1.0, two.dh_before, two.dc_before);
    print_sums(&steps, &[one, two]);
    print_factors();
    print_report(
        "check: the library's derivation",
        &check(|lstm, inputs| fused(lstm, inputs, None, false).0),
    );
    let broken = check(|lstm, inputs| fused(Broken(lstm), inputs, None, false).0);
    print_report("broken", &broken);
    print_steps(&broken);
}

/// The sums over both steps, and the same from the library and from two runs.
fn print_sums(steps: &[Step; 2], back: &[Back; 2]) {
    println!("\n== sums");
    println!("          t = 2      t = 1        sum    library   two runs");
    let mut row = 0;
    let library = library();
    let mut line = |name: String, parts: [f64; 2]| {
        let (sum, library, runs) = (parts[0] + parts[1], library[row], slope(row));
        assert!((sum - library).abs() < 1e-12, "{name}: {sum} and {library}");
        println!("{name:4} {:10.6} {:10.6} {sum:10.6} {library:10.6} {runs:10.6}", parts[1], parts[0]);
        row += 1;
    };
    for (letter, factor) in [("W", (|s| s.x) as fn(&Step) -> f64), ("U", |s| s.h_before), ("b", |_| 1.0)] {
        for (k, gate) in GATES.iter().enumerate() {
            line(format!("{letter}_{gate}"), [0, 1].map(|t| back[t].dz[k] * factor(&steps[t])));
        }
    }
    line("h_0".into(), [back[0].dh_before, 0.0]);
    line("c_0".into(), [back[0].dc_before, 0.0]);
}

/// All fourteen parameters, in one list: W, U, b, h_0, c_0.
fn parameters() -> Vec<f64> {
    [&W[..], &U, &B, &[H0, C0]].concat()
}

/// By how much the cotangent of the cell state is multiplied at each step back.
fn print_factors() {
    println!("\n== factors: per step back");
    println!("                  σ(bias)   with U = 0   with U");
    // ANCHOR: factor
    let factor = |kind: Kind, bias: f64, recurrent: bool| {
        norms(kind, bias, recurrent)[0].powf(1.0 / (STEPS - 1) as f64)
    };
    // ANCHOR_END: factor
    for bias in [0.0, 1.0, 3.0] {
        let [alone, all] = [false, true].map(|recurrent| factor(Kind::Lstm, bias, recurrent));
        println!("forget bias {bias}     {:.3}       {alone:.3}       {all:.3}", sigmoid(bias));
    }
    let [alone, all] = [false, true].map(|recurrent| factor(Kind::LstmNoForget, 0.0, recurrent));
    println!("no forget gate        –       {alone:.3}       {all:.3}");
}

/// The library's layer on a tape, and L = h_1 + h_2.
fn loss(tape: &Tape<f64>, p: &[f64]) -> (f64, Vec<f64>) {
    let leaf = |rows: usize, from: usize| tape.leaf(rows, 1, &p[from..from + rows]);
    let given = [leaf(4, 0), leaf(4, 4), leaf(4, 8), leaf(1, 12), leaf(1, 13)];
    let [w, u, b, h, c] = given;
    let (y, _) = fused(cell(1, 1), &[tape.constant(2, 1, &X), w, u, b, h, c], None, false);
    let loss = y.sum();
    loss.backward();
    (loss.item(), given.iter().flat_map(|v| v.grad()).collect())
}

fn library() -> Vec<f64> {
    loss(&Tape::new(), &parameters()).1
}

fn slope(row: usize) -> f64 {
    let run = |by: f64| {
        let mut p = parameters();
        p[row] += by;
        loss(&Tape::new(), &p).0
    };
    (run(1e-6) - run(-1e-6)) / 2e-6
}

/// The library's LSTM; its parameters are given as inputs.
fn cell(input: usize, hidden: usize) -> Lstm {
    let config = CellConfig::new(input, hidden);
    Lstm::new::<f64>(config, &mut Params::new(), "lstm", "l0", &mut ChaCha8Rng::seed_from_u64(1))
}

/// The check of a derivation over four steps: x is 8×3, four steps of two features.
fn check(run: impl for<'t> Fn(Lstm, &[Var<'t, f64>]) -> Var<'t, f64>) -> Report {
    // ANCHOR: check
    let (steps, batch, input, hidden) = (4, 3, 2, 5);
    let check = Check::new(7)
        .random_input("x", steps * input, batch, 1.0)
        .random_input("W", 4 * hidden, input, 1.0)
        .random_input("U", 4 * hidden, hidden, 1.0)
        .random_input("b", 4 * hidden, 1, 1.0)
        .random_input("h_0", hidden, batch, 1.0)
        .random_input("c_0", hidden, batch, 1.0);
    let report = check.run(|_, inputs| run(cell(input, hidden), inputs));
    // ANCHOR_END: check
    report
}

/// The library's derivation but for one term.
#[derive(Clone, Copy)]
struct Broken(Lstm);

impl Derivation<f64> for Broken {
    // ANCHOR: broken
    fn backward(&self, step: Backward<'_, f64>) {
        step.dc.fill(0.0); // what step t + 1 has left in dc is lost
        self.0.backward(step);
    }
    // ANCHOR_END: broken

    fn name(&self) -> &'static str {
        "broken"
    }
    fn sizes(&self) -> Sizes {
        Derivation::<f64>::sizes(&self.0)
    }
    fn forward(&self, step: Forward<'_, f64>) {
        self.0.forward(step);
    }
    fn sums(&self, sums: &mut Sums<'_, '_, f64>) {
        self.0.sums(sums);
    }
    fn inside(&self, show: &mut Inside<'_, f64>) {
        self.0.inside(show);
    }
}

/// What the report holds; of an error that passes only that it does, for its digits are rounding.
fn print_report(title: &str, report: &Report) {
    println!("\n== {title}");
    println!("       shape       wrong   worst entry");
    for p in &report.parameters {
        let shape = format!("{}×{}", p.rows, p.cols);
        print!("{:4} {shape:>7} {:4} of {:3}", p.name, p.wrong, p.checked);
        match p.worst.as_ref().filter(|_| p.wrong > 0) {
            Some(worst) => {
                let at = format!("({}, {})", worst.row, worst.col);
                println!("   {at:8} yours {:8.4}, numeric {:8.4}", worst.yours, worst.numeric);
            }
            None => println!("   all within {:e}", report.tolerance),
        }
    }
}

/// How many entries of x are wrong, step by step.
fn print_steps(report: &Report) {
    println!("\n== steps");
    for t in 0..4 {
        let entries = report.parameters[0].entries.iter().filter(|e| e.row / 2 == t);
        println!("x at t = {}: {} of 6 wrong", t + 1, entries.filter(|e| e.wrong).count());
    }
}
