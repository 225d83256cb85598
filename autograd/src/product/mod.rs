//! `y = W x` for weights `W` that are used again and again: the work of a recurrent network.
//!
//! A processor multiplies and adds far faster than it loads. So what is loaded must be used often:
//! the kernel keeps a *tile* of `y` in registers, 12 rows by two vectors of columns (6 by four where they are 64, 6 by
//! two on a processor with half as many registers), and runs along
//! the inner dimension. Each step of that loads two vectors of `x` and 12 numbers of `W`, for 24
//! products. To find them without a stride, it reads both *packed*:
//!
//! - `W` in panels of 12 rows, column by column, in blocks of at most 128 columns: packed once, by
//!   [`pack`](pack()), and used at every time step;
//! - `x` in blocks of as many rows and two vectors of columns: packed in every call, into 16 KiB that
//!   stay in the first-level cache while all panels of `W` pass by. Where 16, 32 or 64 columns are all, it lies right.
//!
//! A single column has no two vectors to offer. There the lanes lie along the rows of `W`: see [`Shape`]. It takes as long
//! as the weights take to arrive, so every other product begins with the last rows, which are still near.
//!
//! Weights that are used once a step have left the nearer caches by the next: the loops ask for them
//! some kilobytes ahead.
//!
//! A recurrent step wants `W x + U h + b`. Where both products fit into one block, a tile takes both
//! before it is written: [`multiply`].
//!
//! The gradient of a weight is a product too, but one of factors that serve once: [`add_outer`].
//!
//! Every entry of `y` is summed up in the same order, whatever the tile: how rows and columns are
//! split over threads changes no bit of it.

mod beside;
mod column;
mod fetch;
mod kernel;
mod outer;
mod pack;

use crate::Float;
use faer::{Accum, MatMut, MatRef};
use std::slice::SliceIndex;

pub(crate) use kernel::run_product;
pub(crate) use outer::run_outer;
pub use outer::{PANEL, Rows, add_outer, turn, turned_size};
pub use pack::pack;
pub(crate) use pack::run_pack;

/// Rows of a tile.
const HEIGHT: usize = 12;
/// The inner dimension of a block, at most.
const DEPTH: usize = 128;
/// Numbers of a vector, at most.
const LANES: usize = 16;

/// What the weights are multiplied with decides how they are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One column: panels of two vectors of rows.
    Column,
    /// More columns: panels of 12 rows.
    Columns,
}

impl Shape {
    /// The shape for `n` columns.
    pub fn of(n: usize) -> Self {
        if n == 1 { Self::Column } else { Self::Columns }
    }

    /// Rows with those that fill up the last panel.
    fn padded<T>(self, rows: usize) -> usize {
        match self {
            Self::Column => rows.next_multiple_of(64 / size_of::<T>()),
            Self::Columns => rows.next_multiple_of(4),
        }
    }

    /// How high the panel is that begins where so many rows are left, of vectors of so many lanes.
    fn height(self, left: usize, lanes: usize) -> usize {
        match self {
            Self::Column => left.div_ceil(lanes).min(column::VECTORS) * lanes,
            Self::Columns => left.next_multiple_of(4).min(HEIGHT),
        }
    }

    /// How deep the blocks are of a matrix of so many columns: all of them nearly alike.
    fn depth(self, cols: usize) -> usize {
        match self {
            Self::Column => cols.max(1),
            Self::Columns => cols.div_ceil(cols.div_ceil(DEPTH).max(1)).max(1),
        }
    }

    /// How many numbers packed weights take.
    pub fn size<T>(self, rows: usize, cols: usize) -> usize {
        self.padded::<T>(rows) * cols
    }
}

/// Packed weights: `rows × cols`.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a, T> {
    data: &'a [T],
    /// Which rows of what was packed.
    above: usize,
    rows: usize,
    cols: usize,
    /// All rows that were packed, with those that fill up the last panel.
    padded: usize,
    shape: Shape,
}

impl<'a, T: Float> Packed<'a, T> {
    /// What [`pack`](pack()) has written for weights of that size.
    ///
    /// # Panics
    /// If `data` has not [`Shape::size`] numbers.
    #[track_caller]
    pub fn new(data: &'a [T], rows: usize, cols: usize, shape: Shape) -> Self {
        let (have, need) = (data.len(), shape.size::<T>(rows, cols));
        assert!(have == need, "packed: {have} numbers for {rows}×{cols}, which takes {need}");
        Self { data, above: 0, rows, cols, padded: shape.padded::<T>(rows), shape }
    }

    /// The first `row` rows, which end with a panel or are all, and the others.
    fn split_at(self, row: usize) -> (Self, Self) {
        (Self { rows: row, ..self }, Self { above: self.above + row, rows: self.rows - row, ..self })
    }

    /// The panel of so many rows from `row` on, of the block that begins with column `first`.
    #[inline(always)]
    fn panel(&self, row: usize, height: usize, first: usize) -> &'a [T] {
        let depth = self.depth(first);
        &self.data[first * self.padded + (self.above + row) * depth..][..height * depth]
    }

    /// How deep the block is that begins with column `first`.
    fn depth(&self, first: usize) -> usize {
        self.shape.depth(self.cols).min(self.cols - first)
    }
}

/// The left factor of products: a matrix, and what the tape keeps packed of it.
#[derive(Clone, Copy, Debug)]
pub struct Factor<'a, T> {
    pub(crate) matrix: MatRef<'a, T>,
    /// For one column, and for more.
    pub(crate) packed: [Option<Packed<'a, T>>; 2],
}

impl<'a, T: Float> Factor<'a, T> {
    /// A matrix alone: it is multiplied as it lies.
    pub fn new(matrix: MatRef<'a, T>) -> Self {
        Self { matrix, packed: [None; 2] }
    }

    /// The same matrix, packed for one column or for more.
    pub fn with(self, packed: Packed<'a, T>) -> Self {
        let mut both = self.packed;
        both[packed.shape as usize] = Some(packed);
        Self { packed: both, ..self }
    }

    /// Rows of the product.
    pub fn rows(&self) -> usize {
        self.matrix.nrows()
    }

    /// Columns: the inner dimension of the product.
    pub fn cols(&self) -> usize {
        self.matrix.ncols()
    }

    /// The first rows, about `row` of them, and the others, to be multiplied with `n` columns: for two
    /// threads. The product's rows are the same bit by bit.
    pub fn split_near(self, row: usize, n: usize) -> (Self, Self) {
        let packed = self.packed_for(n);
        // Between two panels, and where the other factors of a sum can be split too.
        let unit = match packed.map(|packed| packed.shape) {
            Some(Shape::Columns) if n == 1 => column::VECTORS * LANES * 3,
            _ if n == 1 => column::VECTORS * LANES,
            _ => HEIGHT,
        };
        let at = ((row + unit / 2) / unit * unit).min(self.rows());
        let (top, bottom) = self.matrix.split_at_row(at);
        let (top, bottom) = (Factor::new(top), Factor::new(bottom));
        match packed {
            Some(packed) => {
                let (above, below) = packed.split_at(at);
                (top.with(above), bottom.with(below))
            }
            None => (top, bottom),
        }
    }

    /// Packed for `n` columns.
    fn packed_for(&self, n: usize) -> Option<Packed<'a, T>> {
        let [column, columns] = self.packed;
        column.filter(|_| n == 1).or(columns).filter(|_| self.cols() > 0)
    }
}

/// What a product begins with.
#[derive(Clone, Copy, Debug)]
pub enum Begin<'a, T> {
    /// `y = W x`
    Zero,
    /// `y = W x + b 1ᵀ`, with one entry of `b` for every row.
    Bias(&'a [T]),
    /// `y += W x`
    Add,
}

impl<T> Begin<'_, T> {
    /// The same for some of the rows.
    #[inline(always)]
    pub fn of(self, rows: impl SliceIndex<[T], Output = [T]>) -> Self {
        match self {
            Self::Bias(b) => Self::Bias(&b[rows]),
            other => other,
        }
    }
}

/// `y = Σₖ Wₖ xₖ`, or with a bias, or added to `y`. `Wₖ` is R×Cₖ, `xₖ` Cₖ×n and `y` R×n, row by row.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn multiply<T: Float>(y: &mut [T], mut begin: Begin<'_, T>, terms: &[(Factor<'_, T>, &[T])]) {
    let need = y.len();
    for (w, x) in terms {
        let ((rows, cols), have) = (w.matrix.shape(), x.len());
        let n = need.checked_div(rows).unwrap_or(have / cols.max(1));
        let fits = have == cols * n && need == rows * n;
        assert!(fits, "product: {rows}×{cols} times {have} numbers is not {need}");
    }
    if need == 0 {
        return;
    }
    // Two at a time: a recurrent step has no more.
    for pair in terms.chunks(2) {
        let n = need / pair[0].0.rows().max(1);
        if let &[(v, x), (w, z)] = pair
            && let (Some(v), Some(w)) = (v.packed_for(n), w.packed_for(n))
        {
            T::packed_times(y, begin, &[(v, x), (w, z)]);
            begin = Begin::Add;
            continue;
        }
        for &(w, x) in pair {
            match w.packed_for(n) {
                Some(w) => T::packed_times(y, begin, &[(w, x)]),
                None => unpacked(y, begin, w.matrix, x),
            }
            begin = Begin::Add;
        }
    }
}

/// The product of a matrix as it lies, by faer.
fn unpacked<T: Float>(y: &mut [T], begin: Begin<'_, T>, w: MatRef<'_, T>, x: &[T]) {
    let (rows, cols) = w.shape();
    let n = y.len().checked_div(rows).unwrap_or(0);
    if let Begin::Bias(b) = begin {
        y.chunks_exact_mut(n.max(1)).zip(b).for_each(|(row, &b)| row.fill(b));
    }
    let accum = if matches!(begin, Begin::Zero) { Accum::Replace } else { Accum::Add };
    let (x, y) = (MatRef::from_row_major_slice(x, cols, n), MatMut::from_row_major_slice_mut(y, rows, n));
    T::matmul(y, accum, w, x);
}
