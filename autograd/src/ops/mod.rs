//! The rulebook: every operation, its forward rule and its vector–Jacobian product side by side.
//!
//! Notation: `y = f(x)`, `ȳ = ∂L/∂y` is the cotangent that arrives, `x̄ = ∂L/∂x` is what the
//! operation adds to.

mod arithmetic;
mod elementwise;
mod embedding;
mod loss;
mod products;
mod rows;
mod softmax;
mod sums;

pub use arithmetic::{Add, AddColumn, Div, DivideInto, Mul, MulColumn, ScaleShift, Sub};
pub use elementwise::{Exp, Ln, Relu, Sigmoid, Sqrt, Square, Tanh};
pub use embedding::Embedding;
pub use loss::{CrossEntropy, IGNORE_INDEX};
pub use products::{Affine, MatMul, matmul};
pub use rows::{ConcatRows, Select};
pub use softmax::{LogSoftmax, Softmax};
pub use sums::{Sum, SumCols, SumRows};

use crate::{Float, Inputs};

/// The shape of both inputs, if it is the same.
fn same_shape<T: Float>(x: Inputs<'_, T>) -> Result<(usize, usize), String> {
    if x.shape(0) == x.shape(1) { Ok(x.shape(0)) } else { Err("the shapes must be equal".into()) }
}

/// The shape of input 0, if input 1 is a column of as many rows.
fn column_for<T: Float>(x: Inputs<'_, T>) -> Result<(usize, usize), String> {
    if x.shape(1) == (x.rows(0), 1) {
        Ok(x.shape(0))
    } else {
        Err(format!("a column for the first needs {} rows", x.rows(0)))
    }
}
