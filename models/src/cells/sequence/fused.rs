//! A derivation over all steps, as one operation on the tape.

use super::columns::{Columns, Parts};
use super::inside::Seen;
use super::loops::{Stored, forth, saved_sizes, starts, starts_of, step_sizes, through_time};
use super::sums::{self, Gathered};
use super::{Derivation, Forward, Inside, Lengths, Plan, Sizes, split_mut};
use crate::cells::State;
use crate::threads;
use autograd::{Float, Gradients, Inputs, Op, Output, Pass, Var, Visit};
use std::ops::Range;

/// Runs a derivation over a sequence: the outputs ((T·H)×B) and the final state.
///
/// The inputs are the sequence `x` ((T·I)×B), the weights, `h_0` (H×B) and, if the cell has one,
/// `c_0`. With `lengths`, outputs past an example's length are zero and its final state is that of
/// its last valid step. In `reverse`, every example runs from its last valid step to its first.
///
/// # Panics
/// If `x` is not a sequence of the cell's input features, or a state has another shape.
#[track_caller]
pub fn fused<'t, T: Float>(
    cell: impl Derivation<T>,
    inputs: &[Var<'t, T>],
    lengths: Option<&Lengths>,
    reverse: bool,
) -> (Var<'t, T>, State<'t, T>) {
    let Sizes { h, c, .. } = cell.sizes();
    let tape = inputs[0].tape();
    let fused = Fused { cell, reverse, together: threads::count() == 1 };
    let out = tape.apply_indexed(fused, inputs, lengths.map_or(&[], Lengths::packed));
    let (h_n, c_n) = (out.rows() - h - c, out.rows() - c);
    let c_n = (c > 0).then(|| out.row_block(c_n..c_n + c));
    (out.row_block(0..h_n), State { h: out.row_block(h_n..h_n + h), c: c_n })
}

/// Output: `y`, and under it `h_n` and `c_n`.
#[derive(Clone, Copy)]
struct Fused<D> {
    cell: D,
    reverse: bool,
    /// Whether one thread goes through the sequence with all columns at once.
    together: bool,
}

/// Whether a backward pass may come.
fn may_come_back<T: Float>(x: Inputs<'_, T>) -> bool {
    (0..x.len()).any(|k| x.needs_grad(k))
}

impl<D> Fused<D> {
    fn parts<'a, T: Float>(&self, x: Inputs<'a, T>) -> Parts<'a>
    where
        D: Derivation<T>,
    {
        let sizes = self.cell.sizes();
        let plan = Plan::new(x.rows(0) / sizes.x, x.cols(0), self.reverse, x.indices());
        Parts::new(plan, sizes, self.together)
    }

    /// Multiplications of a step, if threads share each step and not the columns.
    fn piece<T: Float>(&self, x: Inputs<'_, T>) -> usize
    where
        D: Derivation<T>,
    {
        let Sizes { x: input, h, pre, .. } = self.cell.sizes();
        if self.parts(x).count > 1 { 0 } else { pre * (input + h) * x.cols(0) }
    }

    /// The steps forward, of all parts of the batch: `y` has the outputs and, below them, the final states.
    fn forward_parts<T: Float>(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T], keep: bool)
    where
        D: Derivation<T>,
    {
        let (parts, sizes, batch) = (self.parts(x), self.cell.sizes(), x.cols(0));
        let ends = [y.len() - (sizes.h + sizes.c) * batch, sizes.h * batch, sizes.c * batch];
        let [y, h_n, c_n] = split_mut(y, ends);
        if !parts.get(0).is_whole() {
            y.fill(T::ZERO);
        }
        let columns = [y, h_n, c_n].map(|y| Columns::new(y, batch));
        let size = |plan: Plan<'_>| saved_sizes(plan, sizes, keep).iter().sum();
        parts.share(0..parts.count, saved, columns, &size, &|part, saved, columns| {
            forth(&self.cell, x, parts.get(part), columns, saved, keep);
        });
    }

    /// The steps back, of all parts of the batch, and what they leave.
    fn backward_parts<T: Float>(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>)
    where
        D: Derivation<T>,
    {
        let (parts, sizes) = (self.parts(x), self.cell.sizes());
        let size = |plan: Plan<'_>| self.scratch_of::<T>(plan, parts.sums);
        let back = |part: usize, scratch: &mut [T], dx: Option<(Columns<'_, T>, bool)>| {
            let stored = Stored::new(&self.cell, x, (parts, part), [y.value, y.saved]);
            let (work, rest) = scratch.split_at_mut(step_sizes(stored.plan, sizes).iter().sum());
            let sums = Gathered::new(stored.plan, sizes, &self.cell, parts.sums, rest);
            let shown = [&mut [][..], &mut []];
            through_time(&self.cell, x, (y.cotangent, &stored), (dx, Some(sums)), work, shown, |_, _| ());
        };
        let all = 0..parts.count;
        match dx.of_or_new(0) {
            Some((dx, new)) => {
                // Past the examples' ends nobody writes.
                let whole = parts.get(0).is_whole();
                if new && !whole {
                    dx.fill(T::ZERO);
                }
                let new = new && whole;
                let dx = Columns::new(dx, x.cols(0));
                parts.share(all, y.scratch, [dx], &size, &|part, scratch, [dx]| {
                    back(part, scratch, Some((dx, new)));
                });
            }
            None => parts.share(all, y.scratch, [], &size, &|part, scratch, []| back(part, scratch, None)),
        }
        for (plan, scratch) in parts.memory(y.scratch, size) {
            self.leave(x, plan, parts.sums, scratch, dx);
        }
    }

    /// What the steps back of a part have left: the gradients of the initial states and of the weights.
    fn leave<T: Float>(
        &self,
        x: Inputs<'_, T>,
        plan: Plan<'_>,
        splits: usize,
        scratch: &[T],
        dx: &mut Gradients<'_, T>,
    ) where
        D: Derivation<T>,
    {
        let (sizes, (h_0, c_0)) = (self.cell.sizes(), starts(&self.cell, x));
        let [dh_0, dc_0] = starts_of(scratch, plan, sizes);
        // ANCHOR: start
        if let Some(d) = dx.of(h_0) {
            plan.scatter_start_add(dh_0, d);
        }
        // ANCHOR_END: start
        if let Some(d) = c_0.and_then(|c_0| dx.of(c_0)) {
            plan.scatter_start_add(dc_0, d);
        }
        let scratch = &scratch[step_sizes(plan, sizes).iter().sum()..];
        sums::finish(plan, sizes, &self.cell, splits, scratch, dx);
    }
}

impl<T: Float, D: Derivation<T>> Op<T> for Fused<D> {
    fn name(&self) -> &'static str {
        self.cell.name()
    }

    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let (sizes, (rows, batch)) = (self.cell.sizes(), x.shape(0));
        if rows == 0 || !rows.is_multiple_of(sizes.x) {
            return Err(format!("{rows} rows are not a sequence of {} features", sizes.x));
        }
        let (h_0, c_0) = starts(&self.cell, x);
        for (name, k, features) in [("h_0", Some(h_0), sizes.h), ("c_0", c_0, sizes.c)] {
            let Some(k) = k else { continue };
            if x.shape(k) != (features, batch) {
                return Err(format!("{name} must be {features}×{batch}, it is {}×{}", x.rows(k), x.cols(k)));
            }
        }
        Ok((rows / sizes.x * sizes.h + sizes.h + sizes.c, batch))
    }

    fn factors(&self, x: Inputs<'_, T>, pass: Pass, need: &mut dyn FnMut(usize, Range<usize>, usize)) {
        self.cell.factors(&mut |weight, rows| {
            // The first weight is the input's, whose gradient nobody may want.
            if pass == Pass::Forward || weight > 1 || x.needs_grad(0) {
                need(weight, rows, x.cols(0));
            }
        });
    }

    fn saved(&self, x: Inputs<'_, T>) -> usize {
        let (sizes, keep) = (self.cell.sizes(), may_come_back(x));
        self.parts(x).size(|plan| saved_sizes(plan, sizes, keep).iter().sum())
    }

    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]) {
        threads::awake(self.piece(x), || self.forward_parts(x, y, saved, may_come_back(x)));
    }

    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        let parts = self.parts(x);
        parts.size(|plan| self.scratch_of(plan, parts.sums))
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        threads::awake(self.piece(x), || self.backward_parts(x, y, dx));
    }

    /// Traces are rare: memory of their own keeps the training path free of them.
    fn trace(&self, x: Inputs<'_, T>, y: Output<'_, T>, visit: &mut Visit<'_, T>) {
        let (parts, sizes, steps) = (self.parts(x), self.cell.sizes(), x.rows(0) / self.cell.sizes().x);
        let mut again = Vec::new();
        if !may_come_back(x) {
            let size = parts.size(|plan| saved_sizes(plan, sizes, true).iter().sum());
            again.resize(size, T::ZERO);
            self.forward_parts(x, &mut vec![T::ZERO; y.value.len()], &mut again, true);
        }
        let saved = if may_come_back(x) { y.saved } else { &again };
        let stored = (0..parts.count).map(|part| Stored::new(&self.cell, x, (parts, part), [y.value, saved]));
        let seen: Vec<_> = stored.map(|stored| self.seen(x, y.cotangent, &stored, y.scratch)).collect();
        for t in 0..steps {
            self.cell.inside(&mut Inside { parts: &seen, batch: x.cols(0), sizes, t, visit });
        }
    }
}

impl<D> Fused<D> {
    /// Numbers of working memory that a part's backward pass needs.
    fn scratch_of<T: Float>(&self, plan: Plan<'_>, splits: usize) -> usize
    where
        D: Derivation<T>,
    {
        let sizes = self.cell.sizes();
        let sums = Gathered::scratch(plan, sizes, &self.cell, splits);
        step_sizes(plan, sizes).iter().sum::<usize>() + sums.iter().sum::<usize>()
    }

    /// What there is to show of a part; its cotangents, if that of the output is known.
    fn seen<'a, T: Float>(
        &self,
        x: Inputs<'_, T>,
        cotangent: &[T],
        stored: &Stored<'a, T>,
        work: &mut [T],
    ) -> Seen<'a, T>
    where
        D: Derivation<T>,
    {
        let &Stored { plan, sizes, kept, c, .. } = stored;
        let h = (0..plan.recurrences()).flat_map(|s| stored.h_before(s + 1)).copied().collect();
        let c = c[sizes.c * plan.batch..].to_vec();
        let values = [self.pre_activations(x, stored), kept.to_vec(), h, c];
        let grads = (!cotangent.is_empty()).then(|| {
            let features = [sizes.pre, sizes.kept, sizes.h, sizes.c];
            let mut all = features.map(|features| vec![T::ZERO; features * plan.total()]);
            let work = &mut work[..step_sizes(plan, sizes).iter().sum()];
            let [mut d_pre, mut d_kept] =
                [sizes.pre, sizes.kept].map(|rows| vec![T::ZERO; rows * plan.batch]);
            let shown = [&mut d_pre[..], &mut d_kept];
            through_time(&self.cell, x, (cotangent, stored), (None, None), work, shown, |s, step| {
                for ((all, step), features) in all.iter_mut().zip(step).zip(features) {
                    all[plan.block(s, features)].copy_from_slice(step);
                }
            });
            all
        });
        Seen { plan, values, grads }
    }

    /// The pre-activations, packed, which the forward pass did not keep: the steps forward again.
    fn pre_activations<T: Float>(&self, x: Inputs<'_, T>, stored: &Stored<'_, T>) -> Vec<T>
    where
        D: Derivation<T>,
    {
        let &Stored { plan, sizes, c, .. } = stored;
        let mut all = vec![T::ZERO; sizes.pre * plan.total()];
        for s in 0..plan.recurrences() {
            let n = plan.active(s);
            let block = |features: usize| vec![T::ZERO; features * n];
            let mut x_s = block(sizes.x);
            plan.gather(s, stored.given, &mut x_s);
            self.cell.forward(Forward {
                inputs: x,
                x: &x_s,
                h_before: plan.cut(s, stored.h_before(s), &mut block(sizes.h)),
                c_before: plan.cut(s, plan.before(s, c, sizes.c), &mut block(sizes.c)),
                pre: &mut all[plan.block(s, sizes.pre)],
                kept: &mut block(sizes.kept),
                h: &mut block(sizes.h),
                c: &mut block(sizes.c),
            });
        }
        all
    }
}
