//! Cross-entropy and mean squared error.

use crate::support::{Case, Draw, Matrix, holds};
use autograd::{Float, IGNORE_INDEX, Tape};

/// The mean of `−ln softmax` at the targets that count, block by block.
fn mean_cross_entropy(x: &Matrix, classes: usize, targets: &[usize]) -> f64 {
    let (mut total, mut counted) = (0.0, 0);
    for (at, &target) in targets.iter().enumerate().filter(|(_, target)| **target != IGNORE_INDEX) {
        let (block, column) = (at / x.cols * classes, at % x.cols);
        let sum: f64 = (0..classes).map(|class| x.at(block + class, column).exp()).sum();
        total -= (x.at(block + target, column).exp() / sum).ln();
        counted += 1;
    }
    if counted == 0 { 0.0 } else { total / f64::from(counted) }
}

/// Cross-entropy where one target in `ignore` does not count; 0: all count.
fn cross_entropy<T: Float>(draw: &mut Draw, blocks: usize, ignore: usize) -> Case<T> {
    let (classes, cols) = (draw.positive(0), draw.positive(1));
    let mut targets = draw.ids(blocks * cols, classes);
    for target in &mut targets {
        if ignore > 0 && draw.random.below(ignore) == 0 {
            *target = IGNORE_INDEX;
        }
    }
    let known = targets.clone();
    Case::new(
        &[(blocks * classes, cols)],
        move |_, x| x[0].cross_entropy(&targets),
        move |x| Matrix::from_fn(1, 1, |_, _| mean_cross_entropy(&x[0], classes, &known)),
    )
}

#[test]
fn cross_entropy_of_one_block() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        cross_entropy(draw, 1, 0)
    }
    holds(case, case);
}

#[test]
fn cross_entropy_of_a_sequence() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        cross_entropy(draw, 3, 0)
    }
    holds(case, case);
}

#[test]
fn cross_entropy_with_ignored_columns() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        cross_entropy(draw, 2, 3)
    }
    holds(case, case);
}

#[test]
fn cross_entropy_with_all_columns_ignored() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        cross_entropy(draw, 2, 1)
    }
    holds(case, case);
}

/// NaN logits in a column that does not count reach neither the loss nor any gradient.
#[test]
fn nan_in_an_ignored_column() {
    fn loss_and_gradient(filler: f64, targets: &[usize]) -> (f64, Vec<f64>) {
        let tape = Tape::<f64>::new();
        // Two blocks of 2 classes × 3 columns; column 1 of the first and column 2 of the second are fillers.
        let logits = [0.1, filler, 0.3, -0.2, filler, 0.9, 1.1, -0.4, filler, 0.6, 0.8, filler];
        let x = tape.leaf(4, 3, &logits);
        let loss = x.cross_entropy(targets);
        loss.backward();
        (loss.item(), x.grad())
    }
    let ignored = [0, IGNORE_INDEX, 1, 1, 0, IGNORE_INDEX];
    let (loss, gradient) = loss_and_gradient(f64::NAN, &ignored);
    assert_eq!((loss, gradient.clone()), loss_and_gradient(0.5, &ignored));
    assert!(loss.is_finite());
    assert_eq!([gradient[1], gradient[4], gradient[8], gradient[11]], [0.0; 4]);
    assert_eq!(loss_and_gradient(f64::NAN, &[IGNORE_INDEX; 6]), (0.0, vec![0.0; 12]));
}

/// Sure and right costs nothing, sure and wrong costs the distance, and nothing overflows.
#[test]
fn extreme_logits() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(2, 2, &[1000.0, 1000.0, 0.0, 0.0]);
    let loss = x.cross_entropy(&[0, 1]);
    loss.backward();
    assert_eq!(loss.item(), 500.0);
    assert_eq!(x.grad(), [0.0, 0.5, 0.0, -0.5]);
}

#[test]
fn mse_loss() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let shape = (draw.positive(0), draw.positive(1));
        Case::new(
            &[shape, shape],
            |_, x| x[0].mse_loss(x[1]),
            |x| {
                let squares = x[0].zip(&x[1], |x, target| (x - target) * (x - target));
                Matrix::from_fn(1, 1, |_, _| {
                    squares.entries.iter().sum::<f64>() / squares.entries.len() as f64
                })
            },
        )
    }
    holds(case, case);
}
