//! Layers: what is built from cells, and what stands before and after them.

mod embedding;
mod linear;
mod one_hot;
mod unroll;

pub use embedding::Embedding;
pub use linear::Linear;
pub use one_hot::one_hot;
pub use unroll::{Span, unroll};
