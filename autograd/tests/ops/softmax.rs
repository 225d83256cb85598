//! Softmax and its logarithm.

use crate::support::{Case, Draw, Matrix, holds};
use autograd::{Float, Tape};

fn softmax_of(x: &Matrix) -> Matrix {
    let total: Vec<f64> = (0..x.cols).map(|c| x.column(c).iter().map(|x| x.exp()).sum()).collect();
    Matrix::from_fn(x.rows, x.cols, |r, c| x.at(r, c).exp() / total[c])
}

#[test]
fn softmax() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(&[draw.shape()], |_, x| x[0].softmax(), |x| softmax_of(&x[0]))
    }
    holds(case, case);
}

#[test]
fn log_softmax() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(&[draw.shape()], |_, x| x[0].log_softmax(), |x| softmax_of(&x[0]).map(f64::ln))
    }
    holds(case, case);
}

/// Adding a number to a column changes nothing, so that no logit overflows; a logit of −∞ is a
/// class ruled out.
#[test]
fn large_logits() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(2, 3, &[1000.0, -1000.0, f64::NEG_INFINITY, 1001.0, -999.0, 5.0]);
    let p = x.softmax();
    p.backward_with(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let e = 1.0_f64.exp();
    for (p, want) in
        p.value().iter().zip([1.0 / (1.0 + e), 1.0 / (1.0 + e), 0.0, e / (1.0 + e), e / (1.0 + e), 1.0])
    {
        assert!((p - want).abs() < 1e-15);
    }
    assert!(x.grad().iter().all(|dx| dx.is_finite()));
    let log_p = x.log_softmax().value();
    assert!((log_p[0] + (1.0 + e).ln()).abs() < 1e-15 && log_p[2] == f64::NEG_INFINITY && log_p[5] == 0.0);
}

/// A NaN spoils its own column and no other.
#[test]
fn nan_stays_in_its_column() {
    for place in [0, 2] {
        let tape = Tape::<f64>::new();
        let mut entries = [1.0, 2.0, 3.0, 4.0];
        entries[place] = f64::NAN;
        let x = tape.leaf(2, 2, &entries);
        for y in [x.softmax(), x.log_softmax()] {
            let bad: Vec<bool> = y.value().iter().map(|y| y.is_nan()).collect();
            assert_eq!(bad, [true, false, true, false]);
        }
    }
}
