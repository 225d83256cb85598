//! Matrix products.

use super::arithmetic::add_row_sums;
use crate::product::{Begin, multiply};
use crate::{Float, Gradients, Inputs, Op, Output, Pass};
use faer::{Accum, MatMut, MatRef};
use std::ops::Range;

/// `dst = a b`, or `dst += a b`: faer's product on this thread, without allocating.
///
/// Works on row-major matrices and on their transposes.
pub fn matmul<T: Float>(dst: MatMut<'_, T>, accum: Accum, a: MatRef<'_, T>, b: MatRef<'_, T>) {
    T::matmul(dst, accum, a, b);
}

/// `y = A B`, `Aᵀ B`, `A Bᵀ` or `Aᵀ Bᵀ`.
///
/// With `Y = A B`: `Ā += Ȳ Bᵀ` and `B̄ += Aᵀ Ȳ`. Entry by entry, `y_ij = Σ_k a_ik b_kj` gives
/// `ā_ik = Σ_j ȳ_ij b_kj`. A transposed input gets the transpose of that.
pub struct MatMul {
    /// Whether the first factor is the transpose of input 0.
    pub transpose_a: bool,
    /// Whether the second factor is the transpose of input 1.
    pub transpose_b: bool,
}

impl MatMul {
    /// The two factors, transposed as asked for.
    // ANCHOR: factors
    fn factors<'a, T: Float>(&self, x: Inputs<'a, T>) -> (MatRef<'a, T>, MatRef<'a, T>) {
        let (a, b) = (x.matrix(0), x.matrix(1));
        (if self.transpose_a { a.transpose() } else { a }, if self.transpose_b { b.transpose() } else { b })
    }
    // ANCHOR_END: factors
}

impl<T: Float> Op<T> for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let (a, b) = self.factors(x);
        if a.ncols() == b.nrows() {
            Ok((a.nrows(), b.ncols()))
        } else {
            let mark = |transposed| if transposed { "ᵀ" } else { "" };
            let (ta, tb) = (mark(self.transpose_a), mark(self.transpose_b));
            Err(format!("A{ta} B{tb}: A{ta} has {} columns, B{tb} has {} rows", a.ncols(), b.nrows()))
        }
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let (a, b) = self.factors(x);
        matmul(MatMut::from_row_major_slice_mut(y, a.nrows(), b.ncols()), Accum::Replace, a, b);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let (a, b) = self.factors(x);
        let dy = MatRef::from_row_major_slice(y.cotangent, a.nrows(), b.ncols());
        // ANCHOR: matmul-left
        if let Some(da) = dx.of(0) {
            let da = MatMut::from_row_major_slice_mut(da, x.rows(0), x.cols(0));
            let da = if self.transpose_a { da.transpose_mut() } else { da };
            matmul(da, Accum::Add, dy, b.transpose());
        }
        // ANCHOR_END: matmul-left
        // ANCHOR: matmul-right
        if let Some(db) = dx.of(1) {
            let db = MatMut::from_row_major_slice_mut(db, x.rows(1), x.cols(1));
            let db = if self.transpose_b { db.transpose_mut() } else { db };
            matmul(db, Accum::Add, a.transpose(), dy);
        }
        // ANCHOR_END: matmul-right
    }
}

/// `y = Σₖ Wₖ xₖ + b 1ᵀ`, the pre-activation of a layer. Inputs: `b, W₀, x₀, W₁, x₁, …`.
///
/// `b̄ += ȳ 1`, `W̄ₖ += ȳ xₖᵀ`, `x̄ₖ += Wₖᵀ ȳ`. The products add up in `y` where it lies, which is
/// faster than making each one and adding them.
pub struct Affine;

impl<T: Float> Op<T> for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        if x.len() < 3 || x.len().is_multiple_of(2) {
            return Err("there must be a bias and one product or more".into());
        }
        let (rows, cols) = (x.rows(0), x.cols(2));
        for w in (1..x.len()).step_by(2) {
            if x.rows(w) != rows || x.cols(w) != x.rows(w + 1) || x.cols(w + 1) != cols {
                let place = w / 2;
                return Err(format!(
                    "product {place} does not fit: the bias is {rows}×1, the output {rows}×{cols}"
                ));
            }
        }
        if x.cols(0) == 1 { Ok((rows, cols)) } else { Err("the bias is not one column".into()) }
    }
    fn factors(&self, x: Inputs<'_, T>, pass: Pass, need: &mut dyn FnMut(usize, Range<usize>, usize)) {
        for w in (1..x.len()).step_by(2) {
            if pass == Pass::Forward || x.needs_grad(w + 1) {
                need(w, 0..x.rows(w), x.cols(2));
            }
        }
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let term = |w| (x.factor(w), x.value(w + 1));
        let mut begin = Begin::Bias(x.value(0));
        for w in (1..x.len()).step_by(4) {
            match w + 2 < x.len() {
                true => multiply(y, begin, &[term(w), term(w + 2)]),
                false => multiply(y, begin, &[term(w)]),
            }
            begin = Begin::Add;
        }
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let (rows, cols) = (x.rows(0), x.cols(2));
        // ANCHOR: affine-bias
        if let Some(db) = dx.of(0) {
            add_row_sums(db, y.cotangent, cols);
        }
        // ANCHOR_END: affine-bias
        // ANCHOR: affine
        let dy = MatRef::from_row_major_slice(y.cotangent, rows, cols);
        for w in (1..x.len()).step_by(2) {
            if let Some(dw) = dx.of(w) {
                let dw = MatMut::from_row_major_slice_mut(dw, x.rows(w), x.cols(w));
                matmul(dw, Accum::Add, dy, x.matrix(w + 1).transpose());
            }
            if let Some(dx) = dx.of(w + 1) {
                multiply(dx, Begin::Add, &[(x.factor_transposed(w), y.cotangent)]);
            }
        }
        // ANCHOR_END: affine
    }
}
