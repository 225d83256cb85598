//! The warnings: said when they should be, once, and not otherwise.

use models::optim::{Schedule, param_norm};
use models::params::Params;
use models::train::{Clip, Step};
use models::watch::Watch;

/// A step of an ordinary training: the loss falls, the norm is about 0.5, nothing is clipped.
fn step(number: u64) -> Step {
    let loss = 1.0 + 3.0 * (-(number as f64) / 200.0).exp();
    let grad_norm = 0.5 + 0.3 * (number as f64).sin();
    Step { number, loss, grad_norm, clipped: false, lr: 0.003 }
}

/// All warnings of 1,000 steps, with the number of the step.
fn watch(clip: Clip, step: impl Fn(u64) -> Step) -> Vec<(u64, String)> {
    let mut watch = Watch::default();
    (1..=1000).filter_map(|n| Some((n, watch.see(&step(n), clip)?))).collect()
}

#[test]
fn an_ordinary_training_is_quiet() {
    assert_eq!(watch(Clip::Norm(1.0), step), []);
    assert_eq!(watch(Clip::Off, step), []);
    // A loss that is near zero, fallen long ago, and noisy.
    let converged = |n| Step { loss: if n <= 10 { 4.0 } else { 0.01 * (2.0 + (n as f64).sin()) }, ..step(n) };
    assert_eq!(watch(Clip::Off, converged), []);
    // A clipped step now and then.
    assert_eq!(watch(Clip::Norm(1.0), |n| Step { clipped: n % 50 != 0, ..step(n) }), []);
}

#[test]
fn a_loss_that_does_not_fall() {
    let flat = |n| Step { loss: 4.17 - 1e-5 * n as f64, ..step(n) };
    let line = "the loss does not fall: 4.1699 at first, 4.1694 after 110 steps; try a learning rate of 0.03 or 0.0003, \
                and look whether targets belong to their inputs";
    assert_eq!(watch(Clip::Off, flat), [(110, line.into())]);
    let rising = |n| Step { loss: 4.0 + 0.1 * n as f64, ..step(n) };
    let line = "the loss does not fall: 4.5500 at first, 10.0500 after 110 steps; it has risen: try a learning rate of 0.0003";
    assert_eq!(watch(Clip::Off, rising), [(110, line.into())]);
}

#[test]
fn a_norm_that_explodes() {
    let jump = |n| Step { grad_norm: if n % 300 == 0 { 80.0 } else { 0.5 }, ..step(n) };
    let clip = "the gradient explodes: its norm is 80 at step 300 and was about 0.5 before; clip gradients to a norm of \
                0.5, or try a learning rate of 0.0003";
    assert_eq!(watch(Clip::Off, jump), [(300, clip.into())]);
    let clipped = "the gradient explodes: its norm is 80 at step 300 and was about 0.5 before; it was clipped; if it \
                   happens often, try a learning rate of 0.0003";
    assert_eq!(watch(Clip::Norm(1.0), jump), [(300, clipped.into())]);
    // A slow rise is no explosion; a norm of zero is no reason to panic.
    assert_eq!(watch(Clip::Off, |n| Step { grad_norm: 1.01_f64.powf(n as f64), ..step(n) }), []);
    assert_eq!(watch(Clip::Off, |n| Step { grad_norm: 0.0, ..step(n) }), []);
}

#[test]
fn every_step_is_clipped() {
    let all = |n| Step { clipped: n > 40, grad_norm: 17.5, ..step(n) };
    let norm = "every one of the last 100 steps was clipped, up to step 140: the limit 1 sets their length, not the \
                gradient; try a limit of 35, or a smaller learning rate";
    assert_eq!(watch(Clip::Norm(1.0), all), [(140, norm.into())]);
    let value = norm.replace("limit 1 sets", "limit 0.001 sets").replace("of 35", "of 0.01");
    assert_eq!(watch(Clip::Value(0.001), all), [(140, value)]);
}

#[test]
fn the_learning_rate_is_the_schedules() {
    let schedule: Schedule = "cosine:steps=110,floor=0".parse().unwrap();
    let flat = |n: u64| Step { loss: 4.0, lr: schedule.rate(1.0, n - 1), ..step(n) };
    assert!(watch(Clip::Off, flat)[0].1.contains("try a learning rate of 0.002 or 2e-5"));
}

#[test]
fn the_norm_of_the_parameters() {
    let mut params = Params::<f64>::new();
    params.add("a", 1, 2, vec![3.0, 0.0]);
    params.add("b", 1, 1, vec![-4.0]);
    assert_eq!(param_norm(&params), 5.0);
}
