//! The smallest LSTM there is, one number wide: two companies, four days each, and a guess for the
//! fifth. Both look alike on days two to four, so the guess needs a memory of day one.
//!
//! Run it with `cargo run --release -p models --example companies`.
//!
//! First by hand, every gate three numbers; trained for 2,000 epochs, stopped, and gone on with from a
//! file to 5,000. Then with the ready-made layer.

use autograd::Var;
use models::cells::{Cell, CellConfig, Lstm};
use models::choice::Invalid;
use models::init::Init;
use models::layers::{Span, unroll};
use models::optim::Rule;
use models::params::{Bound, ParamId, Params};
use models::train::Trainer;
use models::{file, saved};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::path::Path;

/// Day by day, company A and company B: T×B.
const DAYS: [[f32; 2]; 4] = [[0.0, 1.0], [0.5, 0.5], [0.25, 0.25], [1.0, 1.0]];
/// The fifth day of each.
const FIFTH: [f32; 2] = [0.0, 1.0];

/// One gate of the scalar cell: `w x + u h + b`.
#[derive(Clone, Copy)]
struct Gate {
    w: ParamId,
    u: ParamId,
    b: ParamId,
}

impl Gate {
    fn new(params: &mut Params<f32>, name: &str, rng: &mut ChaCha8Rng) -> Self {
        let mut number = |what: &str| {
            let value = Init::Normal { std: 1.0 }.fill(rng, 1, 1);
            params.add(format!("{what}_{name}"), 1, 1, value)
        };
        Self { w: number("w"), u: number("u"), b: number("b") }
    }

    fn pre<'t>(self, p: Bound<'t, f32>, x: Var<'t, f32>, h: Var<'t, f32>) -> Var<'t, f32> {
        x * p.get(self.w) + h * p.get(self.u) + p.get(self.b)
    }
}

/// The LSTM of one unit, in twelve numbers.
pub struct Scalar([Gate; 4]);

impl Scalar {
    fn new(params: &mut Params<f32>, rng: &mut ChaCha8Rng) -> Self {
        Self(["input", "forget", "candidate", "output"].map(|name| Gate::new(params, name, rng)))
    }

    /// The output after the fourth day, for both companies: 1×2.
    fn predict<'t>(&self, p: Bound<'t, f32>) -> Var<'t, f32> {
        let [input, forget, candidate, output] = self.0;
        let (mut h, mut c) = (p.tape().zeros(1, 2), p.tape().zeros(1, 2));
        for day in DAYS {
            let x = p.tape().constant(1, 2, &day);
            let i = input.pre(p, x, h).sigmoid();
            let f = forget.pre(p, x, h).sigmoid();
            let g = candidate.pre(p, x, h).tanh();
            let o = output.pre(p, x, h).sigmoid();
            c = f * c + i * g;
            h = o * c.tanh();
        }
        h
    }
}

/// A scalar LSTM that has learned nothing, and its trainer.
pub fn by_hand() -> (Scalar, Trainer<f32>) {
    let mut params = Params::new();
    let network = Scalar::new(&mut params, &mut ChaCha8Rng::seed_from_u64(1));
    let trainer = Trainer::new(params, "adam".parse::<Rule>().expect("adam is a rule"), 0.01);
    (network, trainer)
}

/// Trains until so many epochs have been made in all. An epoch is one step on both companies.
pub fn train(network: &Scalar, trainer: &mut Trainer<f32>, epochs: u64) {
    while trainer.optimizer.steps() < epochs {
        let step = trainer.step(|p| network.predict(p).mse_loss(p.tape().constant(1, 2, &FIFTH)));
        step.expect("the loss stays finite at this rate");
    }
}

/// The guesses for both companies.
pub fn predictions(network: &Scalar, trainer: &mut Trainer<f32>) -> Vec<f32> {
    trainer.evaluate(|p| network.predict(p).value())
}

/// Trains for 2,000 epochs, saves, forgets everything, goes on from the file to 5,000.
pub fn stopped_and_resumed(path: &Path) -> Result<(Scalar, Trainer<f32>), Invalid> {
    let (network, mut trainer) = by_hand();
    train(&network, &mut trainer, 2_000);
    file::replace(path, &saved::to_bytes(&trainer))?;
    drop((network, trainer));

    let (network, mut trainer) = by_hand();
    saved::load(&mut trainer, &file::read(path, 1 << 20)?)?;
    assert_eq!(trainer.optimizer.steps(), 2_000);
    train(&network, &mut trainer, 5_000);
    Ok((network, trainer))
}

/// The same task with the ready-made layer, at ten times the rate: the guesses after so many epochs.
pub fn ready_made(epochs: u64) -> Vec<f32> {
    let mut params = Params::<f32>::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let cell = Lstm::new(CellConfig::new(1, 1), &mut params, "rnn", "l0", &mut rng);
    fn predict<'t>(cell: &Lstm, p: Bound<'t, f32>) -> Var<'t, f32> {
        let x = p.tape().constant(4, 2, DAYS.as_flattened());
        unroll(cell, p, x, cell.zero_state(p.tape(), 2), Span::default()).1.h
    }
    let mut trainer = Trainer::new(params, "adam".parse::<Rule>().expect("adam is a rule"), 0.1);
    for _ in 0..epochs {
        let step = trainer.step(|p| predict(&cell, p).mse_loss(p.tape().constant(1, 2, &FIFTH)));
        step.expect("the loss stays finite at this rate");
    }
    trainer.evaluate(|p| predict(&cell, p).value())
}

fn main() -> Result<(), Invalid> {
    let (network, mut trainer) = by_hand();
    for epochs in [0, 1_000, 2_000, 5_000] {
        train(&network, &mut trainer, epochs);
        let guesses = predictions(&network, &mut trainer);
        println!("epoch {epochs:>4}   A: {:>7.4} (0)   B: {:>7.4} (1)", guesses[0], guesses[1]);
    }
    let path = std::env::temp_dir().join("companies.safetensors");
    let (_, resumed) = stopped_and_resumed(&path)?;
    let same = resumed.params == trainer.params;
    println!(
        "stopped after 2,000 and resumed from {}: the same weights, bit for bit: {same}",
        path.display()
    );
    let guesses = ready_made(300);
    println!("the ready-made layer, 300 epochs   A: {:>7.4}   B: {:>7.4}", guesses[0], guesses[1]);
    Ok(())
}
