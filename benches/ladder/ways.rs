//! How a rung multiplies, and how it computes σ and tanh. Matrices lie row by row.

use autograd::{Float, ops, simd};
use faer::{Accum, MatMut, MatRef};

/// The three products of a training step, with W R×C, `x` C×n and `y` R×n.
#[derive(Clone, Copy)]
pub struct Products {
    /// `y += W x`
    pub forward: fn(y: &mut [f32], w: &[f32], x: &[f32], n: usize),
    /// `x += Wᵀ y`
    pub back: fn(x: &mut [f32], w: &[f32], y: &[f32], n: usize),
    /// `W += y xᵀ`
    pub weight: fn(w: &mut [f32], y: &[f32], x: &[f32], n: usize),
}

pub const FORMULA: Products =
    Products { forward: formula_forward, back: formula_back, weight: formula_weight };
pub const ALONG_MEMORY: Products =
    Products { forward: memory_forward, back: memory_back, weight: formula_weight };
pub const WIDE: Products = Products { forward: wide_forward, back: wide_back, weight: wide_weight };
pub const FAER: Products = Products { forward: faer_forward, back: faer_back, weight: faer_weight };

// ANCHOR: formula
fn formula_forward(y: &mut [f32], w: &[f32], x: &[f32], n: usize) {
    let (rows, cols) = (y.len() / n, x.len() / n);
    for r in 0..rows {
        for j in 0..n {
            for k in 0..cols {
                y[r * n + j] += w[r * cols + k] * x[k * n + j];
            }
        }
    }
}
// ANCHOR_END: formula

fn formula_back(x: &mut [f32], w: &[f32], y: &[f32], n: usize) {
    let (rows, cols) = (y.len() / n, x.len() / n);
    for k in 0..cols {
        for j in 0..n {
            for r in 0..rows {
                x[k * n + j] += w[r * cols + k] * y[r * n + j];
            }
        }
    }
}

fn formula_weight(w: &mut [f32], y: &[f32], x: &[f32], n: usize) {
    let (rows, cols) = (y.len() / n, x.len() / n);
    for r in 0..rows {
        for k in 0..cols {
            for j in 0..n {
                w[r * cols + k] += y[r * n + j] * x[k * n + j];
            }
        }
    }
}

// ANCHOR: along-memory
fn memory_forward(y: &mut [f32], w: &[f32], x: &[f32], n: usize) {
    let cols = x.len() / n;
    for (y, w) in y.chunks_exact_mut(n).zip(w.chunks_exact(cols)) {
        for (&w, x) in w.iter().zip(x.chunks_exact(n)) {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y += w * x);
        }
    }
}
// ANCHOR_END: along-memory

fn memory_back(x: &mut [f32], w: &[f32], y: &[f32], n: usize) {
    let cols = x.len() / n;
    for (y, w) in y.chunks_exact(n).zip(w.chunks_exact(cols)) {
        for (&w, x) in w.iter().zip(x.chunks_exact_mut(n)) {
            x.iter_mut().zip(y).for_each(|(x, &y)| *x += w * y);
        }
    }
}

// ANCHOR: wide
fn wide_forward(y: &mut [f32], w: &[f32], x: &[f32], n: usize) {
    let cols = x.len() / n;
    for (y, w) in y.chunks_exact_mut(n).zip(w.chunks_exact(cols)) {
        for (&w, x) in w.iter().zip(x.chunks_exact(n)) {
            simd::map1(y, x, |y, x| *y += w * x);
        }
    }
}
// ANCHOR_END: wide

fn wide_back(x: &mut [f32], w: &[f32], y: &[f32], n: usize) {
    let cols = x.len() / n;
    for (y, w) in y.chunks_exact(n).zip(w.chunks_exact(cols)) {
        for (&w, x) in w.iter().zip(x.chunks_exact_mut(n)) {
            simd::map1(x, y, |x, y| *x += w * y);
        }
    }
}

fn wide_weight(w: &mut [f32], y: &[f32], x: &[f32], n: usize) {
    let cols = x.len() / n;
    for (w, y) in w.chunks_exact_mut(cols).zip(y.chunks_exact(n)) {
        w.iter_mut().zip(x.chunks_exact(n)).for_each(|(w, x)| *w += simd::dot(y, x));
    }
}

// ANCHOR: faer
fn faer_forward(y: &mut [f32], w: &[f32], x: &[f32], n: usize) {
    let (rows, cols) = (y.len() / n, x.len() / n);
    let y = MatMut::from_row_major_slice_mut(y, rows, n);
    ops::matmul(y, Accum::Add, view(w, rows, cols), view(x, cols, n));
}
// ANCHOR_END: faer

fn faer_back(x: &mut [f32], w: &[f32], y: &[f32], n: usize) {
    let (rows, cols) = (y.len() / n, x.len() / n);
    let x = MatMut::from_row_major_slice_mut(x, cols, n);
    ops::matmul(x, Accum::Add, view(w, rows, cols).transpose(), view(y, rows, n));
}

fn faer_weight(w: &mut [f32], y: &[f32], x: &[f32], n: usize) {
    let (rows, cols) = (y.len() / n, x.len() / n);
    let w = MatMut::from_row_major_slice_mut(w, rows, cols);
    ops::matmul(w, Accum::Add, view(y, rows, n), view(x, cols, n).transpose());
}

/// A row-major matrix.
pub fn view(a: &[f32], rows: usize, cols: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(a, rows, cols)
}

/// `y = σ(x)` and `y = tanh(x)`, entry by entry.
#[derive(Clone, Copy)]
pub struct Functions {
    pub sigmoid: fn(y: &mut [f32], x: &[f32]),
    pub tanh: fn(y: &mut [f32], x: &[f32]),
}

pub const STANDARD: Functions = Functions { sigmoid: standard_sigmoid, tanh: standard_tanh };
pub const VECTORS: Functions = Functions { sigmoid: f32::sigmoid_slice, tanh: f32::tanh_slice };

// ANCHOR: standard
fn standard_sigmoid(y: &mut [f32], x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = 1.0 / (1.0 + f32::exp(-x)));
}

fn standard_tanh(y: &mut [f32], x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = f32::tanh(*x));
}
// ANCHOR_END: standard
