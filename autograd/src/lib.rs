//! Reverse-mode automatic differentiation on matrices, small enough to read in one sitting.
//!
//! A [`Tape`] records operations as they run. [`Var`] is a handle to a matrix on it; expressions
//! of handles read like formulas. [`Var::backward`] walks the tape back and leaves in every leaf
//! the gradient of the loss. [`mod@check`] compares those gradients with finite differences.
//!
//! Start with [`Tape`], then read [`Op`], then one operation in [`mod@ops`]; the rest follows.
//!
//! Matrices are row-major `features × batch`: a vector is a column, an example of a batch is a
//! column, and one feature of the whole batch lies together in memory.
//!
//! ```
//! use autograd::Tape;
//!
//! // One logistic neuron: p = σ(w x + b), loss = −ln p.
//! let tape = Tape::<f64>::new();
//! let (w, b) = (tape.leaf(1, 2, &[0.5, -0.25]), tape.leaf(1, 1, &[0.1]));
//! let x = tape.constant(2, 1, &[1.0, 2.0]);
//! let p = (w.matmul(x) + b).sigmoid();
//! let loss = -p.ln().sum();
//! loss.backward();
//!
//! // ∂loss/∂b = p − 1, and ∂loss/∂w = (p − 1) xᵀ.
//! let p = p.item();
//! assert!((b.grad()[0] - (p - 1.0)).abs() < 1e-15);
//! assert!((w.grad()[1] - (p - 1.0) * 2.0).abs() < 1e-15);
//! ```

mod activations;
mod anomaly;
pub mod check;
mod expr;
mod float;
mod lanes;
mod memory;
mod node;
mod op;
pub mod ops;
mod packs;
pub mod product;
pub mod simd;
mod store;
mod tape;
mod trace;
mod var;

pub use anomaly::{Anomaly, Source};
pub use expr::VarList;
pub use float::Float;
pub use lanes::Lanes;
pub use op::{Gradients, Inputs, Op, Output, Pass};
pub use ops::IGNORE_INDEX;
pub use tape::Tape;
pub use trace::{Quantity, Visit};
pub use var::Var;
