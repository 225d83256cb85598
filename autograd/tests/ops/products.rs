//! Matrix products, and the affine map of a layer.

use crate::support::{Case, Draw, Matrix, holds, holds_at};
use autograd::{Float, Gradients, Inputs, Op, Output, Pass, Tape, ops};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

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

/// [`ops::Affine`] that writes down which factors it names.
#[derive(Clone, Default)]
struct Watched(Rc<RefCell<Vec<(Pass, usize, Range<usize>, usize)>>>);

impl Op<f64> for Watched {
    fn name(&self) -> &'static str {
        "watched"
    }
    fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
        ops::Affine.shape(x)
    }
    fn factors(&self, x: Inputs<'_, f64>, pass: Pass, need: &mut dyn FnMut(usize, Range<usize>, usize)) {
        ops::Affine.factors(x, pass, &mut |w, rows, cols| {
            self.0.borrow_mut().push((pass, w, rows.clone(), cols));
            need(w, rows, cols);
        });
    }
    fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], saved: &mut [f64]) {
        ops::Affine.forward(x, y, saved);
    }
    fn backward(&self, x: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
        ops::Affine.backward(x, y, dx);
    }
}

/// The forward pass multiplies by every weight, the backward pass by those whose `x` wants a gradient.
#[test]
fn affine_names_its_factors() {
    let (tape, watched) = (Tape::<f64>::new(), Watched::default());
    let (b, w, x) = (tape.leaf(2, 1, &[1.0; 2]), tape.leaf(2, 3, &[2.0; 6]), tape.constant(3, 4, &[3.0; 12]));
    let (u, h) = (tape.leaf(2, 1, &[4.0; 2]), tape.leaf(1, 4, &[5.0; 4]));
    let y = tape.apply(watched.clone(), &[b, w, x, u, h]);
    assert_eq!(y.value(), [1.0 + 3.0 * 6.0 + 20.0; 8]);
    y.backward_with(&[1.0; 8]);
    let (w, u) = ((1, 0..2, 4), (3, 0..2, 4));
    let named = |pass, (k, rows, cols): (usize, Range<usize>, usize)| (pass, k, rows, cols);
    let all = [named(Pass::Forward, w), named(Pass::Forward, u.clone()), named(Pass::Backward, u)];
    assert_eq!(*watched.0.borrow(), all);
}
