//! The products of a recurrent step, on blocks: row-major matrices of any number of columns.

use autograd::Float;
use autograd::product::{Begin, Factor};

/// `y = Σₖ Wₖ xₖ + b 1ᵀ`: the pre-activations of a step. `y` is R×n, `b` R×1, `Wₖ` R×Cₖ, `xₖ` Cₖ×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn affine<T: Float>(y: &mut [T], b: &[T], products: &[(Factor<'_, T>, &[T])]) {
    let mut begin = Begin::Bias(b);
    for &(w, x) in products {
        w.times(x, y, begin);
        begin = Begin::Add;
    }
}

/// `y += W x`, with `W` R×C, `x` C×n and `y` R×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn add_product<T: Float>(y: &mut [T], w: Factor<'_, T>, x: &[T]) {
    w.times(x, y, Begin::Add);
}

/// `y = W x`, with `W` R×C, `x` C×n and `y` R×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn product<T: Float>(y: &mut [T], w: Factor<'_, T>, x: &[T]) {
    w.times(x, y, Begin::Zero);
}

/// `y = b 1ᵀ`: every column is `b`.
pub fn fill_rows<T: Float>(y: &mut [T], b: &[T]) {
    let n = (y.len() / b.len().max(1)).max(1);
    y.chunks_exact_mut(n).zip(b).for_each(|(row, &b)| row.fill(b));
}

// ANCHOR: diagonal
/// `y += diag(w) x`: row `r` of `x` times entry `r` of `w`. `y` and `x` are R×n.
pub fn add_diagonal<T: Float>(y: &mut [T], w: &[T], x: &[T]) {
    let n = (x.len() / w.len().max(1)).max(1);
    for ((y, x), &w) in y.chunks_exact_mut(n).zip(x.chunks_exact(n)).zip(w) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y += w * x);
    }
}
// ANCHOR_END: diagonal
