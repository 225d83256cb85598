//! The sum of squared outputs: a loss to measure layers with, and a penalty on large activations.

use crate::cells::sequence::strips;
use autograd::simd::{dot, map1};
use autograd::{Float, Gradients, Inputs, Op, Output, Var};

/// `L = Σ y²`, 1×1. What `y.square().sum()` is, without the memory of the squares and of their cotangents.
///
/// As a penalty on a layer's outputs it is the activation regularisation of Merity, McCann and Socher (2017).
pub fn sum_of_squares<'t, T: Float>(y: Var<'t, T>) -> Var<'t, T> {
    y.tape().apply(SumOfSquares, &[y])
}

/// `ȳ += 2 y L̄`, in one pass over `y` each way.
struct SumOfSquares;

impl<T: Float> Op<T> for SumOfSquares {
    fn name(&self) -> &'static str {
        "sum_of_squares"
    }
    fn shape(&self, _x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok((1, 1))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        y[0] = dot(x.value(0), x.value(0));
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let Some((dx, new)) = dx.of_or_new(0) else { return };
        let twice = (T::ONE + T::ONE) * y.cotangent[0];
        strips([dx], [x.value(0)], |[dx], [x]| match new {
            true => map1(dx, x, |dx, x| *dx = twice * x),
            false => map1(dx, x, |dx, x| *dx += twice * x),
        });
    }
}
