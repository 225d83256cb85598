//! The product of packed weights against faer's, at all sizes and in all ways to begin.

use autograd::product::{Begin, Packed, Shape, pack};
use autograd::{Float, Tape};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use proptest::prelude::*;

/// Numbers of size 1 that no permutation leaves as they are.
fn numbers<T: Float>(n: usize, seed: usize) -> Vec<T> {
    (0..n).map(|k| T::from_f64((((k + seed) * 7919 + k * k * 31) % 1009) as f64 / 504.0 - 1.0)).collect()
}

fn faer<T: Float>(w: MatRef<'_, T>, x: &[T], y: &mut [T], begin: Begin<'_, T>) {
    let n = x.len() / w.ncols();
    let mut y = MatMut::from_row_major_slice_mut(y, w.nrows(), n);
    match begin {
        Begin::Zero => y.fill(T::ZERO),
        Begin::Bias(b) => y.as_mut().row_iter_mut().zip(b).for_each(|(mut row, &b)| row.fill(b)),
        Begin::Add => (),
    }
    matmul(y, Accum::Add, w, MatRef::from_row_major_slice(x, w.ncols(), n), T::ONE, Par::Seq);
}

/// The largest difference from faer's product, over the number of terms of an entry.
fn difference<T: Float>([rows, cols, n]: [usize; 3], transposed: bool, how: usize, shape: Shape) -> f64 {
    let (w, x, b) = (numbers::<T>(rows * cols, 1), numbers::<T>(cols * n, 2), numbers::<T>(rows, 3));
    let w = if transposed {
        MatRef::from_row_major_slice(&w, cols, rows).transpose()
    } else {
        MatRef::from_row_major_slice(&w, rows, cols)
    };
    let begin = [Begin::Zero, Begin::Bias(&b), Begin::Add][how];
    let (mut y, mut packed) = (numbers::<T>(rows * n, 4), vec![T::NAN; shape.size::<T>(rows, cols)]);
    let mut expected = y.clone();
    faer(w, &x, &mut expected, begin);
    pack(&mut packed, w, shape);
    Packed::new(&packed, rows, cols, shape).times(&x, &mut y, begin);
    let differences = y.iter().zip(&expected).map(|(y, e)| (y.to_f64() - e.to_f64()).abs());
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max) / (cols + 1) as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Beyond a panel, a block, a vector and a tile in every direction.
    #[test]
    fn packed_products_are_faers(
        rows in 1usize..150, cols in 1usize..300, n in 1usize..80, transposed: bool, how in 0usize..3
    ) {
        prop_assert!(difference::<f64>([rows, cols, n], transposed, how, Shape::Columns) < 4e-16);
        prop_assert!(difference::<f32>([rows, cols, n], transposed, how, Shape::Columns) < 2e-7);
    }

    #[test]
    fn a_single_column_is_faers(
        rows in 1usize..300, cols in 1usize..300, transposed: bool, how in 0usize..3
    ) {
        for shape in [Shape::Column, Shape::Columns] {
            prop_assert!(difference::<f64>([rows, cols, 1], transposed, how, shape) < 4e-16);
            prop_assert!(difference::<f32>([rows, cols, 1], transposed, how, shape) < 2e-7);
        }
    }
}

/// What a column is does not depend on its neighbours, nor a row: threads may split both.
#[test]
fn columns_and_rows_are_computed_alone() {
    let (rows, cols, n) = (40, 200, 50);
    let (w, x) = (numbers::<f32>(rows * cols, 1), numbers::<f32>(cols * n, 2));
    let product = |w: &[f32], x: &[f32], n: usize| {
        let rows = w.len() / cols;
        let mut packed = vec![0.0; Shape::Columns.size::<f32>(rows, cols)];
        pack(&mut packed, MatRef::from_row_major_slice(w, rows, cols), Shape::Columns);
        let mut y = vec![0.0; rows * n];
        Packed::new(&packed, rows, cols, Shape::Columns).times(x, &mut y, Begin::Zero);
        y
    };
    let whole = product(&w, &x, n);
    for (from, to) in [(0, 7), (7, 8), (8, 41), (41, 50)] {
        let part: Vec<f32> = x.chunks(n).flat_map(|row| row[from..to].to_vec()).collect();
        let y = product(&w, &part, to - from);
        let expected: Vec<f32> = whole.chunks(n).flat_map(|row| row[from..to].to_vec()).collect();
        assert_eq!(y, expected, "columns {from}..{to}");
    }
    for (from, to) in [(0, 5), (5, 40)] {
        assert_eq!(product(&w[from * cols..to * cols], &x, n), whole[from * n..to * n], "rows {from}..{to}");
    }
}

/// Weights are packed anew when they have changed: a reset forgets the old ones.
#[test]
fn a_reset_forgets_packed_weights() {
    let mut tape = Tape::<f64>::new();
    for value in [2.0, 3.0] {
        tape.reset();
        let (w, x, b) = (tape.leaf(1, 1, &[value]), tape.leaf(1, 2, &[1.0, 10.0]), tape.zeros(1, 1));
        let y = tape.affine(&[(w, x)], b);
        y.sum().backward();
        assert_eq!(y.value(), [value, 10.0 * value]);
        assert_eq!(x.grad(), [value, value]);
    }
}

#[test]
#[should_panic = "product: 2×3 times 8 numbers is not 4"]
fn sizes_must_fit() {
    let packed = [0.0; 36];
    Packed::new(&packed, 2, 3, Shape::Columns).times(&[0.0; 8], &mut [0.0; 4], Begin::Zero);
}

#[test]
#[should_panic = "packed for one column, used for 2"]
fn a_single_columns_weights_do_not_serve_more() {
    let packed = vec![0.0; Shape::Column.size::<f64>(2, 3)];
    Packed::new(&packed, 2, 3, Shape::Column).times(&[0.0; 6], &mut [0.0; 4], Begin::Zero);
}
