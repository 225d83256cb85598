//! Layers: what is built from cells, and what stands before and after them.

mod bidirectional;
mod checkpointed;
mod dropout;
mod embedding;
mod encoding;
mod every_step;
mod hashing;
mod initial_state;
mod interleave;
mod linear;
mod one_hot;
mod recompute;
mod recurrent_dropout;
mod stack;
mod sum_of_squares;
mod unroll;

pub use bidirectional::bidirectional;
pub use checkpointed::Checkpointed;
pub use dropout::dropout;
pub use embedding::Embedding;
pub use encoding::Encoding;
pub use hashing::hashing;
pub use initial_state::InitialState;
pub use interleave::interleave;
pub use linear::Linear;
pub use one_hot::one_hot;
pub use recompute::Recomputation;
pub use recurrent_dropout::RecurrentDropout;
pub use stack::{Stack, StackConfig, States};
pub use sum_of_squares::sum_of_squares;
pub use unroll::{Span, unroll};
