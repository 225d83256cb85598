//! Builds the book, and checks what it says.
//!
//! A chapter is Markdown in `src/`. On its way to a page it passes
//!
//! 1. [`blocks`]: prose, code and figures are told apart,
//! 2. [`preprocess`]: formulas become HTML ([`maths`]), SVG files and drawn figures become part of the page
//!    ([`figures`], [`runs`], [`plot`]), excerpts are looked up ([`includes`]),
//! 3. mdBook, linked as a library ([`render`]),
//! 4. [`pages`]: every link and every loaded file is checked.
//!
//! The table at the end of the book is made and checked by [`coverage`].
//!
//! What learners hand in is marked by [`grade`].
//!
//! What a chapter shows as printed is compared with what a program prints ([`outputs`]), and every block of
//! Rust in it is compiled and run when rustdoc tests this crate (`doctests.rs`).

pub mod blocks;
pub mod chapters;
pub mod coverage;
pub mod figures;
pub mod grade;
pub mod includes;
pub mod maths;
pub mod outputs;
pub mod pages;
pub mod preprocess;
pub mod problem;
pub mod render;
pub mod runs;
pub mod wide;

pub use models::plot;

#[cfg(doctest)]
mod doctests;
