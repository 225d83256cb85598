//! Vectors of a processor's width, of either number type: what the product kernel is written in.

use pulp::Simd;

/// A number of which the processor holds several side by side in one register.
pub trait Lanes: Copy + 'static {
    /// A register full of them: 16 `f32` with AVX-512, 8 with AVX2, one where there is nothing.
    type Vector<S: Simd>: Copy;

    /// `x` in every place.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// `a + b`, place by place.
    fn add_vectors<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a b + c`, place by place: rounded once where the processor can, and else twice.
    fn mul_add_vectors<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// A slice as whole vectors; what is left over is left out.
    fn vectors<S: Simd>(x: &[Self]) -> &[Self::Vector<S>];
    /// The same, to be written to.
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [Self::Vector<S>];

    /// How many places a vector has.
    #[inline(always)]
    fn count<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }
}

macro_rules! lanes {
    ($t:ident, $vector:ident, $splat:ident, $add:ident, $mul_add:ident, $slice:ident, $slice_mut:ident) => {
        impl Lanes for $t {
            type Vector<S: Simd> = S::$vector;
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }
            #[inline(always)]
            fn add_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn mul_add_vectors<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn vectors<S: Simd>(x: &[Self]) -> &[S::$vector] {
                S::$slice(x).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [S::$vector] {
                S::$slice_mut(x).0
            }
        }
    };
}
lanes!(f32, f32s, splat_f32s, add_f32s, mul_add_e_f32s, as_simd_f32s, as_mut_simd_f32s);
lanes!(f64, f64s, splat_f64s, add_f64s, mul_add_e_f64s, as_simd_f64s, as_mut_simd_f64s);
