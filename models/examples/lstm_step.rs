//! One step of an LSTM, every number of it.
//!
//! Run it with `cargo run --release -p models --example lstm_step`.
//!
//! Two hidden units, three inputs. The four gates are stacked, so the matrices have 4 · 2 = 8 rows. Then the
//! same step with one matrix per gate on `[h; x]`, as many texts write it: the same numbers.

use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Lstm, State};
use models::params::{Bound, Params};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::fmt::Write;

const INPUT: usize = 3;
const HIDDEN: usize = 2;

/// Rows of every gate: input i, forget f, candidate g, output o.
const W: [[f64; INPUT]; 4 * HIDDEN] = [
    [0.5, -0.3, 0.8],
    [-0.6, 0.4, 0.1],
    [0.2, 0.7, -0.5],
    [0.9, -0.1, 0.3],
    [-0.4, 0.6, 0.2],
    [0.3, 0.3, -0.7],
    [0.1, -0.8, 0.4],
    [-0.2, 0.5, 0.6],
];
const U: [[f64; HIDDEN]; 4 * HIDDEN] =
    [[0.1, -0.4], [0.3, 0.2], [-0.5, 0.6], [0.4, -0.1], [0.7, 0.2], [-0.3, 0.5], [0.2, 0.1], [-0.6, 0.4]];
const B: [f64; 4 * HIDDEN] = [0.1, -0.1, 1.0, 1.0, 0.0, 0.2, -0.2, 0.1];

const X: [f64; INPUT] = [1.0, -0.5, 0.25];
const H_BEFORE: [f64; HIDDEN] = [0.3, -0.2];
const C_BEFORE: [f64; HIDDEN] = [0.6, -0.4];

/// The step in the library's form, with one stacked matrix: every quantity by name, and `c` and `h`.
fn stacked<'t>(p: Bound<'t, f64>, cell: &Lstm) -> State<'t, f64> {
    let tape = p.tape();
    let before =
        State { h: tape.constant(HIDDEN, 1, &H_BEFORE), c: Some(tape.constant(HIDDEN, 1, &C_BEFORE)) };
    cell.step(p, tape.constant(INPUT, 1, &X), before)
}

/// The pre-activation of one gate from its own matrix on `[h; x]`: `[U_k, W_k] [h; x] + b_k`.
fn gate<'t>(tape: &'t Tape<f64>, k: usize, show: &mut String) -> Var<'t, f64> {
    let rows = k * HIDDEN..(k + 1) * HIDDEN;
    let matrix: Vec<f64> = rows.clone().flat_map(|row| U[row].into_iter().chain(W[row])).collect();
    let name = ["i", "f", "g", "o"][k];
    table(show, &format!("W_{name}, for [h; x]"), &matrix, HIDDEN + INPUT);
    let matrix = tape.constant(HIDDEN, HIDDEN + INPUT, &matrix);
    let hx = tape.constant(HIDDEN + INPUT, 1, &[&H_BEFORE[..], &X].concat());
    matrix.matmul(hx) + tape.constant(HIDDEN, 1, &B[rows])
}

/// Name and numbers, row by row.
fn table(out: &mut String, name: &str, entries: &[f64], cols: usize) {
    for (row, entries) in entries.chunks(cols).enumerate() {
        let numbers: String = entries.iter().map(|x| format!(" {x:>8.4}")).collect();
        let name = if row == 0 { name } else { "" };
        writeln!(out, "{name:<24}{numbers}").expect("a string can be written to");
    }
}

/// All of it, as text.
pub fn report() -> String {
    let mut params = Params::<f64>::new();
    let config = CellConfig::new(INPUT, HIDDEN);
    let cell = Lstm::new(config, &mut params, "lstm", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    let values = [W.as_flattened().to_vec(), U.as_flattened().to_vec(), B.to_vec()];
    params.iter_mut().zip(values).for_each(|(p, value)| p.value = value);

    let mut out = String::new();
    table(&mut out, "x", &X, INPUT);
    table(&mut out, "h before", &H_BEFORE, HIDDEN);
    table(&mut out, "c before", &C_BEFORE, HIDDEN);
    table(&mut out, "W, 8×3: i i f f g g o o", W.as_flattened(), INPUT);
    table(&mut out, "U, 8×2", U.as_flattened(), HIDDEN);
    table(&mut out, "b", &B, 4 * HIDDEN);

    let tape = Tape::new();
    let after = stacked(params.bind(&tape), &cell);
    out += "\nStacked: z = W x + U h + b, then σ or tanh of its quarters\n";
    tape.trace(&mut |q| {
        let rule = match q.name {
            "z" => "z",
            "i" => "i = σ(z_i)",
            "f" => "f = σ(z_f)",
            "g" => "g = tanh(z_g)",
            "o" => "o = σ(z_o)",
            "c" => "c = f ⊙ c + i ⊙ g",
            "h" => "h = o ⊙ tanh(c)",
            other => other,
        };
        table(&mut out, rule, q.value, q.value.len());
    });

    out += "\nOne matrix per gate, on [h; x]\n";
    let [i, f, g, o] = [0, 1, 2, 3].map(|k| gate(&tape, k, &mut out));
    let [i, f, g, o] = [i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()];
    let c = f * tape.constant(HIDDEN, 1, &C_BEFORE) + i * g;
    let h = o * c.tanh();
    table(&mut out, "c", &c.value(), HIDDEN);
    table(&mut out, "h", &h.value(), HIDDEN);
    let apart = |a: Var<'_, f64>, b: Var<'_, f64>| {
        a.value().iter().zip(b.value()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let apart = apart(h, after.h).max(apart(c, after.cell_state()));
    assert!(apart < 1e-15, "the two forms are {apart:e} apart");
    out + "The same c and h.\n"
}

fn main() {
    print!("{}", report());
}
