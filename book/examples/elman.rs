//! Backpropagation through time by hand: an Elman network of two units over three steps.
//!
//! `cargo run --package book --example elman`

use autograd::Tape;
use autograd::check::{Check, ParameterReport, Report};
use models::cells::{CellConfig, Elman, State};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const STEPS: usize = 3;
// ANCHOR: given
/// W (2×1), U (2×2) and b (2×1).
const W: [f64; 2] = [0.5, -1.0];
const U: [[f64; 2]; 2] = [[0.8, -0.4], [0.3, 0.6]];
const B: [f64; 2] = [0.1, 0.0];
/// The inputs, one number at each step, and the state before the first.
const X: [f64; STEPS] = [1.0, 0.5, -1.0];
const START: [f64; 2] = [0.0, 0.2];
/// What the rest of the program sends back: the cotangent of the output of each step.
const DY: [[f64; 2]; STEPS] = [[0.0, 0.0], [0.5, 0.0], [1.0, -1.0]];
// ANCHOR_END: given

/// Mistakes to make in the backward pass.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    /// U where its transpose belongs.
    NotTransposed,
    /// Before the last step, dh is what step t + 1 left, without dy.
    NoOutput,
    /// dh is dy alone, without what step t + 1 left.
    NoRight,
    /// da = dh: the derivative of tanh is forgotten.
    NoTanh,
    /// dU from the state after the step.
    StateAfter,
}

/// The gradients, entry by entry.
#[derive(Default)]
struct Gradients {
    w: [f64; 2],
    u: [[f64; 2]; 2],
    b: [f64; 2],
    x: [f64; STEPS],
    start: [f64; 2],
}

/// Two units.
type Pair = [f64; 2];
/// W, U and b.
type Weights = (Pair, [Pair; 2], Pair);

/// The states: the start, then one for each step.
fn forward((w, u, b): Weights, x: [f64; STEPS], start: [f64; 2]) -> Vec<[f64; 2]> {
    let mut h = vec![start];
    for (t, x) in x.into_iter().enumerate() {
        let a = |i: usize| w[i] * x + u[i][0] * h[t][0] + u[i][1] * h[t][1] + b[i];
        let next = [a(0).tanh(), a(1).tanh()];
        h.push(next);
    }
    h
}

// ANCHOR: backward
fn backward(weights: Weights, x: [f64; STEPS], h: &[Pair], dy: &[Pair], m: Mistake) -> Gradients {
    let (w, u, _) = weights;
    let mut d = Gradients::default();
    let mut from_right = [0.0; 2];
    for t in (1..=STEPS).rev() {
        let dh = [0, 1].map(|i| match m {
            Mistake::NoOutput if t < STEPS => from_right[i],
            Mistake::NoRight => dy[t - 1][i],
            _ => dy[t - 1][i] + from_right[i], // 1
        });
        let da = [0, 1].map(|i| match m {
            Mistake::NoTanh => dh[i],
            _ => dh[i] * (1.0 - h[t][i] * h[t][i]), // 2
        });
        from_right = [0, 1].map(|j| match m {
            Mistake::NotTransposed => u[j][0] * da[0] + u[j][1] * da[1],
            _ => u[0][j] * da[0] + u[1][j] * da[1], // 3
        });
        d.x[t - 1] = w[0] * da[0] + w[1] * da[1]; // 3
        let h_before = if m == Mistake::StateAfter { h[t] } else { h[t - 1] };
        for (i, da) in da.into_iter().enumerate() {
            d.w[i] += da * x[t - 1]; // 3
            d.u[i][0] += da * h_before[0]; // 3
            d.u[i][1] += da * h_before[1]; // 3
            d.b[i] += da; // 3
        }
    }
    d.start = from_right;
    d
}
// ANCHOR_END: backward

fn main() {
    print_experiment();
    print_forward();
    print_backward();
    print_library();
    print_mistakes();
}

fn main_loss(weights: Weights, start: [f64; 2], until: usize) -> f64 {
    let h = forward(weights, X, start);
    (1..=until).map(|t| DY[t - 1][0] * h[t][0] + DY[t - 1][1] * h[t][1]).sum()
}

/// dL/dU by two runs for each entry.
fn print_experiment() {
    println!("== experiment: dL/dU by two runs each");
    let nudge = 1e-6;
    for i in 0..2 {
        let row: String = (0..2)
            .map(|j| {
                let at = |by: f64| {
                    let mut u = U;
                    u[i][j] += by;
                    main_loss((W, u, B), START, STEPS)
                };
                format!("{:9.4}", (at(nudge) - at(-nudge)) / (2.0 * nudge))
            })
            .collect();
        println!("{row}");
    }
}

fn two(v: [f64; 2]) -> String {
    v.map(|x| format!("{:9.4}", (x * 1e4).round() / 1e4 + 0.0)).concat()
}

fn print_forward() {
    println!("\n== forward");
    let h = forward((W, U, B), X, START);
    println!("h0        {}", two(h[0]));
    for t in 1..=STEPS {
        let a = h[t].map(f64::atanh);
        println!(
            "x{t} = {:4.1}  a{t}{}   h{t}{}   1 - h{t}^2{}",
            X[t - 1],
            two(a),
            two(h[t]),
            two(h[t].map(|h| 1.0 - h * h))
        );
    }
    println!("L = 0.5 h2[1] + h3[1] - h3[2] = {:.4}", main_loss((W, U, B), START, STEPS));
}

fn print_backward() {
    println!("\n== backward");
    let h = forward((W, U, B), X, START);
    let mut right = [0.0; 2];
    let (mut du, mut dw, mut db) = ([[0.0; 2]; 2], [0.0; 2], [0.0; 2]);
    for t in (1..=STEPS).rev() {
        let dh = [0, 1].map(|i| DY[t - 1][i] + right[i]);
        let da = [0, 1].map(|i| dh[i] * (1.0 - h[t][i] * h[t][i]));
        println!("step {t}   dy{t}           {}", two(DY[t - 1]));
        println!("         from step {}   {}", t + 1, two(right));
        println!("      1  dh{t}           {}", two(dh));
        println!("      2  da{t}           {}", two(da));
        right = [0, 1].map(|j| U[0][j] * da[0] + U[1][j] * da[1]);
        println!("      3  to step {}     {}", t - 1, two(right));
        println!("      3  dx{t}           {}", two([W[0] * da[0] + W[1] * da[1], 0.0]).split_at(9).0);
        for (i, da) in da.into_iter().enumerate() {
            dw[i] += da * X[t - 1];
            db[i] += da;
            for (j, h) in h[t - 1].into_iter().enumerate() {
                du[i][j] += da * h;
            }
        }
        println!("      3  dW so far     {}", two(dw));
        println!("      3  dU so far     {}{}", two(du[0]), two(du[1]));
        println!("      3  db so far     {}", two(db));
    }
    println!("dh0                    {}", two(right));
}

/// The library's fused derivation on the same numbers.
fn print_library() {
    println!("\n== library: the same from Elman::backward");
    let mut params = Params::<f64>::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let cell = Elman::new(CellConfig::new(1, 2), &mut params, "rnn", "l0", &mut rng);
    let weights = [W.to_vec(), U.concat(), B.to_vec()];
    params.iter_mut().zip(weights).for_each(|(p, value)| p.value = value);
    let tape = Tape::new();
    let p = params.bind(&tape);
    let (x, h) = (tape.leaf(STEPS, 1, &X), tape.leaf(2, 1, &START));
    let (y, _) = unroll(&cell, p, x, State { h, c: None }, Span::default());
    y.backward_with(&DY.concat());
    let row = |g: Vec<f64>| g.iter().map(|x| format!("{x:9.4}")).collect::<String>();
    for (name, q) in ["dW", "dU", "db"].iter().zip(params.iter()) {
        println!("{name:4}{}", row(p.get(params.find(&q.name).unwrap()).grad()));
    }
    println!("dx  {}", row(x.grad()));
    println!("dh0 {}", row(h.grad()));
}

fn print_mistakes() {
    println!("\n== mistakes: wrong entries, by the gradient check");
    println!("                               W       U       b       x      h0");
    for (name, mistake) in [
        ("none", Mistake::None),
        ("U for its transpose", Mistake::NotTransposed),
        ("dh without earlier dy", Mistake::NoOutput),
        ("dh without step t + 1", Mistake::NoRight),
        ("da without 1 - h^2", Mistake::NoTanh),
        ("dU with h_t", Mistake::StateAfter),
    ] {
        let row: String = checked(mistake).parameters.iter().map(wrong_of_all).collect();
        println!("{name:24}{row}");
    }
}

/// The backward pass with a mistake in it, judged by differences of the forward pass.
fn checked(mistake: Mistake) -> Report {
    let given = |v: &[Vec<f64>]| {
        let u = [[v[1][0], v[1][1]], [v[1][2], v[1][3]]];
        let weights = ([v[0][0], v[0][1]], u, [v[2][0], v[2][1]]);
        (weights, [v[3][0], v[3][1], v[3][2]], [v[4][0], v[4][1]])
    };
    let run = |v: &[Vec<f64>]| {
        let (weights, x, start) = given(v);
        forward(weights, x, start)
    };
    let check = Check::new(1).input("W", 2, 1, &W).input("U", 2, 2, &U.concat()).input("b", 2, 1, &B);
    check.input("x", 3, 1, &X).input("h0", 2, 1, &START).run_with(
        |v| run(v)[1..].concat(),
        |v, cotangents| {
            let (weights, x, _) = given(v);
            let all = cotangents.iter().map(|dy| {
                let dy: Vec<[f64; 2]> = dy.chunks(2).map(|y| [y[0], y[1]]).collect();
                let d = backward(weights, x, &run(v), &dy, mistake);
                vec![d.w.to_vec(), d.u.concat(), d.b.to_vec(), d.x.to_vec(), d.start.to_vec()]
            });
            all.collect()
        },
    )
}

/// `2 of 4`, as wide as a column of the table. Each entry is compared once.
fn wrong_of_all(parameter: &ParameterReport) -> String {
    format!("{:>8}", format!("{} of {}", parameter.wrong, parameter.checked))
}
