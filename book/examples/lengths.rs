//! Examples of different lengths in one batch: padding, masks, and packed columns.
//!
//! `cargo run --package book --example lengths`

use autograd::check::Check;
use autograd::{IGNORE_INDEX, Tape};
use models::cells::{Cell, CellConfig, Elman, Lengths};
use models::layers::{Span, unroll};
use models::params::Params;
use models::tasks::{dates, numbers, sentiment};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const STEPS: usize = 4;
const BATCH: usize = 3;
// ANCHOR: given
/// The examples A, B and C side by side, step by step; 0 where an example has ended.
const LENGTHS: [usize; BATCH] = [2, 4, 1];
#[rustfmt::skip]
const X: [f64; STEPS * BATCH] = [
    0.4, 1.0, -1.0,
    1.0, 0.0,  0.0,
    0.0, 0.5,  0.0,
    0.0, 1.0,  0.0,
];
/// h_t = tanh(W x_t + U h_{t-1} + b), every quantity a single number.
const W: f64 = 1.0;
const U: f64 = 0.6;
const B: f64 = 0.2;
// ANCHOR_END: given

fn main() {
    print_experiment();
    print_forward();
    print_backward();
    print_library();
    print_reverse();
    print_nan();
    print_loss();
    print_cost();
    print_mistakes();
}

/// The cell as the library has it.
fn cell() -> (Elman, Params<f64>) {
    let mut params = Params::<f64>::new();
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let cell = Elman::new(CellConfig::new(1, 1), &mut params, "rnn", "l0", rng);
    params.iter_mut().zip([W, U, B]).for_each(|(p, value)| p.value = vec![value]);
    (cell, params)
}

/// Outputs, final states, and the gradients of W, U, b and x, if the loss is the sum of the final states.
fn run(x: &[f64], batch: usize, lengths: Option<&Lengths>, reverse: bool) -> [Vec<f64>; 4] {
    let ((cell, params), tape) = (cell(), Tape::new());
    let p = params.bind(&tape);
    let x = tape.leaf(x.len() / batch, batch, x);
    let span = Span { lengths, reverse, ..Span::default() };
    let (y, end) = unroll(&cell, p, x, cell.zero_state(&tape, batch), span);
    end.h.sum().backward();
    let grads = params.iter().flat_map(|q| p.get(params.find(&q.name).unwrap()).grad()).collect();
    [y.value(), end.h.value(), grads, x.grad()]
}

fn numbers_of(entries: &[f64]) -> String {
    entries.iter().map(|x| format!("{:8.4}", (x * 1e4).round() / 1e4 + 0.0)).collect()
}

/// Example A, padded to more and more steps.
fn print_experiment() {
    println!("== experiment: example A, 2 steps, and zeros after them");
    println!("                       without its length            with its length");
    println!("steps in the batch     final state     dL/dU     final state     dL/dU");
    for steps in [2, 3, 6, 12] {
        let x: Vec<f64> = [0.4, 1.0].into_iter().chain([0.0; 10]).take(steps).collect();
        let lengths = Lengths::new(&[2]);
        let row = [None, Some(&lengths)].map(|lengths| {
            let [_, end, grads, _] = run(&x, 1, lengths, false);
            format!("{:16.4}{:10.4}", end[0], grads[1])
        });
        println!("{steps:18}{}", row.concat());
    }
}

/// Mistakes to make with masks, on the way back.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    /// The cotangent of the carried state is not passed on through the padding.
    NotCarried,
    /// The cell is blamed in the padding too.
    NotMasked,
    /// The cotangents of outputs in the padding are let in.
    OutputsPast,
}

/// Whether example `b` has a step `t`, counted from 0.
fn valid(t: usize, b: usize) -> bool {
    t < LENGTHS[b]
}

// ANCHOR: forward
/// The states after each step, the start first: in the padding a state stays what it was.
fn forward([w, u, b]: [f64; 3], x: &[f64], start: &[f64]) -> Vec<Vec<f64>> {
    let mut h = vec![start.to_vec()];
    for t in 0..STEPS {
        let next = |n: usize| match valid(t, n) {
            true => f64::tanh(w * x[t * BATCH + n] + u * h[t][n] + b),
            false => h[t][n],
        };
        let row = (0..BATCH).map(next).collect();
        h.push(row);
    }
    h
}
// ANCHOR_END: forward

/// The gradients of W, U and b, of the inputs and of the start, and dh at each step.
type Gradients = ([f64; 3], Vec<f64>, Vec<f64>, Vec<Vec<f64>>);

fn backward(p: [f64; 3], x: &[f64], h: &[Vec<f64>], (dy, end): (&[f64], &[f64]), m: Mistake) -> Gradients {
    let [w, u, _] = p;
    let (mut d, mut dx, mut dh_at) = ([0.0; 3], vec![0.0; x.len()], Vec::new());
    // ANCHOR: backward
    let mut dh = end.to_vec(); // of the final states
    for t in (0..STEPS).rev() {
        dh_at.push(dh.clone());
        for n in 0..BATCH {
            let (at, is_valid) = (t * BATCH + n, valid(t, n));
            let mut dnext = 0.0; // of what the cell computed
            if is_valid || m == Mistake::NotMasked {
                dnext += dh[n]; // 1
            }
            if is_valid || m == Mistake::OutputsPast {
                dnext += dy[at]; // 1
            }
            let h_t = h[t + 1][n];
            let da = dnext * (1.0 - h_t * h_t); // 2
            d = [d[0] + da * x[at], d[1] + da * h[t][n], d[2] + da]; // 2
            dx[at] = w * da; // 2
            let carried = !is_valid && m != Mistake::NotCarried;
            dh[n] = u * da + if carried { dh[n] } else { 0.0 }; // 3
        }
    }
    // ANCHOR_END: backward
    (d, dx, dh, dh_at)
}

const PARAMETERS: [f64; 3] = [W, U, B];

fn print_forward() {
    println!("\n== forward: states after each step");
    println!("               A       B       C");
    let h = forward(PARAMETERS, &X, &[0.0; BATCH]);
    for (t, row) in h.iter().enumerate() {
        let marks: String =
            (0..BATCH).map(|b| if t > 0 && !valid(t - 1, b) { " kept" } else { "     " }).collect();
        println!("{}", format!("step {t}  {}   {marks}", numbers_of(row)).trim_end());
    }
}

fn print_backward() {
    println!("\n== backward: dh at each step, for a loss that is the sum of the final states");
    println!("                 A       B       C");
    let h = forward(PARAMETERS, &X, &[0.0; BATCH]);
    let (d, dx, start, dh) =
        backward(PARAMETERS, &X, &h, (&[0.0; STEPS * BATCH], &[1.0; BATCH]), Mistake::None);
    for (row, t) in dh.iter().zip((1..=STEPS).rev()) {
        println!("step {t}    {}", numbers_of(row));
    }
    println!("start     {}", numbers_of(&start));
    for t in 0..STEPS {
        println!("dx{}       {}", t + 1, numbers_of(&dx[t * BATCH..(t + 1) * BATCH]));
    }
    println!("dW{}   dU{}   db{}", numbers_of(&d[..1]), numbers_of(&d[1..2]), numbers_of(&d[2..]));
}

fn print_library() {
    println!("\n== library: all examples together, and one by one without padding");
    let lengths = Lengths::new(&LENGTHS);
    let [y, end, grads, _] = run(&X, BATCH, Some(&lengths), false);
    let mut sum = [0.0; 3];
    let mut ends = Vec::new();
    for (b, length) in LENGTHS.into_iter().enumerate() {
        let x: Vec<f64> = (0..length).map(|t| X[t * BATCH + b]).collect();
        let [_, end, grads, _] = run(&x, 1, None, false);
        ends.push(end[0]);
        sum.iter_mut().zip(grads).for_each(|(sum, g)| *sum += g);
    }
    println!("                final states              dW      dU      db");
    println!("together    {}    {}", numbers_of(&end), numbers_of(&grads));
    println!("one by one  {}    {}", numbers_of(&ends), numbers_of(&sum));
    println!("\noutputs          A       B       C");
    for (t, row) in y.chunks(BATCH).enumerate() {
        println!("step {}    {}", t + 1, numbers_of(row));
    }
}

/// Example A read from right to left, padded to four steps.
fn print_reverse() {
    println!("\n== reverse: example A read backwards, its state after reading each step");
    println!("                        step 4  step 3  step 2  step 1");
    let x = [0.4, 1.0, 0.0, 0.0];
    let lengths = Lengths::new(&[2]);
    for (name, lengths) in [("the whole rectangle", None), ("from its last valid step", Some(&lengths))] {
        let [y, ..] = run(&x, 1, lengths, true);
        let row: String = (0..STEPS)
            .rev()
            .map(|t| match lengths {
                Some(_) if t >= 2 => "       .".to_string(),
                _ => numbers_of(&y[t..=t]),
            })
            .collect();
        println!("{name:24}{}", &row[2..]);
    }
}

/// Padding with NaN in it: a mask that multiplies, and one that chooses.
fn print_nan() {
    println!("\n== nan: a NaN in the padding, and dL/dW");
    let tape = Tape::<f64>::new();
    let w = tape.leaf(1, 1, &[W]);
    let padding = tape.constant(1, 1, &[f64::NAN]);
    // ANCHOR: nan
    let y = w.matmul(padding).tanh();
    let multiplied = y * tape.constant(1, 1, &[0.0]);
    let chosen = tape.select([false], y, tape.zeros(1, 1));
    let x = tape.select([false], padding, tape.zeros(1, 1));
    let both = tape.select([false], w.matmul(x).tanh(), tape.zeros(1, 1));
    // ANCHOR_END: nan
    for (name, masked) in
        [("output multiplied by 0", multiplied), ("output chosen", chosen), ("input and output chosen", both)]
    {
        masked.sum().backward();
        println!("{name:24} value {:4}   dL/dW {:4}", masked.item(), w.grad()[0]);
    }
}

/// The same logits, once alone and once with padding beside them.
fn print_loss() {
    println!("\n== loss: of one step that counts and three that do not");
    let tape = Tape::<f64>::new();
    let mean = |steps: usize, none: usize| {
        let logits: Vec<f64> = [1.0, 0.0].into_iter().chain([0.0; 6]).take(2 * steps).collect();
        let targets: Vec<usize> = [0, none, none, none].into_iter().take(steps).collect();
        tape.constant(2 * steps, 1, &logits).cross_entropy(&targets).item()
    };
    println!("without padding                        {:.4}", mean(1, 0));
    println!("padded, the padding's target ignored   {:.4}", mean(4, IGNORE_INDEX));
    println!("padded, the padding's target class 0   {:.4}", mean(4, 0));
}

fn print_cost() {
    println!("\n== cost: 64 random examples of a task in one batch");
    println!("                  shortest  longest    T B   valid   share");
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let letters = |text: &str| text.chars().count();
    let sentences = (0..64).map(|_| sentiment::draw(rng, false).words.len()).collect::<Vec<_>>();
    let written = (0..64).map(|_| letters(&dates::draw(rng, false).0)).collect::<Vec<_>>();
    let names = (0..64).map(|k| letters(&numbers::name(k * 7919 % numbers::NUMBERS))).collect::<Vec<_>>();
    for (name, lengths) in [("sentences", sentences), ("dates", written), ("names of numbers", names)] {
        let lengths = Lengths::new(&lengths);
        let (shortest, all) = ((0..64).map(|b| lengths.of(b)).min().unwrap(), 64 * lengths.longest());
        println!(
            "{name:18}{shortest:6}{:10}{all:8}{:8}{:6.0} %",
            lengths.longest(),
            lengths.total(),
            100.0 * lengths.total() as f64 / all as f64
        );
    }
}

fn print_mistakes() {
    println!("\n== mistakes: wrong entries, by the gradient check");
    println!("                           W, U, b          x     start");
    for (name, mistake) in [
        ("none", Mistake::None),
        ("not carried back", Mistake::NotCarried),
        ("cell blamed in padding", Mistake::NotMasked),
        ("outputs past the end", Mistake::OutputsPast),
    ] {
        let start = [0.1, -0.2, 0.3];
        let check = Check::new(1).input("W, U, b", 3, 1, &PARAMETERS).input("x", STEPS, BATCH, &X);
        let report = check.input("start", 1, BATCH, &start).run_with(
            |v| {
                let h = forward([v[0][0], v[0][1], v[0][2]], &v[1], &v[2]);
                let output = |t: usize, b: usize| if valid(t, b) { h[t + 1][b] } else { 0.0 };
                let y = (0..STEPS * BATCH).map(|at| output(at / BATCH, at % BATCH));
                y.chain(h[STEPS].iter().copied()).collect()
            },
            |v, cotangents| {
                let p = [v[0][0], v[0][1], v[0][2]];
                let h = forward(p, &v[1], &v[2]);
                let all = cotangents.iter().map(|c| {
                    let (d, dx, start, _) = backward(p, &v[1], &h, c.split_at(STEPS * BATCH), mistake);
                    vec![d.to_vec(), dx, start]
                });
                all.collect()
            },
        );
        let row: String = report
            .parameters
            .iter()
            .map(|p| {
                let wrong = p.entries.iter().filter(|e| e.wrong).count();
                format!("{:>11}", format!("{wrong} of {}", p.rows * p.cols))
            })
            .collect();
        println!("{name:23}{row}");
    }
}
