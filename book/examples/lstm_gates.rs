//! The LSTM, gate by gate: what a tanh unit forgets, what a cell keeps whose gates are set by hand, and
//! what a wrong order of the gates does.
//!
//! `cargo run --package book --example lstm_gates`

use autograd::Tape;
use models::cells::{Cell, CellConfig, Lstm, Lstm1997};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

// ANCHOR: unit
/// A unit that sees nothing but its own last state.
fn tanh_unit(w: f64, start: f64, steps: usize) -> f64 {
    (0..steps).fold(start, |h, _| (w * h).tanh())
}
// ANCHOR_END: unit

// ANCHOR: weights
/// For each gate: weight of the value, weight of the signal, bias.
const INPUT: [f64; 3] = [0.0, 16.0, -8.0];
const FORGET: [f64; 3] = [0.0, -16.0, 8.0];
const CANDIDATE: [f64; 3] = [1.0, 0.0, 0.0];
const OUTPUT: [f64; 3] = [0.0, 0.0, 8.0];
// ANCHOR_END: weights

/// Value and signal, step by step.
const X: [[f64; 2]; 6] = [[0.5, 1.0], [-0.9, 0.0], [0.7, 0.0], [-0.3, 1.0], [0.2, 0.0], [-0.8, 0.0]];

/// What is shown of a step.
const SHOWN: [&str; 6] = ["i", "f", "g", "o", "c", "h"];

fn main() {
    print_forgetting();
    let rows = [INPUT, FORGET, CANDIDATE, OUTPUT];
    print_run("forget: the LSTM with a forget gate", &run(&lstm, &rows));
    print_run("carry: the LSTM of 1997", &run(&lstm_1997, &[INPUT, CANDIDATE, OUTPUT]));
    print_wrong_order(rows);
}

fn print_forgetting() {
    println!("== forgetting: h after so many steps");
    println!("            w = 0.9           w = 1.0           w = 1.5");
    for steps in [0, 1, 3, 10, 30, 100] {
        let states = [0.9, 1.0, 1.5].map(|w| {
            let [low, high] = [0.2, 0.8].map(|start| tanh_unit(w, start, steps));
            format!("    {low:6.4} {high:6.4}")
        });
        println!("{steps:4} {}", states.concat());
    }
}

/// Builds a cell of one unit and two inputs, whose parameters are to be set.
type Build = dyn Fn(CellConfig, &mut Params<f64>, &mut ChaCha8Rng) -> Box<dyn Cell<f64>>;

fn lstm(config: CellConfig, params: &mut Params<f64>, rng: &mut ChaCha8Rng) -> Box<dyn Cell<f64>> {
    Box::new(Lstm::new(config, params, "lstm", "l0", rng))
}

fn lstm_1997(config: CellConfig, params: &mut Params<f64>, rng: &mut ChaCha8Rng) -> Box<dyn Cell<f64>> {
    Box::new(Lstm1997::new(config, params, "lstm", "l0", rng))
}

/// Runs a cell over X with these rows stacked: for each step, the quantities in `SHOWN`.
fn run(build: &Build, rows: &[[f64; 3]]) -> Vec<[Option<f64>; 6]> {
    let mut params = Params::new();
    let cell = build(CellConfig::new(2, 1), &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let w: Vec<f64> = rows.iter().flat_map(|row| row[..2].to_vec()).collect();
    let b: Vec<f64> = rows.iter().map(|row| row[2]).collect();
    // The gates of this cell look at the input alone: U is zero.
    params.iter_mut().zip([w, vec![0.0; rows.len()], b]).for_each(|(p, value)| p.value = value);
    let tape = Tape::new();
    let p = params.bind(&tape);
    let mut state = cell.zero_state(&tape, 1);
    for (t, x) in X.iter().enumerate() {
        tape.set_step(Some(t));
        state = cell.step(p, tape.constant(2, 1, x), state);
    }
    let mut shown = vec![[None; 6]; X.len()];
    tape.trace(&mut |q| {
        if let (Some(t), Some(k)) = (q.step, SHOWN.iter().position(|name| *name == q.name)) {
            shown[t][k] = Some(q.value[0]);
        }
    });
    shown
}

fn print_run(title: &str, steps: &[[Option<f64>; 6]]) {
    println!("\n== {title}");
    println!(" t   value signal        i       f       g       o         c       h");
    for (t, (x, step)) in X.iter().zip(steps).enumerate() {
        let numbers = step.map(|q| q.map_or("      –".into(), |q| format!("{q:7.4}")));
        let [i, f, g, o, c, h] = numbers;
        println!("{:2}  {:6.1} {:6.0}   {i} {f} {g} {o}   {c} {h}", t + 1, x[0], x[1]);
    }
}

/// The same weights as an ONNX file stores them, read as if it stored them like PyTorch.
fn print_wrong_order([i, f, g, o]: [[f64; 3]; 4]) {
    println!("\n== order: c, with the rows in the right order and in that of ONNX");
    let [right, wrong] = [[i, f, g, o], [i, o, f, g]].map(|rows| run(&lstm, &rows));
    let c = |step: &[Option<f64>; 6]| step[4].unwrap_or(f64::NAN);
    println!(" t   i f g o   i o f g");
    for (t, (right, wrong)) in right.iter().zip(&wrong).enumerate() {
        println!("{:2}   {:7.4}   {:7.4}", t + 1, c(right), c(wrong));
    }
}
