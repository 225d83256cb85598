//! The two number types everything is generic over: `f32` to train, `f64` to check.

use crate::product::{self, Begin, Packed, Rows, Shape};
use crate::{Lanes, activations};
use faer::{Accum, MatMut, MatRef, Par};
use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32` or `f64`.
pub trait Float:
    faer::traits::RealField
    + Lanes
    + Copy
    + Default
    + Debug
    + Display
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Send
    + Sync
    + 'static
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// Not a number: what the tests poison unused memory with.
    const NAN: Self;
    /// A cotangent that is smaller has faded: it changes nothing. What products make of it would be
    /// *subnormal* (below 1.2e-38 in `f32`), and many processors are a hundred times slower with that.
    const FADED: Self;

    /// The nearest value of this type.
    fn from_f64(x: f64) -> Self;
    /// The same value in `f64`.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn finite(self) -> bool;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;

    /// `y = exp(x)`, entry by entry.
    fn exp_slice(y: &mut [Self], x: &[Self]);
    /// `y = σ(x) = 1 / (1 + e⁻ˣ)`, entry by entry.
    fn sigmoid_slice(y: &mut [Self], x: &[Self]);
    /// `y = tanh(x)`, entry by entry.
    fn tanh_slice(y: &mut [Self], x: &[Self]);

    /// [`ops::matmul`](crate::ops::matmul). This and the three below stand here to be compiled once, with
    /// this crate, and not again with every program that uses them.
    fn matmul(dst: MatMut<'_, Self>, accum: Accum, a: MatRef<'_, Self>, b: MatRef<'_, Self>);
    /// [`product::pack`](crate::product::pack()).
    fn pack(out: &mut [Self], w: MatRef<'_, Self>, shape: Shape);
    /// [`product::multiply`](crate::product::multiply) of packed factors.
    fn packed_times(y: &mut [Self], begin: Begin<'_, Self>, terms: &[(Packed<'_, Self>, &[Self])]);
    /// [`product::add_outer`](crate::product::add_outer).
    fn add_outer(sums: &mut [Self], wide: usize, a: (&[Rows<'_, Self>], usize), y: &[Self]);
}

macro_rules! float {
    ($t:ident, $faded:literal) => {
        impl Float for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $t::NAN;
            const FADED: Self = $faded;
            #[inline]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn finite(self) -> bool {
                self.is_finite()
            }
            #[inline]
            fn ln(self) -> Self {
                $t::ln(self)
            }
            #[inline]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[track_caller]
            fn exp_slice(y: &mut [Self], x: &[Self]) {
                activations::exp(y, x);
            }
            #[track_caller]
            fn sigmoid_slice(y: &mut [Self], x: &[Self]) {
                activations::sigmoid(y, x);
            }
            #[track_caller]
            fn tanh_slice(y: &mut [Self], x: &[Self]) {
                activations::tanh(y, x);
            }
            fn matmul(dst: MatMut<'_, Self>, accum: Accum, a: MatRef<'_, Self>, b: MatRef<'_, Self>) {
                faer::linalg::matmul::matmul(dst, accum, a, b, 1.0, Par::Seq);
            }
            fn pack(out: &mut [Self], w: MatRef<'_, Self>, shape: Shape) {
                product::run_pack(out, w, shape);
            }
            fn packed_times(y: &mut [Self], begin: Begin<'_, Self>, terms: &[(Packed<'_, Self>, &[Self])]) {
                product::run_product(y, begin, terms);
            }
            fn add_outer(sums: &mut [Self], wide: usize, a: (&[Rows<'_, Self>], usize), y: &[Self]) {
                product::run_outer(sums, wide, a, y);
            }
        }
    };
}
float!(f32, 1e-30);
float!(f64, 1e-290);
