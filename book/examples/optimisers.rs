//! Optimisers: the same gradients, five ways to make a step of them.
//!
//! `cargo run --package book --example optimisers`

use book::runs::optimisers::{RULES, descend, train};
use models::optim::{Optimizer, Rule};
use models::params::Params;

fn main() {
    print_ravine();
    print_sgd();
    print_numbers();
    print_correction();
    print_decay();
    print_rates();
}

fn rule(text: &str) -> Rule {
    text.parse().expect("a rule")
}

fn print_ravine() {
    println!("== ravine: the loss after 100 steps of gradient descent");
    for lr in [0.001, 0.01, 0.0198, 0.0202] {
        let path = descend(&rule("sgd"), lr, 100);
        let (last, [w1, w2]) = path[100];
        println!("lr {lr:6}   loss {last:10.4}   w {w1:7.4} {w2:8.4}");
    }
}

// ANCHOR: sgd
/// One weight, gradient 1 at every step: how long steps become.
fn lengths(momentum: f64, steps: usize) -> Vec<f64> {
    let (mut b, mut lengths) = (0.0, Vec::new());
    for _ in 0..steps {
        b = momentum * b + 1.0;
        lengths.push(b);
    }
    lengths
}
// ANCHOR_END: sgd

fn print_sgd() {
    println!("\n== momentum: the length of a step, as a multiple of lr times g");
    println!("step          1       2       3      10      50");
    for momentum in [0.0, 0.9] {
        let lengths = lengths(momentum, 50);
        let shown = [1, 2, 3, 10, 50].map(|t| format!("{:7.4}", lengths[t - 1]));
        println!("mu {momentum:3}   {}", shown.join(" "));
    }
}

/// The gradients of the example, and its rate.
const GRADIENTS: [f64; 3] = [4.0, -1.0, 2.0];
const RATE: f64 = 0.1;

/// The weight after each step of the library's rule, from 1.
fn library(text: &str) -> [f64; 3] {
    let mut params = Params::new();
    let w = params.add("w", 1, 1, vec![1.0]);
    let mut optimizer = Optimizer::new(rule(text), &params);
    GRADIENTS.map(|g| {
        params.get_mut(w).grad[0] = g;
        optimizer.step(&mut params, RATE);
        params.get(w).value[0]
    })
}

/// Prints one line for each step, and checks that the library goes the same way.
fn show(text: &str, title: &str, mut step: impl FnMut(u64, f64) -> (String, f64)) {
    println!("{text}\n  g      {title}");
    let mut w = 1.0;
    let steps = library(text);
    for (t, (g, same)) in (1..).zip(GRADIENTS.into_iter().zip(steps)) {
        let (numbers, by) = step(t, g);
        w -= RATE * by;
        println!("{g:7.4}  {numbers} {w:8.4}");
        assert!((w - same).abs() < 1e-9, "{text}: {w} is not {same}");
    }
}

fn print_numbers() {
    println!("\n== numbers: from w = 1, with lr = {RATE}");
    let mut b = 0.0;
    show("sgd:momentum=0.9", "    b        w", |_, g| {
        b = 0.9 * b + g;
        (format!("{b:8.4}"), b)
    });
    let mut s = 0.0f64;
    show("adagrad", "    s      g/root     w", |_, g| {
        s += g * g;
        let by = g / (s.sqrt() + 1e-10);
        (format!("{s:8.4} {by:8.4}"), by)
    });
    let mut v = 0.0f64;
    show("rmsprop", "    v      g/root     w", |_, g| {
        v = 0.99 * v + 0.01 * g * g;
        let by = g / (v.sqrt() + 1e-8);
        (format!("{v:8.4} {by:8.4}"), by)
    });
    let (mut m, mut v) = (0.0, 0.0f64);
    show("adam", "    m        v      m hat    v hat    m/root     w", |t, g| {
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powf(t as f64)), v / (1.0 - 0.999f64.powf(t as f64)));
        let by = m_hat / (v_hat.sqrt() + 1e-8);
        (format!("{m:8.4} {v:8.4} {m_hat:8.4} {v_hat:8.4} {by:8.4}"), by)
    });
}

// ANCHOR: correction
/// How many times too long a step is at step `t` without the corrections,
/// where all gradients are equal.
fn too_long(t: u64) -> f64 {
    let (m, v) = (1.0 - 0.9_f64.powf(t as f64), 1.0 - 0.999_f64.powf(t as f64));
    m / v.sqrt()
}
// ANCHOR_END: correction

fn print_correction() {
    println!("\n== correction: how many times too long Adam's steps are without it");
    for t in [1, 2, 5, 10, 12, 50, 100, 1000, 5000] {
        println!("step {t:4}   {:.4}", too_long(t));
    }
}

// ANCHOR: decay
/// Two weights whose gradients are +g and −g in turn, 10 and 0.1 large,
/// and a decay of 0.1: what is left of each after `steps` steps.
fn decayed(name: &str, steps: usize) -> [f64; 2] {
    let mut params = Params::new();
    let w = params.add("w", 2, 1, vec![1.0, 1.0]);
    let mut optimizer = Optimizer::new(rule(name), &params);
    for t in 0..steps {
        let sign = if t % 2 == 0 { 1.0 } else { -1.0 };
        params.get_mut(w).grad = vec![10.0 * sign, 0.1 * sign];
        optimizer.step(&mut params, 0.01);
    }
    [0, 1].map(|k| params.get(w).value[k])
}
// ANCHOR_END: decay

fn print_decay() {
    println!("\n== decay: of two weights that begin at 1, after 500 steps");
    println!("                               gradients of 10   of 0.1");
    for (name, text) in [
        ("adam, no decay", "adam"),
        ("adam, lambda = 0.1", "adam:weight-decay=0.1"),
        ("adamw, lambda = 0.1", "adamw:weight-decay=0.1"),
    ] {
        let [large, small] = decayed(text, 500);
        println!("{name:24} {large:21.3} {small:8.3}");
    }
}

fn print_rates() {
    println!("\n== rates: the loss of an LSTM after 150 steps, for each learning rate");
    let rates = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
    println!("{:18}{}", "", rates.map(|lr| format!("{lr:>7}")).concat());
    for (text, ..) in RULES {
        let losses = rates.map(|lr| shown(&train(&rule(text), lr, 150)));
        println!("{text:18}{}", losses.concat());
    }
}

/// The last loss, unless the losses have ever been twice the first.
fn shown(losses: &[f64]) -> String {
    let wild = losses.len() < 150 || losses.iter().any(|loss| *loss > 2.0 * losses[0]);
    if wild { "   wild".into() } else { format!("{:7.2}", losses[149]) }
}
