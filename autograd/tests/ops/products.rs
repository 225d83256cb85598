//! Matrix products, and the affine map of a layer.

use crate::support::{Case, Draw, Matrix, holds, holds_at};
use autograd::{Float, Tape, ops};

/// Sizes (rows, columns, inner) where a product changes its method: rows · columns · inner around
/// 4096, an inner dimension past 512, one row, one column, and a long thin result.
const SWITCHES: [[usize; 3]; 14] = [
    [16, 16, 16],
    [16, 16, 17],
    [15, 17, 16],
    [64, 64, 1],
    [1, 1, 4097],
    [2, 3, 683],
    [7, 5, 513],
    [3, 2, 1100],
    [33, 1, 130],
    [1, 33, 130],
    [40, 40, 40],
    [100, 2, 25],
    [2, 100, 25],
    [65, 31, 48],
];

/// The shape of a factor, stored transposed or not.
fn stored(transposed: bool, rows: usize, cols: usize) -> (usize, usize) {
    if transposed { (cols, rows) } else { (rows, cols) }
}

fn product<T: Float>(draw: &Draw, transpose_a: bool, transpose_b: bool) -> Case<T> {
    let [rows, cols, inner] = draw.sizes;
    Case::new(
        &[stored(transpose_a, rows, inner), stored(transpose_b, inner, cols)],
        move |tape, x| match (transpose_a, transpose_b) {
            (false, false) => x[0].matmul(x[1]),
            (true, false) => x[0].t_matmul(x[1]),
            (false, true) => x[0].matmul_t(x[1]),
            (true, true) => tape.apply(ops::MatMul { transpose_a, transpose_b }, x),
        },
        move |x| {
            let factor = |transposed, x: &Matrix| if transposed { x.transpose() } else { x.clone() };
            factor(transpose_a, &x[0]).times(&factor(transpose_b, &x[1]))
        },
    )
}

#[track_caller]
fn holds_everywhere(double: fn(&mut Draw) -> Case<f64>, single: fn(&mut Draw) -> Case<f32>) {
    holds(double, single);
    for sizes in SWITCHES {
        holds_at(sizes, double, single);
    }
}

#[test]
fn matmul() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        product(draw, false, false)
    }
    holds_everywhere(case, case);
}

#[test]
fn t_matmul() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        product(draw, true, false)
    }
    holds_everywhere(case, case);
}

#[test]
fn matmul_t() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        product(draw, false, true)
    }
    holds_everywhere(case, case);
}

#[test]
fn t_matmul_t() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        product(draw, true, true)
    }
    holds_everywhere(case, case);
}

/// `Σₖ Wₖ xₖ + b` with inner dimensions n, n + 1, n + 2.
fn affine<T: Float>(draw: &Draw, products: usize) -> Case<T> {
    let [rows, cols, inner] = draw.sizes;
    let mut shapes = vec![(rows, 1)];
    (0..products).for_each(|k| shapes.extend([(rows, inner + k), (inner + k, cols)]));
    Case::new(
        &shapes,
        |tape, x| {
            let pairs: Vec<_> = x[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            tape.affine(&pairs, x[0])
        },
        move |x| {
            let bias = Matrix::from_fn(rows, cols, |r, _| x[0].at(r, 0));
            x[1..].chunks_exact(2).fold(bias, |y, pair| y.zip(&pair[0].times(&pair[1]), |y, p| y + p))
        },
    )
}

#[test]
fn affine_of_one_product() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        affine(draw, 1)
    }
    holds_everywhere(case, case);
}

#[test]
fn affine_of_two_products() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        affine(draw, 2)
    }
    holds_everywhere(case, case);
}

#[test]
fn affine_of_three_products() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        affine(draw, 3)
    }
    holds_everywhere(case, case);
}

/// `W x + W h + b`: both products add to the gradient of `W`.
#[test]
fn affine_with_one_matrix_twice() {
    fn case<T: Float>(draw: &mut Draw) -> Case<T> {
        let [rows, cols, inner] = draw.sizes;
        Case::new(
            &[(rows, inner), (inner, cols), (inner, cols), (rows, 1)],
            |tape, x| tape.affine(&[(x[0], x[1]), (x[0], x[2])], x[3]),
            |x| {
                let y = x[0].times(&x[1].zip(&x[2], |x, h| x + h));
                Matrix::from_fn(y.rows, y.cols, |r, c| y.at(r, c) + x[3].at(r, 0))
            },
        )
    }
    holds(case, case);
}

/// `X Xᵀ` and `Xᵀ X`, whose two factors always have one gradient between them.
#[test]
fn a_matrix_with_its_own_transpose() {
    fn rows<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(&[draw.shape()], |_, x| x[0].matmul_t(x[0]), |x| x[0].times(&x[0].transpose()))
    }
    fn columns<T: Float>(draw: &mut Draw) -> Case<T> {
        Case::new(&[draw.shape()], |_, x| x[0].t_matmul(x[0]), |x| x[0].transpose().times(&x[0]))
    }
    holds(rows, rows);
    holds(columns, columns);
}

/// An empty inner dimension gives zeros, whatever lay in the memory before.
#[test]
fn empty_inner_dimension() {
    let mut tape = Tape::<f64>::new();
    for _ in 0..2 {
        let product = tape.zeros(3, 0).matmul(tape.zeros(0, 2)).value();
        let affine =
            tape.affine(&[(tape.zeros(3, 0), tape.zeros(0, 2))], tape.leaf(3, 1, &[1.0, 2.0, 3.0])).value();
        assert_eq!(product, [0.0; 6]);
        assert_eq!(affine, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        tape.reset();
        tape.poison();
    }
}
