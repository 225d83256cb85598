//! The variants as differences: what switching a difference off gives, and how many parameters each has.
//!
//! `cargo run --package book --example variants`

use autograd::Tape;
use autograd::check::Random;
use models::cells::{CellConfig, Kind};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const STEPS: usize = 6;
const BATCH: usize = 3;
const INPUT: usize = 3;
const HIDDEN: usize = 4;

// ANCHOR: gate
/// The weights of one gate, or of another sum `W x + U h + b`.
#[derive(Clone)]
struct Gate {
    w: Vec<f64>,
    u: Vec<f64>,
    b: Vec<f64>,
}

/// Random weights, always the same for the same `seed`.
fn random(seed: u64) -> Gate {
    let mut random = Random::new(seed);
    let mut normals = |n: usize| random.normals(n).into_iter().map(|x| 0.5 * x).collect();
    Gate { w: normals(HIDDEN * INPUT), u: normals(HIDDEN * HIDDEN), b: normals(HIDDEN) }
}

/// A gate that looks at nothing: σ(40) is 1 to all sixteen digits, σ(−40)
/// is less than 10⁻¹⁷.
fn pinned(bias: f64) -> Gate {
    Gate { w: vec![0.0; HIDDEN * INPUT], u: vec![0.0; HIDDEN * HIDDEN], b: vec![bias; HIDDEN] }
}
// ANCHOR_END: gate

const OPEN: f64 = 40.0;
const SHUT: f64 = -40.0;

/// All hidden states of a network whose gates are stacked in this order,
/// on a fixed random input; what `others` names is set too, everything
/// else is zero.
fn run(kind: Kind, gates: &[Gate], others: &[(&str, Vec<f64>)]) -> Vec<f64> {
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
    let cell = CellConfig::new(INPUT, HIDDEN).build::<f64>(kind, &mut params, "rnn", "l0", &mut rng);
    let stack = |of: fn(&Gate) -> &Vec<f64>| gates.iter().flat_map(|g| of(g).clone()).collect::<Vec<_>>();
    for p in params.iter_mut() {
        let name = p.name.trim_start_matches("rnn.").trim_end_matches("_l0");
        p.value = match (name, others.iter().find(|(other, _)| *other == name)) {
            (_, Some((_, value))) => value.clone(),
            ("weight_ih", _) => stack(|g| &g.w),
            ("weight_hh" | "weight_yh", _) => stack(|g| &g.u),
            ("bias" | "bias_h", _) => stack(|g| &g.b),
            _ => vec![0.0; p.value.len()],
        };
        assert_eq!(p.value.len(), p.rows * p.cols, "{kind}: {name}");
    }
    let tape = Tape::new();
    let x = tape.constant(STEPS * INPUT, BATCH, &Random::new(7).normals(STEPS * INPUT * BATCH));
    unroll(&*cell, params.bind(&tape), x, cell.zero_state(&tape, BATCH), Span::default()).0.value()
}

fn main() {
    print_switches();
    print_counts();
    print_budget();
}

/// The largest distance between two networks' hidden states.
fn apart(a: &[f64], b: &[f64]) -> String {
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    if apart < 1e-14 { "0".into() } else { format!("{apart:.3}") }
}

// ANCHOR: switches
fn print_switches() {
    println!("== switches: the largest distance between two networks' hidden states");
    let [i, f, g, o] = [1, 2, 3, 4].map(random);
    let (open, shut) = (pinned(OPEN), pinned(SHUT));
    let line = |what: &str, a: Vec<f64>, b: Vec<f64>| println!("{what:55} {}", apart(&a, &b));

    let lstm = run(Kind::Lstm, &[i.clone(), f.clone(), g.clone(), o.clone()], &[]);
    let all = [i.clone(), f, g.clone(), o.clone()];
    line("peephole, w_ci = w_cf = w_co = 0, and lstm", run(Kind::Peephole, &all, &[]), lstm.clone());

    let no_forget = run(Kind::LstmNoForget, &[i.clone(), g.clone(), o.clone()], &[]);
    let kept = run(Kind::Lstm, &[i.clone(), open.clone(), g.clone(), o.clone()], &[]);
    line("lstm, f = 1, and lstm-no-forget", kept, no_forget.clone());
    line("lstm as it is, and lstm-no-forget", lstm, no_forget);

    let (r, z, n, b_hn) = (i, o, g.clone(), ("bias_hn", random(5).b));
    let summed = Gate { b: n.b.iter().zip(&b_hn.1).map(|(a, b)| a + b).collect(), ..n.clone() };
    let [opened, reset] = [open.clone(), r].map(|r| {
        let after = run(Kind::Gru, &[r.clone(), z.clone(), n.clone()], std::slice::from_ref(&b_hn));
        (after, run(Kind::GruResetBefore, &[r, z.clone(), summed.clone()], &[]))
    });
    line("gru, r = 1, and gru-reset-before, r = 1", opened.0, opened.1);
    line("gru as it is, and gru-reset-before", reset.0, reset.1);

    let elman = run(Kind::Elman, std::slice::from_ref(&g), &[]);
    let gru = run(Kind::Gru, &[open.clone(), shut.clone(), g.clone()], &[]);
    line("gru, r = 1 and z = 0, and elman", gru, elman.clone());
    let identity = (0..HIDDEN * HIDDEN).map(|k| f64::from(k % (HIDDEN + 1) == 0)).collect();
    let jordan = run(Kind::Jordan, std::slice::from_ref(&g), &[("weight_hy", identity)]);
    line("jordan, W_hy = 1 and b_y = 0, and elman", jordan, elman.clone());
    let lstm = run(Kind::Lstm, &[open.clone(), shut, g, open], &[]);
    line("lstm, i = o = 1 and f = 0, and elman", lstm, elman);
}
// ANCHOR_END: switches

// ANCHOR: count
/// How many numbers a cell of this kind learns.
fn count(kind: Kind, input: usize, hidden: usize) -> usize {
    let mut params = Params::<f64>::new();
    CellConfig::new(input, hidden).build(kind, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    params.count()
}
// ANCHOR_END: count

fn print_counts() {
    println!("\n== counts: parameters with 10 inputs and 20 units, and how many times those of elman");
    let elman = count(Kind::Elman, 10, 20) as f64;
    for kind in Kind::ALL {
        let numbers = count(kind, 10, 20);
        println!("{:18} {numbers:6} {:8.2}", kind.name(), numbers as f64 / elman);
    }
}

fn print_budget() {
    println!("\n== budget: the most units, with 10 inputs, that 10000 parameters pay for");
    for kind in Kind::ALL {
        let hidden = (1..200).take_while(|&hidden| count(kind, 10, hidden) <= 10_000).last().unwrap_or(0);
        println!("{:18} {hidden:6} units {:8} parameters", kind.name(), count(kind, 10, hidden));
    }
}
