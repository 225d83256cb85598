//! The two networks that are both called GRU: two units by hand, and what breaks.
//!
//! `cargo run --package book --example gru`

use autograd::Tape;
use models::cells::{CellConfig, Kind, State};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

type V = [f64; 2];
type Theta = [f64; 28];

// ANCHOR: parameters
/// Rows of r, z and n below each other, two each: W (6×1), U (6×2), b (6×1);
/// then b_hn and h_0.
#[rustfmt::skip]
const THETA: Theta = [
    0.6, -0.4,   0.3, 0.5,   0.8, -0.7,
    0.4, -0.3, 0.2, 0.5,   -0.2, 0.6, 0.3, 0.1,   0.7, -0.9, 0.5, 0.4,
    0.1, -0.2,   0.0, 0.3,   0.2, -0.1,
    0.5, -0.4,
    0.5, -0.8,
];
const X: [f64; 3] = [1.0, -0.5, 0.5];
/// The loss is `1.0 h[0] − 0.5 h[1]`, added up over the steps.
const COTANGENT: V = [1.0, -0.5];
// ANCHOR_END: parameters

/// The parameters by name, and where they lie.
const NAMES: [(&str, usize, usize); 11] = [
    ("W_r", 0, 2),
    ("W_z", 2, 4),
    ("W_n", 4, 6),
    ("U_r", 6, 10),
    ("U_z", 10, 14),
    ("U_n", 14, 18),
    ("b_r", 18, 20),
    ("b_z", 20, 22),
    ("b_n", 22, 24),
    ("b_hn", 24, 26),
    ("h_0", 26, 28),
];

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Before,
    After,
}

/// What the backward pass does.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Right,
    /// After: `da_n` for `dq`. Before: what `h` gets through `k` is left out.
    Wrong,
}

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

/// `f` of both entries.
fn each(f: impl Fn(usize) -> f64) -> V {
    [f(0), f(1)]
}

/// The block of U that belongs to gate `k`, times `v`.
fn u_times(theta: &Theta, k: usize, v: V) -> V {
    each(|row| (0..2).map(|col| theta[6 + 4 * k + 2 * row + col] * v[col]).sum())
}

/// Its transpose times `v`.
fn u_transposed_times(theta: &Theta, k: usize, v: V) -> V {
    each(|col| (0..2).map(|row| theta[6 + 4 * k + 2 * row + col] * v[row]).sum())
}

/// One step. `s` is what the reset gate is part of: `k = r ⊙ h` before the matrix, `q` after it.
#[derive(Clone, Copy)]
struct Step {
    x: f64,
    h_before: V,
    a: [V; 3],
    r: V,
    z: V,
    s: V,
    n: V,
    h: V,
}

// ANCHOR: forward
fn step(theta: &Theta, form: Form, x: f64, h_before: V) -> Step {
    let input = |k: usize| each(|row| theta[2 * k + row] * x + theta[18 + 2 * k + row]); // W x + b
    let [a_r, a_z] = [0, 1].map(|k| {
        let u_h = u_times(theta, k, h_before);
        each(|j| input(k)[j] + u_h[j])
    });
    let (r, z) = (a_r.map(sigmoid), a_z.map(sigmoid));
    let (s, to_n) = match form {
        Form::Before => {
            let k = each(|j| r[j] * h_before[j]);
            (k, u_times(theta, 2, k))
        }
        Form::After => {
            let u_h = u_times(theta, 2, h_before);
            let q = each(|j| u_h[j] + theta[24 + j]);
            (q, each(|j| r[j] * q[j]))
        }
    };
    let a_n = each(|j| input(2)[j] + to_n[j]);
    let n = a_n.map(f64::tanh);
    let h = each(|j| (1.0 - z[j]) * n[j] + z[j] * h_before[j]);
    Step { x, h_before, a: [a_r, a_z, a_n], r, z, s, n, h }
}
// ANCHOR_END: forward

fn forward<const N: usize>(theta: &Theta, form: Form) -> [Step; N] {
    let mut h = [theta[26], theta[27]];
    std::array::from_fn(|t| {
        let step = step(theta, form, X[t], h);
        h = step.h;
        step
    })
}

/// One step back; `through` are the ways by which `h_before` gets its cotangent.
struct Back {
    dn: V,
    dz: V,
    dr: V,
    /// `dq` or `dk`.
    ds: V,
    /// `da_r, da_z, da_n`.
    da: [V; 3],
    through: [V; 3],
}

fn step_back(theta: &Theta, form: Form, rule: Rule, s: &Step, dh: V) -> Back {
    let dn = each(|j| dh[j] * (1.0 - s.z[j]));
    let dz = each(|j| dh[j] * (s.h_before[j] - s.n[j]));
    let through_z = each(|j| dh[j] * s.z[j]);
    let da_n = each(|j| dn[j] * (1.0 - s.n[j] * s.n[j]));
    let (dr, ds, through_n) = match form {
        Form::Before => {
            let dk = u_transposed_times(theta, 2, da_n);
            let kept = if rule == Rule::Wrong { 0.0 } else { 1.0 };
            (each(|j| dk[j] * s.h_before[j]), dk, each(|j| kept * dk[j] * s.r[j]))
        }
        Form::After => {
            let dq = if rule == Rule::Wrong { da_n } else { each(|j| da_n[j] * s.r[j]) };
            (each(|j| da_n[j] * s.s[j]), dq, u_transposed_times(theta, 2, dq))
        }
    };
    let da_r = each(|j| dr[j] * s.r[j] * (1.0 - s.r[j]));
    let da_z = each(|j| dz[j] * s.z[j] * (1.0 - s.z[j]));
    let [from_r, from_z] = [u_transposed_times(theta, 0, da_r), u_transposed_times(theta, 1, da_z)];
    let through_gates = each(|j| from_r[j] + from_z[j]);
    Back { dn, dz, dr, ds, da: [da_r, da_z, da_n], through: [through_z, through_n, through_gates] }
}

/// The gradients of all parameters after `N` steps.
fn gradients<const N: usize>(theta: &Theta, form: Form, rule: Rule) -> Theta {
    let (mut bar, mut dh_later) = ([0.0; 28], [0.0; 2]);
    for s in forward::<N>(theta, form).iter().rev() {
        let b = step_back(theta, form, rule, s, each(|j| COTANGENT[j] + dh_later[j]));
        let to_u_n = if form == Form::Before { (b.da[2], s.s) } else { (b.ds, s.h_before) };
        let to_u = [(b.da[0], s.h_before), (b.da[1], s.h_before), to_u_n];
        for (k, row) in (0..6).map(|k| (k / 2, k % 2)) {
            bar[2 * k + row] += b.da[k][row] * s.x;
            bar[18 + 2 * k + row] += b.da[k][row];
            for col in 0..2 {
                bar[6 + 4 * k + 2 * row + col] += to_u[k].0[row] * to_u[k].1[col];
            }
        }
        if form == Form::After {
            (0..2).for_each(|j| bar[24 + j] += b.ds[j]);
        }
        dh_later = each(|j| b.through.iter().map(|way| way[j]).sum());
    }
    (bar[26], bar[27]) = (dh_later[0], dh_later[1]);
    bar
}

/// The gradients from two runs for each parameter.
fn slopes<const N: usize>(form: Form) -> Theta {
    let loss = |theta: &Theta| -> f64 {
        forward::<N>(theta, form).iter().map(|s| COTANGENT[0] * s.h[0] + COTANGENT[1] * s.h[1]).sum()
    };
    std::array::from_fn(|k| {
        let by = |by: f64| {
            let mut theta = THETA;
            theta[k] += by;
            loss(&theta)
        };
        (by(1e-6) - by(-1e-6)) / 2e-6
    })
}

/// The library's gradients, in the order of [`THETA`].
fn library(form: Form) -> Theta {
    let kind = if form == Form::Before { Kind::GruResetBefore } else { Kind::Gru };
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
    let cell = CellConfig::new(1, 2).build::<f64>(kind, &mut params, "rnn", "l0", &mut rng);
    let parts = [0..6, 6..18, 18..24, 24..26];
    params.iter_mut().zip(parts.clone()).for_each(|(p, part)| p.value = THETA[part].to_vec());
    let tape = Tape::new();
    let p = params.bind(&tape);
    let h_0 = tape.leaf(2, 1, &THETA[26..]);
    let (y, _) = unroll(&*cell, p, tape.constant(3, 1, &X), State { h: h_0, c: None }, Span::default());
    y.backward_with(&COTANGENT.repeat(3));
    params.add_grads(p);
    let mut bar = [0.0; 28];
    params.iter().zip(parts).for_each(|(p, part)| bar[part].copy_from_slice(&p.grad));
    bar[26..].copy_from_slice(&h_0.grad());
    bar
}

fn main() {
    print_orders();
    print_step();
    print_backward(Form::Before);
    print_backward(Form::After);
    print_biases();
    print_check();
}

fn show(v: V) -> String {
    format!("{:8.4} {:8.4}", v[0], v[1])
}

fn print_orders() {
    println!("== order: the hidden state of both forms, with the same weights and b_hn = 0");
    println!("        reset before        reset after");
    let mut diagonal = THETA;
    (diagonal[24], diagonal[25]) = (0.0, 0.0);
    let full = diagonal;
    (diagonal[15], diagonal[16]) = (0.0, 0.0);
    for (name, theta) in [("U_n as it is", full), ("U_n diagonal", diagonal)] {
        println!("{name}");
        let [before, after] = [Form::Before, Form::After].map(|form| forward::<3>(&theta, form));
        for (t, (before, after)) in before.iter().zip(&after).enumerate() {
            println!("step {} {}  {}", t + 1, show(before.h), show(after.h));
        }
    }
}

fn print_step() {
    let [before, after] = [Form::Before, Form::After].map(|form| forward::<1>(&THETA, form)[0]);
    println!("\n== forward: one step, x = 1.0 and h_0 = (0.5, -0.8)");
    println!("                               reset before        reset after");
    let line = |name: &str, of: &dyn Fn(&Step) -> V| {
        println!("{name:28} {}  {}", show(of(&before)), show(of(&after)));
    };
    line("a_r = W_r x + U_r h_0 + b_r", &|s| s.a[0]);
    line("a_z = W_z x + U_z h_0 + b_z", &|s| s.a[1]);
    line("r = s(a_r)", &|s| s.r);
    line("z = s(a_z)", &|s| s.z);
    println!("{:28} {}", "k = r h_0", show(before.s));
    println!("{:28} {:17}  {}", "q = U_n h_0 + b_hn", "", show(after.s));
    line("a_n", &|s| s.a[2]);
    line("n = tanh(a_n)", &|s| s.n);
    line("h_1 = (1 - z) n + z h_0", &|s| s.h);
}

fn print_backward(form: Form) {
    let (name, s) = if form == Form::Before { ("before", "dk") } else { ("after", "dq") };
    let b = step_back(&THETA, form, Rule::Right, &forward::<1>(&THETA, form)[0], COTANGENT);
    println!("\n== {name}: the step back");
    for (name, v) in [("dh_1", COTANGENT), ("dn", b.dn), ("dz", b.dz), ("da_n", b.da[2]), (s, b.ds)] {
        println!("{name:22} {}", show(v));
    }
    for (name, v) in [("dr", b.dr), ("da_r", b.da[0]), ("da_z", b.da[1])] {
        println!("{name:22} {}", show(v));
    }
    let through_n = if form == Form::Before { "dh_0 through k" } else { "dh_0 through q" };
    for (name, v) in ["dh_0 through z h_0", through_n, "dh_0 through the gates"].into_iter().zip(b.through) {
        println!("{name:22} {}", show(v));
    }
    println!("{:22} {}", "dh_0", show(each(|j| b.through.iter().map(|way| way[j]).sum())));
}

fn print_biases() {
    println!("\n== bias: reset after, three steps, and the same with b_hn moved into b_n");
    let mut moved = THETA;
    for j in [0, 1] {
        moved[22 + j] += moved[24 + j];
        moved[24 + j] = 0.0;
    }
    println!("       b_n and b_hn       their sum in b_n");
    let [apart, summed] = [THETA, moved].map(|theta| forward::<3>(&theta, Form::After));
    for (t, (apart, summed)) in apart.iter().zip(&summed).enumerate() {
        println!("h_{} {}  {}", t + 1, show(apart.h), show(summed.h));
    }
    let bar = gradients::<3>(&THETA, Form::After, Rule::Right);
    println!("\n== bias_gradients: the two biases of the candidate");
    println!("db_n  {}", show([bar[22], bar[23]]));
    println!("db_hn {}", show([bar[24], bar[25]]));
}

/// How far a gradient is from that of two runs, in percent of its length.
fn percent(bar: &Theta, runs: &Theta, from: usize, to: usize) -> f64 {
    let length = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let apart = length(&mut (from..to).map(|k| bar[k] - runs[k]));
    100.0 * apart / length(&mut (from..to).map(|k| runs[k]))
}

fn print_check() {
    println!("\n== check: the distance to two runs, in percent, after three steps");
    println!("          reset before             reset after");
    println!("        right  without k to h   right  da_n for dq");
    for (name, from, to) in NAMES {
        let columns = [Form::Before, Form::After].map(|form| {
            let runs = slopes::<3>(form);
            let right = gradients::<3>(&THETA, form, Rule::Right);
            let apart = right.iter().zip(library(form)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-12, "by hand and by the library are {apart:e} apart");
            [right, gradients::<3>(&THETA, form, Rule::Wrong)].map(|bar| percent(&bar, &runs, from, to))
        });
        let [[before, no_k], [after, no_r]] = columns;
        let before = if name == "b_hn" { " ".repeat(18) } else { format!("{before:7.2} {no_k:10.2}") };
        println!("{name:5} {before:18}     {after:7.2} {no_r:10.2}");
    }
}
