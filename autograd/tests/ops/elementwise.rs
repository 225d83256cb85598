//! Functions of one variable.

use crate::support::{Case, Draw, Entries, holds};
use autograd::{Float, Tape, Var};

/// A function, entry by entry.
fn function<T: Float>(
    draw: &Draw,
    operation: impl for<'t> Fn(Var<'t, T>) -> Var<'t, T> + 'static,
    naive: fn(f64) -> f64,
) -> Case<T> {
    Case::new(&[draw.shape()], move |_, x| operation(x[0]), move |x| x[0].map(naive))
}

#[test]
fn sigmoid() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        function(draw, |x| x.sigmoid(), |x| 1.0 / (1.0 + (-x).exp()))
    }
    holds(case, case);
}

#[test]
fn tanh() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        function(draw, |x| x.tanh(), f64::tanh)
    }
    holds(case, case);
}

#[test]
fn relu() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        function(draw, |x| x.relu(), |x| x.max(0.0)).entries(Entries::NonZero)
    }
    holds(case, case);
}

#[test]
fn exp() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        function(draw, |x| x.exp(), f64::exp)
    }
    holds(case, case);
}

#[test]
fn ln() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        function(draw, |x| x.ln(), f64::ln).entries(Entries::Positive)
    }
    holds(case, case);
}

#[test]
fn square() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        function(draw, |x| x.square(), |x| x * x)
    }
    holds(case, case);
}

#[test]
fn sqrt() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        function(draw, |x| x.sqrt(), f64::sqrt).entries(Entries::Positive)
    }
    holds(case, case);
}

/// At its kink relu takes the slope 0, on the sides 0 and 1.
#[test]
fn relu_at_zero() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(1, 4, &[-1e-300, -0.0, 0.0, 1e-300]);
    let y = x.relu();
    y.backward_with(&[2.0; 4]);
    assert_eq!(y.value(), [0.0, 0.0, 0.0, 1e-300]);
    assert_eq!(x.grad(), [0.0, 0.0, 0.0, 2.0]);
}

/// Where activations saturate they are exact and their gradients vanish; NaN is never swallowed.
#[test]
fn extremes() {
    fn at_extremes<T: Float>() {
        let tape = Tape::<T>::new();
        let given: Vec<T> = [-1e4, 1e4, f64::NEG_INFINITY, f64::INFINITY].map(T::from_f64).to_vec();
        let x = tape.leaf(1, 4, &given);
        let ones = vec![T::ONE; 4];
        let flat = |y: Var<'_, T>, want: [f64; 4]| {
            assert_eq!(y.value(), want.map(T::from_f64));
            y.backward_with(&ones);
            assert_eq!(x.grad(), vec![T::ZERO; 4]);
        };
        flat(x.sigmoid(), [0.0, 1.0, 0.0, 1.0]);
        flat(x.tanh(), [-1.0, 1.0, -1.0, 1.0]);
        let nan = tape.leaf(1, 1, &[T::NAN]);
        for y in [nan.sigmoid(), nan.tanh(), nan.relu(), nan.exp(), nan.ln(), nan.square(), nan.sqrt()] {
            assert!(y.item().to_f64().is_nan());
        }
    }
    at_extremes::<f64>();
    at_extremes::<f32>();
}
