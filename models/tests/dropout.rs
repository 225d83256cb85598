//! Dropout: its statistics, its gradient, and where a network applies it.

use autograd::{Tape, check::Check};
use models::cells::Kind;
use models::init::Init;
use models::layers::{Encoding, dropout};
use models::network::{Network, NetworkConfig};
use models::params::Params;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[test]
fn a_share_p_is_dropped_and_the_mean_is_kept() {
    const SIZE: usize = 200_000;
    for p in [0.05, 0.3, 0.5, 0.9] {
        let tape = Tape::<f64>::new();
        let y = dropout(tape.leaf(1000, 200, &[1.0; SIZE]), p, &mut rng(1)).value();
        let kept = y.iter().filter(|&&y| y != 0.0).count() as f64 / SIZE as f64;
        let sigma = (p * (1.0 - p) / SIZE as f64).sqrt();
        assert!((kept - (1.0 - p)).abs() < 4.0 * sigma, "p {p}: {kept} kept");
        assert!(y.iter().all(|&y| y == 0.0 || y == 1.0 / (1.0 - p)));
        let mean = y.iter().sum::<f64>() / SIZE as f64;
        assert!((mean - 1.0).abs() < 4.0 * sigma / (1.0 - p), "p {p}: mean {mean}");
        // Neighbours are independent, in both directions.
        for shift in [1, 200] {
            let both = (0..SIZE - shift).filter(|&i| y[i] != 0.0 && y[i + shift] != 0.0).count() as f64;
            let expected = (1.0 - p).powi(2);
            let sigma = (3.0 * expected / SIZE as f64).sqrt(); // neighbouring pairs overlap
            assert!((both / SIZE as f64 - expected).abs() < 4.0 * sigma, "p {p}, shift {shift}");
        }
    }
}

#[test]
fn the_gradient_passes_the_same_mask() {
    Check::new(3)
        .random_input("x", 6, 5, 1.0)
        .run(|_, x| dropout(x[0], 0.4, &mut rng(2)).tanh())
        .assert_passed();
    let tape = Tape::<f64>::new();
    let x = tape.leaf(4, 4, &[1.0; 16]);
    let y = dropout(x, 0.25, &mut rng(1));
    y.sum().backward();
    assert_eq!(x.grad(), y.value()); // y = m ⊙ 1 and x̄ = m ⊙ 1
}

#[test]
fn zero_is_the_identity_and_draws_nothing() {
    let (mut drawn, mut fresh) = (rng(1), rng(1));
    let tape = Tape::<f64>::new();
    let x = tape.leaf(2, 2, &[1.0, -2.0, 3.0, -4.0]);
    assert_eq!(dropout(x, 0.0, &mut drawn).index(), x.index());
    assert_eq!(drawn.random::<u64>(), fresh.random::<u64>());
}

#[test]
#[should_panic(expected = "dropout: p is 1, it must be at least 0 and less than 1")]
fn all_cannot_be_dropped() {
    let tape = Tape::<f64>::new();
    dropout(tape.zeros(1, 1), 1.0, &mut rng(1));
}

fn network(dropout: f64) -> (Network<f64>, Params<f64>) {
    let config = NetworkConfig {
        encoding: Encoding::Embedding(4),
        layers: 2,
        init: Init::Uniform { bound: Some(0.5) },
        forget_bias: None,
        dropout,
        ..NetworkConfig::new(Kind::Lstm, 7, 6)
    };
    let mut params = Params::new();
    (Network::new(&config, &mut params, &mut rng(5)), params)
}

#[test]
fn a_network_drops_in_training_alone() {
    let ids: Vec<usize> = (0..12).map(|k| k * 5 % 7).collect();
    let run = |dropout: f64, train: Option<u64>| {
        let (network, params) = network(dropout);
        let (tape, mut carry) = (Tape::new(), network.initial_carry(3));
        let p = params.bind(&tape);
        match train {
            Some(seed) => network.forward_train(p, &ids, &mut carry, &mut rng(seed)).value(),
            None => network.forward(p, &ids, &mut carry).value(),
        }
    };
    assert_eq!(run(0.5, None), run(0.0, None));
    assert_eq!(run(0.0, Some(1)), run(0.0, None));
    assert_ne!(run(0.5, Some(1)), run(0.5, None));
    assert_eq!(run(0.5, Some(1)), run(0.5, Some(1)));
    assert_ne!(run(0.5, Some(1)), run(0.5, Some(2)));
}

#[test]
fn a_whole_network_with_dropout_passes_the_gradient_check() {
    let (network, params) = network(0.5);
    let ids = [3, 1, 0, 6, 2, 2];
    let mut check = Check::new(1);
    for p in params.iter() {
        check = check.input(p.name.clone(), p.rows, p.cols, &p.value);
    }
    let logits = |x: &[Vec<f64>], cotangents: &[Vec<f64>]| {
        let mut params = params.clone();
        params.iter_mut().zip(x).for_each(|(p, x)| p.value.clone_from(x));
        let (tape, mut carry) = (Tape::new(), network.initial_carry(2));
        let bound = params.bind(&tape);
        let y = network.forward_train(bound, &ids, &mut carry, &mut rng(9));
        let gradients = cotangents.iter().map(|r| {
            y.backward_with(r);
            params.zero_grad();
            params.add_grads(bound);
            params.iter().map(|p| p.grad.clone()).collect::<Vec<_>>()
        });
        (gradients.collect::<Vec<_>>(), y.value())
    };
    check.run_with(|x| logits(x, &[]).1, |x, cotangents| logits(x, cotangents).0).assert_passed();
}

#[test]
fn the_carried_state_is_never_dropped() {
    // Dropout stands between the layers, not on the way from step to step: the first layer's state is what it was.
    let state = |train: Option<u64>| {
        let (network, params) = network(0.5);
        let (tape, mut carry) = (Tape::new(), network.initial_carry(1));
        match train {
            Some(seed) => network.forward_train(params.bind(&tape), &[1, 2, 3], &mut carry, &mut rng(seed)),
            None => network.forward(params.bind(&tape), &[1, 2, 3], &mut carry),
        };
        carry.parts().into_iter().map(|(name, x)| (name, x.to_vec())).collect::<Vec<_>>()
    };
    let (trained, evaluated) = (state(Some(1)), state(None));
    assert_eq!(trained[..2], evaluated[..2]); // l0.h, l0.c
    assert_ne!(trained[2..], evaluated[2..]); // the second layer has seen the first through a mask
}
