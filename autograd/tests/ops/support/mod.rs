//! What the tests of all operations share.

mod case;
mod laws;
mod matrix;

pub use case::{Case, Draw, Entries};
pub use laws::{holds, holds_at};
pub use matrix::Matrix;
