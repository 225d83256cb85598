//! Sequence to sequence: one network reads a date, another writes it.
//!
//! `cargo run --package book --example seq2seq`

use autograd::Tape;
use models::cells::{CellConfig, Kind};
use models::heads::{Padded, Targets};
use models::layers::StackConfig;
use models::optim::Rule;
use models::params::Params;
use models::seq2seq::Seq2Seq;
use models::tasks::dates;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const HIDDEN: usize = 64;
const BATCH: usize = 32;
const STEPS: usize = 400;
const ASKED: usize = 200;
/// Characters of an answer: 2026-11-21.
const LONGEST: usize = 10;

/// What the decoder is to say at each step.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    /// The symbol after the one it is fed.
    Next,
    /// The symbol that it is fed: the mistake.
    Same,
}

fn main() {
    let taught = Translator::trained(1.0, Wanted::Next);
    print_experiment(&taught);
    print_gradients();
    print_forcing(taught);
    print_mistakes();
}

struct Translator {
    network: Seq2Seq<f32>,
    trainer: Trainer<f32>,
}

/// Dates and what they are to become, as symbols: the sources, and the targets.
fn encode(pairs: &[(String, String)]) -> (Padded, Vec<Vec<usize>>) {
    let [letters, digits] = dates::alphabets();
    let sources: Vec<_> = pairs.iter().map(|(date, _)| letters.encode(date).unwrap()).collect();
    (Padded::new(&sources), pairs.iter().map(|(_, iso)| digits.encode(iso).unwrap()).collect())
}

fn draw(rng: &mut ChaCha8Rng, count: usize, held_out: bool) -> Vec<(String, String)> {
    (0..count).map(|_| dates::draw(rng, held_out)).collect()
}

fn network() -> (Seq2Seq<f32>, Params<f32>) {
    let sizes = dates::alphabets().map(|alphabet| alphabet.size());
    let config = StackConfig::new(Kind::Lstm, CellConfig::new(16, HIDDEN));
    let mut params = Params::new();
    let network = Seq2Seq::new(sizes, &config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    (network, params)
}

impl Translator {
    /// Trained with this share of teacher forcing.
    fn trained(ratio: f64, wanted: Wanted) -> Self {
        let (network, params) = network();
        let rule = "adam".parse::<Rule>().unwrap();
        let mut trainer = Trainer::new(params, rule, 0.01).clip(Clip::Norm(1.0));
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut targets = Targets::new();
        for _ in 0..STEPS {
            let (sources, symbols) = encode(&draw(&mut rng, BATCH, false));
            let boundary = network.decoder().boundary();
            targets.set(&symbols, boundary);
            let says = match wanted {
                Wanted::Next => targets.symbols().to_vec(),
                Wanted::Same => same(&symbols, boundary),
            };
            let step = trainer.step(|p| {
                let logits = network.forward_train(p, &sources, &mut targets, ratio, &mut rng);
                logits.cross_entropy(&says)
            });
            step.unwrap();
        }
        Self { network, trainer }
    }

    /// What it writes by itself.
    fn write(&mut self, sources: &Padded) -> Vec<Vec<usize>> {
        self.trainer.evaluate(|p| self.network.greedy(p, sources, LONGEST))
    }

    /// What it says at each step when it is fed the truth, step by step; and the loss.
    fn taught(&mut self, sources: &Padded, symbols: &[Vec<usize>], wanted: Wanted) -> (Vec<usize>, f32) {
        let boundary = self.network.decoder().boundary();
        let mut targets = Targets::new();
        targets.set(symbols, boundary);
        let says = match wanted {
            Wanted::Next => targets.symbols().to_vec(),
            Wanted::Same => same(symbols, boundary),
        };
        self.trainer.evaluate(|p| {
            let logits = self.network.forward(p, sources, &targets);
            let (count, rows) = (symbols.len(), boundary + 1);
            let y = logits.value();
            let best = |t: usize, b: usize| {
                let logit = |k: usize| y[(t * rows + k) * count + b];
                (0..rows).max_by(|&j, &k| logit(j).total_cmp(&logit(k))).unwrap()
            };
            let said = (0..=LONGEST).flat_map(|t| (0..count).map(move |b| (t, b)));
            (said.map(|(t, b)| best(t, b)).collect(), logits.cross_entropy(&says).item())
        })
    }
}

// ANCHOR: same
/// The mistake: the boundary and the symbols, step by step, exactly as the decoder is fed them.
fn same(symbols: &[Vec<usize>], boundary: usize) -> Vec<usize> {
    let steps = 0..=symbols[0].len(); // all dates are equally long
    let fed = |t: usize, b: usize| if t == 0 { boundary } else { symbols[b][t - 1] };
    steps.flat_map(|t| (0..symbols.len()).map(move |b| fed(t, b))).collect()
}
// ANCHOR_END: same

fn questions() -> Vec<(String, String)> {
    draw(&mut ChaCha8Rng::seed_from_u64(3), ASKED, true)
}

fn right(written: &[Vec<usize>], symbols: &[Vec<usize>]) -> usize {
    written.iter().zip(symbols).filter(|(w, s)| w == s).count()
}

fn print_experiment(taught: &Translator) {
    println!("== experiment: before training, and after {STEPS} steps");
    let [_, digits] = dates::alphabets();
    let questions: Vec<_> = questions().into_iter().take(6).collect();
    let (sources, _) = encode(&questions);
    let (network, params) = network();
    let before = network.greedy(params.bind_constant(&Tape::new()), &sources, LONGEST);
    let params = &taught.trainer.params;
    let after = taught.network.greedy(params.bind_constant(&Tape::new()), &sources, LONGEST);
    for (k, (date, iso)) in questions.iter().enumerate() {
        let mark = if digits.decode(&after[k]) == *iso { "" } else { "  wrong" };
        println!("{date:30}{:12}{}{mark}", digits.decode(&before[k]), digits.decode(&after[k]));
    }
}

/// The norm of the loss's gradient by each group of weights, for a network that is not yet trained.
fn print_gradients() {
    println!("\n== gradients: norms, before training");
    let (network, params) = network();
    let (sources, symbols) = encode(&draw(&mut ChaCha8Rng::seed_from_u64(5), BATCH, false));
    let mut targets = Targets::new();
    targets.set(&symbols, network.decoder().boundary());
    let tape = Tape::new();
    let p = params.bind(&tape);
    network.forward(p, &sources, &targets).cross_entropy(targets.symbols()).backward();
    for part in ["encoder.embedding", "encoder.rnn", "decoder.embedding", "decoder.rnn", "decoder.head"] {
        let of_part = params.iter().filter(|q| q.name.starts_with(part));
        let squares = of_part.flat_map(|q| p.get(params.find(&q.name).unwrap()).grad()).map(|g| g * g);
        println!("{part:20}{:.1e}", squares.sum::<f32>().sqrt());
    }
}

fn print_forcing(taught: Translator) {
    println!("\n== forcing: of {ASKED} held-out dates");
    println!("trained with    digits right       digits right       dates right");
    println!("the truth       fed the truth      fed its own        fed its own");
    let (sources, symbols) = encode(&questions());
    let half = Translator::trained(0.5, Wanted::Next);
    for (name, mut translator) in [("always", taught), ("half of the time", half)] {
        let (said, _) = translator.taught(&sources, &symbols, Wanted::Next);
        let written = translator.write(&sources);
        let all = ASKED * LONGEST;
        let places = || (0..LONGEST).flat_map(|t| (0..ASKED).map(move |b| (t, b)));
        let fed = places().filter(|&(t, b)| said[t * ASKED + b] == symbols[b][t]).count();
        let own = places().filter(|&(t, b)| written[b].get(t) == Some(&symbols[b][t])).count();
        let dates = right(&written, &symbols);
        let share = |n: usize, of: usize| 100.0 * n as f64 / of as f64;
        println!(
            "{name:17}{:10.0} %{:17.0} %{:17.0} %",
            share(fed, all),
            share(own, all),
            share(dates, ASKED)
        );
    }
}

fn print_mistakes() {
    println!("\n== mistakes: targets that are not shifted");
    let (sources, symbols) = encode(&questions());
    let mut translator = Translator::trained(1.0, Wanted::Same);
    let (_, loss) = translator.taught(&sources, &symbols, Wanted::Same);
    let written = translator.write(&sources);
    println!("loss on held-out dates   {loss:.4}");
    println!("dates right              {} of {ASKED}", right(&written, &symbols));
    let letters: usize = written.iter().map(Vec::len).sum();
    println!("characters written       {letters}");
}
