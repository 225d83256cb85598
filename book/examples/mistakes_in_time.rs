//! Mistakes between the steps: the output that has read one symbol, the graph that is never let go, the
//! windows that overlap.
//!
//! `cargo run --package book --example mistakes_in_time`

use autograd::check::Random;
use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Elman, Kind, State};
use models::layers::{Linear, Span, Stack, StackConfig, one_hot, unroll};
use models::optim::Rule;
use models::params::{Bound, Params};
use models::text::Streams;
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_reach();
    print_key();
    print_graph();
    print_windows();
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Symbols: four keys and four that mean nothing.
const SYMBOLS: usize = 8;
const KEYS: usize = 4;

/// Both directions of an Elman network, and a linear layer that names the key.
struct Reader {
    stack: Stack<f64>,
    head: Linear,
}

impl Reader {
    fn new(params: &mut Params<f64>) -> Self {
        let config = StackConfig::new(Kind::Elman, CellConfig::new(SYMBOLS, 12));
        let stack = Stack::new(&StackConfig { bidirectional: true, ..config }, params, "rnn", &mut rng(1));
        let head = Linear::new(params, "head", stack.features(), KEYS, &mut rng(2));
        Self { stack, head }
    }

    /// What the head is given: forward units above, backward units below.
    fn summary<'t>(&self, p: Bound<'t, f64>, x: Var<'t, f64>, right: bool) -> Var<'t, f64> {
        let start = self.stack.initial_states(p, x.cols());
        let (y, ends) = self.stack.forward(p, x, &start, Span::default(), None);
        // ANCHOR: last
        let last = y.row_block(y.rows() - self.stack.features()..y.rows());
        let both = self.stack.summary(&ends);
        if right { both } else { last }
        // ANCHOR_END: last
    }

    /// The logits of the key, KEYS×B.
    fn logits<'t>(&self, p: Bound<'t, f64>, ids: &[usize], batch: usize, right: bool) -> Var<'t, f64> {
        let x = one_hot(p.tape(), ids, SYMBOLS, batch);
        self.head.forward(p, self.summary(p, x, right))
    }
}

fn print_reach() {
    println!("== reach: the norm of the gradient of the backward units by each input");
    println!("input                    1       2       3       4       5       6");
    let mut params = Params::new();
    let reader = Reader::new(&mut params);
    for (name, right) in [("last position ", false), ("both summaries", true)] {
        let tape = Tape::new();
        let x: Vec<f64> = (0..6 * SYMBOLS).map(|k| (k as f64).sin()).collect();
        let x = tape.leaf(6 * SYMBOLS, 1, &x);
        let seen = reader.summary(params.bind(&tape), x, right);
        seen.row_block(seen.rows() / 2..seen.rows()).sum().backward();
        let norms: String = x.grad().chunks(SYMBOLS).map(|g| format!(" {:7.4}", norm(g))).collect();
        println!("{name}   {norms}");
    }
}

/// Sequences that begin with their key, and the keys.
fn with_keys(steps: usize, batch: usize, random: &mut Random) -> (Vec<usize>, Vec<usize>) {
    let keys: Vec<usize> = (0..batch).map(|_| random.below(KEYS)).collect();
    let others = (0..(steps - 1) * batch).map(|_| KEYS + random.below(SYMBOLS - KEYS));
    (keys.iter().copied().chain(others).collect(), keys)
}

fn print_key() {
    println!("\n== key: share of right answers after 300 steps, the key stands first");
    println!("length   last position   both summaries");
    for steps in [5, 20, 40] {
        let [wrong, right] = [false, true].map(|right| {
            let mut params = Params::new();
            let reader = Reader::new(&mut params);
            let rule: Rule = "adam".parse().expect("adam is a rule");
            let (mut trainer, mut random) = (Trainer::new(params, rule, 0.01), Random::new(3));
            for _ in 0..300 {
                let (ids, keys) = with_keys(steps, 16, &mut random);
                let step = trainer.step(|p| reader.logits(p, &ids, 16, right).cross_entropy(&keys));
                step.expect("the loss stays finite");
            }
            let (ids, keys) = with_keys(steps, 500, &mut random);
            let y = trainer.evaluate(|p| reader.logits(p, &ids, 500, right).value());
            let best = |b: usize| (0..KEYS).max_by(|&i, &j| y[i * 500 + b].total_cmp(&y[j * 500 + b]));
            (0..500).filter(|&b| best(b) == Some(keys[b])).count() as f64 / 500.0
        });
        println!("{steps:6} {wrong:15.2} {right:16.2}");
    }
}

fn print_graph() {
    println!("\n== graph: windows of three steps; nodes on the tape, and steps that the gradient reaches");
    println!("window   never let go   detached, new tape");
    let (mut params, mut rng) = (Params::<f64>::new(), rng(1));
    let cell = Elman::new(CellConfig::new(1, 4), &mut params, "rnn", "l0", &mut rng);
    let window = |p: Bound<'_, f64>| p.tape().leaf(3, 1, &[1.0, -1.0, 0.5]).index();
    let reached = |tape: &Tape<f64>, inputs: &[usize]| -> usize {
        let steps = inputs.iter().map(|&x| tape.var(x).grad());
        steps.flatten().filter(|g| *g != 0.0).count()
    };
    let kept = Tape::new();
    let p = params.bind(&kept);
    let (mut state, mut inputs) = (cell.zero_state(&kept, 1), vec![]);
    let (mut tape, mut carried) = (Tape::new(), vec![0.0; 4]);
    for number in 1..=4 {
        // ANCHOR: graph
        // Wrong: the state still hangs on the windows before.
        inputs.push(window(p));
        let x = kept.var(inputs[number - 1]);
        state = unroll(&cell, p, x, state, EQUATIONS).1;
        state.h.square().sum().backward();
        // ANCHOR_END: graph
        let wrong = format!("{:5} {:3}", kept.len(), reached(&kept, &inputs));
        // ANCHOR: detached
        // Right: the state's numbers go on, the tape is a new one.
        tape.reset();
        let p = params.bind(&tape);
        let (h, x) = (tape.constant(4, 1, &carried), window(p));
        let end = unroll(&cell, p, tape.var(x), State { h, c: None }, EQUATIONS).1;
        end.h.square().sum().backward();
        carried = end.h.value();
        // ANCHOR_END: detached
        println!("{number:6}   {wrong:12}   {:5} {:3}", tape.len(), reached(&tape, &[x]));
    }
}

const EQUATIONS: Span<'_> = Span { lengths: None, reverse: false, equations: true };

fn print_windows() {
    println!("\n== windows: a text of 24 characters, windows of 6");
    let text: Vec<char> = ('a'..='x').collect();
    const BLOCK: usize = 6;
    let n = text.len();
    // ANCHOR: windows-wrong
    let wrong = (0..n / BLOCK).map(|i| &text[i..i + BLOCK]);
    // ANCHOR_END: windows-wrong
    // ANCHOR: windows-right
    let right = (0..n / BLOCK).map(|i| &text[i * BLOCK..(i + 1) * BLOCK]);
    // ANCHOR_END: windows-right
    for (wrong, right) in wrong.zip(right) {
        println!("{}   {}", wrong.iter().collect::<String>(), right.iter().collect::<String>());
    }
    println!("\n== windows_count: how much of a text is read");
    println!("characters   window   windows   read in all   different   never read");
    for (n, block) in [(24, 6), (10_000, 50), (1_000_000, 50)] {
        let windows = n / block;
        let different = windows - 1 + block;
        println!("{n:10} {block:8} {windows:9} {:13} {different:11} {:12}", windows * block, n - different);
    }
    let mut streams = Streams::new((0..25).collect(), 1, BLOCK).expect("the text is long enough");
    println!("\n== streams: the library's windows of 25 characters");
    for _ in 0..5 {
        let (window, restart) = streams.advance(BLOCK, BLOCK);
        println!("{window:?}{}", if restart { ", from the start again" } else { "" });
    }
}
