//! The products of a recurrent step, on blocks: row-major matrices of any number of columns. Threads
//! share their rows.

use crate::threads;
use autograd::Float;
use autograd::product::{Begin, Factor};

/// `y = Σₖ Wₖ xₖ + b 1ᵀ`: the pre-activations of a step. `y` is R×n, `b` R×1, `Wₖ` R×Cₖ, `xₖ` Cₖ×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn affine<T: Float, const K: usize>(y: &mut [T], b: &[T], products: [(Factor<'_, T>, &[T]); K]) {
    multiply(y, Begin::Bias(b), products, threads_for(y, &products));
}

/// `y += W x`, with `W` R×C, `x` C×n and `y` R×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn add_product<T: Float>(y: &mut [T], w: Factor<'_, T>, x: &[T]) {
    multiply(y, Begin::Add, [(w, x)], threads_for(y, &[(w, x)]));
}

/// `y = W x`, with `W` R×C, `x` C×n and `y` R×n.
///
/// # Panics
/// If the sizes do not fit.
#[track_caller]
pub fn product<T: Float>(y: &mut [T], w: Factor<'_, T>, x: &[T]) {
    multiply(y, Begin::Zero, [(w, x)], threads_for(y, &[(w, x)]));
}

fn threads_for<T: Float>(y: &[T], products: &[(Factor<'_, T>, &[T])]) -> usize {
    threads::worth(products.iter().map(|(w, _)| w.cols()).sum::<usize>() * y.len())
}

// ANCHOR: rows
/// The products, by so many threads: one half of them takes the upper rows, the other the lower ones.
#[track_caller]
fn multiply<T: Float, const K: usize>(
    y: &mut [T],
    begin: Begin<'_, T>,
    products: [(Factor<'_, T>, &[T]); K],
    threads: usize,
) {
    let rows = products[0].0.rows();
    let (first, upper) = (threads / 2, rows * (threads / 2) / threads.max(1));
    // The others may have taken all the rows there are: few rows cannot be split often.
    if first == 0 || rows == 0 {
        return autograd::product::multiply(y, begin, &products);
    }
    let n = y.len() / rows;
    let halves = products.map(|(w, x)| (w.split_near(upper, n), x));
    let (above, below) = (halves.map(|((w, _), x)| (w, x)), halves.map(|((_, w), x)| (w, x)));
    let upper = above[0].0.rows();
    let (y_above, y_below) = y.split_at_mut(n * upper);
    threads::join(
        || multiply(y_above, begin.of(0..upper), above, first),
        || multiply(y_below, begin.of(upper..rows), below, threads - first),
    );
}
// ANCHOR_END: rows

// ANCHOR: diagonal
/// `y += diag(w) x`: row `r` of `x` times entry `r` of `w`. `y` and `x` are R×n.
pub fn add_diagonal<T: Float>(y: &mut [T], w: &[T], x: &[T]) {
    let n = (x.len() / w.len().max(1)).max(1);
    for ((y, x), &w) in y.chunks_exact_mut(n).zip(x.chunks_exact(n)).zip(w) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y += w * x);
    }
}
// ANCHOR_END: diagonal
