//! Checkpoints: what a training must not forget.
//!
//! `cargo run --package book --example checkpoint`

use models::cells::{Cell, CellConfig, Kind, Lstm};
use models::layers::{Span, unroll};
use models::network::{Carry, Network, NetworkConfig};
use models::optim::{Optimizer, Rule, Schedule};
use models::params::Params;
use models::text::{Streams, Vocabulary};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::path::Path;
use std::{env, fs, process};

fn main() {
    print_companies();
    print_forgotten();
    print_correction();
    print_stages();
}

/// Day by day, company A and company B: 4×2.
const DAYS: [f64; 8] = [0.0, 1.0, 0.5, 0.5, 0.25, 0.25, 1.0, 1.0];

/// A rule of this book.
fn adam() -> Rule {
    "adam".parse().expect("a rule")
}

// ANCHOR: companies
/// An LSTM of one unit that has seen nothing, and its trainer.
fn begin() -> (Lstm, Trainer<f64>) {
    let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
    let cell = Lstm::new(CellConfig::new(1, 1), &mut params, "rnn", "l0", &mut rng);
    (cell, Trainer::new(params, adam(), 0.1))
}

/// So many epochs, each of them one step on both companies.
fn train(cell: &Lstm, trainer: &mut Trainer<f64>, epochs: usize) {
    for _ in 0..epochs {
        let step = trainer.step(|p| {
            let x = p.tape().constant(4, 2, &DAYS);
            let (_, end) = unroll(cell, p, x, cell.zero_state(p.tape(), 2), Span::default());
            end.h.mse_loss(p.tape().constant(1, 2, &[0.0, 1.0]))
        });
        step.expect("the loss stays finite");
    }
}
// ANCHOR_END: companies

fn guesses(cell: &Lstm, trainer: &mut Trainer<f64>) -> Vec<f64> {
    trainer.evaluate(|p| {
        let x = p.tape().constant(4, 2, &DAYS);
        unroll(cell, p, x, cell.zero_state(p.tape(), 2), Span::default()).1.h.value()
    })
}

fn farthest(a: &Params<f64>, b: &Params<f64>) -> f64 {
    let pairs = a.iter().zip(b.iter()).flat_map(|(p, q)| p.value.iter().zip(&q.value));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn print_companies() {
    println!("== companies: guesses for the fifth day");
    let (cell, mut whole) = begin();
    println!("epochs    A (0)    B (1)");
    for (more, epochs) in [(0, 0), (100, 100), (50, 150), (150, 300)] {
        train(&cell, &mut whole, more);
        let guesses = guesses(&cell, &mut whole);
        println!("{epochs:6} {:8.3} {:8.3}", guesses[0], guesses[1]);
    }

    println!("\n== stopped: after 20 epochs, and resumed to 40");
    let (cell, mut whole) = begin();
    train(&cell, &mut whole, 40);
    for weights_alone in [true, false] {
        let (cell, mut stopped) = begin();
        train(&cell, &mut stopped, 20);
        // ANCHOR: resume
        let weights = stopped.params.clone();
        let state = stopped.optimizer.state();
        let state: Vec<_> = state.into_iter().map(|(name, x)| (name, x.to_vec())).collect();

        let mut optimizer = Optimizer::new(adam(), &weights);
        if !weights_alone {
            optimizer.load_state(stopped.optimizer.steps(), &state).expect("the same network");
        }
        let mut resumed = Trainer::new(weights, adam(), 0.1);
        resumed.optimizer = optimizer;
        // ANCHOR_END: resume
        train(&cell, &mut resumed, 20);
        let what = if weights_alone { "the weights alone" } else { "and the optimiser's state" };
        let (far, same) = (farthest(&whole.params, &resumed.params), resumed.params == whole.params);
        println!(
            "{what:26} largest difference {far:.3}   every bit the same: {}",
            if same { "yes" } else { "no" }
        );
    }
}

/// What the network reads.
const TEXT: &str =
    "What a training does not write down it has to guess when it wakes up, and what it guesses is zero. ";

// ANCHOR: state
/// Everything that one step of a training hands on to the next.
#[derive(Clone)]
struct State {
    weights: Params<f64>,
    means: Vec<(String, Vec<f64>)>,
    steps: u64,
    carry: Carry<f64>,
    position: usize,
    random: ChaCha8Rng,
}
// ANCHOR_END: state

/// What does not change while it trains.
struct Fixed {
    network: Network<f64>,
    streams: Streams,
    schedule: Schedule,
}

/// Two LSTM layers with dropout between them, on two streams of the text.
fn text_training() -> (Fixed, State) {
    let vocabulary = Vocabulary::of(TEXT).expect("many characters");
    let ids = vocabulary.encode(&TEXT.repeat(4)).expect("they are its own");
    let config =
        NetworkConfig { layers: 2, dropout: 0.3, ..NetworkConfig::new(Kind::Lstm, vocabulary.size(), 12) };
    let mut weights = Params::new();
    let network = Network::new(&config, &mut weights, &mut ChaCha8Rng::seed_from_u64(1));
    let streams = Streams::new(ids, 2, 8).expect("long enough");
    let schedule = "cosine:steps=60".parse().expect("a schedule");
    let optimizer = Optimizer::new(adam(), &weights);
    let means = optimizer.state().into_iter().map(|(name, x)| (name, x.to_vec())).collect();
    let (carry, random) = (network.initial_carry(2), ChaCha8Rng::seed_from_u64(2));
    (Fixed { network, streams, schedule }, State { weights, means, steps: 0, carry, position: 0, random })
}

impl Fixed {
    // ANCHOR: function
    /// The state after `count` more steps: a function of the state before.
    fn after(&self, count: usize, mut state: State) -> State {
        let mut optimizer = Optimizer::new(adam(), &state.weights);
        optimizer.load_state(state.steps, &state.means).expect("it was saved here");
        let mut trainer = Trainer::new(state.weights, adam(), 0.01).schedule(self.schedule.clone());
        trainer.optimizer = optimizer;
        let mut streams = self.streams.clone();
        streams.seek(state.position).expect("it was there before");
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (window, restart) = streams.advance(8, 8);
            if restart {
                state.carry.reset();
            }
            streams.fill(window, &mut inputs, &mut targets);
            let (carry, random) = (&mut state.carry, &mut state.random);
            let step = trainer
                .step(|p| self.network.forward_train(p, &inputs, carry, random).cross_entropy(&targets));
            step.expect("the loss stays finite");
        }
        let means = trainer.optimizer.state();
        State {
            means: means.into_iter().map(|(name, x)| (name, x.to_vec())).collect(),
            steps: trainer.optimizer.steps(),
            position: streams.position(),
            weights: trainer.params,
            ..state
        }
    }
    // ANCHOR_END: function
}

fn print_forgotten() {
    println!("\n== forgotten: 30 steps, a checkpoint, 30 steps more");
    let (fixed, start) = text_training();
    let saved = fixed.after(30, start.clone());
    let whole = fixed.after(60, start.clone());
    let forget: [(&str, fn(&mut State, &State)); 6] = [
        ("nothing", |_, _| {}),
        ("the means of the gradients", |saved, start| saved.means = start.means.clone()),
        ("the number of steps", |saved, _| saved.steps = 0),
        ("the carried states", |saved, _| saved.carry.reset()),
        ("the place in the text", |saved, _| saved.position = 0),
        ("the random numbers", |saved, start| saved.random = start.random.clone()),
    ];
    println!("forgotten                    every bit the same   largest difference of a weight");
    for (what, forget) in forget {
        let mut state = saved.clone();
        forget(&mut state, &start);
        let end = fixed.after(30, state);
        let same = if end.weights == whole.weights { "yes" } else { "no" };
        println!("{what:28} {same:18} {:32.3}", farthest(&end.weights, &whole.weights));
    }
}

/// The length of Adam's next step, as a multiple of what it should be, if it forgets that `t` steps have
/// been made, but not its means.
fn print_correction() {
    println!("\n== correction: the length of the next step, if only the number of steps is lost");
    for t in [10, 100, 1000, 10_000] {
        let correction = |t: u64| (1.0 - 0.999_f64.powf(t as f64)).sqrt() / (1.0 - 0.9_f64.powf(t as f64));
        println!("after {t:5} steps   {:.2}", correction(1) / correction(t + 1));
    }
}

// ANCHOR: careless
/// Writes a file as most programs do, and is killed half-way.
fn careless(path: &Path, bytes: &str) {
    fs::write(path, &bytes[..bytes.len() / 2]).expect("it can be written");
}

/// Writes beside, then renames; killed before the rename or after it.
fn careful(path: &Path, bytes: &str, renamed: bool) {
    let beside = path.with_extension("tmp");
    fs::write(&beside, bytes).expect("it can be written");
    if renamed {
        fs::rename(beside, path).expect("the same folder");
    }
}
// ANCHOR_END: careless

fn print_stages() {
    println!("\n== killed: what the file holds then");
    let folder = env::temp_dir().join(format!("killed-{}", process::id()));
    fs::create_dir_all(&folder).expect("it can be made");
    let path = folder.join("checkpoint");
    let kills: [(&str, fn(&Path)); 3] = [
        ("while it is overwritten", |path| careless(path, "the new checkpoint")),
        ("before the rename", |path| careful(path, "the new checkpoint", false)),
        ("after the rename", |path| careful(path, "the new checkpoint", true)),
    ];
    for (when, kill) in kills {
        fs::write(&path, "the old checkpoint").expect("it can be written");
        kill(&path);
        println!("{when:25} {:?}", fs::read_to_string(&path).expect("it is there"));
    }
    fs::remove_dir_all(&folder).expect("it was made");
}
