//! From the second training step on, nothing is allocated.

use allocation_counter::measure;
use models::cells::{CellConfig, Kind};
use models::layers::{Encoding, Linear, Span, one_hot, unroll};
use models::network::{Network, NetworkConfig};
use models::params::Params;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const SYMBOLS: usize = 7;
const BATCH: usize = 5;
const STEPS: usize = 6;

fn ids(step: usize) -> Vec<usize> {
    (0..STEPS * BATCH).map(|k| (k * 31 + step) % SYMBOLS).collect()
}

#[test]
fn a_whole_training_step() {
    for kind in Kind::ALL {
        for encoding in [Encoding::OneHot, Encoding::Embedding(3)] {
            let config = NetworkConfig { encoding, layers: 2, ..NetworkConfig::new(kind, SYMBOLS, 17) };
            let mut params = Params::<f32>::new();
            let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(1));
            let mut trainer = Trainer::new(params, "adam".parse().unwrap(), 0.01).clip(Clip::Norm(1.0));
            let mut carry = network.initial_carry(BATCH);
            for number in 0..4 {
                let (inputs, targets) = (ids(number), ids(number + 1));
                let used = measure(|| {
                    let step =
                        trainer.step(|p| network.forward(p, &inputs, &mut carry).cross_entropy(&targets));
                    step.unwrap();
                });
                assert!(
                    number == 0 || used.count_total == 0,
                    "{kind}: step {number} made {} allocations",
                    used.count_total
                );
            }
        }
    }
}

#[test]
fn the_equations_step_by_step() {
    for kind in Kind::ALL {
        let mut params = Params::<f32>::new();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let cell = CellConfig::new(SYMBOLS, 17).build(kind, &mut params, "rnn", "l0", &mut rng);
        let head = Linear::new(&mut params, "head", cell.hidden(), SYMBOLS, &mut rng);
        let mut trainer = Trainer::new(params, "adam".parse().unwrap(), 0.01);
        let span = Span { equations: true, ..Span::default() };
        for number in 0..4 {
            let (inputs, targets) = (ids(number), ids(number + 1));
            let used = measure(|| {
                let step = trainer.step(|p| {
                    let x = one_hot(p.tape(), &inputs, SYMBOLS, BATCH);
                    let (y, _) = unroll(&*cell, p, x, cell.zero_state(p.tape(), BATCH), span);
                    head.forward(p, y).cross_entropy(&targets)
                });
                step.unwrap();
            });
            assert!(
                number == 0 || used.count_total == 0,
                "{kind}: step {number} made {} allocations",
                used.count_total
            );
        }
    }
}
