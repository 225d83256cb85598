//! Seeing inside: an LSTM learns a sentence by heart, and its gates are watched.
//!
//! `cargo run --package book --example inside`

use models::inspect::{Record, health, look};
use models::params::Params;
use models::tasks;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_moments();
    print_reach();
    for (name, gate, bias) in [("shut", 1, -10.0), ("open", 1, 10.0), ("dead", 0, -10.0)] {
        print_ill(name, gate, bias);
    }
}

// ANCHOR: watch
/// Trains an LSTM of 32 units on the sentence, and looks into it at these steps.
fn watch(steps: &[u64]) -> Vec<Record> {
    let info = tasks::find("sentence").expect("a task");
    let config = (info.config)();
    let (mut task, params) = info.build(&config, "").expect("its own settings");
    let rule = config.optimizer.parse().expect("a rule");
    let mut trainer = Trainer::new(params, rule, config.lr).clip(Clip::Norm(config.clip));
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut records = Vec::new();
    for step in 0..=steps[steps.len() - 1] {
        if steps.contains(&step) {
            let record = look(&trainer.params, |p| task.show(p, None));
            records.push(record.expect("the loss is finite"));
        }
        trainer.step(|p| task.loss(p, &mut random)).expect("the loss stays finite");
    }
    records
}
// ANCHOR_END: watch

/// The mean of a gate over all units and steps.
fn mean(record: &Record, name: &str) -> f32 {
    let gate = record.cells[0].quantity(name).expect("an LSTM has it");
    gate.value.iter().sum::<f32>() / gate.value.len() as f32
}

fn print_moments() {
    println!("== moments: the sentence, learned by heart");
    println!("step    loss   right        i      f      o");
    let steps = [0, 10, 50, 100];
    for (step, record) in steps.iter().zip(watch(&steps)) {
        let right = record.predictions.iter().filter(|p| p.expected.as_ref() == Some(&p.found)).count();
        let [i, f, o] = ["i", "f", "o"].map(|name| mean(&record, name));
        let all = record.predictions.len();
        println!("{step:4} {:7.1} {right:4} of {all} {i:6.1} {f:6.1} {o:6.1}", record.loss);
    }
}

fn print_reach() {
    println!("\n== reach: the gradient of the last prediction, by steps back");
    println!("steps back           0       1       2       5      10      20");
    for (step, record) in [0, 100].into_iter().zip(watch(&[0, 100])) {
        let reach = &record.cells[0].reach;
        let last = reach.len() - 1;
        let back = [0, 1, 2, 5, 10, 20].map(|k| format!("{:8.0e}", reach[last - k] / reach[last]));
        println!("after {step:3} steps{}", back.concat());
    }
}

// ANCHOR: ill
/// What the report says of an untrained LSTM all of whose biases of one gate are set.
fn ill(gate: usize, bias: f32) -> Vec<String> {
    let info = tasks::find("sentence").expect("a task");
    let (task, mut params) = info.build(&(info.config)(), "").expect("its own settings");
    set_bias(&mut params, gate, bias);
    let record = look(&params, |p| task.show(p, None)).expect("the loss is finite");
    health(&record).into_iter().filter(|finding| finding.ill).map(|finding| finding.text).collect()
}

fn set_bias(params: &mut Params<f32>, gate: usize, bias: f32) {
    let id = params.find("rnn.bias_l0").expect("an LSTM has it");
    let value = &mut params.get_mut(id).value;
    let units = value.len() / 4;
    value[gate * units..(gate + 1) * units].fill(bias);
}
// ANCHOR_END: ill

fn print_ill(name: &str, gate: usize, bias: f32) {
    println!("\n== {name}: every bias of gate {} is {bias}", ["i", "f"][gate]);
    for text in ill(gate, bias) {
        for line in wrapped(&text) {
            println!("{line}");
        }
    }
}

/// Lines of at most 75 letters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines[lines.len() - 1].len() + word.len() >= 75 {
            lines.push("  ".into());
        }
        let line = lines.last_mut().expect("there is one");
        if !line.trim().is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}
