//! `S += A Yᵀ`, summed up over many columns: the work of a weight's gradient.
//!
//! Where `z_t = W y_t`, `dW = Σ_t dz_t y_tᵀ`: every column adds an *outer product*. Neither factor is used
//! again, so packing both would cost too much. Only `Y`, the smaller one, is *turned*: the numbers of a
//! column lie side by side then, in panels of 64. `A` is read as it lies, in blocks of columns: those of one
//! time step after those of another. A tile of 6 rows by four vectors of `S` stays in registers while the
//! columns of all blocks pass by: each loads four vectors of `Y` and 6 numbers of `A`, for 24 products.
//!
//! Every entry of `S` is summed up from the first column to the last, whatever the tile.

use crate::Float;
use pulp::{Arch, Simd, WithSimd};
use std::hint::black_box;

/// Rows of `Y` in a panel.
pub const PANEL: usize = 64;
/// Rows and columns that are turned at once.
const SQUARE: usize = 4;
/// Rows of a tile.
const HEIGHT: usize = 6;
/// Numbers of the panel that stays in the first-level cache while all rows of `A` pass by, at most; and of
/// those that stay in the second-level cache where it is larger.
const NEAR: [usize; 2] = [1 << 13, 1 << 17];

/// Rows of a matrix: so many numbers of each, which begin so far apart.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// From the first row on.
    pub data: &'a [T],
    /// Numbers of a row.
    pub width: usize,
    /// Numbers from the beginning of a row to that of the next.
    pub apart: usize,
}

impl<'a, T> Rows<'a, T> {
    /// No rows.
    pub const EMPTY: Self = Self { data: &[], width: 0, apart: 0 };

    /// The rows from this one on.
    #[inline(always)]
    pub fn from(self, row: usize) -> Self {
        Self { data: &self.data[row * self.apart..], ..self }
    }

    /// One row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [T] {
        &self.data[row * self.apart..][..self.width]
    }
}

/// How many numbers `n` columns of so many rows take when they are turned.
pub fn turned_size(rows: usize, n: usize) -> usize {
    rows.next_multiple_of(PANEL) * n
}

/// Turns `count` rows of `y`: writes them as columns of a panel, from column `at` on. The panel's rows
/// belong to the columns of `y`.
///
/// # Panics
/// If the panel or `y` is smaller than that.
#[track_caller]
pub fn turn<T: Float>(panel: &mut [T], at: usize, y: Rows<'_, T>, count: usize) {
    let panel = &mut panel.as_chunks_mut::<PANEL>().0[..y.width];
    if y.width == 1 && y.apart == 1 {
        return panel[0][at..at + count].copy_from_slice(&y.data[..count]);
    }
    let whole = count / SQUARE * SQUARE;
    for row in (0..whole).step_by(SQUARE) {
        turn_rows::<T, SQUARE>(panel, at + row, y.from(row));
    }
    for row in whole..count {
        turn_rows::<T, 1>(panel, at + row, y.from(row));
    }
}

/// The same for R rows: squares whose sides are a quarter of a cache line, so that a line is not written to as often.
#[inline(always)]
fn turn_rows<T: Float, const R: usize>(panel: &mut [[T; PANEL]], at: usize, y: Rows<'_, T>) {
    let rows: [_; R] = std::array::from_fn(|r| y.row(r).as_chunks::<SQUARE>());
    let (squares, rest) = panel.as_chunks_mut::<SQUARE>();
    for (k, to) in squares.iter_mut().enumerate() {
        let square: [_; R] = std::array::from_fn(|r| rows[r].0[k]);
        for (k, to) in to.iter_mut().enumerate() {
            let to: &mut [T; R] = to[at..].first_chunk_mut().expect("R columns");
            *to = std::array::from_fn(|r| square[r][k]);
        }
    }
    for (k, to) in rest.iter_mut().enumerate() {
        to[at..].iter_mut().zip(rows).for_each(|(to, (_, row))| *to = row[k]);
    }
}

/// `S += A Yᵀ`: `sums` is S, row by row, with `wide` numbers in each, `y` turned rows, and the columns of A
/// are those of these blocks, one after the other, of which the rows from `first` on are taken. What `y` has
/// beyond `wide` rows is left out.
///
/// # Panics
/// If the sizes do not fit, or `wide` is no multiple of 16.
#[track_caller]
pub fn add_outer<T: Float>(sums: &mut [T], wide: usize, (a, first): (&[Rows<'_, T>], usize), y: &[T]) {
    let n = a.iter().map(|block| block.width).sum();
    let (have, need) = (y.len(), turned_size(wide, n));
    assert!(have == need && wide.is_multiple_of(16), "outer: {have} numbers for {wide}×{n}");
    assert!(sums.len().is_multiple_of(wide.max(1)), "outer: {} sums in rows of {wide}", sums.len());
    if need > 0 {
        T::add_outer(sums, wide, (a, first), y);
    }
}

/// The same, compiled for the processor's best instructions.
pub(crate) fn run_outer<T: Float>(sums: &mut [T], wide: usize, a: (&[Rows<'_, T>], usize), y: &[T]) {
    Arch::new().dispatch(Outer { sums, wide, a, y });
}

struct Outer<'a, T> {
    sums: &'a mut [T],
    wide: usize,
    a: (&'a [Rows<'a, T>], usize),
    y: &'a [T],
}

impl<T: Float> WithSimd for Outer<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, wide, a: (blocks, first), y } = self;
        let size = PANEL * blocks.iter().map(|block| block.width).sum::<usize>();
        let single = blocks.iter().all(|block| block.width == 1 && block.apart == 1);
        let near = if size <= NEAR[0] { 1 } else { (NEAR[1] / size).max(1) };
        for (k, panels) in y.chunks(near * size).enumerate() {
            let (mut row, rows) = (0, sums.len() / wide);
            while row < rows {
                let (sums, at) = (&mut sums[row * wide..], (wide, k * near));
                let a = Left { blocks, row: first + row, single };
                row += match rows - row {
                    HEIGHT.. => rows_of::<T, S, HEIGHT>(simd, sums, at, a, panels, size),
                    2.. => rows_of::<T, S, 2>(simd, sums, at, a, panels, size),
                    _ => rows_of::<T, S, 1>(simd, sums, at, a, panels, size),
                };
            }
        }
    }
}

/// Rows of the left factor, from this one on.
#[derive(Clone, Copy)]
struct Left<'a, T> {
    blocks: &'a [Rows<'a, T>],
    row: usize,
    /// Whether every block is a single column, whose numbers lie side by side.
    single: bool,
}

/// R rows of the sums, with some panels, of such a size each; how many rows that were.
#[inline(always)]
fn rows_of<T: Float, S: Simd, const R: usize>(
    simd: S,
    sums: &mut [T],
    (wide, first): (usize, usize),
    a: Left<'_, T>,
    panels: &[T],
    size: usize,
) -> usize {
    let lanes = T::count::<S>();
    for (k, panel) in panels.chunks_exact(size).enumerate() {
        let (start, mut at) = ((first + k) * PANEL, 0);
        let end = PANEL.min(wide - start);
        while at < end {
            let sums = &mut sums[start + at..];
            // With 16 registers, a tile has two vectors.
            at += match (end - at) / lanes {
                4.. if S::REGISTER_COUNT >= 32 => tile::<T, S, R, 4>(simd, sums, wide, a, (panel, at)),
                2.. => tile::<T, S, R, 2>(simd, sums, wide, a, (panel, at)),
                _ => tile::<T, S, R, 1>(simd, sums, wide, a, (panel, at)),
            };
        }
    }
    R
}

/// R rows by V vectors of the sums; how many columns that were.
#[inline(always)]
fn tile<T: Float, S: Simd, const R: usize, const V: usize>(
    simd: S,
    sums: &mut [T],
    wide: usize,
    Left { blocks, row, single }: Left<'_, T>,
    (panel, at): (&[T], usize),
) -> usize {
    let (mut tile, mut panel) = ([[T::splat(simd, T::ZERO); V]; R], panel.as_chunks::<PANEL>().0);
    if single {
        for (block, y) in blocks.iter().zip(panel) {
            let a: &[T; R] = block.data[row..].first_chunk().expect("R rows");
            tile = add_columns::<T, S, R, V>(simd, tile, std::slice::from_ref(y), at, |_, r| a[r]);
        }
    } else {
        for block in blocks {
            let (y, after) = panel.split_at(block.width);
            panel = after;
            // As if the rows lay anywhere: to step from one to the next would take an addition for each number.
            let a: [&[T]; R] = std::array::from_fn(|r| &black_box(block.row(row + r))[..y.len()]);
            tile = add_columns::<T, S, R, V>(simd, tile, y, at, |k, r| a[r][k]);
        }
    }
    for (sums, tile) in sums.chunks_mut(wide).zip(tile) {
        for (sum, more) in T::vectors_mut::<S>(sums).iter_mut().zip(tile) {
            *sum = T::add_vectors(simd, *sum, more);
        }
    }
    V * T::count::<S>()
}

// ANCHOR: tile
/// `sums + Σₖ a_k y_kᵀ` for R rows of a block: the loop in which all the time goes.
#[inline(always)]
fn add_columns<T: Float, S: Simd, const R: usize, const V: usize>(
    simd: S,
    mut sums: [[T::Vector<S>; V]; R],
    y: &[[T; PANEL]],
    at: usize,
    a: impl Fn(usize, usize) -> T,
) -> [[T::Vector<S>; V]; R] {
    for (k, y) in y.iter().enumerate() {
        let y = &T::vectors::<S>(&y[at..]).as_chunks::<V>().0[0];
        for (r, sums) in sums.iter_mut().enumerate() {
            let a = T::splat(simd, a(k, r));
            for (sum, &y) in sums.iter_mut().zip(y) {
                *sum = T::mul_add_vectors(simd, a, y, *sum);
            }
        }
    }
    sums
}
// ANCHOR_END: tile
