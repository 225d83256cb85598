//! The smallest recurrent network that works: it reads "hell" and says what comes next, "o".
//!
//! Run it with `cargo run --release -p models --example hello`.
//!
//! Four letters, three hidden units, 40 numbers to learn, and all of them can be seen. The two l's are what it
//! takes a memory for: after the first comes an l, after the second an o.

use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Elman};
use models::layers::{Linear, Span, one_hot, unroll};
use models::optim::Rule;
use models::params::{Bound, Params};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::fmt::Write;

const LETTERS: [char; 4] = ['h', 'e', 'l', 'o'];
/// "hell", and after each letter the next: "ello".
const INPUTS: [usize; 4] = [0, 1, 2, 2];
const TARGETS: [usize; 4] = [1, 2, 2, 3];
const HIDDEN: usize = 3;

/// h_t = tanh(W x_t + U h_{t−1} + b), and the logits of the next letter V h_t + d.
struct Hello {
    cell: Elman,
    head: Linear,
}

impl Hello {
    /// Hidden states (T·H)×1 and logits (T·4)×1.
    fn forward<'t>(&self, p: Bound<'t, f64>) -> [Var<'t, f64>; 2] {
        let tape = p.tape();
        let x = one_hot(tape, &INPUTS, LETTERS.len(), 1);
        let start = self.cell.zero_state(tape, 1);
        let (h, _) = unroll(&self.cell, p, x, start, Span { equations: true, ..Span::default() });
        [h, self.head.forward(p, h)]
    }
}

/// Trains for 200 steps and shows everything.
pub fn report() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut params = Params::<f64>::new();
    let cell = Elman::new(CellConfig::new(LETTERS.len(), HIDDEN), &mut params, "rnn", "l0", &mut rng);
    let head = Linear::new(&mut params, "head", HIDDEN, LETTERS.len(), &mut rng);
    let network = Hello { cell, head };
    let rule = "adam".parse::<Rule>().expect("adam is a rule");
    let mut trainer = Trainer::new(params, rule, 0.1);
    let mut out = String::new();
    let mut line = |text: String| writeln!(out, "{text}").expect("a string can be written to");
    for number in 1..=200 {
        let step = trainer.step(|p| network.forward(p)[1].cross_entropy(&TARGETS));
        let step = step.expect("the loss stays finite at this rate");
        if [1, 10, 50, 100, 200].contains(&number) {
            line(format!("step {number:>3}  loss {:.4}", step.loss));
        }
    }

    line(format!("\nThe {} numbers it has learned:", trainer.params.count()));
    let names = ["W", "U", "b", "V", "d"];
    for (p, name) in trainer.params.iter().zip(names) {
        for (row, entries) in p.value.chunks(p.cols).enumerate() {
            line(format!("{:<4}{}", if row == 0 { name } else { "" }, numbers(entries)));
        }
    }

    let tape = Tape::new();
    let [h, logits] = network.forward(trainer.params.bind_constant(&tape));
    line("\nLetter by letter: hidden state, logits, probabilities of h e l o".into());
    let (h, logits) = (h.value(), logits.value());
    for (t, letter) in INPUTS.into_iter().enumerate() {
        let logits = &logits[t * LETTERS.len()..][..LETTERS.len()];
        let softmax = tape.constant(LETTERS.len(), 1, logits).softmax().value();
        let best =
            (0..LETTERS.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).expect("there are four");
        let h = numbers(&h[t * HIDDEN..][..HIDDEN]);
        line(format!(
            "{}  state{h}  logits{}  softmax{}  → {}",
            LETTERS[letter],
            numbers(logits),
            numbers(&softmax),
            LETTERS[best]
        ));
    }
    out
}

fn numbers(entries: &[f64]) -> String {
    // + 0.0 makes 0 of −0.
    entries.iter().map(|x| format!(" {:>6.2}", (x * 100.0).round() / 100.0 + 0.0)).collect()
}

fn main() {
    print!("{}", report());
}
