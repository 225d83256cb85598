//! A plain matrix: what the naive loops compute with.

/// Row-major entries.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub entries: Vec<f64>,
}

impl Matrix {
    pub fn from_fn(rows: usize, cols: usize, f: impl Fn(usize, usize) -> f64) -> Self {
        let entries = (0..rows * cols).map(|at| f(at / cols, at % cols)).collect();
        Self { rows, cols, entries }
    }

    pub fn at(&self, row: usize, col: usize) -> f64 {
        assert!(row < self.rows && col < self.cols);
        self.entries[row * self.cols + col]
    }

    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::from_fn(self.rows, self.cols, |r, c| f(self.at(r, c)))
    }

    pub fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self::from_fn(self.rows, self.cols, |r, c| f(self.at(r, c), other.at(r, c)))
    }

    pub fn transpose(&self) -> Self {
        Self::from_fn(self.cols, self.rows, |r, c| self.at(c, r))
    }

    /// The product, entry by entry.
    pub fn times(&self, other: &Self) -> Self {
        let entry = |r, c| (0..self.cols).map(|k| self.at(r, k) * other.at(k, c)).sum();
        Self::from_fn(self.rows, other.cols, entry)
    }

    pub fn column(&self, col: usize) -> Vec<f64> {
        (0..self.rows).map(|row| self.at(row, col)).collect()
    }
}
