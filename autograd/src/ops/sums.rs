//! Sums. What a sum gathers in the forward pass, it spreads in the backward pass.

use super::arithmetic::add_row_sums;
use crate::{Float, Gradients, Inputs, Op, Output, simd};

/// `y = Σ x`, 1×1.  `x̄ += ȳ` in every entry.
pub struct Sum;

impl<T: Float> Op<T> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }
    fn shape(&self, _x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok((1, 1))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        y[0] = simd::sum(x.value(0));
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: sum
        let dy = y.cotangent[0];
        if let Some(dx) = dx.of(0) {
            dx.iter_mut().for_each(|dx| *dx += dy);
        }
        // ANCHOR_END: sum
    }
}

/// `y = 1ᵀ x`: R×C → 1×C.  `x̄ += 1 ȳ`.
pub struct SumRows;

impl<T: Float> Op<T> for SumRows {
    fn name(&self) -> &'static str {
        "sum_rows"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok((1, x.cols(0)))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        y.fill(T::ZERO);
        for row in x.value(0).chunks_exact(x.cols(0).max(1)) {
            y.iter_mut().zip(row).for_each(|(y, &x)| *y += x);
        }
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: sum-rows
        let Some(dx) = dx.of(0) else { return };
        for row in dx.chunks_exact_mut(x.cols(0).max(1)) {
            row.iter_mut().zip(y.cotangent).for_each(|(dx, &dy)| *dx += dy);
        }
        // ANCHOR_END: sum-rows
    }
}

/// `y = x 1`: R×C → R×1.  `x̄ += ȳ 1ᵀ`.
pub struct SumCols;

impl<T: Float> Op<T> for SumCols {
    fn name(&self) -> &'static str {
        "sum_cols"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok((x.rows(0), 1))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        y.fill(T::ZERO);
        add_row_sums(y, x.value(0), x.cols(0));
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: sum-cols
        let Some(dx) = dx.of(0) else { return };
        for (row, &dy) in dx.chunks_exact_mut(x.cols(0).max(1)).zip(y.cotangent) {
            row.iter_mut().for_each(|dx| *dx += dy);
        }
        // ANCHOR_END: sum-cols
    }
}
