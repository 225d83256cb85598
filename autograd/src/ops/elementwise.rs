//! Functions of one variable, entry by entry. Where the derivative has a form in `y`, it is used:
//! `y` is there already.

use crate::simd::{map1, map2};
use crate::{Float, Gradients, Inputs, Op, Output};

/// `y = σ(x) = 1 / (1 + e⁻ˣ)`.  `x̄ += ȳ ⊙ y ⊙ (1 − y)`.
pub struct Sigmoid;

impl<T: Float> Op<T> for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        T::sigmoid_slice(y, x.value(0));
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        if let Some(dx) = dx.of(0) {
            // ANCHOR: sigmoid
            map2(dx, y.cotangent, y.value, |dx, dy, y| *dx += dy * y * (T::ONE - y));
            // ANCHOR_END: sigmoid
        }
    }
}

/// `y = tanh(x)`.  `x̄ += ȳ ⊙ (1 − y²)`.
pub struct Tanh;

impl<T: Float> Op<T> for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        T::tanh_slice(y, x.value(0));
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        if let Some(dx) = dx.of(0) {
            // ANCHOR: tanh
            map2(dx, y.cotangent, y.value, |dx, dy, y| *dx += dy * (T::ONE - y * y));
            // ANCHOR_END: tanh
        }
    }
}

/// `y = max(x, 0)`; NaN stays NaN.  `x̄ += ȳ` where `x > 0`; at the kink itself 0, as in PyTorch.
pub struct Relu;

impl<T: Float> Op<T> for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map1(y, x.value(0), |y, x| *y = if x < T::ZERO { T::ZERO } else { x });
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        if let Some(dx) = dx.of(0) {
            // ANCHOR: relu
            map2(dx, y.cotangent, x.value(0), |dx, dy, x| *dx += if x > T::ZERO { dy } else { T::ZERO });
            // ANCHOR_END: relu
        }
    }
}

/// `y = eˣ`.  `x̄ += ȳ ⊙ y`.
pub struct Exp;

impl<T: Float> Op<T> for Exp {
    fn name(&self) -> &'static str {
        "exp"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        T::exp_slice(y, x.value(0));
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        if let Some(dx) = dx.of(0) {
            // ANCHOR: exp
            map2(dx, y.cotangent, y.value, |dx, dy, y| *dx += dy * y);
            // ANCHOR_END: exp
        }
    }
}

/// `y = ln x`.  `x̄ += ȳ / x`.
pub struct Ln;

impl<T: Float> Op<T> for Ln {
    fn name(&self) -> &'static str {
        "ln"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map1(y, x.value(0), |y, x| *y = x.ln());
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        if let Some(dx) = dx.of(0) {
            // ANCHOR: ln
            map2(dx, y.cotangent, x.value(0), |dx, dy, x| *dx += dy / x);
            // ANCHOR_END: ln
        }
    }
}

/// `y = x²`.  `x̄ += 2 ȳ ⊙ x`.
pub struct Square;

impl<T: Float> Op<T> for Square {
    fn name(&self) -> &'static str {
        "square"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map1(y, x.value(0), |y, x| *y = x * x);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        if let Some(dx) = dx.of(0) {
            // ANCHOR: square
            map2(dx, y.cotangent, x.value(0), |dx, dy, x| *dx += (dy + dy) * x);
            // ANCHOR_END: square
        }
    }
}

/// `y = √x`.  `x̄ += ȳ / (2 y)`.
pub struct Sqrt;

impl<T: Float> Op<T> for Sqrt {
    fn name(&self) -> &'static str {
        "sqrt"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map1(y, x.value(0), |y, x| *y = x.sqrt());
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        if let Some(dx) = dx.of(0) {
            // ANCHOR: sqrt
            map2(dx, y.cotangent, y.value, |dx, dy, y| *dx += dy / (y + y));
            // ANCHOR_END: sqrt
        }
    }
}
