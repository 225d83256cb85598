//! Recurrent networks: cells, layers, training and tasks, on the tape of [`autograd`].
//!
//! Data flows one way, and so do the modules: [`params`] and [`init`] → [`cells`] → [`layers`] →
//! [`network`] → [`text`] and [`tasks`] → [`train`] → the `rnn` command.
//!
//! To train a network of your own, read `examples/train_your_own.rs`: it is 30 lines.

pub mod cells;
pub mod choice;
pub mod init;
pub mod layers;
pub mod network;
pub mod optim;
pub mod params;
#[cfg(feature = "files")]
pub mod run;
pub mod tasks;
pub mod text;
pub mod train;
#[cfg(feature = "files")]
pub mod weights;
