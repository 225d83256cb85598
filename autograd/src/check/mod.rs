//! The gradient check: a derivative by differences, to hold against a derivative by rule.
//!
//! `f` maps some input matrices to an output matrix. With a random cotangent `r`, the number
//! `s(x) = Σ r ⊙ f(x)` has the gradient `(∂f/∂x)ᵀ r`: what a backward pass computes, and what
//! central differences of `s` approach without any calculus. Ones in place of `r` would hide a
//! transposed or a broadcast gradient; random numbers do not.
//!
//! ```
//! use autograd::check::Check;
//!
//! let report = Check::new(7)
//!     .input("w", 2, 3, &[0.1, -0.2, 0.3, 0.4, 0.5, -0.6])
//!     .input("x", 3, 1, &[1.0, 2.0, -1.0])
//!     .run(|_, x| x[0].matmul(x[1]).tanh());
//! report.assert_passed();
//! ```

mod numeric;
mod random;
mod report;

pub use random::Random;
pub use report::{Entry, ParameterReport, Report, Trust};

use crate::{Tape, Var};
use numeric::Numeric;

/// A named input matrix of the function under check.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name in the report.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// The point at which the gradient is checked, row by row.
    pub value: Vec<f64>,
}

/// Inputs and cotangents to one gradient per input for each cotangent.
type Vjp<'a> = dyn Fn(&[Vec<f64>], &[Vec<f64>]) -> Vec<Vec<Vec<f64>>> + 'a;

/// A gradient check about to be made.
#[derive(Clone, Debug)]
pub struct Check {
    pub(crate) inputs: Vec<Input>,
    pub(crate) seed: u64,
    pub(crate) tolerance: f64,
    pub(crate) every_entry_up_to: usize,
}

impl Check {
    /// A check whose random cotangents and directions come from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { inputs: Vec::new(), seed, tolerance: 1e-7, every_entry_up_to: 2000 }
    }

    /// Adds an input, entries row by row.
    ///
    /// # Panics
    /// If there are not `rows · cols` entries.
    #[track_caller]
    pub fn input(mut self, name: impl Into<String>, rows: usize, cols: usize, value: &[f64]) -> Self {
        let name = name.into();
        assert_eq!(
            value.len(),
            rows * cols,
            "check: input {name} of {rows}×{cols} has {} entries",
            value.len()
        );
        self.inputs.push(Input { name, rows, cols, value: value.to_vec() });
        self
    }

    /// Adds an input with entries drawn from a normal distribution of this standard deviation.
    pub fn random_input(self, name: impl Into<String>, rows: usize, cols: usize, std: f64) -> Self {
        let mut random = Random::new(self.seed.wrapping_add(0x5EED * (1 + self.inputs.len() as u64)));
        let value: Vec<f64> = (0..rows * cols).map(|_| std * random.normal()).collect();
        self.input(name, rows, cols, &value)
    }

    /// The largest relative error that passes: 1e-7 if not set.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Inputs of up to this many entries in all are checked entry by entry, larger ones along random
    /// directions: 2000 if not set.
    pub fn every_entry_up_to(mut self, entries: usize) -> Self {
        self.every_entry_up_to = entries;
        self
    }

    /// The inputs so far.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Checks the gradients that the tape computes for `f`.
    pub fn run<F>(&self, f: F) -> Report
    where
        F: for<'t> Fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        let record = |tape: &Tape<f64>, x: &[Vec<f64>], cotangents: &[Vec<f64>]| {
            let vars: Vec<_> = self.inputs.iter().zip(x).map(|(i, x)| tape.leaf(i.rows, i.cols, x)).collect();
            let y = f(tape, &vars);
            // ANCHOR: tape-vjp
            let gradients = cotangents.iter().map(|r| {
                y.backward_with(r);
                vars.iter().map(|x| x.grad()).collect()
            });
            // ANCHOR_END: tape-vjp
            let gradients: Vec<Vec<Vec<f64>>> = gradients.collect();
            (y.value(), gradients)
        };
        self.compare(&|x| record(&Tape::new(), x, &[]).0, &|x, cotangents| {
            record(&Tape::new(), x, cotangents).1
        })
    }

    /// Checks a derivation made by hand. `f` maps the inputs to the output's entries; `vjp` maps
    /// the inputs and some cotangents to one gradient per input for each cotangent.
    ///
    /// ```
    /// use autograd::check::Check;
    ///
    /// // y = x³ and x̄ = 3 x² ȳ
    /// let report = Check::new(1).input("x", 1, 1, &[2.0]).run_with(
    ///     |x| vec![x[0][0].powi(3)],
    ///     |x, cotangents| cotangents.iter().map(|dy| vec![vec![3.0 * x[0][0].powi(2) * dy[0]]]).collect(),
    /// );
    /// assert!(report.passed());
    /// ```
    pub fn run_with(
        &self,
        f: impl Fn(&[Vec<f64>]) -> Vec<f64>,
        vjp: impl Fn(&[Vec<f64>], &[Vec<f64>]) -> Vec<Vec<Vec<f64>>>,
    ) -> Report {
        self.compare(&f, &vjp)
    }

    fn compare(&self, f: &dyn Fn(&[Vec<f64>]) -> Vec<f64>, vjp: &Vjp<'_>) -> Report {
        let x: Vec<Vec<f64>> = self.inputs.iter().map(|input| input.value.clone()).collect();
        let entries: usize = x.iter().map(Vec::len).sum();
        let outputs = f(&x).len();
        let every_entry = entries <= self.every_entry_up_to;

        // ANCHOR: cotangents
        // As many random cotangents as outputs span them all: together they are the full Jacobian.
        let mut random = Random::new(self.seed);
        let count = if every_entry && outputs * entries <= 4096 { outputs } else { outputs.min(3) };
        let cotangents: Vec<Vec<f64>> = (0..count).map(|_| random.normals(outputs)).collect();
        // ANCHOR_END: cotangents
        let yours = vjp(&x, &cotangents);

        let numeric = Numeric { f, x: &x, cotangents: &cotangents, tolerance: self.tolerance };
        let parameters = self.inputs.iter().enumerate().map(|(k, input)| {
            let yours: Vec<&[f64]> = yours.iter().map(|gradients| gradients[k].as_slice()).collect();
            if every_entry {
                numeric.entries(k, input, &yours)
            } else {
                numeric.directions(k, input, &yours, &mut random)
            }
        });
        Report { parameters: parameters.collect(), seed: self.seed, tolerance: self.tolerance, every_entry }
    }
}
