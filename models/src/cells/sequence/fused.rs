//! One picture, one loop: a derivation over all steps, as one operation on the tape.

use super::plan::unless_faded;
use super::sums::Gathered;
use super::{Backward, Derivation, Forward, Lengths, Plan, Sizes, split, split_mut, strips};
use crate::cells::State;
use autograd::{Float, Gradients, Inputs, Op, Output, Pass, Quantity, Var, Visit};
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
    let out = tape.apply_indexed(Fused { cell, reverse }, inputs, lengths.map_or(&[], Lengths::packed));
    let (h_n, c_n) = (out.rows() - h - c, out.rows() - c);
    let c_n = (c > 0).then(|| out.row_block(c_n..c_n + c));
    (out.row_block(0..h_n), State { h: out.row_block(h_n..h_n + h), c: c_n })
}

/// Output: `y`, and under it `h_n` and `c_n`.
#[derive(Clone, Copy)]
struct Fused<D> {
    cell: D,
    reverse: bool,
}

/// What the forward pass keeps, packed; `h` and `c` begin with the initial states.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a, T> {
    pub plan: Plan<'a>,
    pub sizes: Sizes,
    /// The input as it was given, if all examples fill all steps: its blocks need no packing.
    pub given: &'a [T],
    pub x: &'a [T],
    pub kept: &'a [T],
    pub h: &'a [T],
    pub c: &'a [T],
}

impl<'a, T> Stored<'a, T> {
    /// `x` at step `s`.
    pub fn x(&self, s: usize) -> &'a [T] {
        let (block, x) = (self.plan.block(s, self.sizes.x), self.sizes.x * self.plan.batch);
        self.plan.slice(s, x).map_or_else(|| &self.x[block], |slice| &self.given[slice])
    }
}

/// How much memory each part of [`Stored`] takes, and the forward pass's working memory.
fn saved_sizes(plan: Plan<'_>, sizes: Sizes) -> [usize; 5] {
    let Sizes { x, h, c, pre, kept } = sizes;
    let (total, batch) = (plan.total(), plan.batch);
    let x = if plan.is_whole() { 0 } else { x };
    [x * total, kept * total, h * (batch + total), c * (batch + total), (pre + h + c) * batch]
}

/// How much memory the parts of a step back take: dh, dh_before, dc, dc_before, d_pre, copies of
/// h_before and c_before, and dx.
fn step_sizes(plan: Plan<'_>, Sizes { x, h, c, pre, .. }: Sizes) -> [usize; 8] {
    [h, h, c, c, pre, h, c, x].map(|features| features * plan.batch)
}

/// Where the gradients of the inputs are added up, if they are asked for.
type Wanted<'a, 'g, T> = Option<(&'a mut Gradients<'g, T>, Gathered<'a, T>)>;

impl<D> Fused<D> {
    fn plan<'a, T: Float>(&self, x: Inputs<'a, T>) -> Plan<'a>
    where
        D: Derivation<T>,
    {
        Plan::new(x.rows(0) / self.cell.sizes().x, x.cols(0), self.reverse, x.indices())
    }

    fn stored<'a, T: Float>(&self, x: Inputs<'a, T>, saved: &'a [T]) -> Stored<'a, T>
    where
        D: Derivation<T>,
    {
        let (plan, sizes, given) = (self.plan(x), self.cell.sizes(), x.value(0));
        let [x, kept, h, c, _] = split(saved, saved_sizes(plan, sizes));
        Stored { plan, sizes, given, x, kept, h, c }
    }

    /// Where the initial states are among the inputs: h_0, and c_0 if there is one.
    fn starts<T: Float>(&self, x: Inputs<'_, T>) -> (usize, Option<usize>)
    where
        D: Derivation<T>,
    {
        let last = x.len() - 1;
        if self.cell.sizes().c > 0 { (last - 1, Some(last)) } else { (last, None) }
    }

    /// Backpropagation through time: the loop over the steps, from the last to the first. The gradients
    /// of the sequence and of the weights are added to those `wanted`; `look` sees d_pre, d_kept, dh and
    /// dc of every step; `d_kept` may be empty. The cotangents of h_0 and c_0 remain, packed as step 0 is.
    fn through_time<'w, T: Float>(
        &self,
        x: Inputs<'_, T>,
        y: (&[T], &Stored<'_, T>),
        mut wanted: Wanted<'_, '_, T>,
        work: &'w mut [T],
        d_kept: &mut [T],
        mut look: impl FnMut(usize, [&[T]; 4]),
    ) -> (&'w [T], &'w [T])
    where
        D: Derivation<T>,
    {
        let (cotangent, stored @ &Stored { plan, sizes, kept, h, c, .. }) = y;
        let [mut dh, mut dh_before, mut dc, mut dc_before, d_pre, h_copy, c_copy, dx_s] =
            split_mut(work, step_sizes(plan, sizes));
        let ends = [cotangent.len() - (dh.len() + dc.len()), dh.len(), dc.len()];
        let [dy, dh_n, dc_n] = split(cotangent, ends);
        // ANCHOR: through-time
        for s in (0..plan.recurrences()).rev() {
            std::mem::swap(&mut dh, &mut dh_before);
            // ANCHOR_END: through-time
            std::mem::swap(&mut dc, &mut dc_before);
            plan.widen(s, dh_n, dh);
            plan.widen(s, dc_n, dc);
            let n = plan.active(s);
            let (dh, dc) = (&mut dh[..sizes.h * n], &mut dc[..sizes.c * n]);
            let d_kept = d_kept.get_mut(..sizes.kept * n).unwrap_or_default();
            let d_pre = &mut d_pre[..sizes.pre * n];
            let whole = plan.slice(s, dx_s.len());
            let dx = wanted.as_mut().and_then(|(grads, _)| grads.of(0));
            let dx = dx.map(|dx| match &whole {
                Some(whole) => &mut dx[whole.clone()],
                None => {
                    dx_s.fill(T::ZERO);
                    &mut dx_s[..sizes.x * n]
                }
            });
            // ANCHOR: dh
            plan.gather_add(s, dy, dh); // h_t is used by the output and by step t + 1: dh = dy_t + dh
            // ANCHOR_END: dh
            strips([&mut *dc], [], |[dc], []| dc.iter_mut().for_each(|dc| *dc = unless_faded(*dc)));
            self.cell.backward(Backward {
                inputs: x,
                h_before: plan.cut_before(s, h, sizes.h, h_copy),
                c_before: plan.cut_before(s, c, sizes.c, c_copy),
                kept: &kept[plan.block(s, sizes.kept)],
                h: plan.before(s + 1, h, sizes.h).0,
                c: plan.before(s + 1, c, sizes.c).0,
                dh,
                dc,
                d_kept,
                d_pre,
                dh_before: &mut dh_before[..sizes.h * n],
                dc_before: &mut dc_before[..sizes.c * n],
                dx,
            });
            look(s, [d_pre, d_kept, dh, dc]);
            let Some((grads, gathered)) = &mut wanted else { continue };
            if let (Some(dx), None) = (grads.of(0), whole) {
                plan.scatter_add(s, &dx_s[..sizes.x * n], dx);
            }
            gathered.add(s, d_pre, &self.cell, stored, grads);
        }
        (dh_before, dc_before)
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
        let (h_0, c_0) = self.starts(x);
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
        saved_sizes(self.plan(x), self.cell.sizes()).iter().sum()
    }

    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], saved: &mut [T]) {
        let (plan, sizes) = (self.plan(x), self.cell.sizes());
        let [xs, kept, h, c, work] = split_mut(saved, saved_sizes(plan, sizes));
        let [pre, h_copy, c_copy] = split_mut(work, [sizes.pre, sizes.h, sizes.c].map(|f| f * plan.batch));
        let ends = [y.len() - (h_copy.len() + c_copy.len()), h_copy.len(), c_copy.len()];
        let [y, h_n, c_n] = split_mut(y, ends);
        let (h_0, c_0) = self.starts(x);
        plan.gather_start(x.value(h_0), h);
        plan.gather_start(c_0.map_or(&[], |c_0| x.value(c_0)), c);
        if !plan.is_whole() {
            y.fill(T::ZERO);
        }
        for s in 0..plan.recurrences() {
            let n = plan.active(s);
            let x_s = match plan.slice(s, sizes.x * n) {
                Some(slice) => &x.value(0)[slice],
                None => {
                    let x_s = &mut xs[plan.block(s, sizes.x)];
                    plan.gather(s, x.value(0), x_s);
                    x_s
                }
            };
            let after = plan.batch + plan.block(s, 1).start;
            let ((h_done, h), (c_done, c)) =
                (h.split_at_mut(sizes.h * after), c.split_at_mut(sizes.c * after));
            let (h, c) = (&mut h[..sizes.h * n], &mut c[..sizes.c * n]);
            self.cell.forward(Forward {
                inputs: x,
                x: x_s,
                h_before: plan.cut_before(s, h_done, sizes.h, h_copy),
                c_before: plan.cut_before(s, c_done, sizes.c, c_copy),
                pre: &mut pre[..sizes.pre * n],
                kept: &mut kept[plan.block(s, sizes.kept)],
                h,
                c,
            });
            plan.scatter(s, h, y);
            plan.scatter_ended(s, h, h_n);
            plan.scatter_ended(s, c, c_n);
        }
    }

    fn scratch(&self, x: Inputs<'_, T>) -> usize {
        let (plan, sizes) = (self.plan(x), self.cell.sizes());
        step_sizes(plan, sizes).iter().sum::<usize>() + Gathered::<T>::scratch(plan, sizes)
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        let stored = self.stored(x, y.saved);
        let Stored { plan, sizes, .. } = stored;
        let (work, rest) = y.scratch.split_at_mut(step_sizes(plan, sizes).iter().sum());
        let wanted = Some((&mut *dx, Gathered::new(plan, sizes, rest)));
        let (dh_0, dc_0) = self.through_time(x, (y.cotangent, &stored), wanted, work, &mut [], |_, _| ());
        let (h_0, c_0) = self.starts(x);
        // ANCHOR: start
        if let Some(d) = dx.of(h_0) {
            plan.scatter_start_add(dh_0, d);
        }
        // ANCHOR_END: start
        if let Some(d) = c_0.and_then(|c_0| dx.of(c_0)) {
            plan.scatter_start_add(dc_0, d);
        }
    }

    /// Traces are rare: memory of their own keeps the training path free of them.
    fn trace(&self, x: Inputs<'_, T>, y: Output<'_, T>, visit: &mut Visit<'_, T>) {
        let stored = self.stored(x, y.saved);
        let Stored { plan, sizes, kept, h, c, .. } = stored;
        let pre = self.pre_activations(x, &stored);
        let (h, c) = (&h[sizes.h * plan.batch..], &c[sizes.c * plan.batch..]);
        let [mut d_pre, mut d_kept, mut dh, mut dc] =
            [sizes.pre, sizes.kept, sizes.h, sizes.c].map(|features| vec![T::ZERO; features * plan.total()]);
        let known = !y.cotangent.is_empty();
        if known {
            self.through_time(
                x,
                (y.cotangent, &stored),
                None,
                y.scratch,
                &mut vec![T::ZERO; sizes.kept * plan.batch],
                |s, [d_pre_s, d_kept_s, dh_s, dc_s]| {
                    d_pre[plan.block(s, sizes.pre)].copy_from_slice(d_pre_s);
                    d_kept[plan.block(s, sizes.kept)].copy_from_slice(d_kept_s);
                    dh[plan.block(s, sizes.h)].copy_from_slice(dh_s);
                    dc[plan.block(s, sizes.c)].copy_from_slice(dc_s);
                },
            );
        }
        let (values, grads) = ([&pre, kept, h, c], known.then_some([&d_pre[..], &d_kept, &dh, &dc]));
        for t in 0..plan.steps {
            self.cell.inside(&mut Inside { plan, sizes, t, values, grads, visit });
        }
    }
}

impl<D> Fused<D> {
    /// The pre-activations, packed, which the forward pass did not keep: the steps forward again.
    fn pre_activations<T: Float>(&self, x: Inputs<'_, T>, stored: &Stored<'_, T>) -> Vec<T>
    where
        D: Derivation<T>,
    {
        let &Stored { plan, sizes, h, c, .. } = stored;
        let mut all = vec![T::ZERO; sizes.pre * plan.total()];
        for s in 0..plan.recurrences() {
            let n = plan.active(s);
            let block = |features: usize| vec![T::ZERO; features * n];
            self.cell.forward(Forward {
                inputs: x,
                x: stored.x(s),
                h_before: plan.cut_before(s, h, sizes.h, &mut block(sizes.h)),
                c_before: plan.cut_before(s, c, sizes.c, &mut block(sizes.c)),
                pre: &mut all[plan.block(s, sizes.pre)],
                kept: &mut block(sizes.kept),
                h: &mut block(sizes.h),
                c: &mut block(sizes.c),
            });
        }
        all
    }
}

/// The quantities inside a fused sequence at one time step, to be shown by name.
pub struct Inside<'a, T: Float> {
    plan: Plan<'a>,
    sizes: Sizes,
    t: usize,
    /// Packed: pre, kept, h, c; and their cotangents, if they are known.
    values: [&'a [T]; 4],
    grads: Option<[&'a [T]; 4]>,
    visit: &'a mut Visit<'a, T>,
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
        let value = self.unpack(self.values[which], features, rows.clone());
        let grad = self.grads.map(|grads| self.unpack(grads[which], features, rows.clone()));
        let (step, cols) = (Some(self.t), self.plan.batch);
        (self.visit)(Quantity {
            name,
            scope: None,
            step,
            rows: rows.len(),
            cols,
            value: &value,
            grad: grad.as_deref(),
        });
    }

    /// Some rows of step `t` of a packed quantity as F×B, with zeros past an example's length.
    fn unpack(&self, packed: &[T], features: usize, rows: Range<usize>) -> Vec<T> {
        let (plan, mut dense) = (self.plan, vec![T::ZERO; rows.len() * self.plan.batch]);
        for j in 0..plan.batch {
            let Some(s) = plan.step(self.t, j) else { continue };
            let (block, n) = (plan.block(s, features), plan.active(s));
            for (to, row) in rows.clone().enumerate() {
                dense[to * plan.batch + plan.column(j)] = packed[block.start + row * n + j];
            }
        }
        dense
    }
}
