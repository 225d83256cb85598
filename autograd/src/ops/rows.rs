//! Moving entries: rows on top of each other, and a choice between two matrices.

use super::same_shape;
use crate::{Float, Gradients, Inputs, Op, Output};

/// `y = [a; b; …]`: matrices of equally many columns on top of each other.
/// Each input's gradient gets its rows of `ȳ`.
pub struct ConcatRows;

impl<T: Float> Op<T> for ConcatRows {
    fn name(&self) -> &'static str {
        "concat_rows"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        if x.len() == 0 {
            return Err("there is nothing to concatenate".into());
        }
        let cols = x.cols(0);
        match (0..x.len()).find(|&k| x.cols(k) != cols) {
            Some(k) => Err(format!("input {k} has {} columns, input 0 has {cols}", x.cols(k))),
            None => Ok(((0..x.len()).map(|k| x.rows(k)).sum(), cols)),
        }
    }
    fn forward(&self, x: Inputs<'_, T>, mut y: &mut [T], _saved: &mut [T]) {
        for k in 0..x.len() {
            let (block, rest) = y.split_at_mut(x.value(k).len());
            block.copy_from_slice(x.value(k));
            y = rest;
        }
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: concat
        let mut rest = y.cotangent;
        for k in 0..x.len() {
            let (block, below) = rest.split_at(x.value(k).len());
            if let Some(dx) = dx.of(k) {
                dx.iter_mut().zip(block).for_each(|(dx, &dy)| *dx += dy);
            }
            rest = below;
        }
        // ANCHOR_END: concat
    }
}

/// `y = a` where the mask is not 0, `b` elsewhere.  `ā += ȳ` there, `b̄ += ȳ` elsewhere.
///
/// The mask is the operation's indices: one flag per column, or one per entry. The side that was
/// not chosen is never read, so that a NaN in it stays there.
pub struct Select;

impl Select {
    /// The flag of entry `at`.
    fn chosen<T: Float>(x: Inputs<'_, T>, at: usize) -> bool {
        let mask = x.indices();
        mask[if mask.len() == x.cols(0) { at % x.cols(0) } else { at }] != 0
    }
}

impl<T: Float> Op<T> for Select {
    fn name(&self) -> &'static str {
        "select"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let (rows, cols) = same_shape(x)?;
        let flags = x.indices().len();
        if flags == cols || flags == rows * cols {
            Ok((rows, cols))
        } else {
            Err(format!("a mask of {flags} flags is neither one per column nor one per entry"))
        }
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let (a, b) = (x.value(0), x.value(1));
        for (at, y) in y.iter_mut().enumerate() {
            *y = if Self::chosen(x, at) { a[at] } else { b[at] };
        }
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: select
        for (k, side) in [(0, true), (1, false)] {
            let Some(dx) = dx.of(k) else { continue };
            for (at, (dx, &dy)) in dx.iter_mut().zip(y.cotangent).enumerate() {
                if Self::chosen(x, at) == side {
                    *dx += dy;
                }
            }
        }
        // ANCHOR_END: select
    }
}
