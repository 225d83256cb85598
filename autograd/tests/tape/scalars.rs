//! A second, naive tape: one node per number, no matrices, no views, no memory to reuse. Slow and
//! plain, it judges the values and gradients of whole programs.

use crate::lines::{LEAVES, Line};

/// Every number, with what it was made of: (which number, partial derivative).
#[derive(Default)]
pub struct Scalars {
    values: Vec<f64>,
    made_of: Vec<Vec<(usize, f64)>>,
}

/// A matrix of numbers. A view is a grid of some of the same numbers.
#[derive(Clone)]
pub struct Grid {
    pub rows: usize,
    pub cols: usize,
    pub ids: Vec<usize>,
    /// Whether it depends on a variable.
    pub tracked: bool,
}

impl Grid {
    fn at(&self, row: usize, col: usize) -> usize {
        self.ids[row * self.cols + col]
    }

    fn transposed(&self) -> Self {
        let ids = (0..self.ids.len()).map(|at| self.at(at % self.rows, at / self.rows)).collect();
        Self { rows: self.cols, cols: self.rows, ids, tracked: self.tracked }
    }
}

impl Scalars {
    pub fn values(&self, x: &Grid) -> Vec<f64> {
        x.ids.iter().map(|&id| self.values[id]).collect()
    }

    /// The derivative of `Σ r ⊙ y` by every number.
    pub fn gradients(&self, y: &Grid, r: &[f64]) -> Vec<f64> {
        let mut gradients = vec![0.0; self.values.len()];
        y.ids.iter().zip(r).for_each(|(&id, r)| gradients[id] += r);
        for id in (0..self.values.len()).rev() {
            for &(parent, partial) in &self.made_of[id] {
                gradients[parent] += partial * gradients[id];
            }
        }
        gradients
    }

    fn given(&mut self, rows: usize, cols: usize, entries: &[f64], tracked: bool) -> Grid {
        let ids = entries.iter().map(|&x| self.function(&[], |_| (x, vec![]))).collect();
        Grid { rows, cols, ids, tracked }
    }

    /// A function of some numbers: its value and its partial derivatives.
    fn function(&mut self, ids: &[usize], f: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> usize {
        let x: Vec<f64> = ids.iter().map(|&id| self.values[id]).collect();
        let (value, partials) = f(&x);
        self.values.push(value);
        self.made_of.push(ids.iter().copied().zip(partials).collect());
        self.values.len() - 1
    }

    fn map(&mut self, x: &Grid, f: impl Fn(f64) -> (f64, f64)) -> Grid {
        let one = |x: &[f64]| (f(x[0]).0, vec![f(x[0]).1]);
        let ids = x.ids.iter().map(|&id| self.function(&[id], one)).collect();
        Grid { ids, ..*x }
    }

    fn zip(&mut self, a: &Grid, b: &Grid, f: impl Fn(f64, f64) -> (f64, [f64; 2])) -> Grid {
        let two = |x: &[f64]| (f(x[0], x[1]).0, f(x[0], x[1]).1.to_vec());
        let ids = a.ids.iter().zip(&b.ids).map(|(&a, &b)| self.function(&[a, b], two)).collect();
        Grid { ids, tracked: a.tracked || b.tracked, ..*a }
    }

    fn copied(&mut self, rows: usize, cols: usize, ids: Vec<usize>, tracked: bool) -> Grid {
        self.map(&Grid { rows, cols, ids, tracked }, |x| (x, 1.0))
    }

    fn tanh(&mut self, x: &Grid) -> Grid {
        self.map(x, |x| (x.tanh(), 1.0 - x.tanh() * x.tanh()))
    }

    /// `a b / (K + 1)`
    fn product(&mut self, a: &Grid, b: &Grid) -> Grid {
        let scale = 1.0 / (a.cols + 1) as f64;
        let dot = |x: &[f64]| {
            let (a, b) = x.split_at(x.len() / 2);
            let value: f64 = a.iter().zip(b).map(|(a, b)| a * b * scale).sum();
            (value, b.iter().chain(a).map(|x| x * scale).collect())
        };
        let mut ids = Vec::new();
        for (row, col) in (0..a.rows * b.cols).map(|at| (at / b.cols, at % b.cols)) {
            let of_a = (0..a.cols).map(|k| a.at(row, k));
            let both: Vec<usize> = of_a.chain((0..b.rows).map(|k| b.at(k, col))).collect();
            ids.push(self.function(&both, dot));
        }
        Grid { rows: a.rows, cols: b.cols, ids, tracked: a.tracked || b.tracked }
    }

    fn softmax(&mut self, x: &Grid) -> Grid {
        let mut ids = Vec::new();
        for (row, col) in (0..x.ids.len()).map(|at| (at / x.cols, at % x.cols)) {
            let column: Vec<usize> = (0..x.rows).map(|r| x.at(r, col)).collect();
            ids.push(self.function(&column, |x| {
                let sum: f64 = x.iter().map(|x| x.exp()).sum();
                let p: Vec<f64> = x.iter().map(|x| x.exp() / sum).collect();
                let partial = |k: usize| if k == row { p[row] * (1.0 - p[row]) } else { -p[row] * p[k] };
                (p[row], (0..x.len()).map(partial).collect())
            }));
        }
        Grid { ids, ..*x }
    }

    fn sum_cols(&mut self, x: &Grid) -> Grid {
        let rows = (0..x.rows).map(|row| &x.ids[row * x.cols..(row + 1) * x.cols]);
        let ids = rows.map(|row| self.function(row, |x| (x.iter().sum(), vec![1.0; x.len()]))).collect();
        Grid { cols: 1, ids, ..*x }
    }

    fn line(&mut self, line: &Line, x: &[Grid]) -> Grid {
        match *line {
            Line::Mean(a, b) => self.zip(&x[a], &x[b], |a, b| (0.5 * a + 0.5 * b, [0.5, 0.5])),
            Line::Difference(a, b) => self.zip(&x[a], &x[b], |a, b| (a - 0.5 * b, [1.0, -0.5])),
            Line::Gate(a, b) => {
                let gate = self.tanh(&x[b]);
                self.zip(&x[a], &gate, |a, b| (a * b, [b, a]))
            }
            Line::Sigmoid(a) => self.map(&x[a], |x| {
                let y = 1.0 / (1.0 + (-x).exp());
                (y, y * (1.0 - y))
            }),
            Line::Product(a, b) => {
                let right = self.tanh(&x[b]);
                self.product(&x[a], &right)
            }
            Line::Gram(a) => {
                let left = self.tanh(&x[a]);
                self.product(&left, &x[a].transposed())
            }
            Line::AddColumn(a, b) => {
                let wide = (0..x[a].ids.len()).map(|at| x[b].at(at / x[a].cols, 0)).collect();
                let wide = Grid { ids: wide, tracked: x[b].tracked, ..x[a] };
                self.zip(&x[a], &wide, |a, b| (a + b, [1.0, 1.0]))
            }
            Line::Softmax(a) => self.softmax(&x[a]),
            Line::SumCols(a) => self.sum_cols(&x[a]),
            Line::SumRows(a) => self.sum_cols(&x[a].transposed()).transposed(),
            Line::Detach(a) => self.given(x[a].rows, x[a].cols, &self.values(&x[a]), false),
            _ => self.moving_line(line, x),
        }
    }

    /// Lines that only move numbers.
    fn moving_line(&mut self, line: &Line, x: &[Grid]) -> Grid {
        match line {
            Line::RowBlock(a, range) => {
                let ids = x[*a].ids[range.start * x[*a].cols..range.end * x[*a].cols].to_vec();
                Grid { rows: range.len(), ids, ..x[*a] }
            }
            Line::Concat(a, b) => {
                let (a, b) = (&x[*a], &x[*b]);
                let ids = [&a.ids[..], &b.ids, &a.ids].concat();
                self.copied(2 * a.rows + b.rows, a.cols, ids, a.tracked || b.tracked)
            }
            Line::Select(mask, a, b) => {
                let (a, b) = (&x[*a], &x[*b]);
                let flag = |at: usize| mask[if mask.len() == a.cols { at % a.cols } else { at }];
                let ids = (0..a.ids.len()).map(|at| if flag(at) { a.ids[at] } else { b.ids[at] }).collect();
                self.copied(a.rows, a.cols, ids, a.tracked || b.tracked)
            }
            Line::Embedding(table, ids) => {
                let table = &x[*table];
                let looked_up = (0..table.cols * 3).map(|at| table.at(ids[at % 3], at / 3)).collect();
                self.copied(table.cols, 3, looked_up, table.tracked)
            }
            _ => unreachable!("{line:?} computes"),
        }
    }
}

/// Runs a program number by number; all its variables, the leaves first.
pub fn by_scalars(s: &mut Scalars, lines: &[Line], entries: &[Vec<f64>]) -> Vec<Grid> {
    let given = LEAVES.iter().zip(entries).map(|(leaf, entries)| s.given(leaf.0, leaf.1, entries, leaf.2));
    let mut x: Vec<Grid> = given.collect();
    for line in lines {
        let y = s.line(line, &x);
        x.push(y);
    }
    x
}
