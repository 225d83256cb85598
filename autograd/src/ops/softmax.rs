//! Softmax of every column, and its logarithm.

use crate::{Float, Gradients, Inputs, Op, Output};

/// `y = eˣ / Σ eˣ` per column, computed as `e^(x−m) / Σ e^(x−m)` with the column's maximum `m`, so
/// that nothing overflows.  `x̄ += y ⊙ (ȳ − 1 (1ᵀ (y ⊙ ȳ)))`.
pub struct Softmax;

impl<T: Float> Op<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn saved(&self, x: Inputs<'_, T>) -> usize {
        x.value(0).len() + x.cols(0)
    }
    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        x.cols(0)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]) {
        let (log_p, sums) = saved.split_at_mut(y.len());
        log_softmax(x.value(0), x.cols(0), log_p, y, sums);
        T::exp_slice(y, log_p);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: softmax
        let (Some(dx), cols, dots) = (dx.of(0), x.cols(0).max(1), y.scratch) else { return };
        dots.fill(T::ZERO);
        for (y, dy) in y.value.chunks_exact(cols).zip(y.cotangent.chunks_exact(cols)) {
            dots.iter_mut().zip(y).zip(dy).for_each(|((dot, &y), &dy)| *dot += y * dy);
        }
        let rows =
            dx.chunks_exact_mut(cols).zip(y.value.chunks_exact(cols)).zip(y.cotangent.chunks_exact(cols));
        for ((dx, y), dy) in rows {
            dx.iter_mut()
                .zip(y)
                .zip(dy)
                .zip(&*dots)
                .for_each(|(((dx, &y), &dy), &dot)| *dx += y * (dy - dot));
        }
        // ANCHOR_END: softmax
    }
}

/// `y = x − ln Σ eˣ` per column.  `x̄ += ȳ − eʸ ⊙ 1 (1ᵀ ȳ)`.
pub struct LogSoftmax;

impl<T: Float> Op<T> for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn saved(&self, x: Inputs<'_, T>) -> usize {
        x.value(0).len() + x.cols(0)
    }
    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        x.cols(0)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]) {
        let (p, sums) = saved.split_at_mut(y.len());
        log_softmax(x.value(0), x.cols(0), y, p, sums);
        T::exp_slice(p, y);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: log-softmax
        let (Some(dx), cols, sums) = (dx.of(0), x.cols(0).max(1), y.scratch) else { return };
        sums.fill(T::ZERO);
        for dy in y.cotangent.chunks_exact(cols) {
            sums.iter_mut().zip(dy).for_each(|(sum, &dy)| *sum += dy);
        }
        let rows =
            dx.chunks_exact_mut(cols).zip(y.saved.chunks_exact(cols)).zip(y.cotangent.chunks_exact(cols));
        for ((dx, p), dy) in rows {
            dx.iter_mut().zip(p).zip(dy).zip(&*sums).for_each(|(((dx, &p), &dy), &sum)| *dx += dy - p * sum);
        }
        // ANCHOR_END: log-softmax
    }
}

/// Writes the log-softmax of every column of `x` (`cols` columns) to `log_p`. `work` (as long as
/// `x`) and `sums` (`cols` long) are working memory.
// ANCHOR: stable
pub(super) fn log_softmax<T: Float>(x: &[T], cols: usize, log_p: &mut [T], work: &mut [T], sums: &mut [T]) {
    let cols = cols.max(1);
    let mut rows = x.chunks_exact(cols);
    let Some(first) = rows.next() else { return };
    sums.copy_from_slice(first);
    for row in rows {
        sums.iter_mut().zip(row).for_each(|(max, &x)| *max = if x > *max { x } else { *max });
    }
    for (log_p, x) in log_p.chunks_exact_mut(cols).zip(x.chunks_exact(cols)) {
        log_p.iter_mut().zip(x).zip(&*sums).for_each(|((log_p, &x), &max)| *log_p = x - max);
    }
    T::exp_slice(work, log_p);
    sums.fill(T::ZERO);
    for row in work.chunks_exact(cols) {
        sums.iter_mut().zip(row).for_each(|(sum, &e)| *sum += e);
    }
    sums.iter_mut().for_each(|sum| *sum = sum.ln());
    for log_p in log_p.chunks_exact_mut(cols) {
        log_p.iter_mut().zip(&*sums).for_each(|(log_p, &ln_sum)| *log_p -= ln_sum);
    }
}
// ANCHOR_END: stable
