//! Two sequences side by side, step by step.

use crate::threads::{self, share_steps};
use autograd::simd::map1;
use autograd::{Float, Gradients, Inputs, Op, Output, Var};
use std::ops::Range;

/// `y_t = [a_t; b_t]` at every step t.
///
/// `a` is (T·F)×B, `b` (T·G)×B, the result (T·(F+G))×B. A step's block of `y` is a copy of the two
/// steps' blocks, so each gets its own rows of the cotangent back: `ā_t += ȳ_t[..F]`,
/// `b̄_t += ȳ_t[F..]`.
///
/// # Panics
/// If the rows do not make `steps` equal blocks, or the numbers of columns differ.
///
/// ```
/// let tape = autograd::Tape::<f64>::new();
/// let (a, b) = (tape.leaf(2, 1, &[1.0, 2.0]), tape.leaf(2, 1, &[-1.0, -2.0]));
/// assert_eq!(models::layers::interleave(a, b, 2).value(), [1.0, -1.0, 2.0, -2.0]);
/// ```
#[track_caller]
pub fn interleave<'t, T: Float>(a: Var<'t, T>, b: Var<'t, T>, steps: usize) -> Var<'t, T> {
    a.tape().apply(Interleave { steps }, &[a, b])
}

struct Interleave {
    steps: usize,
}

impl Interleave {
    // ANCHOR: places
    /// Where the rows of input `k` lie in a step of the output.
    fn place<T: Float>(&self, x: Inputs<'_, T>, k: usize) -> Range<usize> {
        let [a, b] = [0, 1].map(|k| x.value(k).len() / self.steps);
        if k == 0 { 0..a } else { a..a + b }
    }
    // ANCHOR_END: places
}

/// How many threads a copy of so many numbers is worth.
fn threads_for(count: usize) -> usize {
    threads::worth(16 * count)
}

impl<T: Float> Op<T> for Interleave {
    fn name(&self) -> &'static str {
        "interleave"
    }

    fn shape(&self, x: Inputs<'_, T>) -> Result<(usize, usize), String> {
        let fits = |k: usize| self.steps > 0 && x.rows(k).is_multiple_of(self.steps);
        if fits(0) && fits(1) && x.cols(0) == x.cols(1) {
            Ok((x.rows(0) + x.rows(1), x.cols(0)))
        } else {
            Err(format!("they are not two sequences of {} steps of equally many columns", self.steps))
        }
    }

    fn forward(&self, x: Inputs<'_, T>, y: &mut [T], _saved: &mut [T]) {
        for k in [0, 1] {
            let (x_k, place) = (x.value(k), self.place(x, k));
            let copy = |y: &mut [T], x: &[T]| y[place.clone()].copy_from_slice(x);
            share_steps(self.steps, threads_for(x_k.len()), y, x_k, &copy);
        }
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: backward
        for k in [0, 1] {
            let Some((dx, new)) = dx.of_or_new(k) else { continue };
            let (place, threads) = (self.place(x, k), threads_for(dx.len()));
            let add = |dx: &mut [T], dy: &[T]| match new {
                true => dx.copy_from_slice(&dy[place.clone()]),
                false => map1(dx, &dy[place.clone()], |dx, dy| *dx += dy),
            };
            share_steps(self.steps, threads, dx, y.cotangent, &add);
        }
        // ANCHOR_END: backward
    }
}
