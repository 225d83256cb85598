//! The loops that multiply several columns.

use super::beside::{Block, beside};
use super::column::Single;
use super::fetch::{LATER, SOON, fetch};
use super::{Begin, DEPTH, HEIGHT, LANES, Packed, Shape};
use crate::Float;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// `y = Σₖ Wₖ xₖ` (see [`super::multiply`]), compiled for the processor's best instructions.
pub(crate) fn run_product<T: Float>(y: &mut [T], begin: Begin<'_, T>, terms: &[(Packed<'_, T>, &[T])]) {
    let Packed { rows, shape, .. } = terms[0].0;
    let n = y.len() / rows.max(1);
    match shape {
        Shape::Column => Arch::new().dispatch(Single { terms, y, begin }),
        Shape::Columns => Arch::new().dispatch(Product { terms, y, rows, n, begin }),
    }
}

struct Product<'a, T> {
    terms: &'a [(Packed<'a, T>, &'a [T])],
    y: &'a mut [T],
    rows: usize,
    n: usize,
    begin: Begin<'a, T>,
}

/// Weights of so many bytes may have left the second-level cache before they are used again.
const LARGE: usize = 1 << 20;

impl<T: Float> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.terms.iter().any(|(w, _)| size_of::<T>() * w.rows * w.cols >= LARGE) {
            true => self.all::<S, LATER>(simd),
            false => self.all::<S, SOON>(simd),
        }
    }
}

impl<T: Float> Product<'_, T> {
    /// All columns, while weights are fetched so many bytes ahead.
    #[inline(always)]
    fn all<S: Simd, const AHEAD: usize>(&mut self, simd: S) {
        let (n, lanes) = (self.n, T::count::<S>());
        // As many columns as some vectors hold lie right as they are.
        match n / lanes {
            1 if n == lanes => return self.columns::<S, 1, AHEAD>(simd, 0..n, &mut []),
            2 if n == 2 * lanes => return self.columns::<S, 2, AHEAD>(simd, 0..n, &mut []),
            4 if n == 4 * lanes && S::REGISTER_COUNT >= 32 => {
                return self.columns::<S, 4, AHEAD>(simd, 0..n, &mut []);
            }
            _ => (),
        }
        let mut block = Block([T::ZERO; DEPTH * 2 * LANES]);
        for j in (0..n).step_by(2 * lanes) {
            let width = (2 * lanes).min(n - j);
            if width > lanes {
                self.columns::<S, 2, AHEAD>(simd, j..j + width, &mut block.0);
            } else {
                self.columns::<S, 1, AHEAD>(simd, j..j + width, &mut block.0);
            }
        }
    }

    /// Some columns, which fill V vectors or less: block after block, or all terms as one block.
    #[inline(always)]
    fn columns<S: Simd, const V: usize, const AHEAD: usize>(
        &mut self,
        simd: S,
        columns: Range<usize>,
        block: &mut [T],
    ) {
        let (terms, mut begin) = (self.terms, self.begin);
        if terms.iter().map(|(w, _)| w.cols).sum::<usize>() <= DEPTH {
            return self.block::<S, V, AHEAD>(simd, columns, terms, 0, begin, block);
        }
        for term in terms {
            let cols = term.0.cols;
            for first in (0..cols).step_by(Shape::Columns.depth(cols)) {
                let term = std::slice::from_ref(term);
                self.block::<S, V, AHEAD>(simd, columns.clone(), term, first, begin, block);
                begin = Begin::Add;
            }
        }
    }

    /// The terms' blocks that begin with column `first`, of all rows.
    #[inline(always)]
    fn block<'b, S: Simd, const V: usize, const AHEAD: usize>(
        &mut self,
        simd: S,
        columns: Range<usize>,
        terms: &'b [(Packed<'b, T>, &'b [T])],
        first: usize,
        begin: Begin<'_, T>,
        mut block: &'b mut [T],
    ) {
        let n = self.n;
        let mut xs = [&[][..]; 2];
        for (xs, (w, x)) in xs.iter_mut().zip(terms) {
            let x = &x[first * n..][..w.depth(first) * n];
            *xs = T::vectors::<S>(beside::<T, S, V>(x, n, &columns, &mut block)).as_chunks::<V>().0;
        }
        // A tile takes three quarters of the registers: the rest is for operands.
        let fits = 4 * V * HEIGHT <= 3 * S::REGISTER_COUNT;
        let mut row = 0;
        while row < self.rows {
            let (at, y) = ((row, first), &mut self.y[row * n..]);
            let out = Out { y, n, columns: columns.clone(), begin: begin.of(row..) };
            row += match Shape::Columns.height(self.rows - row, 0) {
                HEIGHT if fits => panel::<T, S, V, HEIGHT, HEIGHT, AHEAD>(simd, terms, at, xs, out),
                HEIGHT => panel::<T, S, V, HEIGHT, 6, 0>(simd, terms, at, xs, out),
                8 => panel::<T, S, V, 8, 4, 0>(simd, terms, at, xs, out),
                _ => panel::<T, S, V, 4, 4, 0>(simd, terms, at, xs, out),
            };
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

impl<T: Float> Out<'_, T> {
    /// The same below so many rows.
    #[inline(always)]
    fn below(&mut self, rows: usize) -> Out<'_, T> {
        let &mut Self { ref mut y, n, ref columns, begin } = self;
        Out { y: &mut y[rows * n..], n, columns: columns.clone(), begin: begin.of(rows..) }
    }
}

/// A panel of H rows times some columns, R rows at once; how many rows that were.
#[inline(always)]
fn panel<T: Float, S: Simd, const V: usize, const H: usize, const R: usize, const AHEAD: usize>(
    simd: S,
    terms: &[(Packed<'_, T>, &[T])],
    (row, first): (usize, usize),
    x: [&[[T::Vector<S>; V]]; 2],
    mut out: Out<'_, T>,
) -> usize {
    for above in (0..H).step_by(R) {
        let mut sums = [[T::splat(simd, T::ZERO); V]; R];
        for ((w, _), x) in terms.iter().zip(x) {
            let panel = w.panel(row, H, first).as_chunks::<H>().0;
            sums = tile::<T, S, V, H, R, AHEAD>(simd, (panel, above), x, sums);
        }
        store(simd, sums, out.below(above));
    }
    H
}

// ANCHOR: tile
/// `sums + Σₖ w_k x_kᵀ` for R rows of a panel: the loop in which all the time goes.
#[inline(always)]
fn tile<T: Float, S: Simd, const V: usize, const H: usize, const R: usize, const AHEAD: usize>(
    simd: S,
    (panel, above): (&[[T; H]], usize),
    x: &[[T::Vector<S>; V]],
    mut sums: [[T::Vector<S>; V]; R],
) -> [[T::Vector<S>; V]; R] {
    for (w, x) in panel.iter().zip(x) {
        fetch(w, AHEAD);
        for (sums, &w) in sums.iter_mut().zip(&w[above..]) {
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
            let mut edge = [T::ZERO; 4 * LANES];
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
