//! One picture, one loop: the steps of a sequence, forth and back.

use super::columns::{Columns, Parts};
use super::plan::unless_faded;
use super::sums::Gathered;
use super::{Backward, Derivation, Forward, Plan, Sizes, split, split_mut, strips};
use autograd::simd::map1;
use autograd::{Float, Inputs};

/// What the forward pass leaves: packed blocks, of which `h` and `c` begin with the initial states.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a, T> {
    pub plan: Plan<'a>,
    pub sizes: Sizes,
    /// The input as it was given, if all examples fill all steps: its blocks need no packing.
    pub given: &'a [T],
    /// The initial state and the outputs, if they are the memory of the states.
    given_h: [&'a [T]; 2],
    pub x: &'a [T],
    pub kept: &'a [T],
    h: &'a [T],
    pub c: &'a [T],
}

/// How much memory each part of [`Stored`] takes, and the forward pass's working memory. Without a
/// backward pass to come, the memory of one step does, or of two.
pub(super) fn saved_sizes(plan: Plan<'_>, Sizes { x, h, c, pre, kept }: Sizes, keep: bool) -> [usize; 5] {
    let batch = plan.batch;
    let steps = if keep { plan.total() } else { batch };
    let xs = if plan.is_whole() { 0 } else { x };
    let hs = packed_h(plan, h);
    [xs * steps, kept * steps, hs * (batch + steps), c * (batch + steps), (pre + x + h + c) * batch]
}

/// Features of `h` in its packed blocks: none if the outputs are its memory.
fn packed_h(plan: Plan<'_>, h: usize) -> usize {
    if plan.is_all() { 0 } else { h }
}

/// How much memory the parts of a step back take: dh, dh_before, dc, dc_before, copies of h_before and
/// c_before, and dx.
pub(super) fn step_sizes(plan: Plan<'_>, Sizes { x, h, c, .. }: Sizes) -> [usize; 7] {
    [h, h, c, c, h, c, x].map(|features| features * plan.batch)
}

impl<'a, T: Float> Stored<'a, T> {
    /// What the forward pass has left of a part: in the outputs, and in what it saved.
    pub fn new<D: Derivation<T>>(
        cell: &D,
        inputs: Inputs<'a, T>,
        (parts, part): (Parts<'a>, usize),
        [y, saved]: [&'a [T]; 2],
    ) -> Self {
        let sizes = cell.sizes();
        let size = |plan: Plan<'_>| saved_sizes(plan, sizes, true).iter().sum();
        let (plan, saved) = parts.memory(saved, size).nth(part).expect("a part of the batch");
        let [x, kept, h, c, _] = split(saved, saved_sizes(plan, sizes, true));
        let (h_0, _) = starts(cell, inputs);
        Self { plan, sizes, given: inputs.value(0), given_h: [inputs.value(h_0), y], x, kept, h, c }
    }

    /// The state before step `s`. It may have more than n_s columns: [`Plan::had`].
    pub fn h_before(&self, s: usize) -> &'a [T] {
        let (Self { plan, given_h: [h_0, y], .. }, size) = (self, self.sizes.h * self.plan.batch);
        match s.checked_sub(1) {
            _ if !plan.is_all() => plan.before(s, self.h, self.sizes.h),
            None => h_0,
            Some(before) => &y[plan.slice(before, size).expect("all columns")],
        }
    }
}

/// Where the initial states are among the inputs: h_0, and c_0 if there is one.
pub(super) fn starts<T: Float, D: Derivation<T>>(cell: &D, x: Inputs<'_, T>) -> (usize, Option<usize>) {
    let last = x.len() - 1;
    if cell.sizes().c > 0 { (last - 1, Some(last)) } else { (last, None) }
}

/// The loop over the steps, from the first to the last: writes the outputs and the final states.
pub(super) fn forth<T: Float, D: Derivation<T>>(
    cell: &D,
    x: Inputs<'_, T>,
    plan: Plan<'_>,
    [mut y, mut h_n, mut c_n]: [Columns<'_, T>; 3],
    saved: &mut [T],
    keep: bool,
) {
    let sizes = cell.sizes();
    let [mut xs, mut kept, h, c, work] = split_mut(saved, saved_sizes(plan, sizes, keep));
    let copies = [sizes.pre, sizes.x, sizes.h, sizes.c].map(|features| features * plan.batch);
    let [pre, x_copy, h_copy, c_copy] = split_mut(work, copies);
    let (mut h_before, mut h) = h.split_at_mut(packed_h(plan, sizes.h) * plan.batch);
    let (mut c_before, mut c) = c.split_at_mut(sizes.c * plan.batch);
    let (h_0, c_0) = starts(cell, x);
    plan.gather_start(x.value(h_0), h_before);
    plan.gather_start(c_0.map_or(&[], |c_0| x.value(c_0)), c_before);
    for s in 0..plan.recurrences() {
        let n = plan.active(s);
        let [xs_now, xs_rest] = next(&mut xs, if plan.is_whole() { 0 } else { sizes.x * n });
        let [kept_now, kept_rest] = next(&mut kept, sizes.kept * n);
        let [h_now, h_rest] = next(&mut h, packed_h(plan, sizes.h) * n);
        let [c_now, c_rest] = next(&mut c, sizes.c * n);
        let x_s = match plan.slice(s, sizes.x * n) {
            Some(slice) => &x.value(0)[slice],
            None => {
                let x_s = if plan.is_whole() { &mut *x_copy } else { &mut *xs_now };
                plan.gather(s, x.value(0), x_s);
                x_s
            }
        };
        let (h_before_s, h_s) = match &mut y {
            Columns::All { data, .. } if plan.is_all() => plan.before_and_at(s, x.value(h_0), data),
            _ => (plan.cut(s, h_before, h_copy), &mut *h_now),
        };
        cell.forward(Forward {
            inputs: x,
            x: x_s,
            h_before: h_before_s,
            c_before: plan.cut(s, c_before, c_copy),
            pre: &mut pre[..sizes.pre * n],
            kept: kept_now,
            h: h_s,
            c: c_now,
        });
        plan.scatter_ended(s, h_s, &mut h_n);
        if !plan.is_all() {
            plan.scatter(s, h_now, &mut y);
        }
        plan.scatter_ended(s, c_now, &mut c_n);
        // What nobody will read again is written over by the next step.
        (xs, kept) = if keep { (xs_rest, kept_rest) } else { (xs_now, kept_now) };
        (h, c) = if keep { (h_rest, c_rest) } else { (h_before, c_before) };
        (h_before, c_before) = (h_now, c_now);
    }
}

/// Backpropagation through time: the loop over the steps, from the last to the first. The gradient of
/// the sequence is added to `dx`, and those of the weights to `sums`, if they are wanted. Without sums, a
/// step writes to `d_pre` and `d_kept`; `look` sees those, dh and dc of every step. The cotangents of h_0 and
/// c_0 remain in `work`: see [`starts_of`].
pub(super) fn through_time<T: Float, D: Derivation<T>>(
    cell: &D,
    x: Inputs<'_, T>,
    (cotangent, stored): (&[T], &Stored<'_, T>),
    (mut dx_all, mut sums): (Option<(Columns<'_, T>, bool)>, Option<Gathered<'_, T>>),
    work: &mut [T],
    [d_pre, d_kept]: [&mut [T]; 2],
    mut look: impl FnMut(usize, [&[T]; 4]),
) {
    let &Stored { plan, sizes, kept, c, .. } = stored;
    let [mut dh, mut dh_before, mut dc, mut dc_before, h_copy, c_copy, dx_s] =
        split_mut(work, step_sizes(plan, sizes));
    let batch = x.cols(0);
    let ends = [cotangent.len() - (sizes.h + sizes.c) * batch, sizes.h * batch, sizes.c * batch];
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
        let d_pre = match &mut sums {
            Some(sums) => sums.next(n),
            None => &mut d_pre[..sizes.pre * n],
        };
        // ANCHOR: dh
        plan.gather_add(s, dy, dh); // h_t is used by the output and by step t + 1: dh = dy_t + dh
        // ANCHOR_END: dh
        strips([&mut *dc], [plan.before(s + 1, c, sizes.c)], |[dc], [c]| {
            map1(dc, c, |dc, _| *dc = unless_faded(*dc));
        });
        // Several products may be added up to one step's gradient: in the same order, wherever it lies.
        let in_place = plan.slice(s, dx_s.len()).filter(|_| matches!(dx_all, Some((_, true))));
        let mut dx = match (&mut dx_all, in_place.clone()) {
            (None, _) => None,
            (Some((Columns::All { data, .. }, _)), Some(slice)) => Some(&mut data[slice]),
            _ => Some(&mut dx_s[..sizes.x * n]),
        };
        if let Some(dx) = &mut dx {
            dx.fill(T::ZERO);
        }
        cell.backward(Backward {
            inputs: x,
            h_before: plan.cut(s, stored.h_before(s), h_copy),
            c_before: plan.cut(s, plan.before(s, c, sizes.c), c_copy),
            kept: &kept[plan.block(s, sizes.kept)],
            h: stored.h_before(s + 1),
            c: plan.before(s + 1, c, sizes.c),
            dh,
            dc,
            d_kept,
            d_pre,
            dh_before: &mut dh_before[..sizes.h * n],
            dc_before: &mut dc_before[..sizes.c * n],
            dx,
        });
        look(s, [d_pre, d_kept, dh, dc]);
        if let (Some((dx, new)), None) = (&mut dx_all, in_place) {
            match *new {
                true => plan.scatter(s, &dx_s[..sizes.x * n], dx),
                false => plan.scatter_add(s, &dx_s[..sizes.x * n], dx),
            }
        }
        if let Some(sums) = &mut sums {
            sums.add(s, cell, stored);
        }
    }
    // The steps have taken turns with two buffers: now both hold it.
    dh.copy_from_slice(dh_before);
    dc.copy_from_slice(dc_before);
}

/// The cotangents of h_0 and c_0, packed as step 0 is, which the loop over the steps has left.
pub(super) fn starts_of<'a, T>(work: &'a [T], plan: Plan<'_>, sizes: Sizes) -> [&'a [T]; 2] {
    let [dh, _, dc, ..] = split(work, step_sizes(plan, sizes));
    [dh, dc]
}

/// The next numbers, and those after them.
fn next<'a, T>(rest: &mut &'a mut [T], count: usize) -> [&'a mut [T]; 2] {
    std::mem::take(rest).split_at_mut(count).into()
}
