//! Weights in the order in which the kernel reads them.

use super::Shape;
use crate::Float;
use faer::MatRef;
use pulp::{Arch, Simd, WithSimd};

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
        let (padded, depth) = (shape.padded::<T>(w.nrows()), shape.depth(w.ncols()));
        let blocks = (0..w.ncols()).step_by(depth);
        for (mut block, first) in out.chunks_mut((padded * depth).max(1)).zip(blocks) {
            let columns = depth.min(w.ncols() - first);
            let mut row = 0;
            while row < w.nrows() {
                let height = shape.height(w.nrows() - row, T::count::<S>());
                let (panel, below) = block.split_at_mut(height * columns);
                let rows = height.min(w.nrows() - row);
                pack_panel(panel, height, w.submatrix(row, first, rows, columns));
                (block, row) = (below, row + height);
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
