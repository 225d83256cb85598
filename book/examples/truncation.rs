//! Truncated backpropagation through time: what is carried, what is cut, and what it costs.
//!
//! `cargo run --package book --example truncation`

use autograd::Tape;
use book::runs::truncation::{DELAY, LENGTH, MIDDLE, WINDOWS, compared, network, train};
use models::cells::Kind;
use models::network::{Network, NetworkConfig};
use models::params::Params;
use models::text::{Streams, Vocabulary};
use models::train::Trainer;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_memory();
    print_windows();
    print_numbers();
    print_echo();
    print_gradient();
    print_broken();
}

// ANCHOR: memory
/// How many numbers the tape holds at most while an LSTM of 32 units
/// reads a text of `length` characters in windows of `window`.
fn numbers(length: usize, window: usize) -> usize {
    let mut params = Params::<f64>::new();
    let config = NetworkConfig::new(Kind::Lstm, 30, 32);
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let ids: Vec<usize> = (0..length).map(|t| t * 7 % 30).collect();
    let (mut carry, mut tape, mut most) = (network.initial_carry(1), Tape::new(), 0);
    for window in ids.chunks(window) {
        tape.reset();
        let p = params.bind(&tape);
        network.forward(p, window, &mut carry).cross_entropy(window).backward();
        let shapes = (0..tape.len()).map(|node| tape.var(node).shape());
        most = most.max(shapes.map(|(rows, cols)| rows * cols).sum());
    }
    most
}
// ANCHOR_END: memory

fn print_memory() {
    println!("== memory: numbers on the tape");
    println!("characters    in one piece    in windows of 64");
    for length in [64, 256, 1024, 4096, 16384] {
        println!("{length:10} {:15} {:19}", numbers(length, length), numbers(length, 64));
    }
}

fn print_windows() {
    println!("\n== windows: of 4 characters each, from a text of 12");
    let text = "abcdefghijkl";
    let vocabulary = Vocabulary::of(text).expect("many characters");
    let ids = vocabulary.encode(text).expect("they are its own");
    let mut streams = Streams::with_targets([ids.clone(), vec![0]].concat(), 1, 12).expect("long enough");
    let right: Vec<String> = (0..3).map(|_| vocabulary.decode(&ids[streams.advance(4, 1).0])).collect();
    let wrong: Vec<&str> = (0..3).map(|i| &text[i..i + 4]).collect();
    println!("from i * 4   {}", right.join("  "));
    println!("from i       {}", wrong.join("  "));
}

// ANCHOR: numbers
/// `h_t = w h_{t-1} + x_t` from 0 with the loss `½ Σ h_t²`: its derivative
/// by `w`, where the gradient is cut every `window` steps.
fn by_w(w: f64, x: [f64; 4], window: usize) -> (Vec<f64>, f64) {
    let (mut h, mut tangent, mut derivative) = (0.0, 0.0, 0.0);
    let mut states = Vec::new();
    for (t, x) in x.into_iter().enumerate() {
        if t % window == 0 {
            tangent = 0.0; // h is a constant now: detached
        }
        tangent = h + w * tangent;
        h = w * h + x;
        derivative += h * tangent;
        states.push(h);
    }
    (states, derivative)
}
// ANCHOR_END: numbers

fn print_numbers() {
    println!("\n== numbers: w = 0.5, x = 1, 0, 0, 0");
    println!("window   h1      h2      h3      h4      dL/dw");
    for window in [4, 2, 1] {
        let (states, derivative) = by_w(0.5, [1.0, 0.0, 0.0, 0.0], window);
        let states: Vec<String> = states.iter().map(|h| format!("{h:.4}")).collect();
        println!("{window:6}   {}  {derivative:.4}", states.join("  "));
    }
}

fn print_echo() {
    println!("\n== echo: the loss of an echo {DELAY} steps later; guessing has {:.4}", 2f64.ln());
    println!("window   state carried   state reset");
    for window in [3, 6, 8, 12, 24] {
        let [kept, reset] = [true, false].map(|keep| train(window, keep, LENGTH).0);
        println!("{window:6} {kept:15.2} {reset:13.2}");
    }
}

fn print_gradient() {
    println!("\n== gradient: the truncated one against the whole one of 96 steps");
    println!("             before training      in the middle of it");
    println!("window     cosine   length        cosine   length");
    let (before, after) = (network(), train(24, true, MIDDLE));
    for window in WINDOWS {
        let (cosine, length) = compared(&before.0, &before.1, window);
        let (late_cosine, late_length) = compared(&after.1, &after.2, window);
        println!("{window:6} {cosine:10.2} {length:8.2} {late_cosine:13.2} {late_length:8.2}");
    }
}

/// A text to read.
const TEXT: &str = "A state that is carried from one window to the next lets the network see as far back as \
    its memory reaches. A gradient that is cut between the windows does not tell it what to keep for later. \
    So it can use what it has learned to keep, but it only learns to keep what pays within a window. ";

// ANCHOR: broken
/// Reads the text sixty times in windows of 16, each `stride`
/// characters after the one before. Returns the loss in the last reading,
/// and that on the whole text.
fn read(stride: usize) -> (usize, f64, f64) {
    let vocabulary = Vocabulary::of(TEXT).expect("many characters");
    let ids = vocabulary.encode(TEXT).expect("they are its own");
    let mut params = Params::<f64>::new();
    let config = NetworkConfig::new(Kind::Lstm, vocabulary.size(), 24);
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let mut trainer = Trainer::new(params, "adam".parse().expect("a rule"), 0.01);
    let (count, mut reported) = ((ids.len() - 1) / 16, 0.0);
    for _ in 0..60 {
        let mut carry = network.initial_carry(1);
        reported = 0.0;
        for i in 0..count {
            let at = i * stride;
            let (inputs, targets) = (&ids[at..at + 16], &ids[at + 1..at + 17]);
            let step = trainer.step(|p| network.forward(p, inputs, &mut carry).cross_entropy(targets));
            reported += step.expect("the loss stays finite").loss / count as f64;
        }
    }
    let (mut carry, last) = (network.initial_carry(1), ids.len() - 1);
    let whole =
        trainer.evaluate(|p| network.forward(p, &ids[..last], &mut carry).cross_entropy(&ids[1..]).item());
    ((count - 1) * stride + 17, reported, whole)
}
// ANCHOR_END: broken

fn print_broken() {
    println!("\n== broken: windows of 16 from a text of {} characters", TEXT.len());
    println!("window i begins at   characters seen   reported   on the whole text");
    for (name, stride) in [("i * 16", 16), ("i", 1)] {
        let (seen, reported, whole) = read(stride);
        println!("{name:18} {seen:17} {reported:10.2} {whole:19.2}");
    }
}
