//! The loops that multiply.

use super::{Begin, DEPTH, HEIGHT, Packed, Shape, WIDTH};
use crate::Float;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// `y = Σₖ Wₖ xₖ` (see [`super::multiply`]), compiled for the processor's best instructions.
pub(crate) fn run_product<T: Float>(y: &mut [T], begin: Begin<'_, T>, terms: &[(Packed<'_, T>, &[T])]) {
    let rows = terms[0].0.rows;
    let n = y.len() / rows.max(1);
    Arch::new().dispatch(Product { terms, y, rows, n, begin });
}

struct Product<'a, T> {
    terms: &'a [(Packed<'a, T>, &'a [T])],
    y: &'a mut [T],
    rows: usize,
    n: usize,
    begin: Begin<'a, T>,
}

/// Rows of `x` as the kernel reads them. Vectors that straddle two cache lines load at half the speed.
#[repr(align(64))]
struct Block<T>([T; DEPTH * WIDTH]);

impl<T: Float> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if self.terms[0].0.shape == Shape::Column {
            return self.column(simd);
        }
        let mut block = Block([T::ZERO; DEPTH * WIDTH]);
        let lanes = T::count::<S>();
        for j in (0..self.n).step_by(2 * lanes) {
            let width = (2 * lanes).min(self.n - j);
            if width > lanes {
                self.columns::<S, 2>(simd, j..j + width, &mut block.0);
            } else {
                self.columns::<S, 1>(simd, j..j + width, &mut block.0);
            }
        }
    }
}

impl<T: Float> Product<'_, T> {
    /// Some columns, which fill V vectors or less: block after block, or all terms as one block.
    #[inline(always)]
    fn columns<S: Simd, const V: usize>(&mut self, simd: S, columns: Range<usize>, block: &mut [T]) {
        let (terms, mut begin) = (self.terms, self.begin);
        if terms.iter().map(|(w, _)| w.cols).sum::<usize>() <= DEPTH {
            return self.block::<S, V>(simd, columns, terms, 0, begin, block);
        }
        for term in terms {
            let cols = term.0.cols;
            for first in (0..cols).step_by(Shape::Columns.depth(cols)) {
                self.block::<S, V>(simd, columns.clone(), std::slice::from_ref(term), first, begin, block);
                begin = Begin::Add;
            }
        }
    }

    /// The terms' blocks that begin with column `first`, of all rows.
    #[inline(always)]
    fn block<S: Simd, const V: usize>(
        &mut self,
        simd: S,
        columns: Range<usize>,
        terms: &[(Packed<'_, T>, &[T])],
        first: usize,
        begin: Begin<'_, T>,
        block: &mut [T],
    ) {
        let (n, wide, mut at) = (self.n, V * T::count::<S>(), 0);
        for (w, x) in terms {
            let rows = x[first * n..].chunks_exact(n).take(w.depth(first));
            at += rows.len();
            for (to, from) in block[(at - rows.len()) * wide..].chunks_exact_mut(wide).zip(rows) {
                copy::<T, S, V>(to, &from[columns.clone()]);
            }
        }
        let x = T::vectors::<S>(&block[..at * wide]).as_chunks::<V>().0;
        let mut row = 0;
        while row < self.rows {
            let y = &mut self.y[row * n..];
            let out = Out { y, n, columns: columns.clone(), begin: begin.of(row..self.rows) };
            row += match Shape::Columns.height(self.rows - row, 0) {
                HEIGHT => panel::<T, S, V, HEIGHT>(simd, terms, (row, first), x, out),
                8 => panel::<T, S, V, 8>(simd, terms, (row, first), x, out),
                _ => panel::<T, S, V, 4>(simd, terms, (row, first), x, out),
            };
        }
    }

    /// A single column: lanes along the rows, and several vectors of rows at once, because a sum must
    /// wait some cycles for the one before it.
    #[inline(always)]
    fn column<S: Simd>(&mut self, simd: S) {
        let (terms, lanes, mut row) = (self.terms, T::count::<S>(), 0);
        while row < self.rows {
            let y = &mut self.y[row..];
            let begin = self.begin.of(row..self.rows);
            let height = Shape::Column.height(self.rows - row, lanes);
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

/// Where a tile goes: some columns of some rows of `n` columns.
struct Out<'a, T> {
    y: &'a mut [T],
    n: usize,
    columns: Range<usize>,
    begin: Begin<'a, T>,
}

/// Copies a row of V vectors, or of less.
#[inline(always)]
fn copy<T: Float, S: Simd, const V: usize>(to: &mut [T], from: &[T]) {
    // Whole vectors one by one: to call a function for so few would take longer than the copy.
    if let ([to], [from]) =
        (T::vectors_mut::<S>(to).as_chunks_mut::<V>().0, T::vectors::<S>(from).as_chunks::<V>().0)
    {
        *to = *from;
    } else {
        to[..from.len()].copy_from_slice(from);
    }
}

/// R rows times some columns; how many rows that were.
#[inline(always)]
fn panel<T: Float, S: Simd, const V: usize, const R: usize>(
    simd: S,
    terms: &[(Packed<'_, T>, &[T])],
    (row, first): (usize, usize),
    x: &[[T::Vector<S>; V]],
    out: Out<'_, T>,
) -> usize {
    let (mut sums, mut at) = ([[T::splat(simd, T::ZERO); V]; R], 0);
    for (w, _) in terms {
        let panel = w.panel(row, R, first).as_chunks::<R>().0;
        sums = tile::<T, S, V, R>(simd, panel, &x[at..at + panel.len()], sums);
        at += panel.len();
    }
    store(simd, sums, out);
    R
}

// ANCHOR: tile
/// `sums + Σₖ w_k x_kᵀ` for a panel of R rows: the loop in which all the time goes.
#[inline(always)]
fn tile<T: Float, S: Simd, const V: usize, const R: usize>(
    simd: S,
    panel: &[[T; R]],
    x: &[[T::Vector<S>; V]],
    mut sums: [[T::Vector<S>; V]; R],
) -> [[T::Vector<S>; V]; R] {
    for (w, x) in panel.iter().zip(x) {
        for (sums, &w) in sums.iter_mut().zip(w) {
            let w = T::splat(simd, w);
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum = T::mul_add_vectors(simd, w, x, *sum);
            }
        }
    }
    sums
}
// ANCHOR_END: tile

/// Writes a tile, or adds it, to some columns of some rows of `y`.
#[inline(always)]
fn store<T: Float, S: Simd, const V: usize, const R: usize>(
    simd: S,
    tile: [[T::Vector<S>; V]; R],
    Out { y, n, columns, begin }: Out<'_, T>,
) {
    let wide = V * T::count::<S>();
    for (r, (y, sums)) in y.chunks_exact_mut(n).zip(tile).enumerate() {
        let y = &mut y[columns.clone()];
        let begin = begin.of(r..r + 1);
        if y.len() == wide {
            write::<T, S, V>(simd, sums, y, begin);
        } else {
            let mut edge = [T::ZERO; WIDTH];
            edge[..y.len()].copy_from_slice(y);
            write::<T, S, V>(simd, sums, &mut edge[..wide], begin);
            y.copy_from_slice(&edge[..y.len()]);
        }
    }
}

/// Writes one row of a tile, or adds it.
#[inline(always)]
fn write<T: Float, S: Simd, const V: usize>(
    simd: S,
    sums: [T::Vector<S>; V],
    y: &mut [T],
    begin: Begin<'_, T>,
) {
    for (y, sum) in T::vectors_mut::<S>(y).iter_mut().zip(sums) {
        *y = match begin {
            Begin::Zero => sum,
            Begin::Bias(b) => T::add_vectors(simd, T::splat(simd, b[0]), sum),
            Begin::Add => T::add_vectors(simd, *y, sum),
        };
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
    let (lanes, mut sums) = (T::count::<S>(), [T::splat(simd, T::ZERO); G]);
    for (w, x) in terms {
        let panel = T::vectors::<S>(w.panel(row, G * lanes, 0)).as_chunks::<G>().0;
        for (w, &x) in panel.iter().zip(*x) {
            let x = T::splat(simd, x);
            for (sum, &w) in sums.iter_mut().zip(w) {
                *sum = T::mul_add_vectors(simd, w, x, *sum);
            }
        }
    }
    let mut edge = [T::ZERO; 8 * WIDTH];
    let edge = &mut edge[..G * lanes];
    T::vectors_mut::<S>(edge).copy_from_slice(&sums);
    match begin {
        Begin::Zero => y.iter_mut().zip(edge).for_each(|(y, sum)| *y = *sum),
        Begin::Bias(b) => y.iter_mut().zip(b).zip(edge).for_each(|((y, &b), sum)| *y = b + *sum),
        Begin::Add => y.iter_mut().zip(edge).for_each(|(y, sum)| *y += *sum),
    }
}
