//! How a network begins: its first state, its first weights and its forget gate, each measured.
//!
//! `cargo run --package book --example beginning`

use autograd::Tape;
use autograd::check::Random;
use book::runs::gradient_flow::{HIDDEN, Network, STEPS};
use models::cells::{Cell, CellConfig, Elman, Lstm, State};
use models::init::Init;
use models::layers::{InitialState, Linear, Span, unroll};
use models::params::Params;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn main() {
    print_swing();
    print_start();
    print_gains();
    print_networks();
    print_stacked();
    print_forget();
    print_remember();
}

// ANCHOR: swing
/// Two units without input are to swing: at t = 0 … 23, `h[0]` should be
/// `0.7 cos(2π t / 12)`. The loss after each of `marks` steps of
/// training, from zeros or from a learned state.
fn swing(learned: bool, marks: [u64; 3]) -> [f64; 3] {
    let mut params = Params::new();
    let cell = Elman::new(CellConfig::new(1, 2), &mut params, "rnn", "l0", &mut rng(3));
    let start = learned.then(|| InitialState::new(&cell as &dyn Cell<f64>, &mut params, "rnn", "l0"));
    let target: Vec<f64> = (0..24).map(|t| 0.7 * (std::f64::consts::TAU * t as f64 / 12.0).cos()).collect();
    let mut trainer = Trainer::new(params, "adam".parse().expect("a rule"), 0.01);
    let mut losses = marks.map(|_| 0.0);
    for number in 1..=marks[2] {
        let step = trainer.step(|p| {
            let tape = p.tape();
            let state = start.as_ref().map_or_else(|| cell.zero_state(tape, 1), |start| start.state(p, 1));
            let (y, _) = unroll(&cell, p, tape.zeros(24, 1), state, Span::default());
            let first: Vec<_> = (0..24).map(|t| y.row_block(2 * t..2 * t + 1)).collect();
            tape.concat_rows(&first).mse_loss(tape.constant(24, 1, &target))
        });
        let loss = step.expect("the loss stays finite").loss;
        marks.iter().zip(&mut losses).filter(|(mark, _)| **mark == number).for_each(|(_, l)| *l = loss);
    }
    losses
}
// ANCHOR_END: swing

fn print_swing() {
    let marks = [100, 1000, 4000];
    println!("== swing: the loss after 100, 1000 and 4000 steps of training");
    for (name, learned) in [("from zeros", false), ("from a learned state", true)] {
        println!("{name:22} {}", swing(learned, marks).map(|loss| format!("{loss:.4}")).join("  "));
    }
}

fn print_start() {
    println!("\n== start: the cotangent of the initial state, three examples, four steps");
    let mut params = Params::<f64>::new();
    let cell = Elman::new(CellConfig::new(1, 2), &mut params, "rnn", "l0", &mut rng(1));
    let start = InitialState::new(&cell as &dyn Cell<f64>, &mut params, "rnn", "l0");
    let tape = Tape::new();
    let p = params.bind(&tape);
    let x = tape.constant(4, 3, &Random::new(2).normals(12));
    let given = State { h: tape.leaf(2, 3, &[0.0; 6]), c: None };
    unroll(&cell, p, x, given, Span::default()).0.sum().backward();
    println!("given, 2 x 3                 sum of the columns");
    let rows: Vec<Vec<f64>> = given.h.grad().chunks(3).map(<[f64]>::to_vec).collect();
    unroll(&cell, p, x, start.state(p, 3), Span::default()).0.sum().backward();
    let learned = p.get(params.find("rnn.h_0_l0").expect("it was added")).grad();
    for (row, learned) in rows.iter().zip(&learned) {
        let entries: String = row.iter().map(|g| format!("{g:8.4}")).collect();
        println!("{entries}     {:8.4}", row.iter().sum::<f64>());
        assert!((row.iter().sum::<f64>() - learned).abs() < 1e-12);
    }
    println!("learned, 2 x 1");
    learned.iter().for_each(|g| println!("{g:8.4}"));
}

/// The initialisers that are compared, of a matrix H×H.
fn initialisers() -> [(&'static str, Init); 4] {
    [
        ("normal, std 0.01", Init::Normal { std: 0.01 }),
        ("uniform, 1/sqrt(H)", Init::Uniform { bound: None }.for_hidden(HIDDEN)),
        ("xavier-uniform", Init::XavierUniform { gain: 1.0 }),
        ("orthogonal", Init::Orthogonal),
    ]
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn times(u: &[f64], v: &[f64]) -> Vec<f64> {
    u.chunks(v.len()).map(|row| row.iter().zip(v).map(|(u, v)| u * v).sum()).collect()
}

// ANCHOR: gains
/// How much longer a random vector is after `products` multiplications by
/// a new matrix.
fn growth(init: Init, products: usize) -> f64 {
    let u: Vec<f64> = init.fill(&mut rng(1), HIDDEN, HIDDEN);
    let v = Random::new(2).normals(HIDDEN);
    let mut end = v.clone();
    (0..products).for_each(|_| end = times(&u, &end));
    norm(&end) / norm(&v)
}
// ANCHOR_END: gains

fn print_gains() {
    println!("\n== gains: H = {HIDDEN}, a random vector times the matrix again and again");
    println!("                     sqrt(H Var w)   once    per step of 100   after 100");
    for (name, init) in initialisers() {
        let u: Vec<f64> = init.fill(&mut rng(1), HIDDEN, HIDDEN);
        let predicted = (u.iter().map(|w| w * w).sum::<f64>() / HIDDEN as f64).sqrt();
        let (once, hundred) = (growth(init, 1), growth(init, 100));
        println!("{name:20} {predicted:10.3} {once:10.3} {:14.3} {hundred:14.1e}", hundred.powf(0.01));
    }
}

fn print_networks() {
    println!("\n== networks: the cotangent of h_t over that of h_100, in a tanh network");
    println!("                         t = 99     t = 90     t = 50      t = 1");
    for (name, init) in initialisers() {
        let norms = Network { init, ..Network::orthogonal(1.0) }.norms("h");
        let row = [99, 90, 50, 1].map(|t| format!("{:10.1e}", norms[t - 1]));
        println!("{name:20} {}", row.join(" "));
    }
}

fn print_stacked() {
    println!("\n== stacked: the length of U_f v over that of v, of an LSTM's forget gate");
    let v = Random::new(2).normals(HIDDEN);
    let block = HIDDEN * HIDDEN..2 * HIDDEN * HIDDEN;
    let apart: Vec<f64> = Init::Orthogonal.fill_gates(&mut rng(1), 4, HIDDEN, HIDDEN);
    let as_one: Vec<f64> = Init::Orthogonal.fill(&mut rng(1), 4 * HIDDEN, HIDDEN);
    for (name, u) in [("four orthogonal matrices", apart), ("one of 4H rows", as_one)] {
        println!("{name:26} {:.3}", norm(&times(&u[block.clone()], &v)) / norm(&v));
    }
}

// ANCHOR: carousel
/// The product of all forget gates from step 2 to step T, of the unit in
/// the middle of all units.
fn product_of_gates(network: Network) -> f64 {
    let mut products = vec![1.0; HIDDEN];
    network.run(|q| {
        if q.name == "f" && q.step > Some(0) {
            products.iter_mut().zip(q.value).for_each(|(product, f)| *product *= f);
        }
    });
    products.sort_by(f64::total_cmp);
    products[HIDDEN / 2]
}
// ANCHOR_END: carousel

fn print_forget() {
    println!("\n== forget: from c_{STEPS} back to c_1");
    println!("bias   s(bias)   steps to a half   s(bias)^99   product of f   all ways");
    for bias in [0.0, 1.0, 3.0, 5.0] {
        let f = 1.0 / (1.0 + f64::exp(-bias));
        let network = Network::lstm(bias);
        let (product, all) = (product_of_gates(network), network.norms("c")[0]);
        let half = 0.5_f64.ln() / f.ln();
        println!(
            "{bias:4.0} {f:9.4} {half:17.1} {:12.1e} {product:14.1e} {all:10.1e}",
            f.powi(STEPS as i32 - 1)
        );
    }
}

// ANCHOR: remember
/// The first number is 1 or −1, then come 59 of noise; after the last one
/// the network is to say the first. The loss, averaged over the last 50
/// of 400 steps of training: 1 for one that always says 0.
fn remember(forget_bias: f64, seed: u64) -> f64 {
    const T: usize = 60;
    let (mut params, mut rng) = (Params::<f64>::new(), rng(seed));
    let config = CellConfig { forget_bias: Some(forget_bias), ..CellConfig::new(1, 16) };
    let cell = Lstm::new(config, &mut params, "rnn", "l0", &mut rng);
    let head = Linear::new(&mut params, "head", 16, 1, &mut rng);
    let mut trainer = Trainer::new(params, "adam".parse().expect("a rule"), 0.01).clip(Clip::Norm(1.0));
    let (mut random, mut last) = (Random::new(5 + seed), 0.0);
    for number in 1..=400 {
        let mut x: Vec<f64> = random.normals(T * 16).into_iter().map(|x| 0.1 * x).collect();
        x[..16].iter_mut().for_each(|x| *x = x.signum());
        let step = trainer.step(|p| {
            let (tape, x_t) = (p.tape(), p.tape().constant(T, 16, &x));
            let (_, end) = unroll(&cell, p, x_t, cell.zero_state(tape, 16), Span::default());
            head.forward(p, end.h).mse_loss(tape.constant(1, 16, &x[..16]))
        });
        let loss = step.expect("the loss stays finite").loss;
        last += if number > 350 { loss / 50.0 } else { 0.0 };
    }
    last
}
// ANCHOR_END: remember

fn print_remember() {
    println!("\n== remember: the loss after training, from two first draws of the weights");
    for bias in [0.0, 1.0, 3.0, 5.0] {
        println!("forget bias {bias}    {:.2}   {:.2}", remember(bias, 1), remember(bias, 2));
    }
}
