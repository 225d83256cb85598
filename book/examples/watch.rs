//! Why does my loss not fall? Each usual mistake, and what is said of it.
//!
//! `cargo run --package book --example watch`

use autograd::Tape;
use autograd::check::Random;
use book::runs::cliff;
use models::cells::Kind;
use models::network::{Network, NetworkConfig};
use models::optim::Optimizer;
use models::params::Params;
use models::text::{Streams, Vocabulary};
use models::train::{Clip, Step, Trainer};
use models::watch::Watch;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::collections::BTreeMap;

const TEXT: &str = "When a loss does not fall, there is a reason, and the reason is seldom the network. Look \
    at the first number: is it the logarithm of how many letters there are? Look at the last one: is it what \
    somebody would have who only counts letters? Look at the gradient: is it nothing, or is it everything? \
    Then make the task so small that it must be learned, and see whether it is. ";

/// What a network is asked for at every letter.
#[derive(Clone, Copy, PartialEq)]
enum Targets {
    Next,
    Inputs,
    Anywhere,
}

/// How one training differs from another.
#[derive(Clone, Copy)]
struct Setting {
    rule: &'static str,
    lr: f64,
    clip: Clip,
    /// What is asked for.
    targets: Targets,
    /// How much larger than usual the weights begin.
    gain: f64,
}

/// The training that works.
const WORKS: Setting =
    Setting { rule: "adam", lr: 0.01, clip: Clip::Norm(1.0), targets: Targets::Next, gain: 1.0 };

fn main() {
    print_cases();
    print_explosion();
    print_gradients();
    print_stopped();
}

fn print_cases() {
    println!("== works: nothing is wrong");
    show(WORKS);
    println!("\n== rate-low: a learning rate of 0.000001");
    show(Setting { lr: 1e-6, ..WORKS });
    println!("\n== rate-high: a learning rate of 3");
    show(Setting { lr: 3.0, ..WORKS });
    println!("\n== clip: a limit of 0.001, with plain gradient descent");
    show(Setting { rule: "sgd", lr: 1.0, clip: Clip::Norm(0.001), ..WORKS });
    println!("\n== targets: the targets belong to no input");
    show(Setting { targets: Targets::Anywhere, ..WORKS });
    println!("\n== shifted: the targets are the inputs themselves");
    show(Setting { targets: Targets::Inputs, ..WORKS });
}

// ANCHOR: train
/// Trains for 320 steps and calls `see` after each.
fn train(setting: Setting, mut see: impl FnMut(&Step)) -> Result<(), models::train::NotFinite> {
    let vocabulary = Vocabulary::of(TEXT).expect("many characters");
    let ids = vocabulary.encode(TEXT).expect("they are its own");
    let config = NetworkConfig::new(Kind::Lstm, vocabulary.size(), 24);
    let mut params = Params::<f64>::new();
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let recurrent = params.iter_mut().filter(|p| p.name.starts_with("rnn."));
    recurrent.flat_map(|p| &mut p.value).for_each(|w| *w *= setting.gain);
    let mut trainer =
        Trainer::new(params, setting.rule.parse().expect("a rule"), setting.lr).clip(setting.clip);
    let mut streams = Streams::new(ids.clone(), 4, 16).expect("long enough");
    let (mut carry, mut random) = (network.initial_carry(4), Random::new(1));
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..320 {
        let (window, restart) = streams.advance(16, 16);
        if restart {
            carry.reset();
        }
        streams.fill(window, &mut inputs, &mut targets);
        match setting.targets {
            Targets::Next => {}
            Targets::Inputs => targets.clone_from(&inputs),
            Targets::Anywhere => targets.fill_with(|| ids[random.below(ids.len())]),
        }
        see(&trainer.step(|p| network.forward(p, &inputs, &mut carry).cross_entropy(&targets))?);
    }
    Ok(())
}
// ANCHOR_END: train

// ANCHOR: show
/// Trains, and prints what `rnn train` would print.
fn show(setting: Setting) {
    let (mut watch, mut losses) = (Watch::default(), Vec::new());
    let result = train(setting, |step| {
        losses.push(step.loss);
        if let Some(warning) = watch.see(step, setting.clip) {
            println!("warning: {}", broken_up(&warning));
        }
    });
    println!("loss of steps 1, 100 and 320: {}", shown(&losses));
    if let Err(not_finite) = result {
        println!("error: {}", broken_up(&not_finite.to_string()));
    }
}
// ANCHOR_END: show

// ANCHOR: explosion
/// The unit with the cliff, from the chapter on clipping.
fn explosion() -> Vec<String> {
    let mut params = Params::new();
    let b = params.add("b", 1, 1, vec![0.3]);
    let mut trainer = Trainer::new(params, "sgd".parse().expect("a rule"), 0.02);
    let mut watch = Watch::default();
    let steps = (0..200).map(|_| trainer.step(|p| cliff::loss(p, b)).expect("it stays finite"));
    steps.filter_map(|step| watch.see(&step, Clip::Off)).collect()
}
// ANCHOR_END: explosion

fn print_explosion() {
    println!("\n== explodes: the unit with the cliff");
    explosion().iter().for_each(|warning| println!("warning: {}", broken_up(warning)));
}

/// A line in pieces that fit the page.
fn broken_up(line: &str) -> String {
    line.replace("; ", ";\n  ").replace(", and look", ",\n  and look").replace(", not the", ",\n  not the")
}

fn shown(losses: &[f64]) -> String {
    let at = [1, 100, 320].map(|n| losses.get(n - 1).map_or("-".into(), |loss| format!("{loss:.2}")));
    at.join("  ")
}

// ANCHOR: never-zeroed
/// A training loop by hand; `zero` says whether gradients are set to zero.
fn by_hand(zero: bool) -> (Vec<f64>, Vec<String>) {
    let vocabulary = Vocabulary::of(TEXT).expect("many characters");
    let ids = vocabulary.encode(TEXT).expect("they are its own");
    let mut params = Params::<f64>::new();
    let config = NetworkConfig::new(Kind::Lstm, vocabulary.size(), 24);
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let mut optimizer = Optimizer::new("sgd".parse().expect("a rule"), &params);
    let (mut tape, mut watch) = (Tape::new(), Watch::default());
    let (mut losses, mut warnings) = (Vec::new(), Vec::new());
    for number in 1..=320 {
        tape.reset();
        if zero {
            params.zero_grad();
        }
        let p = params.bind(&tape);
        let mut start = network.initial_carry(1);
        let loss = network.forward(p, &ids[..64], &mut start).cross_entropy(&ids[1..65]);
        loss.backward();
        params.add_grads(p);
        let grad_norm = models::optim::clip_grad_norm(&mut params, f64::INFINITY);
        optimizer.step(&mut params, 0.3);
        let step = Step { number, loss: loss.item(), grad_norm, clipped: false, lr: 0.3 };
        warnings.extend(watch.see(&step, Clip::Off));
        losses.push(step.loss);
    }
    (losses, warnings)
}
// ANCHOR_END: never-zeroed

fn print_gradients() {
    println!("\n== gradients: set to zero in every step, and never");
    for zero in [true, false] {
        let (losses, warnings) = by_hand(zero);
        println!("zeroed: {zero:5}   loss of steps 1, 100 and 320: {}", shown(&losses));
        warnings.iter().for_each(|warning| println!("warning: {}", broken_up(warning)));
    }
}

fn print_stopped() {
    println!("\n== stopped: a rate of 1e308, and a weight that is not a number");
    show(Setting { lr: 1e308, ..WORKS });
    show(Setting { gain: f64::NAN, ..WORKS });
    println!("\n== letters: the loss of somebody who only counts letters");
    let mut counts = BTreeMap::<char, f64>::new();
    TEXT.chars().for_each(|c| *counts.entry(c).or_default() += 1.0);
    let all = TEXT.chars().count() as f64;
    let counted: f64 = counts.values().map(|n| -n / all * (n / all).ln()).sum();
    println!(
        "{} letters: ln {} = {:.2}, counted {counted:.2}",
        counts.len(),
        counts.len(),
        (counts.len() as f64).ln()
    );
}
