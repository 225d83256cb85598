//! What a training loop must not get wrong: the windows of the text, and gradients that begin at zero.

use models::optim::Rule;
use models::params::Params;
use models::text::Streams;
use models::train::Trainer;

/// A stream's windows lie behind each other: all of them together are the stream, and each target is the
/// character after its input.
#[test]
fn windows_do_not_overlap() {
    for (characters, batch, window) in [(101, 1, 7), (101, 3, 7), (60, 4, 5)] {
        let length = characters / batch;
        let mut streams = Streams::new((0..characters).collect(), batch, window).unwrap();
        let (mut inputs, mut targets, mut read) = (vec![], vec![], vec![vec![]; batch]);
        loop {
            let (places, restart) = streams.advance(window, 1);
            if restart {
                break;
            }
            streams.fill(places, &mut inputs, &mut targets);
            for (k, (&input, &target)) in inputs.iter().zip(&targets).enumerate() {
                assert_eq!(target, input + 1);
                read[k % batch].push(input);
            }
        }
        for (stream, read) in read.iter().enumerate() {
            let start = stream * length;
            assert!(read.iter().copied().eq(start..start + length - 1), "{read:?}");
        }
    }
}

/// At a learning rate of 0 every step is the first one again: the same gradient, and not the sum of all.
#[test]
fn every_step_begins_with_zero_gradients() {
    let mut params = Params::<f64>::new();
    let w = params.add("w", 1, 2, vec![3.0, -1.0]);
    let mut trainer = Trainer::new(params, "sgd".parse::<Rule>().unwrap(), 0.0);
    for _ in 0..3 {
        let step = trainer.step(|p| p.get(w).square().sum()).unwrap();
        assert_eq!(step.grad_norm, 40f64.sqrt());
        assert_eq!(trainer.params.get(w).grad, [6.0, -2.0]);
    }
}
