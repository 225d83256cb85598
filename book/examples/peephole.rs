//! The LSTM whose gates see the cell: a timer, one unit by hand over two steps, and what breaks.
//!
//! `cargo run --package book --example peephole`

use autograd::Tape;
use models::cells::{CellConfig, Kind, State};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

// ANCHOR: parameters
/// What each parameter of one unit is called, in the order of [`THETA`].
#[rustfmt::skip]
const NAMES: [&str; 17] = [
    "W_i", "W_f", "W_g", "W_o", "U_i", "U_f", "U_g", "U_o",
    "b_i", "b_f", "b_g", "b_o", "w_ci", "w_cf", "w_co", "h_0", "c_0",
];
#[rustfmt::skip]
const THETA: [f64; 17] = [
    0.5, -0.3, 0.8, 0.4,   0.2, 0.1, -0.4, 0.3,
    0.1, 1.0, 0.0, -0.2,   0.6, -0.5, 0.7,   0.2, 0.4,
];
const X: [f64; 2] = [1.0, -0.5];
// ANCHOR_END: parameters

/// One step: what it was given and what it computed.
#[derive(Clone, Copy, Default)]
struct Step {
    x: f64,
    h_before: f64,
    c_before: f64,
    z: [f64; 4],
    gates: [f64; 4],
    c: f64,
    h: f64,
}

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

/// Which term of the backward pass is left out.
#[derive(Clone, Copy, PartialEq)]
enum Without {
    Nothing,
    /// What `c_t` gets from the output gate.
    Output,
    /// What `c_{t-1}` gets from the input and the forget gate.
    InputForget,
}

/// The steps of one unit; `late` says whether its output gate sees `c_t`, as it should, or `c_{t-1}`.
fn forward(theta: &[f64; 17], late: bool) -> [Step; 2] {
    let [w, u, b] = [0, 4, 8].map(|k| &theta[k..k + 4]);
    let [w_ci, w_cf, w_co, mut h, mut c] = [12, 13, 14, 15, 16].map(|k| theta[k]);
    X.map(|x| {
        let (h_before, c_before) = (h, c);
        let z = [0, 1, 2, 3].map(|k| w[k] * x + u[k] * h_before + b[k]);
        let i = sigmoid(z[0] + w_ci * c_before);
        let f = sigmoid(z[1] + w_cf * c_before);
        let g = z[2].tanh();
        c = f * c_before + i * g;
        let o = sigmoid(z[3] + w_co * if late { c } else { c_before });
        h = o * c.tanh();
        Step { x, h_before, c_before, z, gates: [i, f, g, o], c, h }
    })
}

/// One step back: the cotangents, and what each of the sums among them is made of.
#[derive(Clone, Copy, Default)]
struct Back {
    dh_later: f64,
    dh: f64,
    d_o: f64,
    /// To `dc`: from the step after, from `h_t`, from the output gate.
    to_dc: [f64; 3],
    dc: f64,
    /// `di, df, dg`.
    d_gates: [f64; 3],
    dz: [f64; 4],
    /// To `dc_before`: through the forget gate's product, from the input gate, from the forget gate.
    to_dc_before: [f64; 3],
    dc_before: f64,
    dh_before: f64,
}

// ANCHOR: back
fn step_back(theta: &[f64; 17], s: &Step, later: Back, without: Without) -> Back {
    let (u, [w_ci, w_cf, w_co]) = (&theta[4..8], [12, 13, 14].map(|k| theta[k]));
    let ([i, f, g, o], tanh_c) = (s.gates, s.c.tanh());
    let dh = 1.0 + later.dh_before; // 1
    let d_o = dh * tanh_c; // 2
    let from_h = dh * o * (1.0 - tanh_c * tanh_c); // 2
    let dz_o = d_o * o * (1.0 - o); // 3
    let from_o = if without == Without::Output { 0.0 } else { dz_o * w_co }; // 3
    let to_dc = [later.dc_before, from_h, from_o];
    let dc: f64 = to_dc.iter().sum();
    let [di, df, dg] = [dc * g, dc * s.c_before, dc * i]; // 4
    let [dz_i, dz_f, dz_g] = [di * i * (1.0 - i), df * f * (1.0 - f), dg * (1.0 - g * g)]; // 5
    let seen = if without == Without::InputForget { 0.0 } else { 1.0 };
    let to_dc_before = [dc * f, seen * dz_i * w_ci, seen * dz_f * w_cf]; // 4 and 5
    let dc_before = to_dc_before.iter().sum();
    let dz = [dz_i, dz_f, dz_g, dz_o];
    let dh_before = (0..4).map(|k| u[k] * dz[k]).sum(); // 6
    let (dh_later, d_gates) = (later.dh_before, [di, df, dg]);
    Back { dh_later, dh, d_o, to_dc, dc, d_gates, dz, to_dc_before, dc_before, dh_before }
}
// ANCHOR_END: back

/// Both steps back, for `L = h_1 + h_2`; the first in time comes first.
fn steps_back(theta: &[f64; 17], without: Without) -> [Back; 2] {
    let steps = forward(theta, true);
    let second = step_back(theta, &steps[1], Back::default(), without);
    [step_back(theta, &steps[0], second, without), second]
}

/// The gradients of all parameters: sums over the steps.
fn gradients(theta: &[f64; 17], without: Without) -> [f64; 17] {
    let (steps, back) = (forward(theta, true), steps_back(theta, without));
    let mut bar = [0.0; 17];
    for (s, Back { dz, .. }) in steps.iter().zip(&back) {
        for k in 0..4 {
            bar[k] += dz[k] * s.x;
            bar[4 + k] += dz[k] * s.h_before;
            bar[8 + k] += dz[k];
        }
        let seen = [dz[0] * s.c_before, dz[1] * s.c_before, dz[3] * s.c];
        (0..3).for_each(|k| bar[12 + k] += seen[k]);
    }
    (bar[15], bar[16]) = (back[0].dh_before, back[0].dc_before);
    bar
}

fn print_backward(steps: &[Step; 2]) {
    println!("\n== backward");
    let back = steps_back(&THETA, Without::Nothing);
    for (t, (s, b)) in steps.iter().zip(&back).enumerate().rev() {
        let (o, tanh_c) = (s.gates[3], s.c.tanh());
        let ([later, h, o_sees], [f, i_sees, f_sees]) = (b.to_dc, b.to_dc_before);
        println!("step {}", t + 1);
        println!("  dh   = 1.0000 + ({:.4}) = {:.4}", b.dh_later, b.dh);
        println!("  do   = {:.4} * {tanh_c:.4} = {:.4}", b.dh, b.d_o);
        println!("  dz_o = {:.4} * {o:.4} * (1 - {o:.4}) = {:.4}", b.d_o, b.dz[3]);
        println!("  dc   = {later:.4} later + {h:.4} from h + {o_sees:.4} from o = {:.4}", b.dc);
        println!("  di   = {:7.4}   df   = {:7.4}   dg   = {:7.4}", b.d_gates[0], b.d_gates[1], b.d_gates[2]);
        println!("  dz_i = {:7.4}   dz_f = {:7.4}   dz_g = {:7.4}", b.dz[0], b.dz[1], b.dz[2]);
        println!(
            "  dc_{t} = {f:.4} through f + ({i_sees:.4}) from i + ({f_sees:.4}) from f = {:.4}",
            b.dc_before
        );
        println!("  dh_{t} = U^T dz = {:.4}", b.dh_before);
    }
}

/// The slope of the loss along one parameter, from two runs.
fn slope(k: usize) -> f64 {
    let loss = |by: f64| {
        let mut theta = THETA;
        theta[k] += by;
        forward(&theta, true).iter().map(|s| s.h).sum::<f64>()
    };
    (loss(1e-6) - loss(-1e-6)) / 2e-6
}

fn main() {
    print_timer();
    let steps = forward(&THETA, true);
    print_forward(&steps);
    print_backward(&steps);
    print_diagonal(&steps);
    print_check();
    print_other(&steps);
}

// ANCHOR: timer
/// A cell that adds 0.1 at every step: no input, no recurrent weights, the
/// gates to the cell wide open. Its output gate has the bias −75 and, if it
/// is to see the cell, the peephole 100.
fn timer(kind: Kind) -> Params<f64> {
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
    CellConfig::new(1, 1).build::<f64>(kind, &mut params, "rnn", "l0", &mut rng);
    for p in params.iter_mut() {
        match p.name.as_str() {
            "rnn.bias_l0" => p.value = vec![40.0, 40.0, f64::atanh(0.1), -75.0],
            "rnn.weight_co_l0" => p.value = vec![100.0],
            _ => p.value.fill(0.0),
        }
    }
    params
}
// ANCHOR_END: timer

/// Every value of one labelled quantity over `steps` steps of zero input.
fn run(kind: Kind, steps: usize) -> [Vec<f64>; 3] {
    let (mut unused, mut rng) = (Params::<f64>::new(), ChaCha8Rng::seed_from_u64(1));
    let cell = CellConfig::new(1, 1).build::<f64>(kind, &mut unused, "rnn", "l0", &mut rng);
    let (params, tape) = (timer(kind), Tape::new());
    let p = params.bind(&tape);
    unroll(&*cell, p, tape.zeros(steps, 1), cell.zero_state(&tape, 1), Span::default());
    ["c", "o", "h"].map(|name| {
        let mut values = vec![0.0; steps];
        tape.trace(&mut |q| {
            if let (true, Some(t)) = (q.name == name, q.step) {
                values[t] = q.value[0];
            }
        });
        values
    })
}

fn print_timer() {
    let (lstm, peephole) = (run(Kind::Lstm, 10), run(Kind::Peephole, 10));
    println!("== timer: ten steps without any input");
    println!("          without peepholes     with peepholes");
    println!("step    c      o      h       c      o      h");
    for t in 0..10 {
        let row = |[c, o, h]: &[Vec<f64>; 3]| format!("{:.2}  {:.3}  {:.3}", c[t], o[t], h[t]);
        println!("{:4}  {}    {}", t + 1, row(&lstm), row(&peephole));
    }
}

fn print_forward(steps: &[Step; 2]) {
    println!("\n== forward: x = 1.0 and -0.5 from h_0 = 0.2 and c_0 = 0.4");
    println!("                         step 1    step 2");
    let line = |name: &str, of: &dyn Fn(&Step) -> f64| {
        println!("{name:22} {:8.4}  {:8.4}", of(&steps[0]), of(&steps[1]));
    };
    for (k, gate) in ["i", "f", "g", "o"].into_iter().enumerate() {
        line(&format!("z_{gate} = W x + U h + b"), &|s| s.z[k]);
    }
    line("i = s(z_i + w_ci c)", &|s| s.gates[0]);
    line("f = s(z_f + w_cf c)", &|s| s.gates[1]);
    line("g = tanh(z_g)", &|s| s.gates[2]);
    line("c' = f c + i g", &|s| s.c);
    line("o = s(z_o + w_co c')", &|s| s.gates[3]);
    line("h = o tanh(c')", &|s| s.h);
}

fn print_diagonal(steps: &[Step; 2]) {
    println!("\n== diagonal: the three peepholes");
    let back = steps_back(&THETA, Without::Nothing);
    let line = |name: &str, gate: usize, sees: &dyn Fn(&Step) -> f64| {
        let products = [1, 0].map(|t| (back[t].dz[gate], sees(&steps[t])));
        let terms = products.map(|(dz, c)| format!("({dz:.4}) * {c:.4}")).join(" + ");
        println!("{name} = {terms} = {:.4}", products.iter().map(|(dz, c)| dz * c).sum::<f64>());
    };
    line("dw_co", 3, &|s| s.c);
    line("dw_ci", 0, &|s| s.c_before);
    line("dw_cf", 1, &|s| s.c_before);
}

/// The library's own gradients of the same cell, in the order of [`THETA`].
fn library() -> [f64; 17] {
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
    let cell = CellConfig::new(1, 1).build::<f64>(Kind::Peephole, &mut params, "rnn", "l0", &mut rng);
    let parts = [0..4, 4..8, 8..12, 12..13, 13..14, 14..15];
    params.iter_mut().zip(parts).for_each(|(p, part)| p.value = THETA[part].to_vec());
    let tape = Tape::new();
    let p = params.bind(&tape);
    let start = State { h: tape.leaf(1, 1, &THETA[15..16]), c: Some(tape.leaf(1, 1, &THETA[16..])) };
    let (y, _) = unroll(&*cell, p, tape.constant(2, 1, &X), start, Span::default());
    y.sum().backward();
    params.add_grads(p);
    let mut bar: Vec<f64> = params.iter().flat_map(|p| p.grad.clone()).collect();
    bar.extend([start.h.grad()[0], start.cell_state().grad()[0]]);
    bar.try_into().expect("17 parameters")
}

fn print_check() {
    let (bar, library) = (gradients(&THETA, Without::Nothing), library());
    let apart = bar.iter().zip(library).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-12, "by hand and by the library are {apart:e} apart");
    println!("\n== check: against two runs, and with a term left out");
    println!("                               backward pass / two runs");
    println!("      backward   two runs   all terms  not from o  not from i, f");
    let [no_3, no_5] = [Without::Output, Without::InputForget].map(|w| gradients(&THETA, w));
    for k in 0..17 {
        let runs = slope(k);
        println!(
            "{:4} {:9.6}  {runs:9.6}  {:9.4}  {:10.4}  {:13.4}",
            NAMES[k],
            bar[k],
            bar[k] / runs,
            no_3[k] / runs,
            no_5[k] / runs
        );
    }
}

fn print_other(steps: &[Step; 2]) {
    let other = forward(&THETA, false);
    println!("\n== other: an output gate that sees the cell before it is written");
    println!("                     step 1    step 2");
    println!("h, o sees c          {:7.4}   {:7.4}", steps[0].h, steps[1].h);
    println!("h, o sees c before   {:7.4}   {:7.4}", other[0].h, other[1].h);
}
