//! Every operation of the rulebook, held to the same laws.
//!
//! A test names an operation, the shapes of its inputs and a naive loop that computes the same;
//! `support::laws` does the rest: the value, the gradient against finite differences of the naive
//! loop, and everything else that must hold of any operation on the tape. One file here for each
//! file in `src/ops`, one for views and one for the names.

mod arithmetic;
mod elementwise;
mod embedding;
mod loss;
mod names;
mod products;
mod rows;
mod softmax;
mod sums;
mod support;
mod views;
