//! The chain rule as a computation: a tape for single numbers, small enough to follow by hand.
//!
//! `cargo run --package book --example scalar_tape`

// ANCHOR: tape
/// Every value that was computed, in the order of the computation.
#[derive(Default)]
struct Tape {
    values: Vec<f64>,
    /// For each value: what it was computed from, and its derivative by that.
    parents: Vec<Vec<(usize, f64)>>,
}

impl Tape {
    fn push(&mut self, value: f64, parents: &[(usize, f64)]) -> usize {
        self.values.push(value);
        self.parents.push(parents.to_vec());
        self.values.len() - 1
    }
    // ANCHOR_END: tape

    // ANCHOR: operations
    fn input(&mut self, value: f64) -> usize {
        self.push(value, &[])
    }

    fn mul(&mut self, p: usize, q: usize) -> usize {
        let (u, v) = (self.values[p], self.values[q]);
        self.push(u * v, &[(p, v), (q, u)])
    }

    fn sub(&mut self, p: usize, q: usize) -> usize {
        let (u, v) = (self.values[p], self.values[q]);
        self.push(u - v, &[(p, 1.0), (q, -1.0)])
    }

    fn tanh(&mut self, p: usize) -> usize {
        let y = self.values[p].tanh();
        self.push(y, &[(p, 1.0 - y * y)])
    }
    // ANCHOR_END: operations

    // ANCHOR: tangents
    /// Forward mode: the derivative of every value by one input.
    fn tangents(&self, input: usize) -> Vec<f64> {
        let mut dot = vec![0.0; self.values.len()];
        dot[input] = 1.0;
        for node in 0..self.values.len() {
            for &(parent, derivative) in &self.parents[node] {
                dot[node] += derivative * dot[parent];
            }
        }
        dot
    }
    // ANCHOR_END: tangents

    // ANCHOR: cotangents
    /// Reverse mode: the derivative of one output by every value.
    fn cotangents(&self, output: usize) -> Vec<f64> {
        let mut bar = vec![0.0; self.values.len()];
        bar[output] = 1.0;
        for node in (0..=output).rev() {
            for &(parent, derivative) in &self.parents[node] {
                bar[parent] += bar[node] * derivative;
            }
        }
        bar
    }
    // ANCHOR_END: cotangents

    // ANCHOR: broken
    /// Reverse mode with `=` where `+=` belongs.
    fn cotangents_overwritten(&self, output: usize) -> Vec<f64> {
        let mut bar = vec![0.0; self.values.len()];
        bar[output] = 1.0;
        for node in (0..=output).rev() {
            for &(parent, derivative) in &self.parents[node] {
                bar[parent] = bar[node] * derivative;
            }
        }
        bar
    }
    // ANCHOR_END: broken
}

// ANCHOR: loss
/// First the weight, the input and the target; last of all, the loss.
fn record([w, x, t]: [f64; 3]) -> Tape {
    let mut tape = Tape::default();
    let [w, x, t] = [w, x, t].map(|value| tape.input(value));
    let a = tape.mul(w, x);
    let h1 = tape.tanh(a);
    let b = tape.mul(w, h1);
    let h2 = tape.tanh(b);
    let e = tape.sub(h2, t);
    tape.mul(e, e);
    tape
}
// ANCHOR_END: loss

/// What each value on the tape is called, and how it was computed.
const NAMES: [&str; 9] = ["w", "x", "t", "a", "h1", "b", "h2", "e", "L"];
const STEPS: [&str; 9] = ["given", "given", "given", "w x", "tanh a", "w h1", "tanh b", "h2 - t", "e e"];
const INPUTS: [f64; 3] = [0.8, 1.0, 1.0];
const LOSS: usize = 8;

fn main() {
    let tape = record(INPUTS);
    print_values(&tape);
    print_derivatives(&tape);
    print_tangents(&tape);
    print_cotangents(&tape);
    print_check("check: reverse mode against two runs", &tape.cotangents(LOSS));
    print_check("broken: the same with = instead of +=", &tape.cotangents_overwritten(LOSS));
}

fn print_values(tape: &Tape) {
    println!("== values");
    for (node, value) in tape.values.iter().enumerate() {
        println!("{:2} = {:6} = {value:7.4}", NAMES[node], STEPS[node]);
    }
}

fn print_derivatives(tape: &Tape) {
    println!("\n== derivatives: of each step by what it used");
    for (node, parents) in tape.parents.iter().enumerate() {
        for (parent, derivative) in parents {
            println!("d{:2} / d{:2} = {derivative:7.4}", NAMES[node], NAMES[*parent]);
        }
    }
}

fn print_tangents(tape: &Tape) {
    println!("\n== tangents: one forward sweep for each input");
    println!("       by w      by x      by t");
    let sweeps = [0, 1, 2].map(|input| tape.tangents(input));
    for (node, name) in NAMES.iter().enumerate() {
        let row = sweeps.each_ref().map(|dot| format!("{:10.4}", dot[node]));
        println!("{name:2}{}", row.concat().trim_end());
    }
}

fn print_cotangents(tape: &Tape) {
    println!("\n== cotangents: one sweep backwards");
    let bar = tape.cotangents(LOSS);
    for node in (0..=LOSS).rev() {
        println!("bar {:2} = {:7.4}", NAMES[node], bar[node]);
        for &(parent, derivative) in &tape.parents[node] {
            let gives = bar[node] * derivative;
            println!("         {:7.4} * {derivative:7.4} = {gives:7.4} to {}", bar[node], NAMES[parent]);
        }
    }
}

// ANCHOR: check
/// The slope of the loss along one input, from two runs and no calculus.
fn slope(input: usize) -> f64 {
    let nudge = 1e-6;
    let loss = |by: f64| {
        let mut inputs = INPUTS;
        inputs[input] += by;
        record(inputs).values[LOSS]
    };
    (loss(nudge) - loss(-nudge)) / (2.0 * nudge)
}
// ANCHOR_END: check

fn print_check(title: &str, bar: &[f64]) {
    println!("\n== {title}");
    println!("     tape        two runs    tape / two runs");
    for input in 0..INPUTS.len() {
        let (tape, runs) = (bar[input], slope(input));
        println!("{:2} {tape:10.6}  {runs:10.6}  {:10.4}", NAMES[input], tape / runs);
    }
}
