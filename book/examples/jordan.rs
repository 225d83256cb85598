//! Jordan's network: what it says is all that it remembers.
//!
//! `cargo run --package book --example jordan`

use autograd::check::{Check, Random};
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Elman, Jordan, Kind, State};
use models::init::Init;
use models::layers::{Linear, Span, unroll};
use models::optim::Rule;
use models::params::{Bound, Params};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

// ANCHOR: tasks
/// What the network is to say at each step, from the signs it has read, ±1 each.
#[derive(Clone, Copy, PartialEq)]
enum Task {
    /// The product of all signs so far.
    Parity,
    /// The sign before this one; 0 at the first step.
    Before,
}

impl Task {
    fn answers(self, signs: &[f64]) -> Vec<f64> {
        let answer = |t: usize| match self {
            Self::Parity => signs[..=t].iter().product(),
            Self::Before => t.checked_sub(1).map_or(0.0, |before| signs[before]),
        };
        (0..signs.len()).map(answer).collect()
    }
}
// ANCHOR_END: tasks

const LENGTH: usize = 12;
const BATCH: usize = 32;
const HIDDEN: usize = 8;

/// Which network, and how it is trained.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Elman,
    Jordan,
    /// Jordan's, trained with the right answer fed back in place of its own.
    Taught,
}

/// The network of the experiment: Elman's with a layer that makes one number of its state, or Jordan's.
enum Network {
    Elman(Elman, Linear),
    Jordan(Jordan),
}

impl Network {
    fn new(form: Form, params: &mut Params<f64>) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(3);
        let config = CellConfig::new(1, HIDDEN);
        if form != Form::Elman {
            let config = CellConfig { output: Some(1), ..config };
            return Self::Jordan(Jordan::new(config, params, "rnn", "l0", rng));
        }
        let cell = Elman::new(config, params, "rnn", "l0", rng);
        Self::Elman(cell, Linear::new(params, "head", HIDDEN, 1, rng))
    }

    /// One number for each step and example, T×B.
    fn says<'t>(&self, p: Bound<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        let run =
            |cell: &dyn Cell<f64>| unroll(cell, p, x, cell.zero_state(p.tape(), x.cols()), Span::default()).0;
        match self {
            Self::Elman(cell, head) => head.forward(p, run(cell)),
            Self::Jordan(cell) => run(cell),
        }
    }

    // ANCHOR: taught
    /// The same with the right answer before each step fed back: all steps at once, 1×TB.
    fn taught<'t>(&self, p: Bound<'t, f64>, signs: &[f64], answers: &[f64]) -> Var<'t, f64> {
        let Self::Jordan(cell) = self else { panic!("only an output can be fed back") };
        let before = [&[0.0; BATCH], &answers[..answers.len() - BATCH]].concat();
        let row = |entries| p.tape().constant(1, LENGTH * BATCH, entries);
        let state = State { h: row(&before), c: None };
        cell.step(p, row(signs), state).h.mse_loss(row(answers))
    }
    // ANCHOR_END: taught
}

/// Random signs, T×B, and the answers to them.
fn batch(task: Task, rng: &mut ChaCha8Rng) -> [Vec<f64>; 2] {
    let signs = Init::Normal { std: 1.0 }.fill::<f64>(rng, LENGTH, BATCH);
    let signs: Vec<f64> = signs.into_iter().map(f64::signum).collect();
    let mut answers = vec![0.0; signs.len()];
    for b in 0..BATCH {
        let column: Vec<f64> = (0..LENGTH).map(|t| signs[t * BATCH + b]).collect();
        task.answers(&column).iter().enumerate().for_each(|(t, &y)| answers[t * BATCH + b] = y);
    }
    [signs, answers]
}

/// What a training ends with, on a new batch.
struct Trained {
    loss: f64,
    /// The share of answers with the right sign, from the second step on.
    right: f64,
    /// The first example: what was read, what was to be said, and what was said.
    example: [Vec<f64>; 3],
}

/// Trains on random signs.
fn train(form: Form, task: Task) -> Trained {
    let mut params = Params::new();
    let network = Network::new(form, &mut params);
    let mut trainer = Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.01);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..3000 {
        let [signs, answers] = batch(task, &mut rng);
        let step = trainer.step(|p| {
            if form == Form::Taught {
                return network.taught(p, &signs, &answers);
            }
            let at = |entries| p.tape().constant(LENGTH, BATCH, entries);
            network.says(p, at(&signs)).mse_loss(at(&answers))
        });
        step.unwrap();
    }
    let [signs, answers] = batch(task, &mut rng);
    let said = trainer.evaluate(|p| network.says(p, p.tape().constant(LENGTH, BATCH, &signs)).value());
    let apart: f64 = said.iter().zip(&answers).map(|(a, b)| (a - b) * (a - b)).sum();
    let right = said[BATCH..].iter().zip(&answers[BATCH..]).filter(|(a, b)| *a * *b > 0.0).count();
    let (loss, right) = (apart / said.len() as f64, right as f64 / (said.len() - BATCH) as f64);
    let first = |entries: &[f64]| entries.iter().step_by(BATCH).copied().collect();
    Trained { loss, right, example: [first(&signs), first(&answers), first(&said)] }
}

fn main() {
    print_experiment();
    print_forward();
    print_backward();
    print_library();
    print_elman();
    print_factor();
    print_mistakes();
}

fn print_experiment() {
    println!("== experiment: loss, and answers with the right sign");
    println!("                       the parity so far     the sign before");
    for (name, form) in [
        ("Elman's network", Form::Elman),
        ("Jordan's network", Form::Jordan),
        ("Jordan's, taught", Form::Taught),
    ] {
        let row = [Task::Parity, Task::Before].map(|task| {
            let Trained { loss, right, .. } = train(form, task);
            format!("{loss:12.2} {:6.0} %", 100.0 * right)
        });
        println!("{name:20}{}", row.join(" "));
    }
    println!("\n== example: Jordan's network, asked for the sign before, the first ten steps");
    for (name, entries) in
        ["reads", "is to say", "says"].iter().zip(train(Form::Jordan, Task::Before).example)
    {
        let row: String =
            entries.iter().take(10).map(|x| format!("{:6.2}", (x * 100.0).round() / 100.0 + 0.0)).collect();
        println!("{name:10}{row}");
    }
}

const STEPS: usize = 3;
type Pair = [f64; 2];

/// The weights of a network of one input, two hidden units and one output.
#[derive(Clone, Copy, Default)]
struct Weights {
    ih: Pair,
    yh: Pair,
    h: Pair,
    hy: Pair,
    y: f64,
}

// ANCHOR: given
/// Of the hidden activation: W_ih (2×1), W_yh (2×1) and b_h (2×1).
const W_IH: Pair = [0.5, -1.0];
const W_YH: Pair = [0.8, 0.4];
const B_H: Pair = [0.1, 0.0];
/// Of the output: W_hy (1×2) and b_y (1×1).
const W_HY: Pair = [1.2, -0.7];
const B_Y: f64 = 0.2;
/// The inputs, one number at each step, and the output before the first step.
const X: [f64; STEPS] = [1.0, 0.5, -1.0];
const START: f64 = 0.3;
/// What the rest of the program sends back: the cotangent of the output of each step.
const DY: [f64; STEPS] = [0.0, 0.5, 1.0];
// ANCHOR_END: given
const WEIGHTS: Weights = Weights { ih: W_IH, yh: W_YH, h: B_H, hy: W_HY, y: B_Y };

/// Mistakes to make in the backward pass.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    None,
    /// dy is the loss's cotangent alone, without what step t + 1 left.
    NoRight,
    /// W_hy and b_y get the loss's cotangent alone, as a layer outside the loop would.
    HeadOutside,
    /// dh is multiplied by 1 − y² in place of 1 − h².
    WrongTanh,
    /// W_yh gets the output of its own step.
    OutputAfter,
}

// ANCHOR: forward
/// The hidden activations and the outputs; the outputs begin with the start.
fn forward(w: Weights, x: [f64; STEPS], start: f64) -> (Vec<Pair>, Vec<f64>) {
    let (mut h, mut y) = (vec![[0.0; 2]], vec![start]);
    for (t, x) in x.into_iter().enumerate() {
        let a = [0, 1].map(|i| w.ih[i] * x + w.yh[i] * y[t] + w.h[i]);
        let [h1, h2] = a.map(f64::tanh);
        h.push([h1, h2]);
        y.push(w.hy[0] * h1 + w.hy[1] * h2 + w.y);
    }
    (h, y)
}
// ANCHOR_END: forward

/// The gradients: of the weights, of the inputs and of the start.
type Gradients = (Weights, [f64; STEPS], f64);

fn backward(w: Weights, x: [f64; STEPS], (h, y): (&[Pair], &[f64]), loss: &[f64], m: Mistake) -> Gradients {
    // ANCHOR: backward
    let mut d = Weights::default();
    let (mut dx, mut from_right) = ([0.0; STEPS], 0.0);
    for t in (1..=STEPS).rev() {
        let right = if m == Mistake::NoRight { 0.0 } else { from_right };
        let dy = loss[t - 1] + right; // 1
        let outside = m == Mistake::HeadOutside;
        let dy_of_sums = if outside { loss[t - 1] } else { dy };
        d.y += dy_of_sums; // 2
        let mut da = [0.0; 2];
        for i in 0..2 {
            d.hy[i] += dy_of_sums * h[t][i]; // 2
            let dh = w.hy[i] * dy; // 2
            let q = if m == Mistake::WrongTanh { y[t] } else { h[t][i] };
            da[i] = dh * (1.0 - q * q); // 3
        }
        let after = m == Mistake::OutputAfter;
        let y_before = if after { y[t] } else { y[t - 1] };
        for (i, da) in da.into_iter().enumerate() {
            d.ih[i] += da * x[t - 1]; // 4
            d.yh[i] += da * y_before; // 4
            d.h[i] += da; // 4
        }
        from_right = w.yh[0] * da[0] + w.yh[1] * da[1]; // 4
        dx[t - 1] = w.ih[0] * da[0] + w.ih[1] * da[1]; // 4
    }
    // ANCHOR_END: backward
    (d, dx, from_right)
}

fn numbers(entries: &[f64]) -> String {
    entries.iter().map(|x| format!("{:9.4}", (x * 1e4).round() / 1e4 + 0.0)).collect()
}

fn print_forward() {
    println!("\n== forward");
    let (h, y) = forward(WEIGHTS, X, START);
    println!("                                                          y0{}", numbers(&y[..1]));
    for t in 1..=STEPS {
        let a = h[t].map(f64::atanh);
        println!(
            "x{t} = {:4.1}   a{t}{}   h{t}{}   y{t}{}",
            X[t - 1],
            numbers(&a),
            numbers(&h[t]),
            numbers(&y[t..=t])
        );
    }
    println!("L = 0.5 y2 + y3 = {:.4}", 0.5 * y[2] + y[3]);
}

fn print_backward() {
    println!("\n== backward");
    let w = WEIGHTS;
    let (h, y) = forward(w, X, START);
    let (mut right, mut d) = (0.0, Weights::default());
    for t in (1..=STEPS).rev() {
        let dy = DY[t - 1] + right;
        let dh = w.hy.map(|w| w * dy);
        let da = [0, 1].map(|i| dh[i] * (1.0 - h[t][i] * h[t][i]));
        println!("step {t}  1  dy{t} = {:.4} + ({:.4}) = {dy:.4}", DY[t - 1], right + 0.0);
        println!("        2  dh{t}           {}", numbers(&dh));
        println!("        3  da{t}           {}", numbers(&da));
        right = w.yh[0] * da[0] + w.yh[1] * da[1];
        println!("        4  to y{}         {}", t - 1, numbers(&[right]));
        println!("        4  dx{t}           {}", numbers(&[w.ih[0] * da[0] + w.ih[1] * da[1]]));
        d.y += dy;
        for i in 0..2 {
            d.hy[i] += dy * h[t][i];
            d.yh[i] += da[i] * y[t - 1];
        }
        println!("        2  dW_hy so far  {}", numbers(&d.hy));
        println!("        4  dW_yh so far  {}", numbers(&d.yh));
    }
    println!("dy0                      {}", numbers(&[right]));
}

/// The weights as the library keeps them.
fn library(w: Weights) -> (Jordan, Params<f64>) {
    let mut params = Params::<f64>::new();
    let config = CellConfig { output: Some(1), ..CellConfig::new(1, 2) };
    let cell = Jordan::new(config, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    let weights = [w.ih.to_vec(), w.yh.to_vec(), w.h.to_vec(), w.hy.to_vec(), vec![w.y]];
    params.iter_mut().zip(weights).for_each(|(p, value)| p.value = value);
    (cell, params)
}

const NAMES: [&str; 5] = ["W_ih", "W_yh", "b_h", "W_hy", "b_y"];

/// The library's fused derivation, beside the loop of this program and two runs for each entry.
fn print_library() {
    println!("\n== library: Jordan::backward, the loop above, and two runs for each entry");
    let (cell, params) = library(WEIGHTS);
    let tape = Tape::new();
    let p = params.bind(&tape);
    let (x, start) = (tape.leaf(STEPS, 1, &X), tape.leaf(1, 1, &[START]));
    let (y, _) = unroll(&cell, p, x, State { h: start, c: None }, Span::default());
    y.backward_with(&DY);
    let (h, y) = forward(WEIGHTS, X, START);
    let (d, dx, dstart) = backward(WEIGHTS, X, (&h, &y), &DY, Mistake::None);
    let by_hand = flat(d, dx, dstart);
    let mut found: Vec<Vec<f64>> =
        params.iter().map(|q| p.get(params.find(&q.name).unwrap()).grad()).collect();
    found.extend([x.grad(), start.grad()]);
    println!("                    library             by hand            two runs");
    for (k, name) in NAMES.iter().chain(&["x", "y0"]).enumerate() {
        for (entry, &library) in found[k].iter().enumerate() {
            let name = if entry == 0 { format!("d{name}") } else { String::new() };
            let (hand, runs) = (by_hand[k][entry], slope(k, entry));
            println!("{name:8}{:19.6}{:20.6}{:20.6}", library, hand, runs);
        }
    }
}

fn flat(d: Weights, dx: [f64; STEPS], dstart: f64) -> Vec<Vec<f64>> {
    vec![d.ih.to_vec(), d.yh.to_vec(), d.h.to_vec(), d.hy.to_vec(), vec![d.y], dx.to_vec(), vec![dstart]]
}

/// From the form of [`flat`] to weights, inputs and start.
fn given(v: &[Vec<f64>]) -> (Weights, [f64; STEPS], f64) {
    let pair = |k: usize| [v[k][0], v[k][1]];
    let w = Weights { ih: pair(0), yh: pair(1), h: pair(2), hy: pair(3), y: v[4][0] };
    (w, [v[5][0], v[5][1], v[5][2]], v[6][0])
}

/// The slope of the loss along one entry, from two runs.
fn slope(which: usize, entry: usize) -> f64 {
    let loss = |by: f64| {
        let mut inputs = flat(WEIGHTS, X, START);
        inputs[which][entry] += by;
        let (w, x, start) = given(&inputs);
        forward(w, x, start).1[1..].iter().zip(DY).map(|(y, dy)| y * dy).sum::<f64>()
    };
    (loss(1e-5) - loss(-1e-5)) / 2e-5
}

// ANCHOR: elman
/// The Elman network with the same hidden activations: U = W_yh W_hy and b = b_h + W_yh b_y.
fn as_elman(w: Weights) -> (Pair, [Pair; 2], Pair) {
    let u = w.yh.map(|yh| w.hy.map(|hy| yh * hy));
    let b = [0, 1].map(|i| w.h[i] + w.yh[i] * w.y);
    (w.ih, u, b)
}
// ANCHOR_END: elman

fn print_elman() {
    println!("\n== elman: the same network with one recurrent matrix");
    let (w, u, b) = as_elman(WEIGHTS);
    println!("U{}\n {}\nb{}", numbers(&u[0]), numbers(&u[1]), numbers(&b));
    println!("det U = {:.4}", u[0][0] * u[1][1] - u[0][1] * u[1][0] + 0.0);
    let start = [0.4, -0.6];
    let jordan = forward(WEIGHTS, X, WEIGHTS.hy[0] * start[0] + WEIGHTS.hy[1] * start[1] + WEIGHTS.y).0;
    let mut params = Params::<f64>::new();
    let cell = Elman::new(CellConfig::new(1, 2), &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
    let weights = [w.to_vec(), u.concat(), b.to_vec()];
    params.iter_mut().zip(weights).for_each(|(p, value)| p.value = value);
    let tape = Tape::new();
    let (x, h) = (tape.constant(STEPS, 1, &X), tape.constant(2, 1, &start));
    let (h, _) = unroll(&cell, params.bind(&tape), x, State { h, c: None }, Span::default());
    let apart = h.value().iter().zip(jordan[1..].concat()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    println!("hidden activations apart by less than 1e-12: {}", apart < 1e-12);
}

/// What each step back multiplies the state's cotangent by, on average over 20 steps and some seeds.
fn factor(kind: Kind) -> f64 {
    const SEEDS: u64 = 10;
    let logarithm = |seed: u64| {
        let (mut params, mut random) = (Params::<f64>::new(), Random::new(seed));
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let cell = CellConfig::new(8, 32).build(kind, &mut params, "rnn", "l0", &mut rng);
        let tape = Tape::new();
        let x = tape.constant(20 * 8, 1, &random.normals(20 * 8));
        let start = State { h: tape.leaf(32, 1, &[0.0; 32]), c: None };
        let (_, end) = unroll(&*cell, params.bind(&tape), x, start, Span::default());
        let sent = random.normals(32);
        end.h.backward_with(&sent);
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        (norm(&start.h.grad()) / norm(&sent)).ln() / 20.0
    };
    ((1..=SEEDS).map(logarithm).sum::<f64>() / SEEDS as f64).exp()
}

fn print_factor() {
    println!("\n== factor: per step back, 32 units and 32 outputs, initial weights");
    for (name, kind) in [("Elman's network", Kind::Elman), ("Jordan's network", Kind::Jordan)] {
        println!("{name:18}{:.2}", factor(kind));
    }
}

fn print_mistakes() {
    println!("\n== mistakes: wrong entries, by the gradient check");
    println!(
        "                       {}",
        NAMES.iter().chain(&["x", "y0"]).map(|name| format!("{name:>7}")).collect::<String>()
    );
    for (name, mistake) in [
        ("none", Mistake::None),
        ("dy without step t + 1", Mistake::NoRight),
        ("dW_hy, db_y from loss", Mistake::HeadOutside),
        ("da with 1 - y^2", Mistake::WrongTanh),
        ("dW_yh with y_t", Mistake::OutputAfter),
    ] {
        let inputs = flat(WEIGHTS, X, START);
        let mut check = Check::new(1);
        for (name, entries) in NAMES.iter().chain(&["x", "y0"]).zip(&inputs) {
            check = check.input(*name, entries.len(), 1, entries);
        }
        let run = |v: &[Vec<f64>]| {
            let (w, x, start) = given(v);
            forward(w, x, start)
        };
        let report = check.run_with(
            |v| run(v).1[1..].to_vec(),
            |v, cotangents| {
                let ((w, x, _), (h, y)) = (given(v), run(v));
                let gradients = cotangents.iter().map(|dy| backward(w, x, (&h, &y), dy, mistake));
                gradients.map(|(d, dx, dstart)| flat(d, dx, dstart)).collect()
            },
        );
        let row: String = report
            .parameters
            .iter()
            .map(|p| {
                let bad = |k: usize| p.entries.iter().any(|e| e.wrong && e.row == k);
                format!("{:>7}", format!("{} of {}", (0..p.rows).filter(|&k| bad(k)).count(), p.rows))
            })
            .collect();
        println!("{name:23}{row}");
    }
}
