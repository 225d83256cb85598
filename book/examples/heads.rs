//! Which states of a recurrent network answer the question: every one, the last one, or one that begins.
//!
//! `cargo run --package book --example heads`

use autograd::check::Check;
use autograd::{IGNORE_INDEX, Tape, Var};
use models::cells::{CellConfig, Elman, Kind, State};
use models::config::Config;
use models::heads::{OneToMany, Targets};
use models::layers::{Span, StackConfig, unroll};
use models::optim::Rule;
use models::params::{Bound, Params};
use models::session::Session;
use models::tasks::{find, is_held_out, numbers};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_experiment();
    print_cotangents();
    print_vector();
    print_targets();
    print_spelling();
    print_mistakes();
}

/// Sentences: a bag of words, and a network that reads them in order.
fn print_experiment() {
    println!("== experiment: 2,000 sentences that were never seen in training");
    let usual = (find("sentiment").unwrap().config)();
    let config = Config { steps: 300, eval_every: 300, save_every: 300, ..usual };
    let mut session = Session::new(config, "").unwrap();
    println!("{}", session.task().baseline().unwrap());
    while !session.finished() {
        session.step().unwrap();
    }
    session.evaluate().unwrap();
    let exam = session.exam().unwrap();
    println!("an LSTM, word by word: {:.0} % right", 100.0 * exam.right().unwrap());
    println!("\n== answers: some of the LSTM's");
    let contrasts = exam.answers.iter().filter(|a| !a.question.contains(" and ") && a.question.len() < 60);
    for answer in contrasts.take(5) {
        println!("{:8}  {}", answer.found, answer.question);
    }
}

const STEPS: usize = 4;

/// An Elman network of two units on four numbers.
fn elman() -> (Elman, Params<f64>) {
    let mut params = Params::<f64>::new();
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let cell = Elman::new(CellConfig::new(1, 2), &mut params, "rnn", "l0", rng);
    let weights = [vec![0.5, -1.0], vec![0.8, -0.4, 0.3, 0.6], vec![0.1, 0.0]];
    params.iter_mut().zip(weights).for_each(|(p, value)| p.value = value);
    (cell, params)
}

// ANCHOR: three
/// From the vector v that begins, and the inputs x, three numbers to be a loss.
fn losses<'t>(p: Bound<'t, f64>, cell: &Elman, v: Var<'t, f64>, x: Var<'t, f64>) -> [Var<'t, f64>; 3] {
    let start = |h| State { h, c: None };
    let zeros = p.tape().zeros(2, 1);
    let (every, end) = unroll(cell, p, x, start(zeros), Span::default());
    let many_to_many = every.sum();
    let many_to_one = end.h.sum();
    let (begun, _) = unroll(cell, p, x, start(v.tanh()), Span::default());
    let one_to_many = begun.sum();
    [many_to_many, many_to_one, one_to_many]
}
// ANCHOR_END: three

fn numbers_of(entries: &[f64]) -> String {
    entries.iter().map(|x| format!("{:9.4}", (x * 1e4).round() / 1e4 + 0.0)).collect()
}

fn print_cotangents() {
    println!("\n== cotangents: dL/dh_t of the first unit, when the loss is a sum of states");
    println!("                   step 1   step 2   step 3   step 4");
    for (k, name) in ["of all states", "of the last one"].into_iter().enumerate() {
        let ((cell, params), tape) = (elman(), Tape::new());
        tape.retain_grads(true);
        let v = tape.constant(2, 1, &[0.0; 2]);
        let x = tape.constant(STEPS, 1, &[1.0, 0.5, -1.0, 0.3]);
        losses(params.bind(&tape), &cell, v, x)[k].backward();
        let mut row = String::new();
        let mut seen = 0;
        tape.trace(&mut |q| {
            if q.name == "h" && seen < STEPS {
                row += &numbers_of(&q.grad.unwrap()[..1]);
                seen += 1;
            }
        });
        println!("{name:16}{row}");
    }
}

fn print_vector() {
    println!("\n== vector: dL/dv of a vector that begins, by the tape and by two runs");
    let (cell, params) = elman();
    let run = |v: &[f64], tape: &Tape<f64>| {
        let p = params.bind(tape);
        let v = tape.leaf(2, 1, v);
        let x = tape.constant(STEPS, 1, &[1.0, 0.5, -1.0, 0.3]);
        let loss = losses(p, &cell, v, x)[2];
        loss.backward();
        (loss.item(), v.grad())
    };
    let v = [0.4, -0.9];
    let (_, grad) = run(&v, &Tape::new());
    let slope = |k: usize| {
        let at = |by: f64| {
            let mut v = v;
            v[k] += by;
            run(&v, &Tape::new()).0
        };
        (at(1e-5) - at(-1e-5)) / 2e-5
    };
    println!("tape      {}", numbers_of(&grad));
    println!("two runs  {}", numbers_of(&[slope(0), slope(1)]));
}

/// Inputs and targets of a decoder that is taught "ten" and "six".
fn print_targets() {
    println!("\n== targets: what a decoder is fed, and what it is to say; # is the boundary");
    for name in ["ten", "sixty"] {
        println!("fed     # {}", spaced(name));
        println!("says      {} #", spaced(name));
    }
}

fn spaced(name: &str) -> String {
    name.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

/// The two digits of numbers below 100, one-hot one under the other: 20×B.
fn digits<'t>(p: Bound<'t, f64>, all: &[usize]) -> Var<'t, f64> {
    p.tape().constant_with(20, all.len(), |entries| {
        for (b, number) in all.iter().enumerate() {
            entries[number / 10 * all.len() + b] = 1.0;
            entries[(10 + number % 10) * all.len() + b] = 1.0;
        }
    })
}

/// A network that has learned to spell the numbers below 100 that are not held out.
struct Speller {
    network: OneToMany<f64>,
    trainer: Trainer<f64>,
}

impl Speller {
    /// With or without the boundary among what it is to say.
    fn trained(with_end: bool) -> Self {
        let letters = numbers::alphabet();
        let mut params = Params::new();
        let config = StackConfig::new(Kind::Gru, CellConfig::new(8, 32));
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let network = OneToMany::new(20, letters.size(), &config, &mut params, rng);
        let mut trainer = Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.02);
        let known: Vec<usize> = (0..100).filter(|n| !is_held_out(&n.to_string())).collect();
        let names: Vec<_> = known.iter().map(|&n| letters.encode(&numbers::name(n)).unwrap()).collect();
        let boundary = network.decoder().boundary();
        let mut targets = Targets::new();
        targets.set(&names, boundary);
        let wanted = |&symbol: &usize| if !with_end && symbol == boundary { IGNORE_INDEX } else { symbol };
        let symbols: Vec<usize> = targets.symbols().iter().map(wanted).collect();
        for _ in 0..200 {
            let loss =
                trainer.step(|p| network.forward(p, digits(p, &known), &targets).cross_entropy(&symbols));
            loss.unwrap();
        }
        Self { network, trainer }
    }

    fn spell(&mut self, all: &[usize]) -> Vec<String> {
        let written = self.trainer.evaluate(|p| self.network.greedy(p, digits(p, all), 24));
        written.iter().map(|name| numbers::alphabet().decode(name)).collect()
    }
}

fn print_spelling() {
    println!("\n== spelling: numbers below 100");
    let mut speller = Speller::trained(true);
    for (name, held_out) in [("seen in training", false), ("held out", true)] {
        let all: Vec<usize> = (0..100).filter(|n| is_held_out(&n.to_string()) == held_out).collect();
        let spelled = speller.spell(&all);
        let right = spelled.iter().zip(&all).filter(|(s, n)| **s == numbers::name(**n)).count();
        println!("{name:18}{right:3} of {:2} right", all.len());
        if held_out {
            for (n, s) in all.iter().zip(&spelled) {
                let mark = if *s == numbers::name(*n) { "" } else { "   wrong" };
                println!("{n:8}  {s}{mark}");
            }
        }
    }
}

fn print_mistakes() {
    println!("\n== mistakes: a network that was never taught to end");
    for (n, s) in [7, 14, 42].iter().zip(Speller::trained(false).spell(&[7, 14, 42])) {
        println!("{n:4}  {s}");
    }
    let (cell, params) = elman();
    println!("\n== check: wrong entries of the three losses' gradients");
    for (k, name) in ["many-to-many", "many-to-one", "one-to-many"].into_iter().enumerate() {
        let mut check = Check::new(1);
        for p in params.iter() {
            check = check.input(p.name.clone(), p.rows, p.cols, &p.value);
        }
        let check = check.input("v", 2, 1, &[0.4, -0.9]).input("x", STEPS, 1, &[1.0, 0.5, -1.0, 0.3]);
        let report = check.run(|tape, x| losses(params.bound_at(tape, 0), &cell, x[3], x[4])[k]);
        let (wrong, all) = report.parameters.iter().fold((0, 0), |(w, a), p| (w + p.wrong, a + p.checked));
        println!("{name:14}{wrong} of {all}");
    }
}
