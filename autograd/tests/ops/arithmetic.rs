//! Sums, differences, products and quotients.

use crate::support::{Case, Draw, Entries, Matrix, holds};
use autograd::{Float, Tape, Var};

/// An operation on two matrices of equal shape, entry by entry.
fn pair<T: Float>(
    draw: &Draw,
    operation: impl for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T> + 'static,
    naive: fn(f64, f64) -> f64,
) -> Case<T> {
    let shapes = [draw.shape(), draw.shape()];
    Case::new(&shapes, move |_, x| operation(x[0], x[1]), move |x| x[0].zip(&x[1], naive))
}

/// An operation on a matrix and a plain number.
fn scalar<T: Float>(
    draw: &Draw,
    operation: impl for<'t> Fn(Var<'t, T>) -> Var<'t, T> + 'static,
    naive: fn(f64) -> f64,
) -> Case<T> {
    Case::new(&[draw.shape()], move |_, x| operation(x[0]), move |x| x[0].map(naive))
}

#[test]
fn add() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        pair(draw, |a, b| a + b, |a, b| a + b)
    }
    holds(case, case);
}

#[test]
fn sub() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        pair(draw, |a, b| a - b, |a, b| a - b)
    }
    holds(case, case);
}

#[test]
fn mul() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        pair(draw, |a, b| a * b, |a, b| a * b)
    }
    holds(case, case);
}

#[test]
fn div() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        pair(draw, |a, b| a / b, |a, b| a / b).entries(Entries::NonZero)
    }
    holds(case, case);
}

#[test]
fn neg() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| -x, |x| -x)
    }
    holds(case, case);
}

#[test]
fn plus_a_number() {
    fn right<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| x + 0.75, |x| x + 0.75)
    }
    fn left<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| 0.75 + x, |x| 0.75 + x)
    }
    holds(right, right);
    holds(left, left);
}

#[test]
fn minus_a_number_and_a_number_minus() {
    fn right<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| x - 0.75, |x| x - 0.75)
    }
    fn left<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| 0.75 - x, |x| 0.75 - x)
    }
    holds(right, right);
    holds(left, left);
}

#[test]
fn times_a_number() {
    fn right<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| x * -1.3, |x| x * -1.3)
    }
    fn left<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| -1.3 * x, |x| -1.3 * x)
    }
    holds(right, right);
    holds(left, left);
}

#[test]
fn by_a_number_and_a_number_by() {
    fn right<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| x / 0.7, |x| x / 0.7)
    }
    fn left<T: Float>(draw: &mut Draw) -> Case<T> {
        scalar(draw, |x| -1.3 / x, |x| -1.3 / x).entries(Entries::NonZero)
    }
    holds(right, right);
    holds(left, left);
}

#[test]
fn add_column() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let (rows, cols) = draw.shape();
        Case::new(
            &[(rows, cols), (rows, 1)],
            |_, x| x[0] + x[1],
            |x| Matrix::from_fn(x[0].rows, x[0].cols, |r, c| x[0].at(r, c) + x[1].at(r, 0)),
        )
    }
    holds(case, case);
}

#[test]
fn mul_column() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let (rows, cols) = draw.shape();
        Case::new(
            &[(rows, cols), (rows, 1)],
            |_, x| x[0] * x[1],
            |x| Matrix::from_fn(x[0].rows, x[0].cols, |r, c| x[0].at(r, c) * x[1].at(r, 0)),
        )
    }
    holds(case, case);
}

#[test]
fn a_variable_with_itself() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(1, 2, &[3.0, -0.5]);
    let gradient_of = |y: Var<'_, f64>| {
        y.backward_with(&[1.0, 10.0]);
        x.grad()
    };
    assert_eq!(gradient_of(x * x), [6.0, -10.0]); // 2 x
    assert_eq!(gradient_of(x + x), [2.0, 20.0]);
    assert_eq!(gradient_of(x - x), [0.0, 0.0]);
    assert_eq!(gradient_of(x / x), [0.0, 0.0]);
    assert_eq!(gradient_of(x * x * x), [27.0, 7.5]); // 3 x²
}
