//! Mistakes inside a cell: too few rows, a gate that borrows its neighbour's weights, a gate that looks
//! at the wrong time, a plot of what was never returned.
//!
//! `cargo run --package book --example mistakes_in_cells`

use autograd::check::Check;
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Kind, Lstm, State};
use models::layers::{Span, unroll};
use models::params::{Bound, Params};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

type V<'t> = Var<'t, f64>;

fn main() {
    print_rows();
    print_candidate();
    print_peephole();
    print_plot();
}

fn show(v: &[f64]) -> String {
    v.iter().map(|x| format!(" {x:7.4}")).collect()
}

/// A cell with parameters of a fixed seed.
fn build(kind: Kind, input: usize, hidden: usize) -> (Box<dyn Cell<f64>>, Params<f64>) {
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(3));
    let cell = CellConfig::new(input, hidden).build(kind, &mut params, "rnn", "l0", &mut rng);
    (cell, params)
}

/// The parameter of that name on the tape.
fn named<'t>(params: &Params<f64>, p: Bound<'t, f64>, name: &str) -> V<'t> {
    p.get(params.find(&format!("rnn.{name}_l0")).expect("the cell has such a parameter"))
}

/// Weights for (h, x), two units and one input: the rows of i, f, g and o below each other, two each.
#[rustfmt::skip]
const W: [f64; 24] = [
    0.1, -0.4, 0.5,    0.3, 0.2, -0.6,
    -0.5, 0.6, 0.2,    0.4, -0.1, 0.9,
    0.7, 0.2, -0.4,   -0.3, 0.5, 0.3,
    0.2, 0.1, 0.1,    -0.6, 0.4, -0.2,
];

// ANCHOR: rows
/// One step of an LSTM with H units: `w` must have 4H rows, H for a gate.
fn lstm_step<'t>(w: V<'t>, hx: V<'t>, c: V<'t>) -> State<'t, f64> {
    let (z, size) = (w.matmul(hx), c.rows());
    let gate = |k: usize| z.row_block(k * size..(k + 1) * size);
    let (i, f) = (gate(0).sigmoid(), gate(1).sigmoid());
    let (g, o) = (gate(2).tanh(), gate(3).sigmoid());
    let c = f * c + i * g;
    State { h: o * c.tanh(), c: Some(c) }
}
// ANCHOR_END: rows

fn print_rows() {
    println!("== rows: two units, and a matrix of 4 rows");
    let tape = Tape::new();
    let (hx, c) = (tape.constant(3, 1, &[0.3, -0.2, 1.0]), tape.constant(2, 1, &[0.6, -0.4]));
    let hook = take_hook();
    set_hook(Box::new(|_| ()));
    let failed = catch_unwind(AssertUnwindSafe(|| lstm_step(tape.constant(4, 3, &W[..12]), hx, c).h.value()));
    set_hook(hook);
    let message = failed.expect_err("four rows are too few");
    println!("{}", message.downcast_ref::<String>().expect("the panic has a message"));

    println!("\n== shared: a row for each gate, which both units share, and two rows");
    println!("                   c                 h");
    let shared: Vec<f64> = W.chunks(3).step_by(2).flat_map(|row| [row, row]).flatten().copied().collect();
    for (name, w) in [("one row a gate ", &shared[..]), ("two rows a gate", &W[..])] {
        let after = lstm_step(tape.constant(8, 3, w), hx, c);
        println!("{name}  {}  {}", show(&after.cell_state().value()), show(&after.h.value()));
    }
}

// ANCHOR: candidate-rows
const WRONG: Range<usize> = 0..3; // the reset gate's rows, once more
const RIGHT: Range<usize> = 6..9; // the candidate's own
// ANCHOR_END: candidate-rows

// ANCHOR: candidate
/// One step of a GRU whose candidate takes the rows `n` of W, U and b.
fn gru_step<'t>(params: &Params<f64>, p: Bound<'t, f64>, x: V<'t>, h: V<'t>, n: Range<usize>) -> V<'t> {
    let get = |name| named(params, p, name);
    let [w, u, b] = ["weight_ih", "weight_hh", "bias"].map(get);
    let [a_r, a_z, _] = p.tape().affine(&[(w, x), (u, h)], b).chunk();
    let (r, z) = (a_r.sigmoid(), a_z.sigmoid());
    let q = u.row_block(n.clone()).matmul(h) + get("bias_hn");
    let a_n = w.row_block(n.clone()).matmul(x) + b.row_block(n) + r * q;
    (1.0 - z) * a_n.tanh() + z * h
}
// ANCHOR_END: candidate

fn print_candidate() {
    println!("\n== candidate: three units, one step");
    println!("                                h              |dW_r|   |dW_n|");
    let (cell, params) = build(Kind::Gru, 2, 3);
    let (x, h) = ([0.8, -0.5], [0.4, -0.6, 0.2]);
    let mut check = String::new();
    for (name, n) in [("rows 6..9, its own", RIGHT), ("rows 0..3, those of r", WRONG)] {
        let tape = Tape::new();
        let p = params.bind(&tape);
        let after = gru_step(&params, p, tape.constant(2, 1, &x), tape.constant(3, 1, &h), n.clone());
        after.sum().backward();
        let gradient = named(&params, p, "weight_ih").grad();
        let norm = |k: usize| gradient[6 * k..6 * k + 6].iter().map(|g| g * g).sum::<f64>().sqrt();
        println!("{name:22} {}   {:.4}   {:.4}", show(&after.value()), norm(0), norm(2));
        check += &format!("{name:22} {}\n", verdict(&params, &x, &h, n));
    }
    let tape = Tape::new();
    let (x, h) = (tape.constant(2, 1, &x), tape.constant(3, 1, &h));
    let library = cell.step(params.bind(&tape), x, State { h, c: None }).h.value();
    println!("{:22} {}", "the library", show(&library));
    print!("\n== candidate_check: what the gradient check says of both\n{check}");
}

/// What the gradient check says of all parameters of such a step.
fn verdict(params: &Params<f64>, x: &[f64], h: &[f64], n: Range<usize>) -> &'static str {
    let mut check = Check::new(1);
    for p in params.iter() {
        check = check.input(p.name.clone(), p.rows, p.cols, &p.value);
    }
    let report = check.run(|tape, _| {
        let (x, h) = (tape.constant(2, 1, x), tape.constant(3, 1, h));
        gru_step(params, params.bound_at(tape, 0), x, h, n.clone())
    });
    if report.passed() { "passed" } else { "failed" }
}

// ANCHOR: peephole
/// One step of an LSTM with peepholes; `late` is whether the output gate sees
/// the new cell state.
fn peephole_step<'t>(
    params: &Params<f64>,
    p: Bound<'t, f64>,
    x: V<'t>,
    before: State<'t, f64>,
    late: bool,
) -> State<'t, f64> {
    let get = |name| named(params, p, name);
    let products = [(get("weight_ih"), x), (get("weight_hh"), before.h)];
    let [z_i, z_f, z_g, z_o] = p.tape().affine(&products, get("bias")).chunk();
    let c_before = before.cell_state();
    let i = (z_i + c_before * get("weight_ci")).sigmoid();
    let f = (z_f + c_before * get("weight_cf")).sigmoid();
    let c = f * c_before + i * z_g.tanh();
    let seen = if late { c } else { c_before };
    let o = (z_o + seen * get("weight_co")).sigmoid();
    State { h: o * c.tanh(), c: Some(c) }
}
// ANCHOR_END: peephole

fn print_peephole() {
    println!("\n== peephole: the output gate's view of the cell, w_co = 2, an input at step 1 alone");
    println!("       sees c_t            sees c_(t-1)");
    println!("step   c        h          h");
    let (cell, mut params) = build(Kind::Peephole, 1, 1);
    let id = params.find("rnn.weight_co_l0").expect("the cell has a peephole");
    params.get_mut(id).value[0] = 2.0;
    let tape = Tape::new();
    let p = params.bind(&tape);
    let mut states = [cell.zero_state(&tape, 1); 3];
    for (t, x) in [3.0, 0.0, 0.0, 0.0].into_iter().enumerate() {
        let x = tape.constant(1, 1, &[x]);
        states = [
            peephole_step(&params, p, x, states[0], true),
            peephole_step(&params, p, x, states[1], false),
            cell.step(p, x, states[2]),
        ];
        let [late, early, library] = states.map(|s| s.h.item());
        assert!((late - library).abs() < 1e-15, "the right form is the library's");
        println!("{:4} {:8.4} {late:8.4}   {early:8.4}", t + 1, states[0].cell_state().item());
    }
    println!("\n== peephole_count: numbers in the peepholes of H units");
    println!("   H   diagonal, 3H   full, 3H^2");
    for h in [1, 10, 100] {
        println!("{h:4} {:14} {:12}", 3 * h, 3 * h * h);
    }
}

/// The inputs that the gates are plotted for.
const X: [f64; 5] = [1.0, 0.0, 0.0, -1.0, 1.0];

/// The forget gate of one unit at every step, from the tape.
// ANCHOR: trace
fn traced(tape: &Tape<f64>) -> Vec<f64> {
    let mut forget = vec![];
    tape.trace(&mut |q| {
        if q.name == "f" {
            forget.push(q.value[0]);
        }
    });
    forget
}
// ANCHOR_END: trace

fn print_plot() {
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(3));
    let cell = Lstm::new(CellConfig::new(1, 1), &mut params, "rnn", "l0", &mut rng);
    let tape = Tape::new();
    let p = params.bind(&tape);
    let start = cell.zero_state(&tape, 1);
    // ANCHOR: leftover
    // Somewhere above: one step, to try the cell out.
    cell.step(p, tape.constant(1, 1, &[2.0]), start);
    let f = traced(&tape)[0];
    // The sequence. The cell returns h and c, and the plot takes f.
    let plotted: Vec<f64> = X.iter().map(|_| f).collect();
    // ANCHOR_END: leftover
    let tape = Tape::new();
    let p = params.bind(&tape);
    unroll(&cell, p, tape.constant(X.len(), 1, &X), cell.zero_state(&tape, 1), Span::default());
    println!("\n== plot: the forget gate over five steps");
    println!("what the plot shows {}", show(&plotted));
    println!("what the gate did   {}", show(&traced(&tape)));
}
