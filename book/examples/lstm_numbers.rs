//! One step of an LSTM with two units, forward and back: every number of it.
//!
//! `cargo run --package book --example lstm_numbers`

use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Lstm, State};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::{array::from_fn, panic};

const INPUT: usize = 3;
const HIDDEN: usize = 2;

// ANCHOR: given
const W: [[f64; INPUT]; 4 * HIDDEN] = [
    [0.5, -0.3, 0.8], // i, unit 1
    [-0.6, 0.4, 0.1], // i, unit 2
    [0.2, 0.7, -0.5], // f, unit 1
    [0.9, -0.1, 0.3], // f, unit 2
    [-0.4, 0.6, 0.2], // g, unit 1
    [0.3, 0.3, -0.7], // g, unit 2
    [0.1, -0.8, 0.4], // o, unit 1
    [-0.2, 0.5, 0.6], // o, unit 2
];
const U: [[f64; HIDDEN]; 4 * HIDDEN] = [
    [0.1, -0.4], // i, unit 1
    [0.3, 0.2],  // i, unit 2
    [-0.5, 0.6], // f, unit 1
    [0.4, -0.1], // f, unit 2
    [0.7, 0.2],  // g, unit 1
    [-0.3, 0.5], // g, unit 2
    [0.2, 0.1],  // o, unit 1
    [-0.6, 0.4], // o, unit 2
];
const B: [f64; 4 * HIDDEN] = [0.1, -0.1, 1.0, 1.0, 0.0, 0.2, -0.2, 0.1];

const X: [f64; INPUT] = [1.0, -0.5, 0.25];
const H0: [f64; HIDDEN] = [0.3, -0.2];
const C0: [f64; HIDDEN] = [0.6, -0.4];
// ANCHOR_END: given

/// The rows of the stacked matrices.
const ROWS: [&str; 4 * HIDDEN] = ["i1", "i2", "f1", "f2", "g1", "g2", "o1", "o2"];

/// What a step computes, two numbers each.
struct Step {
    z: [f64; 4 * HIDDEN],
    i: [f64; HIDDEN],
    f: [f64; HIDDEN],
    g: [f64; HIDDEN],
    o: [f64; HIDDEN],
    c: [f64; HIDDEN],
    tanh_c: [f64; HIDDEN],
    h: [f64; HIDDEN],
}

fn dot(row: &[f64], column: &[f64]) -> f64 {
    row.iter().zip(column).map(|(a, b)| a * b).sum()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

// ANCHOR: forward
fn forward() -> Step {
    let z: [f64; 8] = from_fn(|r| dot(&W[r], &X) + dot(&U[r], &H0) + B[r]);
    let i = [sigmoid(z[0]), sigmoid(z[1])];
    let f = [sigmoid(z[2]), sigmoid(z[3])];
    let g = [z[4].tanh(), z[5].tanh()];
    let o = [sigmoid(z[6]), sigmoid(z[7])];
    let c = [0, 1].map(|k| f[k] * C0[k] + i[k] * g[k]);
    let tanh_c = c.map(f64::tanh);
    let h = [0, 1].map(|k| o[k] * tanh_c[k]);
    Step { z, i, f, g, o, c, tanh_c, h }
}
// ANCHOR_END: forward

fn main() {
    let step = forward();
    print_products(&step);
    print_gates(&step);
    print_state(&step);
    print_library(&step);
    print_per_gate(&step);
    print_back(&step);
    print_refused(&step);
}

fn print_products(step: &Step) {
    println!("== row: the first row of z, number by number");
    let terms = |row: &[f64], column: &[f64], letter: &str| {
        for (k, (a, b)) in row.iter().zip(column).enumerate() {
            println!("   {a:5.2} * {b:5.2} = {:7.4}   {letter}{}", a * b, k + 1);
        }
    };
    terms(&W[0], &X, "x");
    terms(&U[0], &H0, "h");
    println!("                 {:7.4}   b", B[0]);
    println!("            sum = {:6.4}", step.z[0]);
    println!("\n== z");
    println!("          W x      U h        b        z");
    for (row, name) in ROWS.iter().enumerate() {
        let (w, u) = (dot(&W[row], &X), dot(&U[row], &H0));
        println!("{name}   {w:8.4} {u:8.4} {:8.4} {:8.4}", B[row], step.z[row]);
    }
}

fn print_gates(step: &Step) {
    println!("\n== gates");
    for (k, (name, gate)) in [("i", step.i), ("f", step.f), ("g", step.g), ("o", step.o)].iter().enumerate() {
        for (unit, gate) in gate.iter().enumerate() {
            let function = if *name == "g" { "tanh" } else { "σ   " };
            println!("{name}{} = {function} {:7.4} = {:7.4}", unit + 1, step.z[2 * k + unit], gate);
        }
    }
}

fn print_state(step: &Step) {
    println!("\n== state");
    for (k, before) in C0.iter().enumerate() {
        let (kept, written) = (step.f[k] * before, step.i[k] * step.g[k]);
        let (f, i, g, c) = (step.f[k], step.i[k], step.g[k], step.c[k]);
        println!("unit {}", k + 1);
        println!("  f * c0           {f:7.4} * {before:7.4} = {kept:7.4}");
        println!("  i * g            {i:7.4} * {g:7.4} = {written:7.4}");
        println!("  c                {kept:7.4} + {written:7.4} = {c:7.4}");
        println!("  tanh c                               {:7.4}", step.tanh_c[k]);
        println!("  h = o * tanh c   {:7.4} * {:7.4} = {:7.4}", step.o[k], step.tanh_c[k], step.h[k]);
    }
}

/// The library's cell with these numbers, on a tape.
fn library(tape: &Tape<f64>) -> (Var<'_, f64>, State<'_, f64>, State<'_, f64>) {
    let mut params = Params::new();
    let config = CellConfig::new(INPUT, HIDDEN);
    let cell = Lstm::new(config, &mut params, "lstm", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    let values = [W.as_flattened().to_vec(), U.as_flattened().to_vec(), B.to_vec()];
    params.iter_mut().zip(values).for_each(|(p, value)| p.value = value);
    let p = params.bind(tape);
    let x = tape.leaf(INPUT, 1, &X);
    let before = State { h: tape.leaf(HIDDEN, 1, &H0), c: Some(tape.leaf(HIDDEN, 1, &C0)) };
    (x, before, cell.step(p, x, before))
}

fn same(name: &str, a: &[f64], b: &[f64]) {
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(a.len() == b.len() && apart < 1e-12, "{name}: {a:?} and {b:?}");
}

fn numbers(entries: &[f64]) -> String {
    entries.iter().map(|x| format!("{x:8.4}")).collect()
}

fn print_library(step: &Step) {
    println!("\n== library");
    let tape = Tape::new();
    let (_, _, after) = library(&tape);
    let (c, h) = (after.cell_state().value(), after.h.value());
    same("c", &c, &step.c);
    same("h", &h, &step.h);
    println!("c {}\nh {}", numbers(&c), numbers(&h));
}

fn print_per_gate(step: &Step) {
    println!("\n== concatenated: one matrix per gate, on [h; x]");
    let hx = [&H0[..], &X].concat();
    println!("[h; x]  {}", numbers(&hx));
    // ANCHOR: concatenated
    let pre_activation = |gate: usize| {
        let rows = 2 * gate..2 * gate + 2;
        // [U_gate, W_gate]: two rows of five
        let matrix = rows.clone().map(|r| [&U[r][..], &W[r][..]].concat());
        let product = matrix.zip(rows).map(|(row, r)| dot(&row, &hx) + B[r]);
        product.collect::<Vec<f64>>()
    };
    // ANCHOR_END: concatenated
    for (gate, name) in ["i", "f", "g", "o"].iter().enumerate() {
        for unit in 0..HIDDEN {
            let row = 2 * gate + unit;
            let label = if unit == 0 { format!("W_{name}") } else { String::new() };
            println!("{label:8}{}", numbers(&[&U[row][..], &W[row][..]].concat()));
        }
        let z = pre_activation(gate);
        println!("    z_{name} {}", numbers(&z));
        same("z", &z, &step.z[2 * gate..2 * gate + 2]);
    }
}

/// The step back, for the loss L = h1 + h2.
fn print_back(step: &Step) {
    println!("\n== back: the cotangents, for L = h1 + h2");
    let Step { i, f, g, o, tanh_c, .. } = *step;
    let each = |entry: &dyn Fn(usize) -> f64| [entry(0), entry(1)];
    let dh = [1.0, 1.0];
    let d_o = each(&|k| dh[k] * tanh_c[k]);
    let dc = each(&|k| dh[k] * o[k] * (1.0 - tanh_c[k] * tanh_c[k]));
    let (di, df, dg) = (each(&|k| dc[k] * g[k]), each(&|k| dc[k] * C0[k]), each(&|k| dc[k] * i[k]));
    let dc0 = each(&|k| dc[k] * f[k]);
    let slope = |gate: [f64; 2]| each(&|k| gate[k] * (1.0 - gate[k]));
    let dz_g = each(&|k| dg[k] * (1.0 - g[k] * g[k]));
    let [dz_i, dz_f, dz_o] =
        [(di, slope(i)), (df, slope(f)), (d_o, slope(o))].map(|(d, slope)| each(&|k| d[k] * slope[k]));
    let dz = [dz_i, dz_f, dz_g, dz_o].concat();
    let column = |m: &dyn Fn(usize) -> f64| (0..8).map(|r| m(r) * dz[r]).sum::<f64>();
    let dh0: Vec<f64> = (0..HIDDEN).map(|k| column(&|r| U[r][k])).collect();
    let dx: Vec<f64> = (0..INPUT).map(|k| column(&|r| W[r][k])).collect();
    let two = [("h", dh), ("o", d_o), ("c", dc), ("i", di), ("f", df), ("g", dg), ("c0", dc0)];
    two.iter().for_each(|(name, d)| println!("{name:6}{}", numbers(d)));
    println!("z     {}\nh0    {}\nx     {}", numbers(&dz), numbers(&dh0), numbers(&dx));

    let tape = Tape::new();
    let (x, before, after) = library(&tape);
    after.h.sum().backward();
    same("dx", &x.grad(), &dx);
    same("dh0", &before.h.grad(), &dh0);
    same("dc0", &before.cell_state().grad(), &dc0);
    println!("\n== outer: the gradient of W");
    for (r, name) in ROWS.iter().enumerate() {
        println!("{name}  {:7.4} * x = {}", dz[r], numbers(&X.map(|x| dz[r] * x)));
    }
    let dw: Vec<f64> = dz.iter().flat_map(|dz| X.map(|x| dz * x)).collect();
    same("dW", &tape.var(0).grad(), &dw);
}

/// Matrices of H · 2 rows where 4 · H are needed.
fn print_refused(step: &Step) {
    println!("\n== refused: matrices of 4 rows for H = 2");
    panic::set_hook(Box::new(|_| {}));
    let refused = panic::catch_unwind(|| {
        // ANCHOR: four-rows
        let tape = Tape::new();
        let w = tape.leaf(4, INPUT, W[..4].as_flattened());
        let u = tape.leaf(4, HIDDEN, U[..4].as_flattened());
        let (x, h) = (tape.constant(INPUT, 1, &X), tape.constant(HIDDEN, 1, &H0));
        let c = tape.constant(HIDDEN, 1, &C0);
        let [i, f, g, _] = (w.matmul(x) + u.matmul(h)).chunk();
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        // ANCHOR_END: four-rows
        c.value()
    });
    let message = refused.expect_err("a cell with too few rows must be refused");
    println!("{}", message.downcast_ref::<String>().expect("a message"));

    println!("\n== stretched: the same, where one row is stretched over both units");
    let z: [f64; 4] = from_fn(|r| dot(&W[r], &X) + dot(&U[r], &H0) + B[r]);
    let [i, f, g] = [sigmoid(z[0]), sigmoid(z[1]), z[2].tanh()];
    println!("right  {}\nwrong  {}", numbers(&step.c), numbers(&C0.map(|c| f * c + i * g)));
}
