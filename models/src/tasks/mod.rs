//! Tasks that tell the networks apart.

mod recall;

pub use recall::Recall;
