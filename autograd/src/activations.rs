//! `exp`, sigmoid and tanh of whole slices: with AVX-512 five to forty times as fast as calling the
//! standard library for every entry. In `f32` at most 1.1, 2.5 and 2.6 ulp (units in the last place)
//! from the exact value, tried for all 2³² numbers; in `f64` within 5e-16 of it.
//!
//! # How to compute eˣ
//! 1. **Range reduction.** x = k·ln 2 + r with an integer k and |r| ≤ ½ ln 2, so eˣ = 2ᵏ·eʳ.
//! 2. **Polynomial.** On that short interval eʳ is 1 + q with q = r + r²·c(r), where
//!    c(r) = (eʳ − 1 − r)/r² = 1/2 + r/6 + r²/24 + …, cut off.
//! 3. **Scaling.** A float is a sign, an exponent and a mantissa: 2ᵏ is the number that has k, plus
//!    a fixed bias, in the exponent's bits.
//!
//! # Why tanh needs q
//! tanh x = (e²ˣ − 1)/(e²ˣ + 1). Near 0, e²ˣ is 1 and a little, of which few digits fit beside the
//! 1, or none (x = 10⁻⁸ in `f32`): subtracting 1 brings none back. So we never add it:
//! m = e²ˣ − 1 = 2ᵏq + (2ᵏ − 1), and tanh x = m/(m + 2).
//!
//! # Why it is fast
//! No branches, no calls: every entry takes the same steps, so the compiler does 16 of them at once
//! if the processor can (see [`crate::simd`]). An entry's place in the slice changes no bit of it.

use crate::float::Float;
use pulp::{Arch, Simd, WithSimd};

/// What the formulas need to know about `f32` or `f64`.
pub trait Real: Float {
    /// log₂ e
    const LOG2_E: Self;
    /// ln 2, cut to so few bits that k·LN2_HI is exact, …
    const LN2_HI: Self;
    /// … and the rest. With ln 2 in one number, r would lose the digits that k·ln 2 is rounded to.
    const LN2_LO: Self;
    /// Adding it rounds to an integer: near 1.5·2²³ (1.5·2⁵² in `f64`) the last bit is worth 1.
    /// The exponent's bias 127 (1023) is in it too: `k + ROUND` ends in the bits 2ᵏ needs.
    const ROUND: Self;
    /// c(r) = Σ Cᵢ rⁱ.
    const C: &'static [Self];
    /// Before it eˣ is 0, after it infinity.
    const EXP_RANGE: (Self, Self);
    /// The logarithm of the smallest normal number.
    const LN_MIN: Self;
    /// From half of it on tanh rounds to 1.
    const TANH_MAX: Self;

    /// 2ᵏ, given `k + ROUND`, for k from −126 to 127 (−1022 to 1023).
    fn pow2(shifted: Self) -> Self;
    /// a·b + c: rounded once where the processor can do that (`fma`), else twice.
    fn mul_add(a: Self, b: Self, c: Self, fma: bool) -> Self;
    /// |x|
    fn abs(self) -> Self;
    /// |x| with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
}

macro_rules! real {
    ($t:ident, $mantissa:literal, { $($constants:item)* }) => {
        impl Real for $t {
            const LOG2_E: $t = std::$t::consts::LOG2_E;
            $($constants)*

            #[inline(always)]
            fn pow2(shifted: $t) -> $t {
                $t::from_bits(shifted.to_bits() << $mantissa)
            }
            #[inline(always)]
            fn mul_add(a: $t, b: $t, c: $t, fma: bool) -> $t {
                if fma { a.mul_add(b, c) } else { a * b + c }
            }
            #[inline(always)]
            fn abs(self) -> $t {
                self.abs()
            }
            #[inline(always)]
            fn copysign(self, sign: $t) -> $t {
                self.copysign(sign)
            }
        }
    };
}

// C interpolates c(r) at the n Chebyshev nodes ½ ln 2 · cos((2i + 1)π/2n), i < n: close to the best
// polynomial of its degree, and a linear system gives it. Solved with 60 digits, then rounded.
// What it leaves out is at most 9.7e-9 of eʳ (0.08 ulp) and 2.4e-8 of q (0.2 ulp).
real!(f32, 23, {
    const LN2_HI: f32 = 0.693_145_75; // 15 bits
    const LN2_LO: f32 = 1.428_606_8e-6;
    const ROUND: f32 = 12_582_912.0 + 127.0;
    const C: &'static [f32] = &[0.5, 0.166_665_78, 0.041_666_556, 0.008_363_173, 0.001_392_617_6];
    const EXP_RANGE: (f32, f32) = (-104.0, 89.0);
    const LN_MIN: f32 = -87.336_54;
    const TANH_MAX: f32 = 20.0;
});

// The same with ten nodes: at most 1.6e-17 of eʳ (0.07 ulp) and 4.1e-17 of q (0.2 ulp).
real!(f64, 52, {
    const LN2_HI: f64 = 0.6931471803691238; // 32 bits
    const LN2_LO: f64 = 1.9082149292705877e-10;
    const ROUND: f64 = 6_755_399_441_055_744.0 + 1023.0;
    const C: &'static [f64] = &[
        0.5000000000000001,
        0.16666666666666669,
        0.041666666666624164,
        0.008333333333330065,
        0.0013888888917196719,
        0.00019841269863040545,
        2.4801521322368692e-5,
        2.7557268480310024e-6,
        2.7620075879983367e-7,
        2.5100375832561234e-8,
    ];
    const EXP_RANGE: (f64, f64) = (-746.0, 710.0);
    const LN_MIN: f64 = -708.3964185322641;
    const TANH_MAX: f64 = 40.0;
});

/// `y = eˣ`, entry by entry, down through the subnormal numbers to 0 and up to infinity.
///
/// # Panics
/// If the lengths differ; so do [`sigmoid`] and [`tanh`].
#[track_caller]
pub fn exp<T: Real>(y: &mut [T], x: &[T]) {
    map("exp", y, x, exp_of);
}

/// `y = σ(x) = 1/(1 + e⁻ˣ)`, entry by entry. What would be subnormal (x < −87.3, in `f64` −708.4)
/// is 0: subnormal numbers make the products they go into many times slower.
#[track_caller]
pub fn sigmoid<T: Real>(y: &mut [T], x: &[T]) {
    map("sigmoid", y, x, sigmoid_of);
}

/// `y = tanh x`, entry by entry.
#[track_caller]
pub fn tanh<T: Real>(y: &mut [T], x: &[T]) {
    map("tanh", y, x, tanh_of);
}

// ANCHOR: reduce
/// Steps 1 and 2: `(k + ROUND, q)`, where x = k·ln 2 + r and q = eʳ − 1.
#[inline(always)]
fn reduce<T: Real>(x: T, fma: bool) -> (T, T) {
    let shifted = T::mul_add(x, T::LOG2_E, T::ROUND, fma);
    let k = shifted - T::ROUND;
    let r = T::mul_add(k, -T::LN2_LO, T::mul_add(k, -T::LN2_HI, x, fma), fma);
    let mut c = T::C[T::C.len() - 1];
    for &ci in T::C[..T::C.len() - 1].iter().rev() {
        c = T::mul_add(c, r, ci, fma);
    }
    (shifted, T::mul_add(r * r, c, r, fma))
}
// ANCHOR_END: reduce

/// eˣ = (1 + q)·2ᵏ. k goes from −150 to 128 (−1076 to 1024), too far for one exponent: two halves.
#[inline(always)]
fn exp_of<T: Real>(x: T, fma: bool) -> T {
    let (shifted, q) = reduce(clamp(x, T::EXP_RANGE.0, T::EXP_RANGE.1), fma);
    let half = T::mul_add(shifted - T::ROUND, T::from_f64(0.5), T::ROUND, fma);
    let rest = shifted - (half - T::ROUND);
    (T::ONE + q) * T::pow2(half) * T::pow2(rest)
}

/// With e = e^−|x|, which cannot overflow: σ(x) = 1/(1 + e) where x ≥ 0, e/(1 + e) where x < 0.
#[inline(always)]
fn sigmoid_of<T: Real>(x: T, fma: bool) -> T {
    let a = -Real::abs(x);
    let (shifted, q) = reduce(a, fma);
    let power = T::pow2(shifted);
    let e = T::mul_add(power, q, power, fma);
    let e = if a < T::LN_MIN { T::ZERO } else { e };
    (if x < T::ZERO { e } else { T::ONE }) / (T::ONE + e)
}

// ANCHOR: tanh
/// tanh |x| = m/(m + 2) with m = e^2|x| − 1, and the sign of x.
#[inline(always)]
fn tanh_of<T: Real>(x: T, fma: bool) -> T {
    let a = Real::abs(x);
    let (shifted, q) = reduce(clamp(a + a, T::ZERO, T::TANH_MAX), fma);
    let power = T::pow2(shifted);
    let m = T::mul_add(power, q, power - T::ONE, fma);
    Real::copysign(m / (m + T::from_f64(2.0)), x)
}
// ANCHOR_END: tanh

/// x, moved into `min..=max`. NaN compares false twice and stays (`min` and `max` would drop it).
#[inline(always)]
fn clamp<T: Real>(x: T, min: T, max: T) -> T {
    if x < min {
        min
    } else if x > max {
        max
    } else {
        x
    }
}

/// `y[i] = f(x[i], fma)`: `simd::map1`, but telling `f` what the processor can.
#[track_caller]
fn map<T: Real>(name: &str, y: &mut [T], x: &[T], f: impl Fn(T, bool) -> T) {
    let (n, m) = (y.len(), x.len());
    assert!(n == m, "{name}: y has {n} entries, x has {m}");
    Arch::new().dispatch(Map { y, x, f });
}

struct Map<'a, T, F> {
    y: &'a mut [T],
    x: &'a [T],
    f: F,
}

impl<T: Real, F: Fn(T, bool) -> T> WithSimd for Map<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let fma = !S::IS_SCALAR && cfg!(not(target_arch = "wasm32"));
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y = (self.f)(x, fma);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processors without fused multiply-add, and wasm32, take the other path: it is as accurate.
    #[test]
    fn without_fma_too_within_4_ulp() {
        close(exp_of, exp_of, f64::exp);
        close(sigmoid_of, sigmoid_of, |x| 1.0 / (1.0 + (-x).exp()));
        close(tanh_of, tanh_of, f64::tanh);
    }

    fn close(single: fn(f32, bool) -> f32, double: fn(f64, bool) -> f64, exact: fn(f64) -> f64) {
        for x in (-87 * 4096..88 * 4096).map(|i| i as f64 / 4096.0) {
            let (y32, y64, want) = (single(x as f32, false) as f64, double(x, false), exact(x));
            assert!((y32 - want).abs() <= 4.0 * 2f64.powi(-24) * want.abs(), "{x}: {y32}, {want}");
            assert!((y64 - want).abs() <= 1e-15 * want.abs(), "{x}: {y64}, {want}");
        }
    }
}
