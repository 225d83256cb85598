//! Elementwise loops, compiled for every instruction set: the processor's best is taken as they run.
//!
//! A program for "any x86-64" uses SSE2: four `f32` at once. pulp compiles what stands in
//! [`WithSimd::with_simd`] again for AVX2 (8 at once) and AVX-512 (16). What stands there are plain
//! loops. The compiler vectorises them on one condition: all they call must be *inlined* there.
//! Hence `#[inline(always)]`, and hence short closures: `+ − × ÷` and comparisons, no branches, no
//! calls, no `mul_add` (a library call where the processor has none).
//!
//! Which instruction set it is changes no bit of a result: each of these operations has one
//! correctly rounded result, which all of them give.

use crate::Float;
use pulp::{Arch, Simd, WithSimd};

/// `f(&mut y[i], a[i])` for every `i`.
///
/// ```
/// let mut y = [1.0, 2.0];
/// autograd::simd::map1(&mut y, &[10.0, 20.0], |y, a| *y += a * a);
/// assert_eq!(y, [101.0, 402.0]);
/// ```
///
/// # Panics
/// If the slices differ in length; so do [`map2`] and [`map3`].
#[inline]
#[track_caller]
pub fn map1<T: Copy>(y: &mut [T], a: &[T], f: impl Fn(&mut T, T)) {
    map3(y, a, a, a, |y, a, _, _| f(y, a));
}

/// `f(&mut y[i], a[i], b[i])` for every `i`.
#[inline]
#[track_caller]
pub fn map2<T: Copy>(y: &mut [T], a: &[T], b: &[T], f: impl Fn(&mut T, T, T)) {
    map3(y, a, b, b, |y, a, b, _| f(y, a, b));
}

// ANCHOR: run
/// `f(&mut y[i], a[i], b[i], c[i])` for every `i`.
#[inline]
#[track_caller]
pub fn map3<T: Copy>(y: &mut [T], a: &[T], b: &[T], c: &[T], f: impl Fn(&mut T, T, T, T)) {
    let (n, inputs) = (y.len(), [a.len(), b.len(), c.len()]);
    assert!(inputs == [n; 3], "map: the output has {n} entries, the inputs {inputs:?}");
    let map = Map { y, a, b, c, f };
    if n < SHORT { map.run() } else { Arch::new().dispatch(map) }
}
// ANCHOR_END: run

/// Asking for the instruction set takes 2 to 4 ns, as long as a loop over a few entries.
const SHORT: usize = 16;

struct Map<'a, T, F> {
    y: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
    c: &'a [T],
    f: F,
}

impl<T: Copy, F: Fn(&mut T, T, T, T)> Map<'_, T, F> {
    /// The loop. The compiler drops inputs that `f` does not look at.
    #[inline(always)]
    fn run(self) {
        let inputs = self.a.iter().zip(self.b).zip(self.c);
        for (y, ((&a, &b), &c)) in self.y.iter_mut().zip(inputs) {
            (self.f)(y, a, b, c);
        }
    }
}

impl<T: Copy, F: Fn(&mut T, T, T, T)> WithSimd for Map<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.run();
    }
}

/// `Σ aᵢ`, in an order that does not depend on the processor.
pub fn sum<T: Float>(a: &[T]) -> T {
    total(a, a, |a, _| a)
}

/// `Σ aᵢ bᵢ`, in the same order.
///
/// # Panics
/// If the slices differ in length.
#[track_caller]
pub fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    let (n, m) = (a.len(), b.len());
    assert!(n == m, "dot: {n} entries and {m}");
    total(a, b, |a, b| a * b)
}

fn total<T: Float>(a: &[T], b: &[T], term: impl Fn(T, T) -> T) -> T {
    let total = Total { a, b, term };
    if a.len() < SHORT { total.run() } else { Arch::new().dispatch(total) }
}

struct Total<'a, T, F> {
    a: &'a [T],
    b: &'a [T],
    term: F,
}

impl<T: Float, F: Fn(T, T) -> T> Total<'_, T, F> {
    /// Sixteen sums side by side, which need not wait for each other, after what is left over.
    #[inline(always)]
    fn run(self) -> T {
        let (a, b) = (self.a.as_chunks::<16>(), self.b.as_chunks::<16>());
        let rest = a.1.iter().zip(b.1).fold(T::ZERO, |sum, (&a, &b)| sum + (self.term)(a, b));
        let mut sums = [T::ZERO; 16];
        for (a, b) in a.0.iter().zip(b.0) {
            for k in 0..16 {
                sums[k] += (self.term)(a[k], b[k]);
            }
        }
        sums.into_iter().fold(rest, |total, sum| total + sum)
    }
}

impl<T: Float, F: Fn(T, T) -> T> WithSimd for Total<'_, T, F> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        self.run()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_to_the_plain_loop_at_every_length() {
        for n in 0..150 {
            let column = |k| (0..n).map(|i| ((i * 7 + k) % 13) as f32 * 0.1).collect::<Vec<_>>();
            let (a, b, c, start) = (column(1), column(2), column(3), column(4));
            let [mut one, mut two, mut three] = [(); 3].map(|()| start.clone());
            map1(&mut one, &a, |y, a| *y += a * a);
            map2(&mut two, &a, &b, |y, a, b| *y -= a / (1.0 + b));
            map3(&mut three, &a, &b, &c, |y, a, b, c| *y += a * b * (1.0 - c));
            for i in 0..start.len() {
                assert_eq!(one[i], start[i] + a[i] * a[i]);
                assert_eq!(two[i], start[i] - a[i] / (1.0 + b[i]));
                assert_eq!(three[i], start[i] + a[i] * b[i] * (1.0 - c[i]));
            }
        }
    }

    #[test]
    fn sums_are_those_of_the_plain_loop_at_every_length() {
        for n in 0..150 {
            let a: Vec<f64> = (0..n).map(|i| ((i * 7) % 13) as f64 - 5.0).collect();
            let b: Vec<f64> = (0..n).map(|i| ((i * 5) % 11) as f64 - 4.0).collect();
            assert_eq!(sum(&a), a.iter().sum::<f64>());
            assert_eq!(dot(&a, &b), a.iter().zip(&b).map(|(a, b)| a * b).sum::<f64>());
        }
    }

    #[test]
    #[should_panic = "map: the output has 2 entries, the inputs [2, 3, 3]"]
    fn lengths_must_agree() {
        map2(&mut [0.0; 2], &[0.0; 2], &[0.0; 3], |y, a, b| *y = a * b);
    }
}
