//! The loop that multiplies a single column.

use super::fetch::{SOON, fetch};
use super::{Begin, LANES, Packed, Shape};
use crate::Float;
use pulp::{Simd, WithSimd};

/// Vectors of rows in a panel.
pub(super) const VECTORS: usize = 2;

/// `y = Σₖ Wₖ xₖ` with one column: lanes along the rows, and two vectors of rows at once, because a sum must
/// wait some cycles for the one before it.
pub(super) struct Single<'a, T> {
    pub terms: &'a [(Packed<'a, T>, &'a [T])],
    pub y: &'a mut [T],
    pub begin: Begin<'a, T>,
}

impl<T: Float> WithSimd for Single<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { terms, y, begin } = self;
        let (rows, lanes) = (y.len(), T::count::<S>());
        let (height, panels, below) = (VECTORS * lanes, rows.div_ceil(VECTORS * lanes), starts_below(terms));
        for panel in 0..panels {
            let row = height * if below { panels - 1 - panel } else { panel };
            let (y, begin) = (&mut y[row..], begin.of(row..));
            match Shape::Column.height(rows - row, lanes) == height {
                true => vectors::<T, S, VECTORS>(simd, terms, row, y, begin),
                false => vectors::<T, S, 1>(simd, terms, row, y, begin),
            }
        }
    }
}

// ANCHOR: starts-below
/// Whether to begin with the last rows, as every other step does: what the step
/// before has read last is still near. The columns of successive steps lie side by side.
fn starts_below<T>(terms: &[(Packed<'_, T>, &[T])]) -> bool {
    terms.last().is_some_and(|(_, x)| x.as_ptr().addr() / size_of_val(*x).max(1) % 2 == 1)
}
// ANCHOR_END: starts-below

/// A column of G vectors, times a number.
#[inline(always)]
fn add_column<T: Float, S: Simd, const G: usize>(
    simd: S,
    sums: &mut [T::Vector<S>; G],
    w: &[T::Vector<S>; G],
    x: T,
) {
    let x = T::splat(simd, x);
    for (sum, w) in sums.iter_mut().zip(w) {
        fetch(w, SOON);
        *sum = T::mul_add_vectors(simd, *w, x, *sum);
    }
}

/// G vectors of rows times one column.
#[inline(always)]
fn vectors<T: Float, S: Simd, const G: usize>(
    simd: S,
    terms: &[(Packed<'_, T>, &[T])],
    row: usize,
    y: &mut [T],
    begin: Begin<'_, T>,
) {
    let (lanes, mut both) = (T::count::<S>(), [[T::splat(simd, T::ZERO); G]; 2]);
    // Two sums for every row, if there are registers: each waits for itself half as often.
    let sets = if S::REGISTER_COUNT >= 32 { 2 } else { 1 };
    for (w, x) in terms {
        let panel = T::vectors::<S>(w.panel(row, G * lanes, 0)).as_chunks::<G>().0;
        let ((pairs, last), (x_pairs, x_last)) = (panel.as_chunks::<2>(), x.as_chunks::<2>());
        for (w, x) in pairs.iter().zip(x_pairs) {
            for (k, (w, &x)) in w.iter().zip(x).enumerate() {
                add_column::<T, S, G>(simd, &mut both[k % sets], w, x);
            }
        }
        for (w, &x) in last.iter().zip(x_last) {
            add_column::<T, S, G>(simd, &mut both[0], w, x);
        }
    }
    let sums: [_; G] = std::array::from_fn(|g| T::add_vectors(simd, both[0][g], both[1][g]));
    let mut edge = [T::ZERO; VECTORS * LANES];
    let edge = &mut edge[..G * lanes];
    T::vectors_mut::<S>(edge).copy_from_slice(&sums);
    match begin {
        Begin::Zero => y.iter_mut().zip(edge).for_each(|(y, sum)| *y = *sum),
        Begin::Bias(b) => y.iter_mut().zip(b).zip(edge).for_each(|((y, &b), sum)| *y = b + *sum),
        Begin::Add => y.iter_mut().zip(edge).for_each(|(y, sum)| *y += *sum),
    }
}
