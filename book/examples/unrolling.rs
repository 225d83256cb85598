//! The smallest recurrent network that works: it reads "hell" and says what comes next, "o".
//!
//! `cargo run --package book --example unrolling`

use autograd::check::Check;
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Elman, State};
use models::layers::{Linear, Span, one_hot, unroll};
use models::optim::Rule;
use models::params::{Bound, Params};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const LETTERS: [char; 4] = ['h', 'e', 'l', 'o'];
/// "hell", and after each letter the next one: "ello".
const INPUTS: [usize; 4] = [0, 1, 2, 2];
const TARGETS: [usize; 4] = [1, 2, 2, 3];
const HIDDEN: usize = 2;

/// What a step hands on to the next one.
#[derive(Clone, Copy, PartialEq)]
enum Memory {
    /// Its state, as it should.
    Carried,
    /// Nothing: every step begins with zeros.
    Forgotten,
    /// The numbers of its state, but not the way back to where they came from.
    Detached,
}

struct Network {
    cell: Elman,
    head: Linear,
}

impl Network {
    // ANCHOR: loop
    /// The logits of the next letter after each of these letters, one below the other.
    fn logits<'t>(&self, p: Bound<'t, f64>, letters: &[usize], memory: Memory) -> Var<'t, f64> {
        let mut state = self.cell.zero_state(p.tape(), 1);
        let mut logits = p.tape().list();
        for &letter in letters {
            let x = one_hot(p.tape(), &[letter], LETTERS.len(), 1);
            state = self.cell.step(p, x, state);
            logits.push(self.head.forward(p, state.h).label("y"));
            state = handed_on(&self.cell, state, memory);
        }
        logits.concat_rows()
    }
    // ANCHOR_END: loop

    // ANCHOR: library
    /// The same with the library's loop.
    fn unrolled<'t>(&self, p: Bound<'t, f64>, equations: bool) -> Var<'t, f64> {
        let x = one_hot(p.tape(), &INPUTS, LETTERS.len(), 1);
        let start = self.cell.zero_state(p.tape(), 1);
        let (h, _) = unroll(&self.cell, p, x, start, Span { equations, ..Span::default() });
        self.head.forward(p, h)
    }
    // ANCHOR_END: library
}

// ANCHOR: broken
fn handed_on<'t>(cell: &Elman, state: State<'t, f64>, memory: Memory) -> State<'t, f64> {
    match memory {
        Memory::Carried => state,
        Memory::Forgotten => cell.zero_state(state.h.tape(), 1),
        Memory::Detached => State { h: state.h.detach(), c: None },
    }
}
// ANCHOR_END: broken

fn network() -> (Network, Params<f64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut params = Params::new();
    let cell = Elman::new(CellConfig::new(LETTERS.len(), HIDDEN), &mut params, "rnn", "l0", &mut rng);
    let head = Linear::new(&mut params, "head", HIDDEN, LETTERS.len(), &mut rng);
    (Network { cell, head }, params)
}

const SEED: u64 = 1;

/// Trains for 200 steps, and returns the losses.
fn train(memory: Memory) -> Vec<f64> {
    let (network, params) = network();
    let mut trainer = Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.1);
    let step = |_| trainer.step(|p| network.logits(p, &INPUTS, memory).cross_entropy(&TARGETS)).unwrap().loss;
    (0..200).map(step).collect()
}

/// The weights after 60 steps of such a training, rounded to one decimal: W, U, b, V, d.
const WEIGHTS: [&[f64]; 5] = [
    &[2.2, -0.8, -0.7, -0.4, 2.2, -2.3, -1.3, -0.5],
    &[1.6, 1.3, -0.3, 1.3],
    &[0.7, -0.9],
    &[0.8, 1.3, 2.5, 2.6, 0.9, -3.2, -3.5, -2.4],
    &[-2.0, 1.0, 0.7, 0.3],
];
const NAMES: [&str; 5] = ["W", "U", "b", "V", "d"];

fn main() {
    print_experiment();
    let (network, mut params) = network();
    params.iter_mut().zip(WEIGHTS).for_each(|(p, weights)| p.value = weights.to_vec());
    print_weights(&params);
    print_letters(&network, &params);
    print_fourth(&params);
    print_longer(&network, &params);
    print_backward(&network, &params);
    print_copies(&network, &params);
    print_forms(&network, &params);
    print_broken(&network, &params);
}

fn print_experiment() {
    println!("== experiment: loss after so many steps of training");
    println!("{:24}      1     10     50    100    200", "loss after step");
    for (name, memory) in [("state handed on", Memory::Carried), ("every step from zeros", Memory::Forgotten)]
    {
        let losses = train(memory);
        let row: String = [1, 10, 50, 100, 200].iter().map(|k| format!("{:7.3}", losses[k - 1])).collect();
        println!("{name:24}{row}");
    }
    println!("two guesses out of four  {:6.3}", 2.0_f64.ln() / 2.0);
}

fn print_weights(params: &Params<f64>) {
    println!("\n== weights");
    for (name, p) in NAMES.iter().zip(params.iter()) {
        for (row, entries) in p.value.chunks(p.cols).enumerate() {
            let name = if row == 0 { format!("{name}  {}x{}", p.rows, p.cols) } else { String::new() };
            println!("{name:8}{}", numbers(entries, 1));
        }
    }
}

/// The quantities of this label, step by step; their gradients if `grad`.
fn trace(tape: &Tape<f64>, label: &str, grad: bool) -> Vec<Vec<f64>> {
    let mut all = Vec::new();
    tape.trace(&mut |q| {
        if q.name == label {
            all.push(if grad { q.grad.unwrap() } else { q.value }.to_vec());
        }
    });
    all
}

fn print_letters(network: &Network, params: &Params<f64>) {
    println!("\n== letters: state, logits, and probabilities of h e l o");
    let tape = Tape::new();
    network.logits(params.bind_constant(&tape), &INPUTS, Memory::Carried);
    let (h, y) = (trace(&tape, "h", false), trace(&tape, "y", false));
    for t in 0..INPUTS.len() {
        let p = tape.constant(4, 1, &y[t]).softmax().value();
        let best = (0..4).max_by(|&j, &k| p[j].total_cmp(&p[k])).unwrap();
        let letter = LETTERS[INPUTS[t]];
        println!(
            "{letter}  h{}   y{}   p{}  -> {}",
            numbers(&h[t], 2),
            numbers(&y[t], 2),
            numbers(&p, 2),
            LETTERS[best]
        );
    }
}

/// The fourth step, unit by unit.
fn print_fourth(params: &Params<f64>) {
    println!("\n== fourth: the second l, unit by unit");
    let tape = Tape::new();
    let [w, u, b, ..] = [0, 1, 2, 3, 4].map(|k| &params.iter().as_slice()[k].value);
    let (network, _) = network();
    network.logits(params.bind_constant(&tape), &INPUTS, Memory::Carried);
    let h = trace(&tape, "h", false);
    println!("h before{}", numbers(&h[2], 4));
    for unit in 0..HIDDEN {
        let (w, [u, v]) = (w[4 * unit + INPUTS[3]], [u[2 * unit], u[2 * unit + 1]]);
        let a = w + u * h[2][0] + v * h[2][1] + b[unit];
        println!(
            "a{} = {w:.1} + ({u:.1})({:.4}) + ({v:.1})({:.4}) + ({:.1}) = {a:7.4}   h{} = tanh a{} = {:7.4}",
            unit + 1,
            h[2][0],
            h[2][1],
            b[unit],
            unit + 1,
            unit + 1,
            a.tanh()
        );
    }
}

fn print_longer(network: &Network, params: &Params<f64>) {
    println!("\n== longer: words it was never shown");
    for word in ["hel", "hell", "helll", "hellhell"] {
        let letters: Vec<usize> =
            word.chars().map(|c| LETTERS.iter().position(|l| *l == c).unwrap()).collect();
        let tape = Tape::new();
        let logits = network.logits(params.bind_constant(&tape), &letters, Memory::Carried).value();
        let says: String = logits
            .chunks(4)
            .map(|y| LETTERS[(0..4).max_by(|&j, &k| y[j].total_cmp(&y[k])).unwrap()])
            .collect();
        println!("{word:9} -> {says}");
    }
}

fn print_backward(network: &Network, params: &Params<f64>) {
    println!("\n== backward: from the fourth step to the first");
    let tape = Tape::new();
    tape.retain_grads(true);
    let p = params.bind(&tape);
    network.logits(p, &INPUTS, Memory::Carried).cross_entropy(&TARGETS).backward();
    let (dy, dh) = (trace(&tape, "y", true), trace(&tape, "h", true));
    let v = WEIGHTS[3];
    for t in (0..4).rev() {
        let above: Vec<f64> = (0..HIDDEN).map(|j| (0..4).map(|k| v[2 * k + j] * dy[t][k]).sum()).collect();
        let right: Vec<f64> = dh[t].iter().zip(&above).map(|(all, above)| all - above).collect();
        println!("step {}  {}  dL/dy     {}", t + 1, LETTERS[INPUTS[t]], numbers(&dy[t], 4));
        println!("           from above {}", numbers(&above, 4));
        println!("           from right {}", numbers(&right, 4));
        println!("           dL/dh      {}", numbers(&dh[t], 4));
    }
    println!("dL/dd, the sum of dL/dy {}", numbers(&p.get(params.find("head.bias").unwrap()).grad(), 4));
}

// ANCHOR: copies
/// The loss of a network with a recurrent matrix of its own at every step.
fn loss_of_copies<'t>(
    p: Bound<'t, f64>,
    head: &Linear,
    w: [Var<'t, f64>; 2],
    u: [Var<'t, f64>; 4],
) -> Var<'t, f64> {
    let mut h = p.tape().zeros(HIDDEN, 1);
    let mut logits = p.tape().list();
    for (letter, u_t) in INPUTS.into_iter().zip(u) {
        let x = one_hot(p.tape(), &[letter], LETTERS.len(), 1);
        h = (w[0].matmul(x) + u_t.matmul(h) + w[1]).tanh();
        logits.push(head.forward(p, h));
    }
    logits.concat_rows().cross_entropy(&TARGETS)
}
// ANCHOR_END: copies

fn print_copies(network: &Network, params: &Params<f64>) {
    println!("\n== copies: dL/dU");
    let tape = Tape::new();
    let p = params.bind(&tape);
    let [w, b] = ["rnn.weight_ih_l0", "rnn.bias_l0"].map(|name| p.get(params.find(name).unwrap()));
    let u = [(); 4].map(|()| tape.leaf(HIDDEN, HIDDEN, WEIGHTS[1]));
    loss_of_copies(p, &network.head, [w, b], u).backward();
    let mut sum = [0.0; 4];
    for (t, u) in u.iter().enumerate() {
        println!("copy of step {}  {}", t + 1, numbers(&u.grad(), 4));
        sum.iter_mut().zip(u.grad()).for_each(|(sum, g)| *sum += g);
    }
    println!("their sum       {}", numbers(&sum, 4));
    network.logits(p, &INPUTS, Memory::Carried).cross_entropy(&TARGETS).backward();
    println!("one U for all   {}", numbers(&p.get(params.find("rnn.weight_hh_l0").unwrap()).grad(), 4));
}

/// Every gradient of the loss of these logits, one behind the other.
fn gradients<'t>(params: &Params<f64>, p: Bound<'t, f64>, logits: Var<'t, f64>) -> Vec<Vec<f64>> {
    logits.cross_entropy(&TARGETS).backward();
    params.iter().map(|q| p.get(params.find(&q.name).unwrap()).grad()).collect()
}

fn print_forms(network: &Network, params: &Params<f64>) {
    println!("\n== forms: the same gradients from three loops");
    let (tapes, loop_here) = ([Tape::new(), Tape::new(), Tape::new()], Memory::Carried);
    let [a, b, c] = tapes.each_ref().map(|tape| params.bind(tape));
    let by_hand = gradients(params, a, network.logits(a, &INPUTS, loop_here));
    for (name, form) in [
        ("unroll, equations", gradients(params, b, network.unrolled(b, true))),
        ("unroll, fused", gradients(params, c, network.unrolled(c, false))),
    ] {
        let apart = by_hand.iter().flatten().zip(form.iter().flatten()).map(|(a, b)| (a - b).abs());
        println!("{name:18} apart by less than 1e-12: {}", apart.fold(0.0, f64::max) < 1e-12);
    }
}

fn print_broken(network: &Network, params: &Params<f64>) {
    println!("\n== broken: derivatives that the gradient check finds wrong");
    println!("                        {}", NAMES.map(|name| format!("{name:>9}")).concat());
    for (name, memory) in [
        ("state handed on", Memory::Carried),
        ("every step from zeros", Memory::Forgotten),
        ("state detached", Memory::Detached),
    ] {
        let mut check = Check::new(1);
        for p in params.iter() {
            check = check.input(p.name.clone(), p.rows, p.cols, &p.value);
        }
        let report = check.run(|tape, _| {
            let p = params.bound_at(tape, 0);
            network.logits(p, &INPUTS, memory).cross_entropy(&TARGETS)
        });
        let row: String =
            report.parameters.iter().map(|p| format!("{:>4} of{:>2}", p.wrong, p.checked)).collect();
        println!("{name:24}{row}");
    }
}

/// Rounded, without the sign of a zero.
fn numbers(entries: &[f64], decimals: usize) -> String {
    let unit = 10.0_f64.powi(decimals as i32);
    let width = if decimals == 2 { 5 } else { decimals + 4 };
    entries.iter().map(|x| format!(" {:width$.decimals$}", (x * unit).round() / unit + 0.0)).collect()
}
