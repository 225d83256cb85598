//! What a training loop must not get wrong: the windows of the text, and gradients that begin at zero.

use models::optim::Rule;
use models::params::Params;
use models::text::Streams;
use models::train::{Clip, Step, Trainer};

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

/// Half the sum of squares of w = (3, −4): the gradient is w itself, of norm 5.
fn trainer(lr: f64) -> Trainer<f64> {
    let mut params = Params::new();
    params.add("w", 1, 2, vec![3.0, -4.0]);
    Trainer::new(params, "sgd".parse::<Rule>().unwrap(), lr)
}

fn step(trainer: &mut Trainer<f64>) -> Step {
    let w = trainer.params.find("w").unwrap();
    trainer.step(|p| p.get(w).square().sum() * 0.5).unwrap()
}

fn close(a: &[f64], b: [f64; 2]) -> bool {
    // PyTorch's clipping, and so ours, divides by the norm and 1e-6.
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-6)
}

#[test]
fn steps_are_counted_from_one() {
    let mut trainer = trainer(0.5);
    assert_eq!([1, 2, 3], [(); 3].map(|()| step(&mut trainer).number));
}

#[test]
fn a_step_goes_down_the_gradient_at_the_schedules_rate() {
    let mut trainer = trainer(0.5).schedule("step:every=1,factor=0.5".parse().unwrap());
    let rates = [(); 2].map(|()| step(&mut trainer).lr);
    assert_eq!(rates, [0.5, 0.25]);
    let w = trainer.params.iter().next().unwrap();
    assert_eq!(w.value, [3.0 * 0.5 * 0.75, -4.0 * 0.5 * 0.75]);
}

#[test]
fn the_norm_is_cut_and_reported_as_it_was() {
    let mut cut = trainer(0.5).clip(Clip::Norm(1.0));
    let done = step(&mut cut);
    assert_eq!((done.loss, done.grad_norm, done.clipped), (12.5, 5.0, true));
    assert!(close(&cut.params.iter().next().unwrap().value, [3.0 - 0.5 * 0.6, -4.0 + 0.5 * 0.8]));
    let mut whole = trainer(0.5).clip(Clip::Norm(5.5));
    assert!(!step(&mut whole).clipped);
    assert_eq!(whole.params.iter().next().unwrap().value, [1.5, -2.0]);
}

#[test]
fn each_entry_is_cut() {
    let mut cut = trainer(1.0).clip(Clip::Value(3.5));
    let done = step(&mut cut);
    assert_eq!((done.grad_norm, done.clipped), (5.0, true));
    assert_eq!(cut.params.iter().next().unwrap().value, [0.0, -0.5]);
    assert!(!step(&mut trainer(1.0).clip(Clip::Value(4.5))).clipped);
}

/// The loss is finite, its gradient too large for its norm.
#[test]
fn a_gradient_that_is_not_finite_is_not_stepped_along() {
    let mut trainer = trainer(0.5);
    let w = trainer.params.find("w").unwrap();
    let error = trainer.step(|p| (p.get(w) * 1e200).sum()).unwrap_err();
    assert_eq!((error.step, error.what), (1, "gradient"));
    assert_eq!(trainer.params.iter().next().unwrap().value, [3.0, -4.0]);
}
