//! Clipping: how far one step may go.
//!
//! `cargo run --package book --example clipping`

use book::runs::cliff::{loss, loss_at};
use models::cells::Kind;
use models::init::Init;
use models::network::{Network, NetworkConfig};
use models::optim::{clip_grad_norm, clip_grad_value};
use models::params::Params;
use models::text::Vocabulary;
use models::train::{Clip, Step, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_descent();
    print_numbers();
    print_angles();
    print_rates();
    print_adam();
    print_broken();
}

// ANCHOR: descent
/// Gradient descent on the bias, from 0.3: the bias before each step, and
/// what the step did.
fn descent(clip: Clip, steps: u64) -> Vec<(f64, Step)> {
    let mut params = Params::new();
    let b = params.add("b", 1, 1, vec![0.3]);
    let mut trainer = Trainer::new(params, "sgd".parse().expect("a rule"), 0.02).clip(clip);
    let mut path = Vec::new();
    for _ in 0..steps {
        let before = trainer.params.get(b).value[0];
        path.push((before, trainer.step(|p| loss(p, b)).expect("it stays finite")));
    }
    path
}
// ANCHOR_END: descent

fn print_descent() {
    println!("== descent: the bias, the loss and the gradient's norm");
    println!("           not clipped                    clipped to a norm of 0.5");
    println!("step       b      loss      norm           b      loss      norm");
    let (free, clipped) = (descent(Clip::Off, 400), descent(Clip::Norm(0.5), 400));
    let cliff = free.iter().position(|(_, step)| step.grad_norm > 10.0).expect("there is a cliff");
    for t in [0, cliff - 1, cliff, cliff + 1, cliff + 2, 399] {
        let [left, right] = [&free, &clipped].map(|path| {
            let (b, step) = path[t];
            format!("{b:9.4} {:8.4} {:9.4}", step.loss, step.grad_norm)
        });
        println!("{:4} {left}   {right}", t + 1);
    }
    let width = |from: f64, to: f64| (loss_at(from), loss_at(to));
    let (low, high) = width(0.001, -0.001);
    println!("the loss at b = 0.001: {low:.4}, at b = -0.001: {high:.4}");
}

/// Parameters `u` and `v` with these gradients.
fn with_gradients(u: &[f64], v: &[f64]) -> Params<f64> {
    let mut params = Params::new();
    for (name, g) in [("u", u), ("v", v)] {
        let id = params.add(name, g.len(), 1, vec![0.0; g.len()]);
        params.get_mut(id).grad = g.to_vec();
    }
    params
}

fn gradients(params: &Params<f64>) -> Vec<f64> {
    params.iter().flat_map(|p| p.grad.clone()).collect()
}

fn print_numbers() {
    println!("\n== numbers: two parameters, of two entries and of one");
    let (u, v) = ([6.0, -0.4], [3.0]);
    let mut by_norm = with_gradients(&u, &v);
    let norm = clip_grad_norm(&mut by_norm, 2.0);
    let mut by_value = with_gradients(&u, &v);
    clip_grad_value(&mut by_value, 2.0);
    let row = |g: &[f64]| g.iter().map(|g| format!("{g:8.4}")).collect::<String>();
    println!("                   u1      u2       v");
    println!("gradient     {}", row(&[6.0, -0.4, 3.0]));
    println!("by norm, 2   {}   norm before {norm:.4}, factor {:.4}", row(&gradients(&by_norm)), 2.0 / norm);
    println!("by value, 2  {}", row(&gradients(&by_value)));
}

// ANCHOR: angle
/// The angle between two gradients, in degrees.
fn angle(u: &[f64], v: &[f64]) -> f64 {
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
    let cosine = dot(u, v) / (dot(u, u) * dot(v, v)).sqrt();
    cosine.min(1.0).acos().to_degrees()
}
// ANCHOR_END: angle

fn print_angles() {
    println!("\n== angles: how far a limit of 1 turns a gradient of two entries, in degrees");
    println!("gradient          by norm    by value");
    for g in [[0.8, 0.1], [2.0, 1.0], [10.0, 1.0], [100.0, 1.0], [100.0, 0.01]] {
        let turned = [Clip::Norm(1.0), Clip::Value(1.0)].map(|clip| {
            let mut params = with_gradients(&g, &[]);
            match clip {
                Clip::Norm(limit) => drop(clip_grad_norm(&mut params, limit)),
                Clip::Value(limit) => clip_grad_value(&mut params, limit),
                Clip::Off => {}
            }
            format!("{:10.1}", angle(&g, &gradients(&params)))
        });
        println!("({:5}, {:4}) {}", g[0], g[1], turned.join("  "));
    }
}

/// What the network learns by heart.
const SENTENCE: &str = "LSTM networks are especially useful for sequence prediction problems.";

// ANCHOR: train
/// 200 steps of an Elman network of 32 units that learns a sentence.
/// Returns the share of the steps that were clipped, the largest norm and
/// the last loss.
fn train(rule: &str, lr: f64, clip: Clip) -> (f64, f64, f64) {
    let vocabulary = Vocabulary::of(SENTENCE).expect("many characters");
    let ids = vocabulary.encode(SENTENCE).expect("they are its own");
    let config =
        NetworkConfig { init: Init::Orthogonal, ..NetworkConfig::new(Kind::Elman, vocabulary.size(), 32) };
    let mut params = Params::<f64>::new();
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let mut trainer = Trainer::new(params, rule.parse().expect("a rule"), lr).clip(clip);
    let (mut clipped, mut largest, mut last) = (0.0, 0.0_f64, 0.0);
    for _ in 0..200 {
        let mut start = network.initial_carry(1);
        let step =
            trainer.step(|p| network.forward(p, &ids[..ids.len() - 1], &mut start).cross_entropy(&ids[1..]));
        let step = step.expect("the loss stays finite");
        clipped += f64::from(u8::from(step.clipped)) / 200.0;
        (largest, last) = (largest.max(step.grad_norm), step.loss);
    }
    (clipped, largest, last)
}
// ANCHOR_END: train

fn print_rates() {
    println!("\n== rates: SGD with a rate of 1");
    println!("limit    clipped   largest norm   last loss");
    for limit in [f64::INFINITY, 1.0, 0.3, 0.1, 0.01] {
        let (share, largest, last) = train("sgd", 1.0, Clip::Norm(limit));
        // Where a run goes wild, its digits are chance.
        match largest > 10.0 {
            true => println!("{limit:5} {:8.0} % {:>14} {:>11}", 100.0 * share, "above 10", "wild"),
            false => println!("{limit:5} {:8.0} % {largest:14.2} {last:11.3}", 100.0 * share),
        }
    }
}

fn print_adam() {
    println!("\n== adam: Adam with a rate of 0.01");
    println!("limit    clipped   largest norm   last loss");
    for limit in [f64::INFINITY, 1.0, 0.1, 0.001, 0.000001] {
        let (share, largest, last) = train("adam", 0.01, Clip::Norm(limit));
        println!("{limit:8} {:5.0} % {largest:14.2} {last:11.3}", 100.0 * share);
    }
}

// ANCHOR: broken
/// Clipping by norm as it is often written: without a look at the norm.
fn careless(params: &mut Params<f64>, limit: f64) {
    let square = |g: &f64| g * g;
    let norm = params.iter().flat_map(|p| &p.grad).map(square).sum::<f64>().sqrt();
    let factor = (limit / (norm + 1e-6)).min(1.0);
    params.iter_mut().flat_map(|p| &mut p.grad).for_each(|g| *g *= factor);
}

/// Every parameter clipped by itself.
fn each_alone(params: &mut Params<f64>, limit: f64) {
    for p in params.iter_mut() {
        let norm = p.grad.iter().map(|g| g * g).sum::<f64>().sqrt();
        p.grad.iter_mut().for_each(|g| *g *= (limit / norm).min(1.0));
    }
}
// ANCHOR_END: broken

fn print_broken() {
    println!("\n== broken: a limit of 1");
    let row = |g: &[f64]| g.iter().map(|g| format!("{g:9.4}")).collect::<String>();
    for (u, v) in [([6.0, 8.0], [0.3]), ([f64::INFINITY, 8.0], [0.3]), ([f64::NAN, 8.0], [0.3])] {
        println!("gradient              {}", row(&gradients(&with_gradients(&u, &v))));
        let mut params = with_gradients(&u, &v);
        let norm = clip_grad_norm(&mut params, 1.0);
        println!("  by norm             {}   norm {norm:.4}", row(&gradients(&params)));
        let mut params = with_gradients(&u, &v);
        careless(&mut params, 1.0);
        println!("  without a look      {}", row(&gradients(&params)));
        if norm.is_finite() {
            let mut params = with_gradients(&u, &v);
            each_alone(&mut params, 1.0);
            let turned = angle(&gradients(&params), &[u[0], u[1], v[0]]);
            println!("  each parameter alone{}   turned by {turned:.1} degrees", row(&gradients(&params)));
        }
    }
}
