//! Two sequences side by side, step by step.

use autograd::{Float, Gradients, Inputs, Op, Output, Var};

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
    /// Where step `t`'s rows of input `k` lie in that input, and where in the output.
    fn places<T: Float>(&self, x: Inputs<'_, T>, k: usize, t: usize) -> [std::ops::Range<usize>; 2] {
        // ANCHOR: places
        let [a, b] = [0, 1].map(|k| x.value(k).len() / self.steps);
        let (size, start) = if k == 0 { (a, 0) } else { (b, a) };
        [t * size..(t + 1) * size, t * (a + b) + start..t * (a + b) + start + size]
        // ANCHOR_END: places
    }
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
        for (t, k) in (0..self.steps).flat_map(|t| [(t, 0), (t, 1)]) {
            let [from, to] = self.places(x, k, t);
            y[to].copy_from_slice(&x.value(k)[from]);
        }
    }

    fn backward(&self, x: Inputs<'_, T>, y: Output<'_, T>, dx: &mut Gradients<'_, T>) {
        // ANCHOR: backward
        for k in [0, 1] {
            let Some(dx) = dx.of(k) else { continue };
            for t in 0..self.steps {
                let [to, from] = self.places(x, k, t);
                dx[to].iter_mut().zip(&y.cotangent[from]).for_each(|(dx, &dy)| *dx += dy);
            }
        }
        // ANCHOR_END: backward
    }
}
