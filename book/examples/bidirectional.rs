//! Two cells over one sequence, one from each end, and where each of them knows everything.
//!
//! `cargo run --package book --example bidirectional`

use autograd::check::Check;
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Elman, Kind};
use models::init::Init;
use models::layers::{Linear, Span, Stack, StackConfig, bidirectional, one_hot};
use models::optim::Rule;
use models::params::{Bound, Params};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_experiment();
    print_knows();
    print_forward();
    print_backward();
    print_library();
    print_last();
    print_mistakes();
}

fn stack(input: usize, hidden: usize, both: bool, layers: usize, params: &mut Params<f64>) -> Stack<f64> {
    let config = StackConfig::new(Kind::Elman, CellConfig::new(input, hidden));
    let config = StackConfig { bidirectional: both, layers, ..config };
    Stack::new(&config, params, "rnn", &mut ChaCha8Rng::seed_from_u64(1))
}

fn trainer(params: Params<f64>) -> Trainer<f64> {
    Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.01)
}

const LENGTH: usize = 12;
const BATCH: usize = 32;

// ANCHOR: task
/// What to say at each step of the sign before it and the sign after it.
#[derive(Clone, Copy)]
enum Task {
    Sum,
    Product,
}

impl Task {
    fn answers(self, signs: &[f64]) -> Vec<f64> {
        let sign = |t: usize| signs.get(t).copied().unwrap_or(1.0); // past an end, +1
        let answer = |t: usize| match self {
            Self::Sum => sign(t.wrapping_sub(1)) + sign(t + 1),
            Self::Product => sign(t.wrapping_sub(1)) * sign(t + 1),
        };
        (0..signs.len()).map(answer).collect()
    }
}
// ANCHOR_END: task

/// Random signs, T×B, and the answers to them.
fn batch(task: Task, rng: &mut ChaCha8Rng) -> [Vec<f64>; 2] {
    let signs = Init::Normal { std: 1.0 }.fill::<f64>(rng, LENGTH, BATCH);
    let signs: Vec<f64> = signs.into_iter().map(f64::signum).collect();
    let mut answers = vec![0.0; signs.len()];
    for b in 0..BATCH {
        let column: Vec<f64> = signs.iter().skip(b).step_by(BATCH).copied().collect();
        task.answers(&column).iter().enumerate().for_each(|(t, &y)| answers[t * BATCH + b] = y);
    }
    [signs, answers]
}

/// The loss of a new batch after training.
fn train(task: Task, hidden: usize, both: bool, layers: usize) -> f64 {
    let mut params = Params::new();
    let layer = stack(1, hidden, both, layers, &mut params);
    let head = Linear::new(&mut params, "head", layer.features(), 1, &mut ChaCha8Rng::seed_from_u64(2));
    let mut trainer = trainer(params);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..1500 {
        let [signs, answers] = batch(task, &mut rng);
        let step = trainer.step(|p| {
            let answers = p.tape().constant(LENGTH, BATCH, &answers);
            answer(&layer, &head, p, &signs).mse_loss(answers)
        });
        step.unwrap();
    }
    let [signs, answers] = batch(task, &mut rng);
    let said = trainer.evaluate(|p| answer(&layer, &head, p, &signs).value());
    let apart: f64 = said.iter().zip(&answers).map(|(a, b)| (a - b) * (a - b)).sum();
    apart / said.len() as f64
}

fn answer<'t>(layer: &Stack<f64>, head: &Linear, p: Bound<'t, f64>, signs: &[f64]) -> Var<'t, f64> {
    let x = p.tape().constant(LENGTH, BATCH, signs);
    let start = layer.initial_states(p, BATCH);
    head.forward(p, layer.forward(p, x, &start, Span::default(), None).0)
}

fn print_experiment() {
    println!("== experiment: loss after training");
    println!("                                        sum   product");
    for (name, hidden, both, layers) in [
        ("forward, 16 units", 16, false, 1),
        ("both ways, 8 units each", 8, true, 1),
        ("both ways, two layers of 5 units each", 5, true, 2),
    ] {
        let [sum, product] = [Task::Sum, Task::Product].map(|task| train(task, hidden, both, layers));
        println!("{name:38}{sum:5.2}{product:10.2}");
    }
}

/// A layer of random weights: which part of the gradient of an output by the inputs is zero.
fn print_knows() {
    println!("\n== knows: inputs on which an output of four steps depends");
    println!("            forward half   backward half");
    println!("             1  2  3  4     1  2  3  4");
    let mut params = Params::new();
    let layer = stack(1, 3, true, 1, &mut params);
    let seen = |t: usize, half: usize| -> String {
        let tape = Tape::new();
        let p = params.bind(&tape);
        let x = tape.leaf(4, 1, &[0.3, -0.5, 0.8, 0.2]);
        let (y, _) = layer.forward(p, x, &layer.initial_states(p, 1), Span::default(), None);
        y.row_block(6 * t + 3 * half..6 * t + 3 * half + 3).sum().backward();
        x.grad().iter().map(|&g| if g == 0.0 { "  ." } else { "  x" }).collect()
    };
    for t in 0..4 {
        println!("output y{}  {}   {}", t + 1, seen(t, 0), seen(t, 1));
    }
}

const STEPS: usize = 3;

/// A cell of one unit on one input: W, U and b.
type Weights = [f64; 3];

// ANCHOR: given
/// W, U and b of the forward cell, then of the backward cell.
const FORWARD: Weights = [0.8, 0.5, 0.0];
const BACKWARD: Weights = [-0.6, 0.9, 0.1];
const X: [f64; STEPS] = [1.0, 0.5, -1.0];
/// The cotangents of the outputs: of the forward half and of the backward half.
const DY: [[f64; 2]; STEPS] = [[0.0, 1.0], [0.5, 0.0], [1.0, 0.0]];
// ANCHOR_END: given

/// Mistakes to make in the backward pass.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    /// The backward cell's loop goes from the last step to the first, as the forward cell's does.
    SameOrder,
    /// The two halves of the cotangent are exchanged.
    HalvesExchanged,
    /// dx is the forward cell's alone.
    OneInput,
}

// ANCHOR: forward
/// The steps in the order in which a cell reads them.
fn order(reverse: bool) -> [usize; STEPS] {
    if reverse { [2, 1, 0] } else { [0, 1, 2] }
}

/// The states of one cell, each at its place in time.
fn states([w, u, b]: Weights, x: [f64; STEPS], reverse: bool) -> [f64; STEPS] {
    let (mut h, mut before) = ([0.0; STEPS], 0.0);
    for t in order(reverse) {
        before = f64::tanh(w * x[t] + u * before + b);
        h[t] = before;
    }
    h
}
// ANCHOR_END: forward

/// What one cell's way back gives: its weights' gradients, its part of dx, and dh at each step.
type Back = (Weights, [f64; STEPS], [f64; STEPS]);

// ANCHOR: backward
/// Backpropagation through time for one cell: against the order in which it has read.
fn back([w, u, b]: Weights, x: [f64; STEPS], dy: [f64; STEPS], read: [usize; STEPS]) -> Back {
    let h = states([w, u, b], x, read == order(true));
    let (mut d, mut dx, mut dh_at) = ([0.0; 3], [0.0; STEPS], [0.0; STEPS]);
    let mut left = 0.0;
    for s in (0..STEPS).rev() {
        let t = read[s];
        let dh = dy[t] + left; // the output and the step that came after
        let da = dh * (1.0 - h[t] * h[t]);
        left = u * da;
        let before = if s > 0 { h[read[s - 1]] } else { 0.0 };
        d = [d[0] + da * x[t], d[1] + da * before, d[2] + da];
        dx[t] = w * da;
        dh_at[t] = dh;
    }
    (d, dx, dh_at)
}
// ANCHOR_END: backward

/// The gradients of both cells and of the input.
fn gradients(cells: [Weights; 2], x: [f64; STEPS], dy: &[f64], m: Mistake) -> [Vec<f64>; 3] {
    let half = |k: usize| [0, 1, 2].map(|t| dy[2 * t + k]);
    let (upper, lower) = if m == Mistake::HalvesExchanged { (1, 0) } else { (0, 1) };
    let (d, dx, _) = back(cells[0], x, half(upper), order(false));
    let (e, ex) = if m == Mistake::SameOrder {
        wrong_order(cells[1], x, half(lower))
    } else {
        let (e, ex, _) = back(cells[1], x, half(lower), order(true));
        (e, ex)
    };
    let other = if m == Mistake::OneInput { 0.0 } else { 1.0 };
    let dx = dx.iter().zip(ex).map(|(d, e)| d + other * e).collect();
    [d.to_vec(), e.to_vec(), dx]
}

/// The backward cell's states are right, but its way back goes in the forward cell's order.
fn wrong_order([w, u, b]: Weights, x: [f64; STEPS], dy: [f64; STEPS]) -> (Weights, [f64; STEPS]) {
    let h = states([w, u, b], x, true);
    let (mut d, mut dx, mut left) = ([0.0; 3], [0.0; STEPS], 0.0);
    for t in (0..STEPS).rev() {
        let da = (dy[t] + left) * (1.0 - h[t] * h[t]);
        left = u * da;
        let before = if t + 1 < STEPS { h[t + 1] } else { 0.0 };
        d = [d[0] + da * x[t], d[1] + da * before, d[2] + da];
        dx[t] = w * da;
    }
    (d, dx)
}

fn numbers(entries: &[f64]) -> String {
    entries.iter().map(|x| format!("{:9.4}", (x * 1e4).round() / 1e4 + 0.0)).collect()
}

fn print_forward() {
    println!("\n== forward");
    println!("                   step 1   step 2   step 3");
    println!("x              {}", numbers(&X));
    println!("forward cell   {}   read from left to right", numbers(&states(FORWARD, X, false)));
    println!("backward cell  {}   read from right to left", numbers(&states(BACKWARD, X, true)));
}

fn print_backward() {
    println!("\n== backward");
    println!("                   step 1   step 2   step 3");
    let half = |k: usize| DY.map(|dy| dy[k]);
    let ways = [(FORWARD, false, "forward cell "), (BACKWARD, true, "backward cell")];
    let mut sum = [0.0; STEPS];
    for (k, (weights, reverse, name)) in ways.into_iter().enumerate() {
        let (d, dx, dh) = back(weights, X, half(k), order(reverse));
        let way = if reverse { "from left to right" } else { "from right to left" };
        println!("{name}  dy{}", numbers(&half(k)));
        println!("               dh{}   {way}", numbers(&dh));
        println!("               dx{}", numbers(&dx));
        println!("               dW{}   dU{}   db{}", numbers(&d[..1]), numbers(&d[1..2]), numbers(&d[2..]));
        sum.iter_mut().zip(dx).for_each(|(sum, dx)| *sum += dx);
    }
    println!("both           dx{}", numbers(&sum));
}

fn print_library() {
    println!("\n== library: the same from bidirectional, each cell in its fused form");
    let mut params = Params::<f64>::new();
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let [f, b] =
        ["l0", "l0_reverse"].map(|layer| Elman::new(CellConfig::new(1, 1), &mut params, "rnn", layer, rng));
    params.iter_mut().zip([FORWARD, BACKWARD].concat()).for_each(|(p, value)| p.value = vec![value]);
    let tape = Tape::new();
    let p = params.bind(&tape);
    let x = tape.leaf(STEPS, 1, &X);
    let start = [f.zero_state(&tape, 1), b.zero_state(&tape, 1)];
    let (y, [end, end_back]) = bidirectional([&f, &b], p, x, start, Span::default());
    y.backward_with(&DY.concat());
    println!("y1 y2 y3      {}", numbers(&y.value()));
    println!("final states  {}{}", numbers(&end.h.value()), numbers(&end_back.h.value()));
    println!("dx            {}", numbers(&x.grad()));
    let weights: Vec<f64> = params.iter().flat_map(|q| p.get(params.find(&q.name).unwrap()).grad()).collect();
    println!("dW dU db      {}", numbers(&weights[..3]));
    println!("  backward    {}", numbers(&weights[3..]));
}

const DIGITS: usize = 10;
const LONG: usize = 20;

/// The share of right answers after training, to a question about the whole sequence.
fn asked(ask_first: bool, last_output: bool) -> f64 {
    let mut params = Params::new();
    let layer = stack(DIGITS, 16, true, 1, &mut params);
    let features = layer.features();
    let head = Linear::new(&mut params, "head", features, DIGITS, &mut ChaCha8Rng::seed_from_u64(2));
    let mut trainer = trainer(params);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut draw = || -> Vec<usize> {
        let digits = Init::Uniform { bound: Some(5.0) }.fill::<f64>(&mut rng, LONG, 4 * BATCH);
        digits.into_iter().map(|d| (d + 5.0) as usize % DIGITS).collect()
    };
    let asked = |digits: &[usize]| {
        let step = if ask_first { 0 } else { LONG - 1 };
        digits[step * 4 * BATCH..(step + 1) * 4 * BATCH].to_vec()
    };
    for _ in 0..300 {
        let digits = draw();
        let step =
            trainer.step(|p| logits(&layer, &head, p, &digits, last_output).cross_entropy(&asked(&digits)));
        step.unwrap();
    }
    let digits = draw();
    let y = trainer.evaluate(|p| logits(&layer, &head, p, &digits, last_output).value());
    let best = |b: usize| {
        let logit = |k: usize| y[k * 4 * BATCH + b];
        (0..DIGITS).max_by(|&j, &k| logit(j).total_cmp(&logit(k))).unwrap()
    };
    let right = asked(&digits).iter().enumerate().filter(|&(b, &digit)| best(b) == digit).count();
    right as f64 / (4 * BATCH) as f64
}

// ANCHOR: heads
fn logits<'t>(
    layer: &Stack<f64>,
    head: &Linear,
    p: Bound<'t, f64>,
    digits: &[usize],
    last_output: bool,
) -> Var<'t, f64> {
    let batch = digits.len() / LONG;
    let x = one_hot(p.tape(), digits, DIGITS, batch);
    let start = layer.initial_states(p, batch);
    let (y, ends) = layer.forward(p, x, &start, Span::default(), None);
    let answers = if last_output {
        let features = layer.features();
        y.row_block((LONG - 1) * features..LONG * features) // wrong
    } else {
        layer.summary(&ends) // right
    };
    head.forward(p, answers)
}
// ANCHOR_END: heads

fn print_last() {
    println!("\n== last: right answers about 20 digits, chance is 10 %");
    println!("                           which was first?   which was last?");
    for (name, last_output) in [("output at the last position", true), ("final states of both cells", false)]
    {
        let [first, last] = [true, false].map(|ask_first| 100.0 * asked(ask_first, last_output));
        println!("{name:28}{first:13.0} %{last:16.0} %");
    }
}

fn print_mistakes() {
    println!("\n== mistakes: wrong entries, by the gradient check");
    println!("                           forward cell   backward cell      x");
    for (name, mistake) in [
        ("none", Mistake::None),
        ("one order for both cells", Mistake::SameOrder),
        ("halves exchanged", Mistake::HalvesExchanged),
        ("dx of the forward cell", Mistake::OneInput),
    ] {
        let check = Check::new(1).input("forward", 3, 1, &FORWARD).input("backward", 3, 1, &BACKWARD);
        let triple = |v: &[f64]| [v[0], v[1], v[2]];
        let report = check.input("x", STEPS, 1, &X).run_with(
            |v| {
                let [f, b] =
                    [(0, false), (1, true)].map(|(k, way)| states(triple(&v[k]), triple(&v[2]), way));
                (0..STEPS).flat_map(|t| [f[t], b[t]]).collect()
            },
            |v, cotangents| {
                let cells = [triple(&v[0]), triple(&v[1])];
                let all = cotangents.iter().map(|dy| gradients(cells, triple(&v[2]), dy, mistake).to_vec());
                all.collect()
            },
        );
        let wrong: Vec<String> = report
            .parameters
            .iter()
            .map(|p| {
                let bad = |k: usize| p.entries.iter().any(|e| e.wrong && e.row == k);
                format!("{} of {}", (0..p.rows).filter(|&k| bad(k)).count(), p.rows)
            })
            .collect();
        println!("{name:27}{:>12}{:>16}{:>9}", wrong[0], wrong[1], wrong[2]);
    }
}
