//! Threads share the work and change no bit of it.

use autograd::Tape;
use models::cells::{CellConfig, Kind, Lengths};
use models::init::Init;
use models::layers::{Span, Stack, StackConfig};
use models::params::Params;
use models::threads::{count, with_threads};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// So large that every product and every elementwise loop is worth four threads.
const T: usize = 3;
const B: usize = 72;
const I: usize = 48;
const H: usize = 128;

/// Outputs and all gradients of a network, by so many threads.
fn run(kind: Kind, lengths: Option<&Lengths>, threads: usize) -> Vec<Vec<f32>> {
    let all = with_threads(threads, || {
        assert_eq!(count(), threads);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut params = Params::<f32>::new();
        let config = StackConfig { bidirectional: true, ..StackConfig::new(kind, CellConfig::new(I, H)) };
        let stack = Stack::new(&config, &mut params, "rnn", &mut rng);
        let tape = Tape::new();
        let p = params.bind(&tape);
        let x = tape.leaf(T * I, B, &Init::Normal { std: 1.0 }.fill(&mut rng, T * I, B));
        let span = Span { lengths, ..Span::default() };
        let (y, _) = stack.forward(p, x, &stack.initial_states(p, B), span, None);
        y.square().sum().backward();
        params.add_grads(p);
        let mut all = vec![y.value(), x.grad()];
        all.extend(params.iter().map(|p| p.grad.clone()));
        all
    });
    all.expect("so few threads are there")
}

#[test]
fn every_number_of_threads_gives_the_same_bits() {
    let lengths: Vec<usize> = (0..B).map(|b| 1 + b % T).collect();
    let lengths = Lengths::new(&lengths);
    for kind in Kind::ALL {
        for lengths in [None, Some(&lengths)] {
            let one = run(kind, lengths, 1);
            assert!(one.iter().flatten().all(|x| x.is_finite()) && one[2].iter().any(|&g| g != 0.0));
            for threads in 2..=4 {
                assert!(one == run(kind, lengths, threads), "{kind} by {threads} threads");
            }
        }
    }
}
