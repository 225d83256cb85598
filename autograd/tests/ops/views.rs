//! Row blocks, chunks and detach: the same memory, seen differently.

use crate::support::{Case, Draw, Matrix, holds};
use autograd::{Float, Tape};

#[test]
fn row_block() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let (rows, cols) = draw.shape();
        let start = draw.random.below(rows + 1);
        let end = start + draw.random.below(rows - start + 1);
        Case::new(
            &[(rows, cols)],
            move |_, x| x[0].row_block(start..end),
            move |x| Matrix::from_fn(end - start, cols, |r, c| x[0].at(start + r, c)),
        )
    }
    holds(case, case);
}

/// Blocks that overlap, one inside the other, with rows that nothing uses.
#[test]
fn overlapping_row_blocks() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let (size, cols) = draw.shape();
        Case::new(
            &[(size + 4, cols)],
            move |_, x| {
                let outer = x[0].row_block(1..size + 4);
                outer.row_block(0..size) * outer.row_block(1..size + 1) + x[0].row_block(2..size + 2)
            },
            move |x| {
                Matrix::from_fn(size, cols, |r, c| x[0].at(r + 1, c) * x[0].at(r + 2, c) + x[0].at(r + 2, c))
            },
        )
    }
    holds(case, case);
}

/// Gates: the chunks of one pre-activation, combined.
#[test]
fn chunk() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let (size, cols) = draw.shape();
        Case::new(
            &[(3 * size, cols)],
            |_, x| {
                let [a, b, c] = x[0].chunk();
                a * b - c
            },
            move |x| {
                let at = |r, c| x[0].at(r, c) * x[0].at(size + r, c) - x[0].at(2 * size + r, c);
                Matrix::from_fn(size, cols, at)
            },
        )
    }
    holds(case, case);
}

/// A view shares its owner's gradient: each shows what all users of these rows have added.
#[test]
fn the_gradient_of_a_view_is_its_owners() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(4, 1, &[1.0, 2.0, 3.0, 4.0]);
    let (upper, lower) = (x.row_block(0..3), x.row_block(1..4));
    let inner = upper.row_block(1..3);
    ((upper * 2.0).sum() + (lower * 10.0).sum() + (inner * 100.0).sum()).backward();
    assert_eq!(x.grad(), [2.0, 112.0, 112.0, 10.0]);
    assert_eq!((upper.grad(), lower.grad()), (vec![2.0, 112.0, 112.0], vec![112.0, 112.0, 10.0]));
    assert_eq!(inner.grad(), [112.0, 112.0]);
}

/// Rows that no user reaches have the gradient 0, exactly.
#[test]
fn rows_that_nothing_uses() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(3, 2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let (_, y) = (x.row_block(0..1), x.row_block(1..2).square());
    y.backward_with(&[1.0, 0.0]);
    assert_eq!(x.grad(), [0.0, 0.0, 6.0, 0.0, 0.0, 0.0]);
}

/// `x ⊙ detach(x)` has the gradient of `x ⊙ c`; views of what is detached are constants too.
#[test]
fn detach() {
    let tape = Tape::<f64>::new();
    let x = tape.leaf(2, 1, &[3.0, -4.0]);
    let still = x.detach();
    assert_eq!(still.value(), x.value());
    (x * still).backward_with(&[1.0, 10.0]);
    assert_eq!(x.grad(), [3.0, -40.0]);

    let parts = still.row_block(1..2) * x.row_block(0..1).detach();
    parts.backward();
    assert_eq!(parts.item(), -12.0);
    assert_eq!(x.grad(), [0.0, 0.0]);
    assert!(still.read_grad(|grad| grad.is_none()) && parts.read_grad(|grad| grad.is_none()));
}

/// The gradient check sees what detach does: the rule says 0 where the function has a slope.
#[test]
fn detach_stops_the_gradient_and_nothing_else() {
    let tape = Tape::<f64>::new();
    let (x, w) = (tape.leaf(1, 1, &[0.5]), tape.leaf(1, 1, &[2.0]));
    let y = (w * x.tanh().detach()).exp();
    y.backward();
    assert_eq!(x.grad(), [0.0]);
    assert!((w.grad()[0] - y.item() * 0.5_f64.tanh()).abs() < 1e-14);
}
