//! `y = W x` for weights `W` that are used again and again: the work of a recurrent network.
//!
//! A processor multiplies and adds far faster than it loads. So what is loaded must be used often:
//! the kernel keeps a *tile* of `y` in registers, 12 rows by two vectors of columns, and runs along
//! the inner dimension. Each step of that loads two vectors of `x` and 12 numbers of `W`, for 24
//! products. To find them without a stride, it reads both *packed*:
//!
//! - `W` in panels of 12 rows, column by column, in blocks of 128 columns: packed once, by [`pack`],
//!   and used at every time step;
//! - `x` in blocks of 128 rows and two vectors of columns: packed in every call, into 16 KiB that
//!   stay in the first-level cache while all panels of `W` pass by.
//!
//! A single column has no two vectors to offer. There the lanes lie along the rows of `W`: see [`Shape`].
//!
//! Every entry of `y` is summed up in the same order, whatever the tile: how rows and columns are
//! split over threads changes no bit of it.

use crate::Float;
use faer::{Accum, MatMut, MatRef};
use pulp::{Arch, Simd, WithSimd};

/// Rows of a tile.
const HEIGHT: usize = 12;
/// The inner dimension of a block.
const DEPTH: usize = 128;
/// Columns of a tile, at most: two vectors of 16.
const WIDTH: usize = 32;

/// What the weights are multiplied with decides how they are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One column: groups of as many rows as a vector has lanes.
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
            Self::Columns => rows.next_multiple_of(HEIGHT),
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

/// The left factor of products: a matrix, and what the tape keeps packed of it.
#[derive(Clone, Copy, Debug)]
pub struct Factor<'a, T> {
    pub(crate) matrix: MatRef<'a, T>,
    /// For one column, and for more.
    pub(crate) packed: [Option<Packed<'a, T>>; 2],
}

impl<T: Float> Factor<'_, T> {
    /// Rows of the product.
    pub fn rows(&self) -> usize {
        self.matrix.nrows()
    }

    /// Columns: the inner dimension of the product.
    pub fn cols(&self) -> usize {
        self.matrix.ncols()
    }

    /// The first rows, about `row` of them, and the others: for two threads. The product's rows are the
    /// same bit by bit.
    pub fn split_near(self, row: usize) -> (Self, Self) {
        // Between two panels, and, where there are groups of lanes, between two of those too.
        let unit = if self.packed[0].is_some() { 4 * HEIGHT } else { HEIGHT };
        let at = ((row + unit / 2) / unit * unit).min(self.rows());
        let (top, bottom) = self.matrix.split_at_row(at);
        let [(a, b), (c, d)] = self.packed.map(|packed| match packed.map(|packed| packed.split_at(at)) {
            Some((top, bottom)) => (Some(top), Some(bottom)),
            None => (None, None),
        });
        (Self { matrix: top, packed: [a, c] }, Self { matrix: bottom, packed: [b, d] })
    }

    /// `y = A x`, or with a bias, or added to `y`. `x` is C×n and `y` R×n, row by row.
    ///
    /// # Panics
    /// If the sizes do not fit.
    #[track_caller]
    pub fn times(self, x: &[T], y: &mut [T], begin: Begin<'_, T>) {
        let ((rows, cols), (have, need)) = (self.matrix.shape(), (x.len(), y.len()));
        let n = need.checked_div(rows).unwrap_or(have / cols.max(1));
        let fits = have == cols * n && need == rows * n;
        assert!(fits, "product: {rows}×{cols} times {have} numbers is not {need}");
        let [column, columns] = self.packed;
        if let Some(w) = column.filter(|_| n == 1).or(columns).filter(|_| cols > 0) {
            return w.times(x, y, begin);
        }
        if let Begin::Bias(b) = begin {
            y.chunks_exact_mut(n.max(1)).zip(b).for_each(|(row, &b)| row.fill(b));
        }
        let accum = if matches!(begin, Begin::Zero) { Accum::Replace } else { Accum::Add };
        let (x, y) = (MatRef::from_row_major_slice(x, cols, n), MatMut::from_row_major_slice_mut(y, rows, n));
        T::matmul(y, accum, self.matrix, x);
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

impl<'a, T: Float> Packed<'a, T> {
    /// What [`pack`] has written for weights of that size.
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
        debug_assert!(row == self.rows || row.is_multiple_of(self.shape.padded::<T>(1)));
        (Self { rows: row, ..self }, Self { above: self.above + row, rows: self.rows - row, ..self })
    }

    /// Rows of the weights.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the weights.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// `y = W x`, or with a bias, or added to `y`. `x` is C×n and `y` R×n, row by row.
    ///
    /// # Panics
    /// If the sizes do not fit, or the weights were packed for one column and `x` has more.
    #[track_caller]
    pub fn times(self, x: &[T], y: &mut [T], begin: Begin<'_, T>) {
        let (Self { rows, cols, .. }, n) = (self, x.len() / self.cols.max(1));
        let (a, b) = (x.len(), y.len());
        assert!(a == cols * n && b == rows * n, "product: {rows}×{cols} times {a} numbers is not {b}");
        let fits = self.shape == Shape::Columns || n == 1;
        assert!(fits, "product: packed for one column, used for {n}");
        T::packed_times(self, x, y, begin);
    }
}

/// Writes the weights `w` in the order in which products read them.
///
/// # Panics
/// If `out` has not [`Shape::size`] numbers.
#[track_caller]
pub fn pack<T: Float>(out: &mut [T], w: MatRef<'_, T>, shape: Shape) {
    let (have, need) = (out.len(), shape.size::<T>(w.nrows(), w.ncols()));
    assert!(have == need, "pack: {have} numbers for {:?}, which takes {need}", w.shape());
    T::pack(out, w, shape);
}

/// The same, compiled for the processor's best instructions.
pub(crate) fn run_pack<T: Float>(out: &mut [T], w: MatRef<'_, T>, shape: Shape) {
    Arch::new().dispatch(Pack { out, w, shape });
}

/// [`Packed::times`], compiled for the processor's best instructions.
pub(crate) fn run_product<T: Float>(w: Packed<'_, T>, x: &[T], y: &mut [T], begin: Begin<'_, T>) {
    let n = x.len() / w.cols.max(1);
    Arch::new().dispatch(Product { w, x, y, n, begin });
}

struct Pack<'a, T> {
    out: &'a mut [T],
    w: MatRef<'a, T>,
    shape: Shape,
}

impl<T: Float> WithSimd for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { out, w, shape } = self;
        let padded = shape.padded::<T>(w.nrows());
        let (height, depth) = match shape {
            Shape::Column => (T::count::<S>(), w.ncols().max(1)),
            Shape::Columns => (HEIGHT, DEPTH),
        };
        let blocks = (0..w.ncols()).step_by(depth);
        for (block, first) in out.chunks_mut((padded * depth).max(1)).zip(blocks) {
            let columns = depth.min(w.ncols() - first);
            for (panel, row) in block.chunks_exact_mut(height * columns).zip((0..padded).step_by(height)) {
                let rows = height.min(w.nrows().saturating_sub(row));
                pack_panel(panel, height, w.submatrix(row.min(w.nrows()), first, rows, columns));
            }
        }
    }
}

/// Writes a panel column by column, with zeros below the last row.
#[inline(always)]
fn pack_panel<T: Float>(panel: &mut [T], height: usize, w: MatRef<'_, T>) {
    if w.nrows() < height {
        panel.fill(T::ZERO);
    }
    if w.row_stride() == 1 {
        for (to, from) in panel.chunks_exact_mut(height).zip(w.col_iter()) {
            if let Some(from) = from.try_as_col_major() {
                to[..w.nrows()].copy_from_slice(from.as_slice());
            }
        }
        return;
    }
    for (r, row) in w.row_iter().enumerate() {
        let to = panel[r..].iter_mut().step_by(height);
        match row.transpose().try_as_col_major() {
            Some(row) => to.zip(row.as_slice()).for_each(|(to, &w)| *to = w),
            None => to.zip(row.iter()).for_each(|(to, &w)| *to = w),
        }
    }
}

struct Product<'a, T> {
    w: Packed<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
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
        if self.w.shape == Shape::Column {
            return self.column(simd);
        }
        let mut block = Block([T::ZERO; DEPTH * WIDTH]);
        let lanes = T::count::<S>();
        for j in (0..self.n).step_by(2 * lanes) {
            let width = (2 * lanes).min(self.n - j);
            if width > lanes {
                self.columns::<S, 2>(simd, j, width, &mut block);
            } else {
                self.columns::<S, 1>(simd, j, width, &mut block);
            }
        }
    }
}

impl<T: Float> Product<'_, T> {
    /// Columns `j..j + width`, which fill V vectors or less.
    #[inline(always)]
    fn columns<S: Simd, const V: usize>(&mut self, simd: S, j: usize, width: usize, block: &mut Block<T>) {
        let (Packed { data, above, rows, cols, padded, .. }, n) = (self.w, self.n);
        let wide = V * T::count::<S>();
        for first in (0..cols).step_by(DEPTH) {
            let depth = DEPTH.min(cols - first);
            let from = self.x[first * n..].chunks_exact(n);
            for (to, from) in block.0.chunks_exact_mut(wide).zip(from).take(depth) {
                to[..width].copy_from_slice(&from[j..j + width]);
            }
            let x = T::vectors::<S>(&block.0[..depth * wide]).as_chunks::<V>().0;
            let panels = data[first * padded..][above * depth..padded * depth].chunks_exact(depth * HEIGHT);
            let begin = if first == 0 { self.begin } else { Begin::Add };
            for (panel, row) in panels.zip((0..rows).step_by(HEIGHT)) {
                let tile = tile::<T, S, V>(simd, panel, x);
                let rows = row..rows.min(row + HEIGHT);
                store(simd, tile, &mut self.y[rows.start * n..rows.end * n], n, j..j + width, begin.of(rows));
            }
        }
    }

    /// A single column: lanes along the rows, and several groups of rows at once, because a sum must
    /// wait some cycles for the one before it.
    #[inline(always)]
    fn column<S: Simd>(&mut self, simd: S) {
        let (Packed { data, above, rows, cols, .. }, lanes) = (self.w, T::count::<S>());
        let mut row = 0;
        while row < rows {
            let left = (rows - row).div_ceil(lanes);
            let data = &data[(above + row) * cols..];
            let y = &mut self.y[row..];
            let begin = self.begin.of(row..rows);
            row += lanes
                * match left {
                    8.. => groups::<T, S, 8>(simd, data, self.x, y, begin),
                    4.. => groups::<T, S, 4>(simd, data, self.x, y, begin),
                    2.. => groups::<T, S, 2>(simd, data, self.x, y, begin),
                    _ => groups::<T, S, 1>(simd, data, self.x, y, begin),
                };
        }
    }
}

impl<'a, T> Begin<'a, T> {
    /// The same for some of the rows.
    #[inline(always)]
    pub fn of(self, rows: std::ops::Range<usize>) -> Self {
        match self {
            Self::Bias(b) => Self::Bias(&b[rows]),
            other => other,
        }
    }
}

/// `Σₖ w_k x_kᵀ` for a panel of 12 rows: the loop in which all the time goes.
#[inline(always)]
fn tile<T: Float, S: Simd, const V: usize>(
    simd: S,
    panel: &[T],
    x: &[[T::Vector<S>; V]],
) -> [[T::Vector<S>; V]; HEIGHT] {
    let mut sums = [[T::splat(simd, T::ZERO); V]; HEIGHT];
    for (w, x) in panel.as_chunks::<HEIGHT>().0.iter().zip(x) {
        for (sums, &w) in sums.iter_mut().zip(w) {
            let w = T::splat(simd, w);
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum = T::mul_add_vectors(simd, w, x, *sum);
            }
        }
    }
    sums
}

/// Writes a tile, or adds it, to columns `j` of some rows of `y`.
#[inline(always)]
fn store<T: Float, S: Simd, const V: usize>(
    simd: S,
    tile: [[T::Vector<S>; V]; HEIGHT],
    y: &mut [T],
    n: usize,
    j: std::ops::Range<usize>,
    begin: Begin<'_, T>,
) {
    let wide = V * T::count::<S>();
    for (r, (y, sums)) in y.chunks_exact_mut(n).zip(tile).enumerate() {
        let y = &mut y[j.clone()];
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

/// G groups of rows times one column; how many groups that were.
#[inline(always)]
fn groups<T: Float, S: Simd, const G: usize>(
    simd: S,
    data: &[T],
    x: &[T],
    y: &mut [T],
    begin: Begin<'_, T>,
) -> usize {
    let (lanes, depth) = (T::count::<S>(), x.len());
    let groups: [&[T::Vector<S>]; G] =
        std::array::from_fn(|g| T::vectors::<S>(&data[g * lanes * depth..][..lanes * depth]));
    let mut sums = [T::splat(simd, T::ZERO); G];
    for (k, &x) in x.iter().enumerate() {
        let x = T::splat(simd, x);
        for (sum, group) in sums.iter_mut().zip(groups) {
            *sum = T::mul_add_vectors(simd, group[k], x, *sum);
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
    G
}
