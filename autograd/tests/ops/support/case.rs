//! One operation under test: the shapes of its inputs, the operation, and a naive loop.

use super::Matrix;
use autograd::check::Random;
use autograd::{Float, Tape, Var};

/// Where the inputs' entries come from.
#[derive(Clone, Copy, Debug)]
pub enum Entries {
    /// Anywhere: standard normal.
    Any,
    /// In 0.5 to 2.5: where logarithms and roots are smooth.
    Positive,
    /// In ±0.5 to ±2.5: away from poles and kinks at 0.
    NonZero,
}

impl Entries {
    /// A number that `f32` holds exactly, so that both precisions compute with the same.
    pub fn draw(self, random: &mut Random) -> f64 {
        let x = match self {
            Self::Any => random.normal(),
            Self::Positive => 0.5 + 2.0 * random.uniform(),
            Self::NonZero => (0.5 + 2.0 * random.uniform()) * if random.below(2) == 0 { 1.0 } else { -1.0 },
        };
        f64::from(x as f32)
    }

    pub fn matrix(self, rows: usize, cols: usize, random: &mut Random) -> Matrix {
        Matrix { rows, cols, entries: (0..rows * cols).map(|_| self.draw(random)).collect() }
    }
}

/// What a case is made from: three sizes, and random numbers for indices and masks.
pub struct Draw {
    pub sizes: [usize; 3],
    pub random: Random,
}

impl Draw {
    pub fn new(sizes: [usize; 3], seed: u64) -> Self {
        Self { sizes, random: Random::new(seed) }
    }

    /// The first two sizes: the shape of an operation that takes any.
    pub fn shape(&self) -> (usize, usize) {
        (self.sizes[0], self.sizes[1])
    }

    /// Size `k`, where there must be something.
    pub fn positive(&self, k: usize) -> usize {
        self.sizes[k].max(1)
    }

    /// `n` random flags.
    pub fn mask(&mut self, n: usize) -> Vec<bool> {
        (0..n).map(|_| self.random.below(2) == 0).collect()
    }

    /// `n` random numbers below `limit`.
    pub fn ids(&mut self, n: usize, limit: usize) -> Vec<usize> {
        (0..n).map(|_| self.random.below(limit)).collect()
    }
}

pub type Operation<T> = Box<dyn for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T>>;
pub type Naive = Box<dyn Fn(&[Matrix]) -> Matrix>;

/// An operation, and the naive loop that it must agree with.
pub struct Case<T: Float> {
    pub shapes: Vec<(usize, usize)>,
    pub entries: Entries,
    pub operation: Operation<T>,
    pub naive: Naive,
}

impl<T: Float> Case<T> {
    pub fn new(
        shapes: &[(usize, usize)],
        operation: impl for<'t> Fn(&'t Tape<T>, &[Var<'t, T>]) -> Var<'t, T> + 'static,
        naive: impl Fn(&[Matrix]) -> Matrix + 'static,
    ) -> Self {
        let (operation, naive) = (Box::new(operation), Box::new(naive));
        Self { shapes: shapes.to_vec(), entries: Entries::Any, operation, naive }
    }

    pub fn entries(mut self, entries: Entries) -> Self {
        self.entries = entries;
        self
    }

    pub fn inputs(&self, random: &mut Random) -> Vec<Matrix> {
        self.shapes.iter().map(|&(rows, cols)| self.entries.matrix(rows, cols, random)).collect()
    }

    /// The operation's value and, for a cotangent, its inputs' gradients: on a tape of its own.
    pub fn run(&self, x: &[Matrix], cotangent: &[f64]) -> Ran {
        let tape = Tape::new();
        let leaves: Vec<_> = x.iter().map(|x| tape.leaf(x.rows, x.cols, &rounded(&x.entries))).collect();
        let y = (self.operation)(&tape, &leaves);
        y.backward_with(&rounded(cotangent));
        Ran {
            value: wide(y.value()),
            shape: y.shape(),
            gradients: leaves.iter().map(|x| wide(x.grad())).collect(),
        }
    }
}

/// What an operation gave.
#[derive(Debug, PartialEq)]
pub struct Ran {
    pub value: Vec<f64>,
    pub shape: (usize, usize),
    pub gradients: Vec<Vec<f64>>,
}

pub fn rounded<T: Float>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

fn wide<T: Float>(x: Vec<T>) -> Vec<f64> {
    x.into_iter().map(T::to_f64).collect()
}
