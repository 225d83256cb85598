//! Train your own network: an LSTM learns to tell whether a sequence of numbers adds up to more
//! than zero. Run it with `cargo run --release -p models --example train_your_own`.

use models::cells::{Cell, CellConfig, Lstm};
use models::layers::{Linear, Span, unroll};
use models::train::{Clip, Trainer};
use models::{init::Init, optim::Rule, params::Params};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const STEPS: usize = 12; // T
const BATCH: usize = 64; // B

fn main() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut params = Params::<f32>::new();
    let cell = Lstm::new(CellConfig::new(1, 16), &mut params, "rnn", "l0", &mut rng);
    let head = Linear::new(&mut params, "head", 16, 1, &mut rng);
    let mut trainer = Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.01).clip(Clip::Norm(1.0));

    for number in 1..=400 {
        // T×B numbers, and ±1 for the sign of each column's sum.
        let x: Vec<f32> = Init::Normal { std: 1.0 }.fill(&mut rng, STEPS, BATCH);
        let sum = |b: usize| (0..STEPS).map(|t| x[t * BATCH + b]).sum::<f32>();
        let signs: Vec<f32> = (0..BATCH).map(|b| sum(b).signum()).collect();
        let step = trainer.step(|p| {
            let tape = p.tape();
            let (_, last) = unroll(
                &cell,
                p,
                tape.constant(STEPS, BATCH, &x),
                cell.zero_state(tape, BATCH),
                Span::default(),
            );
            head.forward(p, last.h).mse_loss(tape.constant(1, BATCH, &signs))
        });
        let step = step.expect("the loss stays finite at this rate");
        if number % 50 == 0 {
            println!("step {number:>3}  loss {:.4}  gradient norm {:.3}", step.loss, step.grad_norm);
        }
    }
}
