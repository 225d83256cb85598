//! Recurrent networks: cells, layers, training and tasks, on the tape of [`autograd`].
//!
//! Data flows one way, and so do the modules: [`params`] and [`init`] → [`cells`] → [`layers`] →
//! [`network`], [`heads`] and [`seq2seq`] → [`train`] → [`text`] and [`tasks`] → [`session`] → [`experiments`] and
//! [`inspect`] → the `rnn` command.
//!
//! To train a network of your own, read `examples/train_your_own.rs`: it is 30 lines.

pub mod cells;
#[cfg(feature = "files")]
pub mod checkpoint;
pub mod choice;
pub mod config;
pub mod evaluate;
#[cfg(feature = "files")]
pub mod experiments;
#[cfg(feature = "files")]
pub mod file;
pub mod hash;
pub mod heads;
pub mod init;
pub mod inspect;
pub mod layers;
#[cfg(feature = "files")]
pub mod metrics;
pub mod network;
pub mod optim;
pub mod params;
pub mod plot;
#[cfg(feature = "files")]
pub mod run;
#[cfg(feature = "files")]
pub mod saved;
pub mod seq2seq;
#[cfg(feature = "files")]
pub mod session;
pub mod tasks;
#[cfg(feature = "tensorboard")]
pub mod tensorboard;
#[cfg(feature = "files")]
mod tensors;
pub mod text;
pub mod threads;
#[cfg(feature = "files")]
pub mod torch;
pub mod train;
pub mod watch;
#[cfg(feature = "files")]
pub mod weights;
