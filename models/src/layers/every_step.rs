//! The fully connected layer at all steps of a sequence: one operation, whose steps the threads share.

use crate::threads::{self, share_steps};
use autograd::product::{Begin, PANEL, Rows, add_outer, multiply, turn};
use autograd::{Float, Gradients, Inputs, Op, Output, Pass, simd};
use std::ops::Range;

/// `y_t = W x_t + b 1ᵀ` at every step. Inputs: `b` (O×1), `W` (O×I) and `x` ((T·I)×B); the output is (T·O)×B.
///
/// `x̄_t += Wᵀ ȳ_t`, `W̄ += Σ_t ȳ_t x_tᵀ`, `b̄ += Σ_t ȳ_t 1`.
pub(super) struct EveryStep;

/// Numbers before the next cache line, at most.
const ASTRAY: usize = 16;

impl<T: Float> Op<T> for EveryStep {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let ((outputs, inputs), (rows, batch)) = (x.shape(1), x.shape(2));
        if inputs == 0 || rows == 0 || !rows.is_multiple_of(inputs) {
            return Err(format!("{rows} rows are not a sequence of {inputs} features"));
        }
        Ok((rows / inputs * outputs, batch))
    }

    fn factors(&self, x: Inputs<'_, T>, pass: Pass, need: &mut dyn FnMut(usize, Range<usize>, usize)) {
        if pass == Pass::Forward || x.needs_grad(2) {
            need(1, 0..x.rows(1), x.cols(2));
        }
    }

    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        let (b, w) = (x.value(0), x.factor(1));
        share_steps(steps(x), threads(x), y, x.value(2), &|y, x| {
            multiply(y, Begin::Bias(b), &[(w, x)]);
        });
    }

    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        let weights = Weights::of(x);
        weights.panels() * weights.room() + ASTRAY
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let dy = y.cotangent;
        if dy.is_empty() {
            return; // no examples
        }
        // ANCHOR: back
        if let Some((dx, new)) = dx.of_or_new(2) {
            let (w, begin) = (x.factor_transposed(1), if new { Begin::Zero } else { Begin::Add });
            share_steps(steps(x), threads(x), dx, dy, &|dx, dy| {
                multiply(dx, begin, &[(w, dy)]);
            });
        }
        // ANCHOR_END: back
        if let Some(db) = dx.of(0) {
            let (outputs, batch) = (db.len(), x.cols(2));
            for dy in dy.chunks_exact(outputs * batch).rev() {
                db.iter_mut().zip(dy.chunks_exact(batch)).for_each(|(db, dy)| *db += simd::sum(dy));
            }
        }
        if let Some(dw) = dx.of(1) {
            let weights = Weights::of(x);
            // Vectors that straddle two cache lines load at half the speed.
            let start = y.scratch.as_ptr().align_offset(64);
            let scratch = &mut y.scratch[start..][..weights.panels() * weights.room()];
            weights.sum(scratch, 0, (dy, x.value(2)), threads(x));
            weights.add(scratch, dw);
        }
    }
}

fn steps<T: Float>(x: Inputs<'_, T>) -> usize {
    x.rows(2) / x.cols(1)
}

/// How many threads the products of all steps are worth.
fn threads<T: Float>(x: Inputs<'_, T>) -> usize {
    threads::worth(steps(x) * x.value(1).len() * x.cols(2))
}

/// The gradient of the weights, O×I, on its way: in panels of columns, which the threads share. What a panel
/// needs in a step stays in the first-level cache.
#[derive(Clone, Copy)]
struct Weights {
    outputs: usize,
    inputs: usize,
    batch: usize,
}

impl Weights {
    fn of<T: Float>(x: Inputs<'_, T>) -> Self {
        Self { outputs: x.rows(1), inputs: x.cols(1), batch: x.cols(2) }
    }

    fn panels(self) -> usize {
        self.inputs.div_ceil(PANEL)
    }

    /// How many columns of the weights belong to a panel.
    fn columns(self, panel: usize) -> usize {
        PANEL.min(self.inputs - panel * PANEL)
    }

    /// How many numbers a row of a panel's sums takes: whole vectors.
    fn wide(self, panel: usize) -> usize {
        self.columns(panel).next_multiple_of(16)
    }

    /// Numbers of working memory for each panel: its sums, and a step's inputs.
    fn room(self) -> usize {
        PANEL * (self.outputs + self.batch)
    }

    /// Sums up the panels from this one on, of which each has its room.
    fn sum<T: Float>(self, scratch: &mut [T], panel: usize, given: (&[T], &[T]), threads: usize) {
        let (first, count) = (threads / 2, scratch.len() / self.room() * (threads / 2) / threads);
        if count == 0 {
            let rooms = scratch.chunks_exact_mut(self.room()).enumerate();
            return rooms.for_each(|(k, room)| self.sum_one(room, panel + k, given));
        }
        let (before, after) = scratch.split_at_mut(count * self.room());
        threads::join(
            || self.sum(before, panel, given, first),
            || self.sum(after, panel + count, given, threads - first),
        );
    }

    /// `Σ_t ȳ_t x_tᵀ`, the last step first, of a panel's rows of every `x_t`.
    fn sum_one<T: Float>(self, room: &mut [T], panel: usize, (dy, x): (&[T], &[T])) {
        let (n, wide) = (self.batch, self.wide(panel));
        let (sums, turned) = room.split_at_mut(PANEL * self.outputs);
        let sums = &mut sums[..wide * self.outputs];
        sums.fill(T::ZERO);
        let steps = dy.chunks_exact(self.outputs * n).zip(x.chunks_exact(self.inputs * n));
        for (dy, x) in steps.rev() {
            turn(turned, 0, Rows { data: x, width: n, apart: n }.from(panel * PANEL), self.columns(panel));
            add_outer(sums, wide, (&[Rows { data: dy, width: n, apart: n }], 0), turned);
        }
    }

    /// Adds the sums of all panels to the gradient.
    fn add<T: Float>(self, scratch: &[T], dw: &mut [T]) {
        for (panel, room) in scratch.chunks_exact(self.room()).enumerate() {
            let sums = room.chunks_exact(self.wide(panel));
            for (dw, sums) in dw.chunks_exact_mut(self.inputs).zip(sums) {
                let columns = self.columns(panel);
                let dw = &mut dw[panel * PANEL..][..columns];
                simd::map1(dw, &sums[..columns], |dw, sum| *dw += sum);
            }
        }
    }
}
