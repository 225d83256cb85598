//! Sums, differences, products and quotients, entry by entry.

use super::{column_for, same_shape};
use crate::simd::{map1, map2, map3};
use crate::{Float, Gradients, Inputs, Op, Output, simd};

/// `y = a + b`.  `ā += ȳ`, `b̄ += ȳ`.
pub struct Add;

impl<T: Float> Op<T> for Add {
    fn name(&self) -> &'static str {
        "add"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        same_shape(x)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map2(y, x.value(0), x.value(1), |y, a, b| *y = a + b);
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: add
        for k in 0..2 {
            if let Some(dx) = dx.of(k) {
                map1(dx, y.cotangent, |dx, dy| *dx += dy);
            }
        }
        // ANCHOR_END: add
    }
}

/// `y = a − b`.  `ā += ȳ`, `b̄ −= ȳ`.
pub struct Sub;

impl<T: Float> Op<T> for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        same_shape(x)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map2(y, x.value(0), x.value(1), |y, a, b| *y = a - b);
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: sub
        if let Some(da) = dx.of(0) {
            map1(da, y.cotangent, |da, dy| *da += dy);
        }
        if let Some(db) = dx.of(1) {
            map1(db, y.cotangent, |db, dy| *db -= dy);
        }
        // ANCHOR_END: sub
    }
}

/// `y = a ⊙ b`.  `ā += ȳ ⊙ b`, `b̄ += ȳ ⊙ a`.
pub struct Mul;

impl<T: Float> Op<T> for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        same_shape(x)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map2(y, x.value(0), x.value(1), |y, a, b| *y = a * b);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: mul
        for (this, other) in [(0, 1), (1, 0)] {
            if let Some(dx) = dx.of(this) {
                map2(dx, y.cotangent, x.value(other), |dx, dy, other| *dx += dy * other);
            }
        }
        // ANCHOR_END: mul
    }
}

/// `y = a / b`.  `ā += ȳ / b`, `b̄ −= ȳ y / b`.
pub struct Div;

impl<T: Float> Op<T> for Div {
    fn name(&self) -> &'static str {
        "div"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        same_shape(x)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        map2(y, x.value(0), x.value(1), |y, a, b| *y = a / b);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: div
        if let Some(da) = dx.of(0) {
            map2(da, y.cotangent, x.value(1), |da, dy, b| *da += dy / b);
        }
        if let Some(db) = dx.of(1) {
            map3(db, y.cotangent, y.value, x.value(1), |db, dy, y, b| *db -= dy * y / b);
        }
        // ANCHOR_END: div
    }
}

/// `y = scale · x + shift` with two plain numbers.  `x̄ += scale · ȳ`.
///
/// Serves negation and every sum, difference, product and quotient with a plain number but `c / x`.
pub struct ScaleShift {
    /// What `x` is multiplied by.
    pub scale: f64,
    /// What is added then.
    pub shift: f64,
}

impl<T: Float> Op<T> for ScaleShift {
    fn name(&self) -> &'static str {
        "scale_shift"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let (scale, shift) = (T::from_f64(self.scale), T::from_f64(self.shift));
        map1(y, x.value(0), |y, x| *y = scale * x + shift);
    }
    fn backward(&self, _x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: scale-shift
        let scale = T::from_f64(self.scale);
        if let Some(dx) = dx.of(0) {
            map1(dx, y.cotangent, |dx, dy| *dx += scale * dy);
        }
        // ANCHOR_END: scale-shift
    }
}

/// `y = c / x` with a plain number `c`.  `x̄ −= ȳ y / x`.
pub struct DivideInto {
    /// The number `c`.
    pub numerator: f64,
}

impl<T: Float> Op<T> for DivideInto {
    fn name(&self) -> &'static str {
        "divide_into"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let numerator = T::from_f64(self.numerator);
        map1(y, x.value(0), |y, x| *y = numerator / x);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: divide-into
        if let Some(dx) = dx.of(0) {
            map3(dx, y.cotangent, y.value, x.value(0), |dx, dy, y, x| *dx -= dy * y / x);
        }
        // ANCHOR_END: divide-into
    }
}

/// `y = a + b 1ᵀ`: the column `b` is added to every column of `a` (a bias).
/// `ā += ȳ`, `b̄ += ȳ 1`: what was copied to every column is summed over the columns.
pub struct AddColumn;

impl<T: Float> Op<T> for AddColumn {
    fn name(&self) -> &'static str {
        "add_column"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        column_for(x)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let rows = y.chunks_exact_mut(x.cols(0).max(1)).zip(x.value(0).chunks_exact(x.cols(0).max(1)));
        for ((y, a), &b) in rows.zip(x.value(1)) {
            y.iter_mut().zip(a).for_each(|(y, &a)| *y = a + b);
        }
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: add-column
        if let Some(da) = dx.of(0) {
            map1(da, y.cotangent, |da, dy| *da += dy);
        }
        if let Some(db) = dx.of(1) {
            add_row_sums(db, y.cotangent, x.cols(0));
        }
        // ANCHOR_END: add-column
    }
}

/// `y = diag(b) a`: row `r` of `a` times entry `r` of the column `b`.
/// `ā += diag(b) ȳ`, `b̄ += (ȳ ⊙ a) 1`.
pub struct MulColumn;

impl<T: Float> Op<T> for MulColumn {
    fn name(&self) -> &'static str {
        "mul_column"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        column_for(x)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let rows = y.chunks_exact_mut(x.cols(0).max(1)).zip(x.value(0).chunks_exact(x.cols(0).max(1)));
        for ((y, a), &b) in rows.zip(x.value(1)) {
            y.iter_mut().zip(a).for_each(|(y, &a)| *y = a * b);
        }
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: mul-column
        let cols = x.cols(0).max(1);
        if let Some(da) = dx.of(0) {
            let rows = da.chunks_exact_mut(cols).zip(y.cotangent.chunks_exact(cols));
            for ((da, dy), &b) in rows.zip(x.value(1)) {
                da.iter_mut().zip(dy).for_each(|(da, &dy)| *da += dy * b);
            }
        }
        if let Some(db) = dx.of(1) {
            let rows = x.value(0).chunks_exact(cols).zip(y.cotangent.chunks_exact(cols));
            for (db, (a, dy)) in db.iter_mut().zip(rows) {
                a.iter().zip(dy).for_each(|(&a, &dy)| *db += dy * a);
            }
        }
        // ANCHOR_END: mul-column
    }
}

/// `b[r] += Σ_c a[r, c]`.
// ANCHOR: row-sums
pub(super) fn add_row_sums<T: Float>(b: &mut [T], a: &[T], cols: usize) {
    for (b, row) in b.iter_mut().zip(a.chunks_exact(cols.max(1))) {
        *b += simd::sum(row);
    }
}
// ANCHOR_END: row-sums
