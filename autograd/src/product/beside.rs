//! Rows of `x` side by side, as the kernel reads them.

use super::{DEPTH, LANES};
use crate::Float;
use pulp::Simd;
use std::ops::Range;

/// Room for the rows of a block. Vectors that straddle two cache lines load at half the speed.
#[repr(align(64))]
pub(super) struct Block<T>(pub [T; DEPTH * 2 * LANES]);

/// Rows of `n` columns: some of their columns side by side, in the block, or as they lie if those are all and fill the
/// vectors.
#[inline(always)]
pub(super) fn beside<'a, T: Float, S: Simd, const V: usize>(
    x: &'a [T],
    n: usize,
    columns: &Range<usize>,
    block: &mut &'a mut [T],
) -> &'a [T] {
    let wide = V * T::count::<S>();
    if n == wide {
        return x;
    }
    let (to, rest) = std::mem::take(block).split_at_mut(x.len() / n * wide);
    *block = rest;
    for (to, from) in to.chunks_exact_mut(wide).zip(x.chunks_exact(n)) {
        copy::<T, S, V>(to, &from[columns.clone()]);
    }
    to
}

/// Copies a row of V vectors, or of less.
#[inline(always)]
fn copy<T: Float, S: Simd, const V: usize>(to: &mut [T], from: &[T]) {
    // Whole vectors one by one: to call a function for so few would take longer than the copy.
    if let (Some(to), Some(from)) =
        (T::vectors_mut::<S>(to).first_chunk_mut::<V>(), T::vectors::<S>(from).first_chunk::<V>())
    {
        *to = *from;
    } else {
        to[..from.len()].copy_from_slice(from);
    }
}
