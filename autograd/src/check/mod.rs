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
//!
//! A gradient that is wrong gets a [`Diagnosis`]: the kind of mistake that explains every entry of it,
//! if there is one. Given the equations as well, in operations that are right, the check knows what
//! depends on what, and finds mistakes inside:
//!
//! ```
//! use autograd::check::{Check, Kind};
//!
//! // h = tanh(w x): the rule takes the slope 1 − z² at the pre-activation z, not at h.
//! let report = Check::new(7)
//!     .random_input("w", 2, 3, 1.0)
//!     .random_input("x", 3, 4, 1.0)
//!     .derivation(
//!         |_, v| v[0].matmul(v[1]).label("z").tanh().label("h"),
//!         |v, dh| {
//!             let z = v[0].matmul(v[1]);
//!             let dz = dh * (1.0 - z.square());
//!             vec![dz.matmul_t(v[1]), v[0].t_matmul(dz)]
//!         },
//!     );
//! assert_eq!(report.diagnosis.kinds(), [Kind::WrongPoint]);
//! ```

mod backwards;
mod diagnosis;
mod map;
mod numeric;
mod pattern;
mod random;
mod report;
mod steps;
mod suspects;

pub use diagnosis::{Diagnosis, Finding, Kind};
pub use random::Random;
pub use report::{Entry, ParameterReport, Report, Trust};

pub use steps::Since;

use crate::{Tape, Var};
use backwards::Backwards;
use numeric::Numeric;
use pattern::Gap;
use suspects::Evidence;

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
    /// The names of the blocks of equally many rows that it consists of: gates, or time steps.
    pub blocks: Vec<String>,
    /// Whether those blocks are time steps.
    pub in_time: bool,
}

/// A function on the tape.
type Function<'a> = dyn for<'t> Fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64> + 'a;

/// Inputs and cotangents to one gradient per input for each cotangent.
type Vjp<'a> = dyn Fn(&[Vec<f64>], &[Vec<f64>]) -> Vec<Vec<Vec<f64>>> + 'a;

/// A gradient check about to be made.
#[derive(Clone, Debug)]
pub struct Check {
    pub(crate) inputs: Vec<Input>,
    pub(crate) seed: u64,
    pub(crate) tolerance: f64,
    pub(crate) every_entry_up_to: usize,
    pub(crate) sizes: Vec<(String, f64)>,
    pub(crate) book: Option<String>,
}

impl Check {
    /// A check whose random cotangents and directions come from `seed`.
    pub fn new(seed: u64) -> Self {
        let (inputs, sizes, book) = (Vec::new(), Vec::new(), None);
        Self { inputs, seed, tolerance: 1e-7, every_entry_up_to: 2000, sizes, book }
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
        let (value, blocks) = (value.to_vec(), Vec::new());
        self.inputs.push(Input { name, rows, cols, value, blocks, in_time: false });
        self
    }

    /// Says of the input added last that it consists of blocks of equally many rows with these names, such
    /// as the gates of a stacked weight matrix. The report shows which of them are wrong.
    ///
    /// # Panics
    /// If there is no input yet, or its rows are not a multiple of the names.
    #[track_caller]
    pub fn gates(mut self, names: &[&str]) -> Self {
        let input = self.inputs.last_mut().expect("gates: there is no input yet");
        let fit = !names.is_empty() && input.rows.is_multiple_of(names.len());
        assert!(fit, "gates: {} rows do not make {} equal blocks", input.rows, names.len());
        input.blocks = names.iter().map(|name| (*name).into()).collect();
        self
    }

    /// Says of the input added last that its rows are this many time steps.
    ///
    /// # Panics
    /// If there is no input yet, or its rows are not a multiple of the steps.
    #[track_caller]
    pub fn steps(self, steps: usize) -> Self {
        let names: Vec<String> = (0..steps).map(|t| format!("t={t}")).collect();
        let mut check = self.gates(&names.iter().map(String::as_str).collect::<Vec<_>>());
        check.inputs.iter_mut().last().into_iter().for_each(|input| input.in_time = true);
        check
    }

    /// Names a size, so that a wrong factor can be called after it: 1/B, H.
    pub fn size(mut self, name: impl Into<String>, size: usize) -> Self {
        self.sizes.push((name.into(), size as f64));
        self
    }

    /// Where the derivation can be read: the report of a failed check says so.
    pub fn book(mut self, place: impl Into<String>) -> Self {
        self.book = Some(place.into());
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
        self.compare(&|x| self.value(&f, x), &|x, cotangents| self.tape_vjp(&f, x, cotangents), None)
    }

    /// Checks the gradients that the tape computes for `f`, beside equations for the same function in
    /// operations known to be right, from which the diagnosis knows what depends on what. Named
    /// quantities (labels, and what an operation shows in a trace) of both are compared: see [`Since`].
    pub fn run_beside<E, F>(&self, equations: E, f: F) -> Report
    where
        E: for<'t> Fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
        F: for<'t> Fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
    {
        let vjp = |x: &[Vec<f64>], cotangents: &[Vec<f64>]| self.tape_vjp(&f, x, cotangents);
        let mut report = self.compare(&|x| self.value(&f, x), &vjp, Some(&equations));
        if report.wrong() {
            let (yours, right) = (Tape::new(), Tape::new());
            let (mine, known) = (f(&yours, &self.leaves(&yours)), equations(&right, &self.leaves(&right)));
            let cotangent = Random::new(self.seed).normals(mine.value().len());
            if mine.shape() == known.shape() {
                let (mine, known) =
                    (steps::shown(&yours, mine, &cotangent), steps::shown(&right, known, &cotangent));
                report.since = steps::since(&mine, &known, self.tolerance);
            }
        }
        report
    }

    /// Checks a derivation made by hand of these equations. `vjp` maps the inputs and the cotangent of
    /// the output to one gradient per input; it may use the tape to compute, which gives no gradients here.
    ///
    /// # Panics
    /// If `vjp` gives another number of gradients, or one of another shape than its input.
    #[track_caller]
    pub fn derivation<E, G>(&self, equations: E, vjp: G) -> Report
    where
        E: for<'t> Fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64>,
        G: for<'t> Fn(&[Var<'t, f64>], Var<'t, f64>) -> Vec<Var<'t, f64>>,
    {
        let one = |x: &[Vec<f64>], r: &Vec<f64>| -> Vec<Vec<f64>> {
            let tape = Tape::new();
            let constants: Vec<_> =
                self.inputs.iter().zip(x).map(|(i, x)| tape.constant(i.rows, i.cols, x)).collect();
            let (rows, cols) = equations(&tape, &constants).shape();
            let gradients = vjp(&constants, tape.constant(rows, cols, r));
            self.assert_shapes(&gradients.iter().map(|g| g.shape()).collect::<Vec<_>>());
            gradients.into_iter().map(Var::value).collect()
        };
        let all = |x: &[Vec<f64>], rs: &[Vec<f64>]| rs.iter().map(|r| one(x, r)).collect();
        self.compare(&|x| self.value(&equations, x), &all, Some(&equations))
    }

    #[track_caller]
    fn assert_shapes(&self, gradients: &[(usize, usize)]) {
        let inputs = self.inputs.len();
        assert_eq!(gradients.len(), inputs, "derivation: {} gradients for {inputs} inputs", gradients.len());
        for (input, (rows, cols)) in self.inputs.iter().zip(gradients) {
            let Input { name, rows: r, cols: c, .. } = input;
            assert!((r, c) == (rows, cols), "derivation: {name} is {r}×{c}, its gradient {rows}×{cols}");
        }
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
        self.compare(&f, &vjp, None)
    }

    /// The inputs on a tape.
    fn leaves<'t>(&self, tape: &'t Tape<f64>) -> Vec<Var<'t, f64>> {
        self.inputs.iter().map(|i| tape.leaf(i.rows, i.cols, &i.value)).collect()
    }

    fn value(&self, f: &Function<'_>, x: &[Vec<f64>]) -> Vec<f64> {
        let tape = Tape::new();
        let vars: Vec<_> = self.inputs.iter().zip(x).map(|(i, x)| tape.leaf(i.rows, i.cols, x)).collect();
        f(&tape, &vars).value()
    }

    fn tape_vjp(&self, f: &Function<'_>, x: &[Vec<f64>], cotangents: &[Vec<f64>]) -> Vec<Vec<Vec<f64>>> {
        let tape = Tape::new();
        let vars: Vec<_> = self.inputs.iter().zip(x).map(|(i, x)| tape.leaf(i.rows, i.cols, x)).collect();
        let y = f(&tape, &vars);
        // ANCHOR: tape-vjp
        let gradients = cotangents.iter().map(|r| {
            y.backward_with(r);
            vars.iter().map(|x| x.grad()).collect()
        });
        // ANCHOR_END: tape-vjp
        gradients.collect()
    }

    fn compare(
        &self,
        f: &dyn Fn(&[Vec<f64>]) -> Vec<f64>,
        vjp: &Vjp<'_>,
        equations: Option<&Function<'_>>,
    ) -> Report {
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

        // Equations give the right gradient to the last digits; differences hold them to it.
        let right = equations.map(|f| self.tape_vjp(f, &x, &cotangents));
        let (tolerance, known) = (self.tolerance, right.as_deref());
        let numeric = Numeric { f, x: &x, cotangents: &cotangents, tolerance, known };
        let parameters = self.inputs.iter().enumerate().map(|(k, input)| {
            let yours: Vec<&[f64]> = yours.iter().map(|gradients| gradients[k].as_slice()).collect();
            if every_entry {
                numeric.entries(k, input, &yours)
            } else {
                numeric.directions(k, input, &yours, &mut random)
            }
        });
        let mut report = Report::new(parameters.collect(), self, every_entry);
        if every_entry && report.wrong() {
            let right = right.filter(|right| report.confirms(right));
            report.diagnosis = self.diagnose(&report, &cotangents, &yours, equations.zip(right.as_deref()));
        }
        report
    }

    /// Looks for the kind of mistake.
    fn diagnose(
        &self,
        report: &Report,
        cotangents: &[Vec<f64>],
        yours: &[Vec<Vec<f64>>],
        equations: Option<(&Function<'_>, &[Vec<Vec<f64>>])>,
    ) -> Diagnosis {
        let wrong = self.inputs.iter().zip(&report.parameters).enumerate().filter(|(_, (_, p))| p.wrong > 0);
        let gaps: Vec<Gap<'_>> = wrong
            .map(|(k, (input, p))| {
                let mut gap = Gap::new(input, p, self.tolerance);
                if let Some((_, right)) = equations {
                    gap.right = right.iter().map(|gradients| gradients[k].clone()).collect();
                }
                gap
            })
            .collect();
        let suspects = match equations {
            Some((equations, right)) => self.suspects(equations, cotangents, yours, right),
            None => Vec::new(),
        };
        Diagnosis::of(&gaps, suspects, &self.sizes)
    }

    /// The mistakes in the equations' backward pass that give your gradient.
    fn suspects(
        &self,
        equations: &Function<'_>,
        cotangents: &[Vec<f64>],
        yours: &[Vec<Vec<f64>>],
        right: &[Vec<Vec<f64>>],
    ) -> Vec<suspects::Suspect> {
        let tape = Tape::new();
        let root = equations(&tape, &self.leaves(&tape)).index();
        let silent = tape.zeros(1, 1).index();
        for at in 0..root {
            backwards::push_transpose(&tape, at);
        }
        let inner = tape.inner.borrow();
        let (root, silent) = (root as u32, silent as u32);
        let names: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
        let backwards = Backwards { inner: &inner, inputs: names.len(), root, silent };
        let (tolerance, sizes, names) = (self.tolerance, self.sizes.as_slice(), names.as_slice());
        suspects::find(&backwards, &Evidence { cotangents, yours, right, tolerance, sizes, names })
    }
}
