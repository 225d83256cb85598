//! Threads share the work and change no bit of it.

use autograd::Tape;
use models::cells::{CellConfig, Kind, Lengths};
use models::init::Init;
use models::layers::{Span, Stack, StackConfig, sum_of_squares};
use models::params::Params;
use models::threads::{self, count, with_threads};
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// So large that every product and every elementwise loop is worth four threads.
const T: usize = 3;
const B: usize = 72;
const I: usize = 48;
const H: usize = 128;

/// Outputs and all gradients of a network, by so many threads.
fn run(kind: Kind, lengths: Option<&Lengths>, [b, i, h]: [usize; 3], threads: usize) -> Vec<Vec<f32>> {
    let all = with_threads(threads, || {
        assert_eq!(count(), threads);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut params = Params::<f32>::new();
        let config = StackConfig { bidirectional: true, ..StackConfig::new(kind, CellConfig::new(i, h)) };
        let stack = Stack::new(&config, &mut params, "rnn", &mut rng);
        let tape = Tape::new();
        let p = params.bind(&tape);
        let x = tape.leaf(T * i, b, &Init::Normal { std: 1.0 }.fill(&mut rng, T * i, b));
        let span = Span { lengths, ..Span::default() };
        let (y, _) = stack.forward(p, x, &stack.initial_states(p, b), span, None);
        y.square().sum().backward();
        params.add_grads(p);
        let mut all = vec![y.value(), x.grad()];
        all.extend(params.iter().map(|p| p.grad.clone()));
        all
    });
    all.expect("so few threads are there")
}

/// The output of a layer with two rows, more threads than its rows can be split for, and many columns, of which each ends
/// where it likes: those cannot be shared.
#[test]
fn few_rows_cannot_be_split_often() {
    let lengths = Lengths::new(&(0..1024).map(|b| 1 + b % 3).collect::<Vec<_>>());
    let run = |threads| {
        let run = || {
            let config = CellConfig { output: Some(2), ..CellConfig::new(1, 512) };
            let (mut params, mut rng) = (Params::<f32>::new(), ChaCha8Rng::seed_from_u64(3));
            let cell = config.build(Kind::Jordan, &mut params, "rnn", "l0", &mut rng);
            let tape = Tape::new();
            let p = params.bind(&tape);
            let x = tape.constant(3, 1024, &Init::Normal { std: 1.0 }.fill(&mut rng, 3, 1024));
            let start = cell.zero_state(&tape, 1024);
            let (y, _) = cell.sequence(p, x, start, Some(&lengths), false).expect("it has a fused form");
            y.value()
        };
        with_threads(threads, run).expect("so few threads are there")
    };
    assert!(run(1) == run(4));
}

#[test]
fn every_number_of_threads_gives_the_same_bits() {
    let lengths: Vec<usize> = (0..B).map(|b| 1 + b % T).collect();
    let lengths = Lengths::new(&lengths);
    for kind in Kind::ALL {
        for lengths in [None, Some(&lengths)] {
            let one = run(kind, lengths, [B, I, H], 1);
            assert!(one.iter().flatten().all(|x| x.is_finite()) && one[2].iter().any(|&g| g != 0.0));
            for threads in 2..=4 {
                assert!(one == run(kind, lengths, [B, I, H], threads), "{kind} by {threads} threads");
            }
        }
        // So many columns that the threads share those.
        for sizes in [[259, 20, 24], [130, 5, 3]] {
            let one = run(kind, None, sizes, 1);
            for threads in 2..=4 {
                assert!(one == run(kind, None, sizes, threads), "{kind}, {sizes:?}, by {threads} threads");
            }
        }
    }
    // So many rows and columns of right factors that the threads share their turning; two panels for five threads;
    // and a product over the blocks of several steps, whose rows five threads share.
    let uneven = Lengths::new(&(0..1100).map(|b| 1 + b % T).collect::<Vec<_>>());
    for (kind, lengths, sizes, threads) in [
        (Kind::Elman, None, [200, 16, 512], 3),
        (Kind::Elman, Some(&uneven), [1100, 16, 64], 5),
        (Kind::Lstm, None, [100, 48, 256], 5),
    ] {
        assert!(run(kind, lengths, sizes, 1) == run(kind, lengths, sizes, threads), "{kind}, {sizes:?}");
    }
}

/// A parameter so large that its gradient is shared, and the optimiser's pass over it.
#[test]
fn optimisers_give_the_same_bits() {
    let start = Init::Normal { std: 1.0 }.fill::<f32>(&mut ChaCha8Rng::seed_from_u64(3), 300_001, 1);
    for rule in ["sgd", "sgd:momentum=0.9", "rmsprop", "adagrad", "adam"] {
        let run = || {
            let mut params = Params::<f32>::new();
            let w = params.add("w", start.len(), 1, start.clone());
            let mut trainer =
                Trainer::new(params, rule.parse().expect("a rule"), 0.01).clip(Clip::Norm(100.0));
            for _ in 0..3 {
                trainer.step(|p| sum_of_squares(p.get(w))).expect("it stays finite");
            }
            trainer.params.get(w).clone()
        };
        let by = |threads| with_threads(threads, run).expect("so few threads are there");
        let one = by(1);
        assert!(one.value.iter().zip(&start).all(|(w, start)| w != start), "{rule} moves every weight");
        for threads in 2..=4 {
            assert!(one == by(threads), "{rule} by {threads} threads");
        }
    }
}

/// Sums 0..n by joins, as deep as they go.
fn sum(range: std::ops::Range<u64>) -> u64 {
    let middle = range.start.midpoint(range.end);
    match range.end - range.start {
        0..=3 => range.sum(),
        _ => {
            let (a, b) = threads::join(|| sum(range.start..middle), || sum(middle..range.end));
            a + b
        }
    }
}

/// Helpers that watch do the work there is and no more, also where works are nested.
#[test]
fn helpers_that_watch_lend_a_hand() {
    for count in 1..=4 {
        let sums = threads::with_threads(count, || {
            let once =
                || threads::awake(usize::MAX, || sum(0..1000) + threads::awake(usize::MAX, || sum(0..100)));
            (0..200).map(|_| once()).collect::<Vec<_>>()
        });
        assert_eq!(sums, Ok(vec![499_500 + 4_950; 200]), "{count} threads");
    }
}

/// What they watch for may end in a panic: they stop then, and it goes on to the caller.
#[test]
fn helpers_do_not_watch_for_ever() {
    let panics =
        || threads::with_threads(3, || threads::awake(usize::MAX, || assert_eq!(sum(0..100), 0, "as meant")));
    assert!(std::panic::catch_unwind(panics).is_err());
}
