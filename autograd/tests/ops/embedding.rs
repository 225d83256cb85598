//! Lookups in a table.

use crate::support::{Case, Draw, Matrix, holds};
use autograd::{Float, Tape};

/// Row `ids[t · cols + c]` of the table is column `c` of block `t`.
fn lookup<T: Float>(draw: &mut Draw, blocks: usize) -> Case<T> {
    let (words, size, cols) = (draw.positive(0), draw.sizes[1], draw.positive(2));
    let ids = draw.ids(blocks * cols, words);
    let known = ids.clone();
    Case::new(
        &[(words, size)],
        move |_, x| x[0].embedding(&ids, cols),
        move |x| {
            let entry = |r: usize, c: usize| x[0].at(known[r / size * cols + c], r % size);
            Matrix::from_fn(blocks * size, cols, entry)
        },
    )
}

#[test]
fn one_block() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        lookup(draw, 1)
    }
    holds(case, case);
}

#[test]
fn a_sequence_of_blocks() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        lookup(draw, 3)
    }
    holds(case, case);
}

#[test]
fn no_block_at_all() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        lookup(draw, 0)
    }
    holds(case, case);
}

/// A row looked up twice gets both columns' cotangents, one never looked up exactly none.
#[test]
fn gradients_gather() {
    let tape = Tape::<f64>::new();
    let table = tape.leaf(3, 2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let y = table.embedding(&[2, 0, 2], 3);
    y.backward_with(&[1.0, 10.0, 100.0, 1000.0, 1e4, 1e5]);
    assert_eq!(y.value(), [5.0, 1.0, 5.0, 6.0, 2.0, 6.0]);
    assert_eq!(table.grad(), [10.0, 1e4, 0.0, 0.0, 101.0, 101_000.0]);
}
