//! The products of a recurrent step, on blocks: row-major matrices of any number of columns.

use autograd::Float;
use autograd::ops::matmul;
use faer::{Accum, MatMut, MatRef};

/// `y = Σₖ Wₖ xₖ + b 1ᵀ`: the pre-activations of a step. `y` is R×n, `b` R×1, `Wₖ` R×Cₖ, `xₖ` Cₖ×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn affine<T: Float>(y: &mut [T], b: &[T], products: &[(MatRef<'_, T>, &[T])]) {
    let n = y.len() / b.len().max(1);
    y.chunks_exact_mut(n.max(1)).zip(b).for_each(|(row, &b)| row.fill(b));
    products.iter().for_each(|&(w, x)| add_product(y, w, x));
}

/// `y += W x`, with `W` R×C, `x` C×n and `y` R×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn add_product<T: Float>(y: &mut [T], w: MatRef<'_, T>, x: &[T]) {
    multiply(y, Accum::Add, w, x);
}

/// `y = W x`, with `W` R×C, `x` C×n and `y` R×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn product<T: Float>(y: &mut [T], w: MatRef<'_, T>, x: &[T]) {
    multiply(y, Accum::Replace, w, x);
}

/// `y += diag(w) x`: row `r` of `x` times entry `r` of `w`. `y` and `x` are R×n.
pub fn add_diagonal<T: Float>(y: &mut [T], w: &[T], x: &[T]) {
    let n = (x.len() / w.len().max(1)).max(1);
    for ((y, x), &w) in y.chunks_exact_mut(n).zip(x.chunks_exact(n)).zip(w) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y += w * x);
    }
}

#[track_caller]
fn multiply<T: Float>(y: &mut [T], accum: Accum, w: MatRef<'_, T>, x: &[T]) {
    let (rows, cols) = w.shape();
    let n = x.len() / cols.max(1);
    let (a, b) = (x.len(), y.len());
    assert!(a == cols * n && b == rows * n, "product: {rows}×{cols} times {a} numbers does not make {b}");
    let (y, x) = (MatMut::from_row_major_slice_mut(y, rows, n), MatRef::from_row_major_slice(x, cols, n));
    matmul(y, accum, w, x);
}
