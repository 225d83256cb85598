//! What a trace shows of a fused sequence.

use super::{Plan, Sizes};
use autograd::{Float, Quantity, Visit};
use std::ops::Range;

/// The quantities inside a fused sequence at one time step, to be shown by name.
pub struct Inside<'a, T: Float> {
    pub(super) parts: &'a [Seen<'a, T>],
    pub(super) batch: usize,
    pub(super) sizes: Sizes,
    pub(super) t: usize,
    pub(super) visit: &'a mut Visit<'a, T>,
}

/// What there is to show of one part of the batch, packed: pre, kept, h, c; and their cotangents, if they
/// are known.
pub(super) struct Seen<'a, T> {
    pub plan: Plan<'a>,
    pub values: [Vec<T>; 4],
    pub grads: Option<[Vec<T>; 4]>,
}

impl<T: Float> Inside<'_, T> {
    /// Shows these rows of the pre-activations.
    pub fn pre(&mut self, name: &str, rows: Range<usize>) {
        self.show(name, 0, self.sizes.pre, rows);
    }

    /// Shows these rows of what the step forward kept.
    pub fn kept(&mut self, name: &str, rows: Range<usize>) {
        self.show(name, 1, self.sizes.kept, rows);
    }

    /// Shows the state.
    pub fn h(&mut self, name: &str) {
        self.show(name, 2, self.sizes.h, 0..self.sizes.h);
    }

    /// Shows the cell state.
    pub fn c(&mut self, name: &str) {
        self.show(name, 3, self.sizes.c, 0..self.sizes.c);
    }

    fn show(&mut self, name: &str, which: usize, features: usize, rows: Range<usize>) {
        let value = self.dense(features, rows.clone(), |part| Some(&part.values[which]));
        let grad = self.dense(features, rows.clone(), |part| Some(&part.grads.as_ref()?[which]));
        let (step, cols) = (Some(self.t), self.batch);
        (self.visit)(Quantity {
            name,
            scope: None,
            step,
            rows: rows.len(),
            cols,
            value: value.as_deref().unwrap_or_default(),
            grad: grad.as_deref(),
        });
    }

    /// Some rows of one quantity of all parts, if it is known.
    fn dense(
        &self,
        features: usize,
        rows: Range<usize>,
        packed: impl for<'b> Fn(&'b Seen<'_, T>) -> Option<&'b Vec<T>>,
    ) -> Option<Vec<T>> {
        let mut dense = vec![T::ZERO; rows.len() * self.batch];
        for part in self.parts {
            part.unpack(packed(part)?, self.t, features, rows.clone(), &mut dense, self.batch);
        }
        Some(dense)
    }
}

impl<T: Float> Seen<'_, T> {
    /// Some rows of step `t` of a packed quantity as columns of F×B, with zeros past an example's length.
    fn unpack(
        &self,
        packed: &[T],
        t: usize,
        features: usize,
        rows: Range<usize>,
        dense: &mut [T],
        batch: usize,
    ) {
        let plan = self.plan;
        for j in 0..plan.batch {
            let Some(s) = plan.step(t, j) else { continue };
            let (block, n) = (plan.block(s, features), plan.active(s));
            for (to, row) in rows.clone().enumerate() {
                dense[to * batch + plan.first + plan.column(j)] = packed[block.start + row * n + j];
            }
        }
    }
}
