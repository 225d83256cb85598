//! Writing text: drawing letters from what a network predicts, with a temperature.
//!
//! `cargo run --package book --example writing`

use book::runs::temperature::{SCORES, entropy, probabilities};
use models::cells::Kind;
use models::network::{Network, NetworkConfig};
use models::params::Params;
use models::text::{Vocabulary, sample};
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// What the network has read.
const TEXT: &str = "the sea is calm and the sky is grey. the boat is small and the sail is white. \
    the wind is warm and the sun is low. the sand is soft and the stone is cold. the rain is slow and \
    the road is long. the night is dark and the star is far. the snow is deep and the wolf is thin. \
    the fire is red and the room is warm. the bread is good and the cup is full. the sleep is deep and \
    the dream is long. ";

fn main() {
    print_numbers();
    print_draws();
    let mut writer = Writer::trained();
    println!("\n== reading: the loss is {:.2} nats a letter", writer.loss);
    print_next(&mut writer);
    print_text(&mut writer);
    print_broken(&mut writer);
}

fn print_numbers() {
    println!("== numbers: the scores 2, 1, 0.5 and -1");
    println!("tau      probabilities                    entropy   its slope   Var(x) / tau^3");
    for tau in [0.1, 0.5, 1.0, 2.0, 100.0] {
        let p = probabilities(&SCORES, tau);
        let mean: f64 = p.iter().zip(SCORES).map(|(p, x)| p * x).sum();
        let variance: f64 = p.iter().zip(SCORES).map(|(p, x)| p * (x - mean) * (x - mean)).sum();
        let at = |tau| entropy(&probabilities(&SCORES, tau));
        let slope = (at(tau + 1e-5) - at(tau - 1e-5)) / 2e-5;
        let shown: String = p.iter().map(|p| format!("{p:8.4}")).collect();
        let law = variance / (tau * tau * tau);
        println!("{tau:5} {shown} {:10.4} {slope:11.4} {law:16.4}", entropy(&p));
    }
}

fn print_draws() {
    println!("\n== draws: 10,000 of them at temperature 1");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut counts = [0; 4];
    (0..10_000).for_each(|_| counts[sample(&SCORES, 1.0, &mut rng)] += 1);
    println!("score         probability   share of the draws");
    for ((x, p), count) in SCORES.iter().zip(probabilities(&SCORES, 1.0)).zip(counts) {
        println!("{x:5} {p:19.4} {:20.4}", f64::from(count) / 10_000.0);
    }
}

/// A trained network that writes.
struct Writer {
    network: Network<f64>,
    trainer: Trainer<f64>,
    vocabulary: Vocabulary,
    loss: f64,
}

impl Writer {
    // ANCHOR: trained
    /// An LSTM of 32 units that has read the text 60 times.
    fn trained() -> Self {
        let vocabulary = Vocabulary::of(TEXT).expect("many characters");
        let ids = vocabulary.encode(TEXT).expect("they are its own");
        let config = NetworkConfig::new(Kind::Lstm, vocabulary.size(), 32);
        let mut params = Params::new();
        let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
        let mut trainer = Trainer::new(params, "adam".parse().expect("a rule"), 0.01).clip(Clip::Norm(1.0));
        let mut loss = 0.0;
        for _ in 0..60 {
            let mut carry = network.initial_carry(1);
            for (inputs, targets) in ids.chunks(24).zip(ids[1..].chunks(24)) {
                let inputs = &inputs[..targets.len()];
                let step = trainer.step(|p| network.forward(p, inputs, &mut carry).cross_entropy(targets));
                loss = step.expect("the loss stays finite").loss;
            }
        }
        Self { network, trainer, vocabulary, loss }
    }
    // ANCHOR_END: trained

    // ANCHOR: write
    /// Reads the prompt, then draws `length` letters and reads each of them.
    fn write(&mut self, prompt: &str, length: usize, tau: f64, keep: bool) -> String {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut carry = self.network.initial_carry(1);
        let mut ids = self.vocabulary.encode(prompt).expect("letters of the text");
        let begin = ids.len();
        let mut at = 0;
        while ids.len() < begin + length {
            if !keep {
                carry.reset();
            }
            let logits =
                self.trainer.evaluate(|p| self.network.forward(p, &ids[at..=at], &mut carry).value());
            at += 1;
            if at == ids.len() {
                ids.push(sample(&logits, tau, &mut rng));
            }
        }
        self.vocabulary.decode(&ids)
    }
    // ANCHOR_END: write

    /// The scores after a prompt.
    fn logits(&mut self, prompt: &str) -> Vec<f64> {
        let ids = self.vocabulary.encode(prompt).expect("letters of the text");
        let mut carry = self.network.initial_carry(1);
        let all = self.trainer.evaluate(|p| self.network.forward(p, &ids, &mut carry).value());
        all[all.len() - self.vocabulary.size()..].to_vec()
    }
}

fn print_next(writer: &mut Writer) {
    println!("\n== next: what may follow \"the s\"");
    let logits = writer.logits("the s");
    println!("tau    entropy   the likeliest five");
    for tau in [0.5, 1.0, 2.0] {
        let p = probabilities(&logits, tau);
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        let best = order[..5].iter().map(|&k| format!("{} {:.3}", writer.vocabulary.char(k), p[k]));
        println!("{tau:3} {:10.2}   {}", entropy(&p), best.collect::<Vec<_>>().join("   "));
    }
}

fn print_text(writer: &mut Writer) {
    println!("\n== text: 64 letters after \"the \"");
    for tau in [0.0, 0.3, 0.7, 1.0, 1.5, 3.0] {
        println!("{tau:3}  {}", writer.write("the ", 64, tau, true).trim_end());
    }
}

// ANCHOR: broken
/// The temperature applied to the probabilities, which are then made to add
/// up to one.
fn cooled_too_late(x: &[f64], tau: f64) -> Vec<f64> {
    let p: Vec<f64> = probabilities(x, 1.0).iter().map(|p| p / tau).collect();
    let sum: f64 = p.iter().sum();
    p.iter().map(|p| p / sum).collect()
}

/// Softmax as it is written down, in single precision.
fn as_written(x: &[f32], tau: f32) -> Vec<f32> {
    let weights: Vec<f32> = x.iter().map(|x| (x / tau).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}
// ANCHOR_END: broken

fn print_broken(writer: &mut Writer) {
    println!("\n== broken: the probabilities of the four scores");
    let row = |p: &[f64]| p.iter().map(|p| format!("{p:8.4}")).collect::<String>();
    println!("tau     right                              divided after softmax              as written, f32");
    for tau in [2.0, 0.5, 0.02] {
        let single = as_written(&SCORES.map(|x| x as f32), tau as f32);
        let single: Vec<f64> = single.into_iter().map(f64::from).collect();
        let late = cooled_too_late(&SCORES, tau);
        println!("{tau:4} {}   {}   {}", row(&probabilities(&SCORES, tau)), row(&late), row(&single));
    }
    println!("\n== forgetful: the state is not carried from letter to letter");
    for tau in [0.0, 0.7] {
        println!("{tau:3}  {}", writer.write("the ", 64, tau, false).trim_end());
    }
}
