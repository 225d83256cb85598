//! Layers: what is built from cells, and what stands before and after them.

mod dropout;
mod embedding;
mod encoding;
mod hashing;
mod linear;
mod one_hot;
mod unroll;

pub use dropout::dropout;
pub use embedding::Embedding;
pub use encoding::Encoding;
pub use hashing::hashing;
pub use linear::Linear;
pub use one_hot::one_hot;
pub use unroll::{Span, unroll};
