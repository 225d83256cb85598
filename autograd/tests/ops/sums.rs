//! Sums and the mean.

use crate::support::{Case, Draw, Matrix, holds, holds_at};
use autograd::Float;

#[test]
fn sum() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(
            &[draw.shape()],
            |_, x| x[0].sum(),
            |x| Matrix::from_fn(1, 1, |_, _| x[0].entries.iter().sum()),
        )
    }
    holds(case, case);
    holds_at([33, 129, 0], case, case);
}

#[test]
fn mean() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(
            &[(draw.positive(0), draw.positive(1))],
            |_, x| x[0].mean(),
            |x| Matrix::from_fn(1, 1, |_, _| x[0].entries.iter().sum::<f64>() / x[0].entries.len() as f64),
        )
    }
    holds(case, case);
}

#[test]
fn sum_rows() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(
            &[draw.shape()],
            |_, x| x[0].sum_rows(),
            |x| Matrix::from_fn(1, x[0].cols, |_, c| x[0].column(c).iter().sum()),
        )
    }
    holds(case, case);
}

#[test]
fn sum_cols() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(
            &[draw.shape()],
            |_, x| x[0].sum_cols(),
            |x| Matrix::from_fn(x[0].rows, 1, |r, _| (0..x[0].cols).map(|c| x[0].at(r, c)).sum()),
        )
    }
    holds(case, case);
    holds_at([3, 1000, 0], case, case);
}
