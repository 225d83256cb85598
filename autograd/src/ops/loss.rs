//! Cross-entropy between logits and class indices.

use super::softmax::log_softmax;
use crate::{Float, Gradients, Inputs, Op, Output};

/// The target of a column that does not count in [`CrossEntropy`], such as one past a sequence's end.
pub const IGNORE_INDEX: usize = usize::MAX;

/// `y = −(1/N) Σ ln softmax(x)[target]` over the N columns that count, in nats.
///
/// The logits are T blocks of V×B (T is often 1); the operation's indices are the T·B targets.
/// The gradient is what makes this pair of softmax and logarithm so common:
/// `x̄ += ȳ (softmax(x) − onehot(target)) / N`, and 0 in columns that do not count, even where their
/// logits are NaN.
pub struct CrossEntropy;

impl CrossEntropy {
    /// Rows of one block: the number of classes.
    fn classes<T: Float>(x: Inputs<'_, T>) -> usize {
        let blocks = x.indices().len() / x.cols(0).max(1);
        x.rows(0) / blocks.max(1)
    }

    fn count<T: Float>(x: Inputs<'_, T>) -> usize {
        x.indices().iter().filter(|&&target| target != IGNORE_INDEX).count()
    }
}

impl<T: Float> Op<T> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }
    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let ((rows, cols), targets) = (x.shape(0), x.indices());
        let blocks = targets.len() / cols.max(1);
        if blocks * cols != targets.len() || blocks == 0 || rows % blocks != 0 || rows == 0 {
            return Err(format!(
                "{} targets do not fit: one per column of each block of classes",
                targets.len()
            ));
        }
        let classes = rows / blocks;
        match targets.iter().find(|&&target| target >= classes && target != IGNORE_INDEX) {
            Some(target) => Err(format!("there is no class {target} among {classes}")),
            None => Ok((1, 1)),
        }
    }
    fn saved(&self, x: Inputs<'_, T>) -> usize {
        // ln p and p of every entry, and one column of sums.
        2 * x.value(0).len() + x.cols(0)
    }
    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]) {
        let (block, cols) = (Self::classes(x) * x.cols(0), x.cols(0));
        let (log_p, rest) = saved.split_at_mut(x.value(0).len());
        let (p, sums) = rest.split_at_mut(log_p.len());
        let mut loss = 0.0;
        for (t, targets) in x.indices().chunks_exact(cols).enumerate() {
            let here = t * block..(t + 1) * block;
            log_softmax(
                &x.value(0)[here.clone()],
                cols,
                &mut log_p[here.clone()],
                &mut p[here.clone()],
                sums,
            );
            for (column, &target) in targets.iter().enumerate().filter(|(_, target)| **target != IGNORE_INDEX)
            {
                loss -= log_p[t * block + target * cols + column].to_f64();
            }
        }
        T::exp_slice(p, log_p);
        y[0] = T::from_f64(loss / Self::count(x).max(1) as f64);
    }
    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: cross-entropy
        let Some(dx) = dx.of(0) else { return };
        let (block, cols) = (Self::classes(x) * x.cols(0), x.cols(0));
        let p = &y.saved[dx.len()..2 * dx.len()];
        let scale = y.cotangent[0] * T::from_f64(1.0 / Self::count(x).max(1) as f64);
        for ((dx, p), targets) in
            dx.chunks_exact_mut(block).zip(p.chunks_exact(block)).zip(x.indices().chunks_exact(cols))
        {
            for (dx, p) in dx.chunks_exact_mut(cols).zip(p.chunks_exact(cols)) {
                for ((dx, &p), &target) in dx.iter_mut().zip(p).zip(targets) {
                    *dx += if target == IGNORE_INDEX { T::ZERO } else { scale * p };
                }
            }
            for (column, &target) in targets.iter().enumerate().filter(|(_, target)| **target != IGNORE_INDEX)
            {
                dx[target * cols + column] -= scale;
            }
        }
        // ANCHOR_END: cross-entropy
    }
}
