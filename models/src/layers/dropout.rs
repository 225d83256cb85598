//! Dropout: units that are missing at random cannot be relied upon.

use autograd::{Float, Var};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Inverted dropout, for training: `y = x ⊙ m`, with the entries of the mask m independently 0 with probability `p` and
/// 1/(1 − p) otherwise.
///
/// The factor keeps the mean, E\[y\] = x, so that evaluation needs no dropout and no correction: it leaves the layer out.
/// The gradient passes the same mask, `x̄ += ȳ ⊙ m`. With p = 0 this is `x` itself, and nothing is drawn.
/// Hinton et al. (2012), Srivastava et al. (2014). In a recurrent network it belongs between the layers and not on the
/// way from step to step, where T masks in a row would leave nothing to remember: Zaremba, Sutskever and Vinyals (2014).
///
/// # Panics
/// If p is not in \[0, 1).
///
/// ```
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
/// let tape = autograd::Tape::<f64>::new();
/// let x = tape.leaf(2, 3, &[1.0; 6]);
/// let y = models::layers::dropout(x, 0.5, &mut ChaCha8Rng::seed_from_u64(1));
/// assert!(y.value().iter().all(|&y| y == 0.0 || y == 2.0));
/// ```
#[track_caller]
pub fn dropout<'t, T: Float>(x: Var<'t, T>, p: f64, rng: &mut ChaCha8Rng) -> Var<'t, T> {
    assert!((0.0..1.0).contains(&p), "dropout: p is {p}, it must be at least 0 and less than 1");
    if p == 0.0 {
        return x;
    }
    let (rows, cols) = x.shape();
    let kept = T::from_f64(1.0 / (1.0 - p));
    let mask = x.tape().constant_with(rows, cols, |mask| {
        let keep = |_: &&mut T| f64::from(rng.random::<f32>()) >= p;
        mask.iter_mut().filter(keep).for_each(|m| *m = kept);
    });
    x * mask
}
