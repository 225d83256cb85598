//! A cell's derivation, fused over a whole sequence into one operation on the tape.
//!
//! A cell writes down one step forward and one step back: [`Derivation`]. [`fused`] makes the loop
//! over the time steps of it, the sums over all of them that the weights' gradients are, and the
//! bookkeeping of examples of different lengths: that is the same for every cell.
//!
//! # Packed columns
//! Examples are sorted by length, longest first, and step `s` of the recurrence works on the `n_s`
//! examples that are longer than `s`: a *block* of F×n_s numbers. The blocks of all steps lie one
//! after the other, F×N numbers in all with N = Σ lengths, so that a batch costs its valid steps and
//! no more. A derivation sees blocks alone, and neither lengths nor direction.

mod columns;
mod derivation;
mod fused;
mod inside;
mod lengths;
mod loops;
mod plan;
mod products;
mod rights;
mod strips;
mod sums;

pub use derivation::{Backward, Derivation, Forward, Sizes, show};
pub use fused::fused;
pub use inside::Inside;
pub use lengths::Lengths;
pub use products::{add_diagonal, add_product, affine, product};
pub use rights::Right;
pub use strips::strips;
pub use sums::Sums;

pub(crate) use columns::Columns;
pub(crate) use plan::Plan;

/// `N` equal parts, one after the other: `let [i, f, g, o] = parts(gates);`
pub fn parts<T, const N: usize>(block: &[T]) -> [&[T]; N] {
    split(block, [block.len() / N; N])
}

/// `N` equal parts, to write.
pub fn parts_mut<T, const N: usize>(block: &mut [T]) -> [&mut [T]; N] {
    let size = block.len() / N;
    split_mut(block, [size; N])
}

/// Consecutive parts of these sizes.
pub(crate) fn split<T, const N: usize>(mut memory: &[T], sizes: [usize; N]) -> [&[T]; N] {
    sizes.map(|size| {
        let (part, rest) = memory.split_at(size);
        memory = rest;
        part
    })
}

/// Consecutive parts of these sizes, to write.
pub(crate) fn split_mut<T, const N: usize>(mut memory: &mut [T], sizes: [usize; N]) -> [&mut [T]; N] {
    sizes.map(|size| {
        let (part, rest) = std::mem::take(&mut memory).split_at_mut(size);
        memory = rest;
        part
    })
}
