//! Concatenation and select.

use crate::support::{Case, Draw, Matrix, holds};
use autograd::{Float, Tape};

/// The rows of all of these, one after the other.
fn stacked(parts: &[&Matrix]) -> Matrix {
    let rows = parts.iter().map(|part| part.rows).sum();
    Matrix {
        rows,
        cols: parts[0].cols,
        entries: parts.iter().flat_map(|part| part.entries.clone()).collect(),
    }
}

#[test]
fn concat_rows() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let [a, cols, b] = draw.sizes;
        Case::new(
            &[(a, cols), (b, cols), (a, cols)],
            |tape, x| tape.concat_rows(x),
            |x| stacked(&[&x[0], &x[1], &x[2]]),
        )
    }
    holds(case, case);
}

#[test]
fn concat_rows_of_a_list() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let [a, cols, b] = draw.sizes;
        Case::new(
            &[(a, cols), (b, cols)],
            |tape, x| {
                let mut list = tape.list();
                [x[0], x[1], x[0]].into_iter().for_each(|x| list.push(x));
                assert!(list.len() == 3 && !list.is_empty() && list.get(1).index() == x[1].index());
                list.concat_rows()
            },
            |x| stacked(&[&x[0], &x[1], &x[0]]),
        )
    }
    holds(case, case);
}

#[test]
fn concat_rows_of_one() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(&[draw.shape()], |tape, x| tape.concat_rows(x), |x| x[0].clone())
    }
    holds(case, case);
}

#[test]
fn select_by_column() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let (rows, cols) = draw.shape();
        let mask = draw.mask(cols);
        let flags = mask.clone();
        Case::new(
            &[(rows, cols), (rows, cols)],
            move |tape, x| tape.select(mask.iter().copied(), x[0], x[1]),
            move |x| Matrix::from_fn(rows, cols, |r, c| x[usize::from(!flags[c])].at(r, c)),
        )
    }
    holds(case, case);
}

#[test]
fn select_by_entry() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let (rows, cols) = draw.shape();
        let mask = draw.mask(rows * cols);
        let flags = mask.clone();
        Case::new(
            &[(rows, cols), (rows, cols)],
            move |tape, x| tape.select(mask.iter().copied(), x[0], x[1]),
            move |x| Matrix::from_fn(rows, cols, |r, c| x[usize::from(!flags[r * cols + c])].at(r, c)),
        )
    }
    holds(case, case);
}

/// What was not chosen is never read: not its NaN, and no gradient goes there.
#[test]
fn select_keeps_nan_out() {
    let tape = Tape::<f64>::new();
    let a = tape.leaf(1, 2, &[1.0, f64::NAN]);
    let b = tape.leaf(1, 2, &[f64::NAN, 2.0]);
    let y = tape.select([true, false], a * 3.0, b * 5.0);
    y.backward_with(&[1.0, 1.0]);
    assert_eq!(y.value(), [3.0, 10.0]);
    assert_eq!((a.grad(), b.grad()), (vec![3.0, 0.0], vec![0.0, 5.0]));
}
