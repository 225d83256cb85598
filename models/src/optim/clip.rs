//! Gradient clipping: the cure for exploding gradients.
//!
//! Through T steps a gradient is a product of T Jacobians. Where their gain is a little above 1 the loss has a cliff, and
//! one step from its edge throws the weights far away. Pascanu, Mikolov and Bengio (2013) keep the direction of the
//! gradient and limit its length; cutting each entry by itself is cruder, since it turns the gradient.
//!
//! ```
//! use models::{optim::clip_grad_norm, params::Params};
//!
//! let mut params = Params::new();
//! let w = params.add("w", 2, 1, vec![0.0_f64; 2]);
//! params.get_mut(w).grad = vec![3.0, 4.0];
//! assert_eq!(clip_grad_norm(&mut params, 1.0), 5.0); // the norm before clipping
//! assert!((params.get(w).grad[0] - 0.6).abs() < 1e-6);
//! ```

use crate::params::Params;
use autograd::Float;

/// Scales all gradients by one factor so that their joint Euclidean norm is at most `max_norm`; returns the norm before.
///
/// g ← g · min(1, max_norm / (‖g‖ + 10⁻⁶)), with ‖g‖² the sum over all entries of all parameters, added up in `f64`.
/// If ‖g‖ is infinite or NaN the gradients are left as they are: the caller sees it in the result and skips the step.
/// `f64::INFINITY` measures without clipping. PyTorch's `clip_grad_norm_`.
///
/// # Panics
/// If `max_norm` is negative or NaN.
#[track_caller]
pub fn clip_grad_norm<T: Float>(params: &mut Params<T>, max_norm: f64) -> f64 {
    assert!(max_norm >= 0.0, "clip_grad_norm: max_norm is {max_norm}");
    // ANCHOR: norm
    let norm = params.iter().map(|p| sum_of_squares(&p.grad)).sum::<f64>().sqrt();
    let factor = max_norm / (norm + 1e-6);
    if norm.is_finite() && factor < 1.0 {
        let factor = T::from_f64(factor);
        params.iter_mut().for_each(|p| p.grad.iter_mut().for_each(|g| *g *= factor));
    }
    norm
    // ANCHOR_END: norm
}

/// The Euclidean norm of all parameters together: what weight decay holds down.
pub fn param_norm<T: Float>(params: &Params<T>) -> f64 {
    params.iter().map(|p| sum_of_squares(&p.value)).sum::<f64>().sqrt()
}

/// Cuts every entry of every gradient to \[−limit, limit\]. NaN stays NaN. PyTorch's `clip_grad_value_`.
///
/// # Panics
/// If `limit` is negative or NaN.
#[track_caller]
pub fn clip_grad_value<T: Float>(params: &mut Params<T>, limit: f64) {
    assert!(limit >= 0.0, "clip_grad_value: limit is {limit}");
    let limit = T::from_f64(limit);
    // ANCHOR: value
    for g in params.iter_mut().flat_map(|p| &mut p.grad) {
        if *g > limit {
            *g = limit;
        } else if *g < -limit {
            *g = -limit;
        }
    }
    // ANCHOR_END: value
}

/// Σ x², as eight sums side by side: one sum would wait for its own last addition at every entry.
fn sum_of_squares<T: Float>(x: &[T]) -> f64 {
    let (chunks, rest) = x.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks.iter().map(|c| c.as_slice()).chain([rest]) {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            let x = x.to_f64();
            *sum += x * x;
        }
    }
    sums.iter().sum()
}
