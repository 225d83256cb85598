//! Random programs over a handful of variables, line by line.

use autograd::{Float, Tape, Var};
use std::ops::Range;

/// One line of a program. `usize` is a place among the variables so far.
#[derive(Clone, Debug)]
pub enum Line {
    /// `(a + b) / 2`
    Mean(usize, usize),
    /// `a − b / 2`
    Difference(usize, usize),
    /// `a ⊙ tanh b`
    Gate(usize, usize),
    Sigmoid(usize),
    /// `a tanh(b) / (K + 1)`
    Product(usize, usize),
    /// `tanh(a) aᵀ / (K + 1)`
    Gram(usize),
    /// `a + b 1ᵀ`
    AddColumn(usize, usize),
    RowBlock(usize, Range<usize>),
    /// `[a; b; a]`
    Concat(usize, usize),
    Select(Vec<bool>, usize, usize),
    Softmax(usize),
    SumCols(usize),
    SumRows(usize),
    /// Rows of `a` as columns.
    Embedding(usize, [usize; 3]),
    Detach(usize),
}
use Line::*;

/// The variables that every program starts with: rows, columns, whether it has a gradient.
pub const LEAVES: [(usize, usize, bool); 5] =
    [(4, 3, true), (6, 3, true), (3, 3, true), (5, 1, true), (6, 3, false)];

/// Three random numbers make a line that fits the variables so far.
pub fn program(numbers: &[(u8, u16, u16)]) -> Vec<Line> {
    let mut shapes: Vec<(usize, usize)> = LEAVES.iter().map(|leaf| (leaf.0, leaf.1)).collect();
    let mut lines = Vec::new();
    for &(kind, first, second) in numbers {
        let (line, shape) = fitting(kind, first as usize % shapes.len(), second as usize, &shapes);
        lines.push(line);
        shapes.push(shape);
    }
    lines
}

/// A line of this kind on variable `a`, or the nearest thing that fits, and its shape.
fn fitting(kind: u8, a: usize, number: usize, shapes: &[(usize, usize)]) -> (Line, (usize, usize)) {
    let (rows, cols) = shapes[a];
    // The next variable that fits, from a random place on.
    let find = |fits: &dyn Fn((usize, usize)) -> bool| {
        (0..shapes.len()).map(|k| (number + k) % shapes.len()).find(|&k| fits(shapes[k]))
    };
    let same = find(&|shape| shape == (rows, cols)).unwrap_or(a);
    let bits = |n: usize| (0..n).map(|k| (number >> (k % 16)) & 1 == 1).collect();
    let block = || {
        let start = number % (rows + 1);
        let end = start + (number / 16) % (rows - start + 1);
        (RowBlock(a, start..end), (end - start, cols))
    };
    match kind % 16 {
        0 => (Mean(a, same), (rows, cols)),
        1 => (Difference(a, same), (rows, cols)),
        2 => (Gate(a, same), (rows, cols)),
        3 => (Sigmoid(a), (rows, cols)),
        4 | 5 => match find(&|shape| shape.0 == cols) {
            Some(b) => (Product(a, b), (rows, shapes[b].1)),
            None => (Gram(a), (rows, rows)),
        },
        6 => match find(&|shape| shape == (rows, 1)) {
            Some(b) => (AddColumn(a, b), (rows, cols)),
            None => (SumCols(a), (rows, 1)),
        },
        7 => (SumRows(a), (1, cols)),
        8 => match find(&|shape| shape.1 == cols && shape.0 + 2 * rows <= 16) {
            Some(b) => (Concat(a, b), (shapes[b].0 + 2 * rows, cols)),
            None => block(),
        },
        9 => (Select(bits(cols), a, same), (rows, cols)),
        10 => (Select(bits(rows * cols), a, same), (rows, cols)),
        11 => (Softmax(a), (rows, cols)),
        12 if rows > 0 => (Embedding(a, [number % rows, 0, number / 7 % rows]), (cols, 3)),
        13 => (Detach(a), (rows, cols)),
        _ => block(),
    }
}

/// Runs a program on the tape; all its variables, the leaves first.
pub fn on_tape<'t, T: Float>(tape: &'t Tape<T>, lines: &[Line], entries: &[Vec<f64>]) -> Vec<Var<'t, T>> {
    let given = LEAVES.iter().zip(entries).map(|(&(rows, cols, tracked), entries)| {
        let entries: Vec<T> = entries.iter().map(|&x| T::from_f64(x)).collect();
        if tracked { tape.leaf(rows, cols, &entries) } else { tape.constant(rows, cols, &entries) }
    });
    let mut x: Vec<Var<'t, T>> = given.collect();
    for line in lines {
        let y = match *line {
            Mean(a, b) => (x[a] + x[b]) * 0.5,
            Difference(a, b) => x[a] - x[b] / 2.0,
            Gate(a, b) => x[a] * x[b].tanh(),
            Sigmoid(a) => x[a].sigmoid(),
            Product(a, b) => x[a].matmul(x[b].tanh()) / (x[a].cols() + 1) as f64,
            Gram(a) => x[a].tanh().matmul_t(x[a]) / (x[a].cols() + 1) as f64,
            AddColumn(a, b) => x[a] + x[b],
            RowBlock(a, ref range) => x[a].row_block(range.clone()),
            Concat(a, b) => tape.concat_rows(&[x[a], x[b], x[a]]),
            Select(ref mask, a, b) => tape.select(mask.iter().copied(), x[a], x[b]),
            Softmax(a) => x[a].softmax(),
            SumCols(a) => x[a].sum_cols(),
            SumRows(a) => x[a].sum_rows(),
            Embedding(a, ids) => x[a].embedding(&ids, 3),
            Detach(a) => x[a].detach(),
        };
        x.push(y);
    }
    x
}
