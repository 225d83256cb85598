//! Heads: which of a recurrent network's states answer the question.
//!
//! | shape | what it takes | example |
//! |---|---|---|
//! | many-to-many | every output: [`Network`](crate::network::Network) | the next character |
//! | many-to-one | the final states: [`ManyToOne`] | the sentiment of a sentence |
//! | one-to-many | one vector sets the initial state: [`OneToMany`] | the name of a number |
//! | encoder–decoder | the final states of one network are the initial ones of another: [`Seq2Seq`](crate::seq2seq::Seq2Seq) | a date in another form |

mod decoder;
mod many_to_one;
mod one_to_many;
mod padded;

pub(crate) use decoder::likeliest;
pub use decoder::{Decoder, Targets};
pub use many_to_one::ManyToOne;
pub use one_to_many::OneToMany;
pub use padded::Padded;
