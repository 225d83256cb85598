//! The loop that multiplies a single column.

use super::fetch::{COLUMN, fetch};
use super::{Begin, LANES, Packed, Shape};
use crate::Float;
use pulp::{Simd, WithSimd};

/// `y = Σₖ Wₖ xₖ` with one column: lanes along the rows, and several vectors of rows at once, because a sum must
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
        let (rows, lanes, mut row) = (y.len(), T::count::<S>(), 0);
        while row < rows {
            let (y, begin) = (&mut y[row..], begin.of(row..));
            let height = Shape::Column.height(rows - row, lanes);
            match height / lanes {
                8 => vectors::<T, S, 8>(simd, terms, row, y, begin),
                4 => vectors::<T, S, 4>(simd, terms, row, y, begin),
                2 => vectors::<T, S, 2>(simd, terms, row, y, begin),
                _ => vectors::<T, S, 1>(simd, terms, row, y, begin),
            }
            row += height;
        }
    }
}

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
        fetch(w, COLUMN);
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
    let mut edge = [T::ZERO; 8 * LANES];
    let edge = &mut edge[..G * lanes];
    T::vectors_mut::<S>(edge).copy_from_slice(&sums);
    match begin {
        Begin::Zero => y.iter_mut().zip(edge).for_each(|(y, sum)| *y = *sum),
        Begin::Bias(b) => y.iter_mut().zip(b).zip(edge).for_each(|((y, &b), sum)| *y = b + *sum),
        Begin::Add => y.iter_mut().zip(edge).for_each(|(y, sum)| *y += *sum),
    }
}
