//! Losses: means over the steps that count, and what their units say.
//!
//! `cargo run --package book --example losses`

use autograd::check::Random;
use autograd::{IGNORE_INDEX, Tape, Var};
use models::params::Params;
use models::train::Trainer;
use std::collections::BTreeMap;

fn main() {
    print_padding();
    print_squares();
    print_units();
    print_means();
    print_broken();
}

/// Steps of the two sequences.
const LENGTHS: [usize; 2] = [5, 2];

// ANCHOR: padding
/// The targets of two sequences that are padded to `steps`, and what a
/// network may have said: scores of 3 classes, anything in the padding.
fn padded(steps: usize) -> (Vec<usize>, Vec<f64>) {
    let class = |t: usize, b: usize| if t < LENGTHS[b] { (t + b) % 3 } else { IGNORE_INDEX };
    let targets = (0..steps).flat_map(|t| [class(t, 0), class(t, 1)]).collect();
    (targets, Random::new(1).normals(steps * 3 * 2))
}
// ANCHOR_END: padding

fn norm(g: &[f64]) -> f64 {
    g.iter().map(|g| g * g).sum::<f64>().sqrt()
}

fn print_padding() {
    println!("== padding: sequences of 5 and 2 steps");
    println!("padded to   over the steps that count   over all steps");
    println!("               loss    gradient           loss    gradient");
    for steps in [5, 10, 50] {
        let (targets, scores) = padded(steps);
        let tape = Tape::new();
        let x = tape.leaf(steps * 3, 2, &scores);
        let loss = x.cross_entropy(&targets);
        loss.backward();
        let (loss, length) = (loss.item(), norm(&x.grad()));
        let share = LENGTHS.iter().sum::<usize>() as f64 / targets.len() as f64;
        println!("{steps:8} {loss:10.4} {length:11.4} {:14.4} {:11.4}", loss * share, length * share);
    }
}

// ANCHOR: masked-mse
/// The mean of the squared errors where `mask` is 1 and not 0.
fn masked_mse<'t>(y: Var<'t, f64>, target: Var<'t, f64>, mask: Var<'t, f64>) -> Var<'t, f64> {
    let count = mask.sum().item();
    ((y - target) * mask).square().sum() * (1.0 / count)
}
// ANCHOR_END: masked-mse

// ANCHOR: squares
const OUTPUTS: [f64; 6] = [1.0, 0.5, 0.0, 9.0, 2.0, 9.0];
const TARGETS: [f64; 6] = [0.5, 1.0, 1.0, 0.0, 2.0, 0.0];
const MASK: [f64; 6] = [1.0, 1.0, 1.0, 0.0, 1.0, 0.0];
// ANCHOR_END: squares

fn print_squares() {
    println!("\n== squares: three steps, two sequences, of which the second ends after one");
    let tape = Tape::new();
    let y = tape.leaf(3, 2, &OUTPUTS);
    let [target, mask] = [TARGETS, MASK].map(|entries| tape.constant(3, 2, &entries));
    let error = (y - target) * mask;
    let loss = masked_mse(y, target, mask);
    loss.backward();
    println!("            step 0           step 1           step 2");
    let parts =
        [("y", y.value()), ("target", target.value()), ("mask", mask.value()), ("error", error.value())];
    for (name, entries) in parts.into_iter().chain([("bar y", y.grad())]) {
        let steps: Vec<String> =
            entries.chunks(2).map(|b| format!("{:7.4} {:7.4}", b[0], b[1] + 0.0)).collect();
        println!("{name:8} {}", steps.join("  "));
    }
    println!("loss      {:.4}", loss.item());
    let whole = tape.constant(3, 2, &OUTPUTS).mse_loss(target);
    println!("the same without a mask: {:.4}", whole.item());
    let mut broken = OUTPUTS;
    broken[5] = f64::NAN;
    println!("with NaN in the padding: {:.4}", masked_mse(tape.constant(3, 2, &broken), target, mask).item());
}

/// A text to count letters in.
const TEXT: &str = "A network that reads a text letter by letter is asked at every letter for the next. \
    It cannot know it, but it can know a lot: after a q there is a u, after a full stop there is a space, \
    and after the letters th there is an e more often than not. What it knows it has to say in numbers, \
    one for each letter that there is, and these numbers have to add up to one.";

// ANCHOR: counting
/// The mean of -ln p over the letters of the text, where p is a letter's
/// share among those that follow the same `context` letters.
fn counted(context: usize) -> f64 {
    let letters: Vec<char> = TEXT.chars().collect();
    let mut counts = BTreeMap::<&[char], f64>::new();
    for window in letters.windows(context + 1) {
        *counts.entry(window).or_default() += 1.0;
        *counts.entry(&window[..context]).or_default() += 1.0;
    }
    let windows = letters.windows(context + 1);
    let nats = windows.map(|w| -(counts[w] / counts[&w[..context]]).ln());
    nats.sum::<f64>() / (letters.len() - context) as f64
}
// ANCHOR_END: counting

fn print_units() {
    let mut letters: Vec<char> = TEXT.chars().collect();
    let length = letters.len();
    letters.sort_unstable();
    letters.dedup();
    println!("\n== units: a text of {length} letters, {} of them different", letters.len());
    println!("what is known             nats    bits   perplexity   bytes in all");
    let uniform = (letters.len() as f64).ln();
    let rows =
        [("the alphabet", uniform), ("how often each is", counted(0)), ("the letter before", counted(1))];
    for (name, nats) in rows {
        let bits = nats / std::f64::consts::LN_2;
        println!("{name:22} {nats:7.3} {bits:7.3} {:12.2} {:14.0}", nats.exp(), bits * length as f64 / 8.0);
    }
}

fn print_means() {
    println!("\n== means: one batch of 90 letters, one of 10");
    let batches = [(90.0, 1.0), (10.0, 3.0)];
    let nats = batches.iter().map(|(n, loss)| n * loss).sum::<f64>() / 100.0;
    let means = batches.iter().map(|(_, loss)| loss).sum::<f64>() / 2.0;
    let perplexities = batches.iter().map(|(_, loss): &(f64, f64)| loss.exp()).sum::<f64>() / 2.0;
    println!("                          nats   perplexity");
    println!("over all letters        {nats:6.3} {:12.2}", nats.exp());
    println!("mean of the two means   {means:6.3} {:12.2}", means.exp());
    println!("mean of perplexities         - {perplexities:12.2}");
}

/// What may be done with padding.
#[derive(Clone, Copy, PartialEq)]
enum Padding {
    Ignored,
    InTheDivisor,
    ClassZero,
}

// ANCHOR: broken
/// Trains three scores, the same at every step, on sequences of 5 and 2
/// steps that are padded to 10. Returns the loss that was reported, the
/// probabilities, and the norm of the first gradient.
fn train(padding: Padding) -> (f64, Vec<f64>, f64) {
    let (mut targets, _) = padded(10);
    if padding == Padding::ClassZero {
        targets.iter_mut().filter(|t| **t == IGNORE_INDEX).for_each(|t| *t = 0);
    }
    let divide = if padding == Padding::InTheDivisor { 7.0 / 20.0 } else { 1.0 };
    let mut params = Params::<f64>::new();
    let scores = params.add("scores", 3, 1, vec![0.0; 3]);
    let mut trainer = Trainer::new(params, "sgd".parse().expect("a rule"), 0.5);
    let mut step = || {
        let step = trainer.step(|p| {
            let everywhere = vec![p.get(scores); 10];
            let x = p.tape().zeros(30, 2) + p.tape().concat_rows(&everywhere);
            x.cross_entropy(&targets) * divide
        });
        step.expect("the loss stays finite")
    };
    let first = step();
    let last = (1..200).map(|_| step()).last().expect("200 steps").loss;
    let probabilities = trainer.evaluate(|p| p.get(scores).softmax().value());
    (last, probabilities, first.grad_norm)
}
// ANCHOR_END: broken

fn print_broken() {
    println!("\n== broken: 7 steps that count among 20");
    println!("padding is           reported   probabilities            at the 7   first gradient");
    let cases = [
        ("left out", Padding::Ignored),
        ("in the divisor", Padding::InTheDivisor),
        ("class 0", Padding::ClassZero),
    ];
    for (name, padding) in cases {
        let (reported, p, first) = train(padding);
        let (targets, _) = padded(10);
        let real: f64 = targets.iter().filter(|t| **t != IGNORE_INDEX).map(|&t| -p[t].ln()).sum();
        let probabilities = p.iter().map(|p| format!("{p:.4}")).collect::<Vec<_>>().join("  ");
        println!("{name:18} {reported:10.4}   {probabilities} {:10.4} {first:16.4}", real / 7.0);
    }
}
