//! Mistakes around the loop: the output that never saw the new state, gradients that are never zeroed,
//! a learning rate that is not one, a network without a state.
//!
//! `cargo run --package book --example mistakes_in_training`

use autograd::check::Random;
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Elman};
use models::layers::{Linear, Span, interleave, one_hot, unroll};
use models::optim::{Rule, clip_grad_norm};
use models::params::{Bound, Params};
use models::train::{Clip, Trainer};
use models::watch::Watch;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_output();
    print_last_gradients();
    print_gradients();
    print_rates();
    print_kinds();
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn adam() -> Rule {
    "adam".parse().expect("adam is a rule")
}

/// An Elman network and a linear layer on whatever it is given of the state.
struct Xor {
    cell: Elman,
    head: Linear,
    right: bool,
}

const BITS: usize = 8;

impl Xor {
    fn new(params: &mut Params<f64>, right: bool) -> Self {
        let cell = Elman::new(CellConfig::new(1, 6), params, "rnn", "l0", &mut rng(1));
        let head = Linear::new(params, "head", if right { 6 } else { 7 }, 2, &mut rng(2));
        Self { cell, head, right }
    }

    /// The logits of every step, for the bits `x`, T×B.
    fn logits<'t>(&self, p: Bound<'t, f64>, x: Var<'t, f64>) -> Var<'t, f64> {
        let tape = p.tape();
        let start = self.cell.zero_state(tape, x.cols());
        let (h, _) = unroll(&self.cell, p, x, start, Span::default());
        let but_last = h.row_block(0..h.rows() - start.h.rows());
        // ANCHOR: output
        let old = tape.concat_rows(&[start.h, but_last]);
        let seen = if self.right { h } else { interleave(x, old, x.rows()) };
        self.head.forward(p, seen)
        // ANCHOR_END: output
    }
}

/// Random bits, 16 sequences of them, and whether each differs from the one before.
fn bits(random: &mut Random) -> (Vec<f64>, Vec<usize>) {
    let bits: Vec<usize> = (0..BITS * 16).map(|_| random.below(2)).collect();
    let before = |at: usize| if at < 16 { 0 } else { bits[at - 16] };
    let targets = (0..bits.len()).map(|at| bits[at] ^ before(at)).collect();
    (bits.iter().map(|&bit| bit as f64).collect(), targets)
}

fn print_output() {
    println!("== output: exclusive or of this bit and the one before it; a guess costs ln 2 = 0.693");
    println!("loss after step            1     100     200     400");
    for (name, right) in [("from x_t and h_(t-1)", false), ("from h_t", true)] {
        let mut params = Params::new();
        let network = Xor::new(&mut params, right);
        let (mut trainer, mut random) = (Trainer::new(params, adam(), 0.02), Random::new(3));
        let mut losses = String::new();
        for number in 1..=400 {
            let (x, targets) = bits(&mut random);
            let step =
                trainer.step(|p| network.logits(p, p.tape().constant(BITS, 16, &x)).cross_entropy(&targets));
            if [1, 100, 200, 400].contains(&number) {
                losses += &format!(" {:7.3}", step.expect("the loss stays finite").loss);
            }
        }
        println!("{name:20}{losses}");
    }
}

fn print_last_gradients() {
    println!(
        "\n== output_gradients: the norm of the gradient by the hidden state of each step, at the start"
    );
    println!("step                      1      2      3      4      5      6      7      8");
    for (name, right) in [("from x_t and h_(t-1)", false), ("from h_t", true)] {
        let mut params = Params::new();
        let network = Xor::new(&mut params, right);
        let tape = Tape::new();
        let (x, targets) = bits(&mut Random::new(3));
        tape.retain_grads(true);
        network.logits(params.bind(&tape), tape.constant(BITS, 16, &x)).cross_entropy(&targets).backward();
        let mut norms = String::new();
        tape.trace(&mut |q| {
            if q.name == "h" {
                norms += &format!(" {:6.3}", q.grad.map_or(0.0, norm));
            }
        });
        println!("{name:20}{norms}");
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// "hell" and "ello", as places in "helo".
const INPUTS: [usize; 4] = [0, 1, 2, 2];
const TARGETS: [usize; 4] = [1, 2, 2, 3];

/// What comes after each letter, from the state or from the letter alone.
struct Letters {
    cell: Elman,
    head: Linear,
    many: bool,
}

impl Letters {
    fn new(params: &mut Params<f64>, many: bool) -> Self {
        let cell = Elman::new(CellConfig::new(4, 3), params, "rnn", "l0", &mut rng(1));
        let head = Linear::new(params, "head", if many { 3 } else { 4 }, 4, &mut rng(2));
        Self { cell, head, many }
    }

    fn logits<'t>(&self, p: Bound<'t, f64>) -> Var<'t, f64> {
        let x = one_hot(p.tape(), &INPUTS, 4, 1);
        let start = self.cell.zero_state(p.tape(), 1);
        // ANCHOR: kinds
        let (h, _) = unroll(&self.cell, p, x, start, Span::default());
        self.head.forward(p, if self.many { h } else { x })
        // ANCHOR_END: kinds
    }

    fn loss<'t>(&self, p: Bound<'t, f64>) -> Var<'t, f64> {
        self.logits(p).cross_entropy(&TARGETS)
    }

    /// The mean squared distance to the letters as one-hot vectors: it has a bottom to settle on.
    fn squared<'t>(&self, p: Bound<'t, f64>) -> Var<'t, f64> {
        self.logits(p).mse_loss(one_hot(p.tape(), &TARGETS, 4, 1))
    }
}

/// Gradient descent on the parameters; the loss and the norm of the gradients after each step.
fn descend(network: &Letters, mut params: Params<f64>, squared: bool, zeroed: bool) -> Vec<[f64; 2]> {
    let step = |_| {
        // ANCHOR: zero
        if zeroed {
            params.zero_grad(); // the line that is forgotten
        }
        let tape = Tape::new();
        let p = params.bind(&tape);
        let loss = if squared { network.squared(p) } else { network.loss(p) };
        loss.backward();
        params.add_grads(p);
        // ANCHOR_END: zero
        let norm = clip_grad_norm(&mut params, f64::INFINITY);
        for p in params.iter_mut() {
            p.value.iter_mut().zip(&p.grad).for_each(|(w, g)| *w -= 0.3 * g);
        }
        [loss.item(), norm]
    };
    (0..300).map(step).collect()
}

fn print_gradients() {
    for (title, squared) in [("zero: cross-entropy", false), ("zero_squared: squares", true)] {
        println!("\n== {title}");
        println!("           zeroed      never zeroed");
        println!("step    loss  norm      loss   norm");
        let mut params = Params::new();
        let network = Letters::new(&mut params, true);
        let [zeroed, never] = [true, false].map(|zeroed| descend(&network, params.clone(), squared, zeroed));
        for step in [1, 5, 10, 20, 50, 100, 200, 300] {
            let ([loss, norm], [never, never_norm]) = (zeroed[step - 1], never[step - 1]);
            println!("{step:4} {loss:7.3} {norm:5.2}   {never:7.3} {never_norm:6.2}");
        }
    }
}

fn print_rates() {
    println!("\n== rates: the loss after so many steps, and what the watch says");
    println!("rate      step 1  step 100  step 300");
    for rate in [1e-5, 0.3, 100.0] {
        let mut params = Params::new();
        let network = Letters::new(&mut params, true);
        let rule: Rule = "sgd".parse().expect("sgd is a rule");
        let (mut trainer, mut watch) = (Trainer::new(params, rule, rate), Watch::default());
        let (mut losses, mut said) = (vec![], vec![]);
        for _ in 1..=300 {
            let step = trainer.step(|p| network.loss(p)).expect("the loss stays finite");
            losses.push(step.loss);
            said.extend(watch.see(&step, Clip::Off));
        }
        let [first, middle, last] = [1, 100, 300].map(|step| losses[step - 1]);
        println!("{rate:7} {first:8.3} {middle:9.3} {last:9.3}");
        said.iter().for_each(|line| {
            println!("      {}", line.replace("; ", ";\n        ").replace(", and ", ",\n        and "))
        });
    }
}

fn print_kinds() {
    println!("\n== kinds: the loss on \"hell\" and \"ello\", and the probabilities of l and o");
    println!("                step 1  step 100  step 500    after \"hel\"   after \"hell\"");
    for (name, many) in [("one-to-one", false), ("many-to-many", true)] {
        let mut params = Params::new();
        let network = Letters::new(&mut params, many);
        let mut trainer = Trainer::new(params, adam(), 0.05);
        let mut step = |_| trainer.step(|p| network.loss(p)).expect("the loss stays finite").loss;
        let losses: Vec<f64> = (1..=500).map(&mut step).collect();
        let y = trainer.evaluate(|p| network.logits(p).value());
        let of = |t: usize| {
            let y = softmax(&y[4 * t..4 * t + 4]);
            format!("{:.2}, {:.2}", y[2], y[3])
        };
        let [first, middle, last] = [1, 100, 500].map(|step| losses[step - 1]);
        println!("{name:14} {first:7.3} {middle:9.3} {last:9.3} {:>13} {:>14}", of(2), of(3));
    }
    println!("(1/2) ln 2                        {:.3}", 0.5 * f64::ln(2.0));
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let total: f64 = logits.iter().map(|y| y.exp()).sum();
    logits.iter().map(|y| y.exp() / total).collect()
}
