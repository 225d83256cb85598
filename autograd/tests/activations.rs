//! exp, sigmoid and tanh against references with more digits than they have themselves.

use autograd::Float;
use proptest::prelude::*;

/// One of the three functions.
type Slices<T> = fn(&mut [T], &[T]);

/// The function's values at `x`.
fn values<T: Float>(f: Slices<T>, x: &[T]) -> Vec<T> {
    let mut y = vec![T::NAN; x.len()];
    f(&mut y, x);
    y
}

/// Asserts `error(x, y) ≤ limit` at every point, and says where it is largest.
#[track_caller]
fn check<T: Float>(name: &str, f: Slices<T>, x: &[T], limit: f64, error: impl Fn(T, T) -> f64) {
    let errors = x.iter().zip(values(f, x)).map(|(&x, y)| (error(x, y), x, y));
    let (worst, x, y) = errors.max_by(|a, b| a.0.total_cmp(&b.0)).expect("at least one point");
    assert!(worst <= limit, "{name}({x}) = {y}: error {worst}, allowed are {limit}");
}

/// The error where a difference says nothing, at infinity and NaN: 0 if both agree, else infinity.
fn special(got: f64, want: f64) -> Option<f64> {
    let same = got == want || got.is_nan() && want.is_nan();
    (got.is_nan() || !want.is_finite() || !got.is_finite()).then_some(if same { 0.0 } else { f64::INFINITY })
}

// ---- f32: the reference is the same function in f64 ----

/// |got − want| in units of the last place of `want` as an `f32`.
fn ulps(got: f32, want: f64) -> f64 {
    let as_f32 = if want.abs() > f32::MAX as f64 { f64::INFINITY } else { want };
    special(got as f64, as_f32).unwrap_or_else(|| {
        let exponent = want.abs().max(f32::MIN_POSITIVE as f64).log2().floor() as i32;
        (got as f64 - want).abs() / 2f64.powi(exponent - 23)
    })
}

/// Every 1009th of all 2³² bit patterns: every magnitude, both signs, infinities and NaNs.
fn sweep_f32() -> Vec<f32> {
    (0..=u32::MAX).step_by(1009).chain([f32::INFINITY.to_bits(), 1 << 31]).map(f32::from_bits).collect()
}

#[test]
fn f32_is_within_4_ulp() {
    let x = sweep_f32();
    check("exp", f32::exp_slice, &x, 4.0, |x, y| ulps(y, (x as f64).exp()));
    check("tanh", f32::tanh_slice, &x, 4.0, |x, y| ulps(y, (x as f64).tanh()));
    check("sigmoid", f32::sigmoid_slice, &x, 4.0, |x, y| {
        let want = 1.0 / (1.0 + (-x as f64).exp());
        // Too small for a normal number: 0 is right, and so is anything nearer.
        let tiny = f32::MIN_POSITIVE as f64;
        if want < tiny { 4.0 * (y as f64 - want).abs() / tiny } else { ulps(y, want) }
    });
}

// ---- f64: the reference is computed with pairs of f64, high + low, of about 31 digits ----

/// The unevaluated sum of a number and a much smaller one.
#[derive(Clone, Copy)]
struct Pair(f64, f64);

impl Pair {
    /// a + b for |a| ≥ |b|, with the rounding error (Dekker 1971).
    fn sum(a: f64, b: f64) -> Pair {
        let s = a + b;
        Pair(s, b - (s - a))
    }
    fn plus(self, b: f64) -> Pair {
        let Pair(s, e) = if self.0.abs() > b.abs() { Pair::sum(self.0, b) } else { Pair::sum(b, self.0) };
        Pair::sum(s, e + self.1)
    }
    fn times(self, b: Pair) -> Pair {
        let p = self.0 * b.0;
        Pair::sum(p, self.0.mul_add(b.0, -p) + (self.0 * b.1 + self.1 * b.0))
    }
    fn over(self, b: Pair) -> Pair {
        let q = self.0 / b.0;
        let back = b.times(Pair(q, 0.0));
        Pair::sum(q, ((self.0 - back.0) + (self.1 - back.1)) / b.0)
    }
}

const ONE: Pair = Pair(1.0, 0.0);

/// eˣ − 1 for 0 ≤ x < 709: x is halved until the Taylor series converges fast; then, as often,
/// e²ᵗ − 1 = m(m + 2) with m = eᵗ − 1.
fn expm1(x: f64) -> Pair {
    if x < 1e-20 {
        return Pair(x, 0.0);
    }
    let halvings = (x.log2().ceil() as i32 + 2).max(0);
    let t = Pair(x / 2f64.powi(halvings), 0.0);
    let series = (2..24).rev().fold(ONE, |s, n| t.times(s).over(Pair(n as f64, 0.0)).plus(1.0));
    (0..halvings).fold(t.times(series), |m, _| m.times(m.plus(2.0)))
}

fn exp_pair(x: f64) -> Pair {
    let e = expm1(x.abs()).plus(1.0);
    if x < 0.0 { ONE.over(e) } else { e }
}

fn sigmoid_pair(x: f64) -> Pair {
    let e = expm1(x.abs()).plus(1.0);
    if x < 0.0 { ONE.over(e.plus(1.0)) } else { e.over(e.plus(1.0)) }
}

fn tanh_pair(x: f64) -> Pair {
    let m = expm1(2.0 * x.abs());
    let Pair(high, low) = m.over(m.plus(2.0));
    Pair(high.copysign(x), low.copysign(low * x))
}

/// Relative to the reference.
fn relative(got: f64, Pair(high, low): Pair) -> f64 {
    if got == high { (low / high).abs() } else { ((got - high) - low).abs() / high.abs() }
}

/// All magnitudes up to `limit`, both signs, and evenly spaced points near 0 and up to the limit.
fn sweep_f64(limit: f64) -> Vec<f64> {
    let bits = (0..100_000u64).map(|i| f64::from_bits(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let line = |end: f64| (-50_000..=50_000).map(move |i| end * i as f64 / 50_000.0);
    bits.chain(line(limit)).chain(line(limit / 20.0)).chain(line(0.5)).filter(|x| x.abs() <= limit).collect()
}

#[test]
fn f64_is_within_1e_15_of_the_exact_value() {
    let x = sweep_f64(708.39);
    check("exp", f64::exp_slice, &x, 1e-15, |x, y| relative(y, exp_pair(x)));
    check("sigmoid", f64::sigmoid_slice, &x, 1e-15, |x, y| relative(y, sigmoid_pair(x)));
    let x: Vec<f64> = sweep_f64(20.0).into_iter().filter(|&x| x != 0.0).collect();
    check("tanh", f64::tanh_slice, &x, 1e-15, |x, y| relative(y, tanh_pair(x)));
}

#[test]
fn f64_beyond_that_range_is_right_too() {
    let x: Vec<f64> = (0..100_000).map(|i| 708.39 + i as f64 * 0.001).collect();
    let minus: Vec<f64> = x.iter().map(|x| -x).collect();
    // Where the result is subnormal, one unit is 5e-324.
    check("exp", f64::exp_slice, &minus, 5e-324, |x, y| (y - x.exp()).abs());
    check("exp", f64::exp_slice, &x, 4.0 * f64::EPSILON, |x, y| {
        special(y, x.exp()).unwrap_or_else(|| (y - x.exp()).abs() / x.exp())
    });
    check("sigmoid", f64::sigmoid_slice, &minus, f64::MIN_POSITIVE, |x, y| (y - x.exp()).abs());
    check("sigmoid", f64::sigmoid_slice, &x, 0.0, |_, y| (y - 1.0).abs());
    check("tanh", f64::tanh_slice, &x, 0.0, |_, y| (y - 1.0).abs());
    check("tanh", f64::tanh_slice, &minus, 0.0, |_, y| (y + 1.0).abs());
}

// ---- both ----

fn special_values<T: Float>(infinity: T, tiny: T) {
    let x = [infinity, -infinity, T::ZERO, -T::ZERO, tiny, -tiny, T::from_f64(1e4), T::from_f64(-1e4)];
    let half = T::from_f64(0.5);
    let (one, zero) = (T::ONE, T::ZERO);
    assert_eq!(values(T::exp_slice, &x), [infinity, zero, one, one, one, one, infinity, zero]);
    assert_eq!(values(T::sigmoid_slice, &x), [one, zero, half, half, half, half, one, zero]);
    assert_eq!(values(T::tanh_slice, &x), [one, -one, zero, zero, tiny, -tiny, one, -one]);
    for f in [T::exp_slice, T::sigmoid_slice, T::tanh_slice] {
        assert!(values(f, &[T::NAN, -T::NAN]).iter().all(|y| y.to_f64().is_nan()));
        assert_eq!(values(f, &[]), []);
    }
    let signs: Vec<bool> = values(T::tanh_slice, &x).iter().map(|y| y.to_f64().is_sign_negative()).collect();
    assert_eq!(signs, [false, true, false, true, false, true, false, true]);
}

#[test]
fn infinities_zeros_subnormals_and_nan() {
    special_values(f32::INFINITY, f32::from_bits(1));
    special_values(f64::INFINITY, f64::from_bits(1));
    // NaNs carry a payload: no shift of bits may turn it into a number.
    let nans: Vec<f32> = (0x7F80_0001..0x7FFF_FFFF).step_by(997).map(f32::from_bits).collect();
    for f in [f32::exp_slice, f32::sigmoid_slice, f32::tanh_slice] {
        assert!(values(f, &nans).iter().all(|y| y.is_nan()));
    }
    assert!((values(f32::sigmoid_slice, &[-80.0])[0] / 1.804_851_4e-35 - 1.0).abs() < 1e-6);
}

#[test]
#[should_panic = "sigmoid: y has 2 entries, x has 3"]
fn lengths_must_agree() {
    f32::sigmoid_slice(&mut [0.0; 2], &[0.0; 3]);
}

/// Each entry alone gives the same bits as all of them together.
fn alone_or_together<T: Float>(x: &[T]) -> Result<(), TestCaseError> {
    for f in [T::exp_slice, T::sigmoid_slice, T::tanh_slice] {
        let alone: Vec<T> = x.iter().map(|&x| values(f, &[x])[0]).collect();
        prop_assert_eq!(values(f, x), alone);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_position_in_the_slice_changes_no_bit(
        x in prop::collection::vec(-110.0..110.0f64, 0..150),
        skip in 0..20usize,
    ) {
        let x = &x[skip.min(x.len())..];
        alone_or_together(x)?;
        alone_or_together(&x.iter().map(|&x| x as f32).collect::<Vec<_>>())?;
    }

    #[test]
    fn tanh_is_odd_and_sigmoid_is_a_shifted_tanh(x in -30.0..30.0f64) {
        let [plus, minus] = values(f64::tanh_slice, &[x, -x])[..] else { unreachable!() };
        prop_assert_eq!(plus, -minus);
        let sigmoid = values(f64::sigmoid_slice, &[2.0 * x])[0];
        prop_assert!((sigmoid - (1.0 + plus) / 2.0).abs() < 3e-16);
    }
}
