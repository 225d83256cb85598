//! The product of packed weights against faer's, at all sizes and in all ways to begin.

use autograd::product::{
    Begin, Factor, PANEL, Packed, Rows, Shape, add_outer, multiply, pack, turn, turned_size,
};
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
    let factor = Factor::new(w).with(Packed::new(&packed, rows, cols, shape));
    multiply(&mut y, begin, &[(factor, &x)]);
    let differences = y.iter().zip(&expected).map(|(y, e)| (y.to_f64() - e.to_f64()).abs());
    differences.map(|d| if d.is_nan() { f64::INFINITY } else { d }).fold(0.0, f64::max) / (cols + 1) as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Beyond a panel, a block, a vector and a tile in every direction.
    #[test]
    fn packed_products_are_faers(
        rows in 1usize..150, cols in 1usize..300, transposed: bool, how in 0usize..3,
        n in prop_oneof![1usize..80, Just(8), Just(16), Just(32), Just(64)] // or whole vectors: those lie right
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

/// From which end a product with a single column begins depends on where the column lies, and no bit depends on it.
#[test]
fn a_single_column_is_the_same_from_either_end() {
    let [rows, cols] = [150, 70];
    let (w, x, b) = (numbers::<f32>(rows * cols, 1), numbers::<f32>(cols, 2), numbers::<f32>(rows, 3));
    let matrix = MatRef::from_row_major_slice(&w, rows, cols);
    let mut packed = vec![f32::NAN; Shape::Column.size::<f32>(rows, cols)];
    pack(&mut packed, matrix, Shape::Column);
    let factor = Factor::new(matrix).with(Packed::new(&packed, rows, cols, Shape::Column));
    let columns = x.repeat(2);
    let [one, other] = [0, cols].map(|at| {
        let mut y = vec![f32::NAN; rows];
        multiply(&mut y, Begin::Bias(&b), &[(factor, &columns[at..at + cols])]);
        y
    });
    let mut expected = vec![0.0; rows];
    faer(matrix, &x, &mut expected, Begin::Bias(&b));
    assert!(one == other && one.iter().zip(&expected).all(|(y, e)| (y - e).abs() < 1e-5));
}

/// `S += A Yᵀ` with the rows of two matrices one under the other as `Y`, all inside of larger matrices, against
/// sums from the first column to the last: the largest difference, over the number of columns. `A` lies in
/// blocks of so many columns, the last of which may have less.
fn outer_difference<T: Float>([rows, above, below]: [usize; 3], n: usize, apart: usize, block: usize) -> f64 {
    let wide = (above + below).next_multiple_of(16);
    let (a, y, z) = (
        numbers::<T>((rows + 1) * (n + apart * n.div_ceil(block)), 1),
        numbers::<T>(above * (n + apart), 2),
        numbers::<T>(below * (n + apart), 3),
    );
    let inside = |data| Rows { data, width: n, apart: n + apart };
    let (y, z) = (inside(&y), inside(&z));
    // Every block has a row above those that are taken.
    let blocks = a.chunks((rows + 1) * (block + apart)).enumerate().map(|(k, data)| {
        let width = block.min(n - k * block);
        Rows { data, width, apart: width + apart }
    });
    let blocks: Vec<_> = blocks.collect();
    let mut turned = vec![T::ZERO; turned_size(wide, n)];
    for (k, panel) in turned.chunks_exact_mut(PANEL * n).enumerate() {
        for (block, start, count) in [(y, 0, above), (z, above, below)] {
            let (from, to) = (start.max(k * PANEL), (start + count).min((k + 1) * PANEL));
            if from < to {
                turn(panel, from - k * PANEL, block.from(from - start), to - from);
            }
        }
    }
    let mut sums = numbers::<T>(rows * wide, 4);
    let before = sums.clone();
    add_outer(&mut sums, wide, (&blocks, 1), &turned);
    let mut largest = 0.0f64;
    for r in 0..rows {
        for c in 0..above + below {
            let y = if c < above { y.row(c) } else { z.row(c - above) };
            let a = blocks.iter().flat_map(|block| block.row(1 + r));
            let product: f64 = a.zip(y).map(|(a, y)| a.to_f64() * y.to_f64()).sum();
            let apart = (sums[r * wide + c].to_f64() - before[r * wide + c].to_f64() - product).abs();
            largest = if apart <= largest { largest } else { apart };
        }
    }
    largest / (n + 1) as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Beyond a tile, a panel, sixteen columns and the panels that stay near, in every direction.
    #[test]
    fn sums_of_outer_products_are_right(
        rows in 1usize..30, above in 0usize..200, below in 1usize..200, n in 1usize..200, apart in 0usize..3,
        block in prop_oneof![1usize..4, 4usize..250]
    ) {
        prop_assert!(outer_difference::<f64>([rows, above, below], n, apart, block) < 4e-16);
        prop_assert!(outer_difference::<f32>([rows, above, below], n, apart, block) < 2e-7);
    }
}

/// So many columns that a group of panels is not all of them.
#[test]
fn outer_products_of_many_columns_are_right() {
    assert!(outer_difference::<f64>([7, 300, 41], 1100, 0, 101) < 4e-16);
}

#[test]
#[should_panic = "outer: 128 numbers for 16×3"]
fn outer_sizes_must_fit() {
    let a = Rows { data: &[0.0; 6], width: 3, apart: 3 };
    add_outer(&mut [0.0; 32], 16, (&[a], 0), &[0.0; 128]);
}

#[test]
#[should_panic = "outer: 24 sums in rows of 16"]
fn outer_rows_must_be_whole() {
    let a = Rows { data: &[0.0; 6], width: 3, apart: 3 };
    add_outer(&mut [0.0; 24], 16, (&[a], 0), &[0.0; 192]);
}

/// What a column is does not depend on its neighbours, nor a row: threads may split both.
#[test]
fn columns_and_rows_are_computed_alone() {
    let (rows, cols, n) = (40, 200, 50);
    let (w, x) = (numbers::<f32>(rows * cols, 1), numbers::<f32>(cols * n, 2));
    let product = |w: &[f32], x: &[f32], n: usize| {
        let rows = w.len() / cols;
        let mut packed = vec![0.0; Shape::Columns.size::<f32>(rows, cols)];
        let w = MatRef::from_row_major_slice(w, rows, cols);
        pack(&mut packed, w, Shape::Columns);
        let mut y = vec![0.0; rows * n];
        let factor = Factor::new(w).with(Packed::new(&packed, rows, cols, Shape::Columns));
        multiply(&mut y, Begin::Zero, &[(factor, x)]);
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
    let w = MatRef::from_row_major_slice(&[0.0; 6], 2, 3);
    multiply(&mut [0.0; 4], Begin::Zero, &[(Factor::new(w), &[0.0; 8])]);
}

/// Both terms of a step at once, packed or not, and both halves of a split alike.
#[test]
fn terms_add_up() {
    for (rows, [c, d], n) in
        [(29, [20, 100], 40), (29, [100, 130], 7), (300, [3, 5], 1), (400, [20, 200], 1), (900, [20, 200], 1)]
    {
        let (v, w) = (numbers::<f64>(rows * c, 1), numbers::<f64>(rows * d, 2));
        let (v, w) = (MatRef::from_row_major_slice(&v, rows, c), MatRef::from_row_major_slice(&w, rows, d));
        let (x, z, b) = (numbers::<f64>(c * n, 3), numbers::<f64>(d * n, 4), numbers::<f64>(rows, 5));
        let mut expected = vec![0.0; rows * n];
        faer(v, &x, &mut expected, Begin::Bias(&b));
        faer(w, &z, &mut expected, Begin::Add);
        let packs = [v, w].map(|w| {
            [Shape::Column, Shape::Columns].map(|shape| {
                let mut packed = vec![f64::NAN; shape.size::<f64>(w.nrows(), w.ncols())];
                pack(&mut packed, w, shape);
                packed
            })
        });
        let factor = |k: usize, w, all: bool| {
            let packed = |shape: Shape| Packed::new(&packs[k][shape as usize], rows, [c, d][k], shape);
            let first = Factor::new(w).with(packed(if n == 1 { Shape::Column } else { Shape::Columns }));
            if all { first.with(packed(Shape::Columns)) } else { first }
        };
        // A batch of which one example is left: packed for many columns.
        let many =
            |k: usize, w| Factor::new(w).with(Packed::new(&packs[k][1], rows, [c, d][k], Shape::Columns));
        let plain = Factor::new(w);
        for (first, second) in
            [(factor(0, v, true), factor(1, w, true)), (factor(0, v, false), plain), (many(0, v), many(1, w))]
        {
            let mut whole = vec![f64::NAN; rows * n];
            multiply(&mut whole, Begin::Bias(&b), &[(first, &x), (second, &z)]);
            let worst = whole.iter().zip(&expected).map(|(y, e)| (y - e).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-13, "{rows}×({c} + {d})×{n}: {worst}");
            let ((first, lower), mut halves) = (first.split_near(rows / 2, n), vec![f64::NAN; rows * n]);
            let (above, below) = halves.split_at_mut(first.rows() * n);
            let (second, under) = second.split_near(rows / 2, n);
            multiply(above, Begin::Bias(&b[..first.rows()]), &[(first, &x), (second, &z)]);
            multiply(below, Begin::Bias(&b[first.rows()..]), &[(lower, &x), (under, &z)]);
            assert_eq!(halves, whole);
        }
    }
}
