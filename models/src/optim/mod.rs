//! Optimisers: how a gradient becomes a step.
//!
//! An [`Optimizer`] holds a [`Rule`] (which formula, with which hyper-parameters) and what that rule remembers from step to
//! step. Each rule is one file: its derivation, its hyper-parameters, and one loop over the entries of a parameter that
//! reads like the formula. The learning rate is an argument of every step; a [`Schedule`] says what it is.
//!
//! ```
//! use models::optim::{Optimizer, Rule};
//! use models::params::Params;
//!
//! let mut params = Params::new();
//! let w = params.add("w", 1, 1, vec![0.0]);
//! let rule: Rule = "adam".parse().unwrap();
//! let mut optimizer = Optimizer::new(rule, &params);
//! for _ in 0..300 {
//!     let x: f64 = params.get(w).value[0];
//!     params.get_mut(w).grad[0] = 2.0 * (x - 3.0); // the gradient of (x − 3)²
//!     optimizer.step(&mut params, 0.1);
//! }
//! assert!((params.get(w).value[0] - 3.0).abs() < 1e-3);
//! ```

mod adagrad;
mod adam;
mod clip;
mod rmsprop;
mod schedule;
mod sgd;

pub use adagrad::AdaGrad;
pub use adam::Adam;
pub use clip::{clip_grad_norm, clip_grad_value, param_norm};
pub use rmsprop::RmsProp;
pub use schedule::{Decay, Schedule};
pub use sgd::Sgd;

use crate::choice::{Choice, Invalid};
use crate::params::Params;
use crate::threads::{self, share_entries};
use autograd::Float;
use std::{fmt, str::FromStr};

/// Which formula turns a gradient into a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent, with momentum.
    Sgd(Sgd),
    /// Steps divided by the root of a running mean of g².
    RmsProp(RmsProp),
    /// Steps divided by the root of the sum of all g².
    AdaGrad(AdaGrad),
    /// Adam or AdamW.
    Adam(Adam),
}

impl Rule {
    /// The names that can be parsed.
    pub const NAMES: [&str; 5] = ["sgd", "rmsprop", "adagrad", "adam", "adamw"];

    /// PyTorch's default learning rate for this rule.
    pub fn default_rate(&self) -> f64 {
        match self {
            Rule::Sgd(_) | Rule::Adam(_) => 0.001,
            Rule::RmsProp(_) | Rule::AdaGrad(_) => 0.01,
        }
    }

    /// The names, PyTorch's, of what is remembered for each parameter; at most two.
    fn state_names(&self) -> &'static [&'static str] {
        match self {
            Rule::Sgd(rule) => rule.state_names(),
            Rule::RmsProp(rule) => rule.state_names(),
            Rule::AdaGrad(rule) => rule.state_names(),
            Rule::Adam(rule) => rule.state_names(),
        }
    }
}

/// What an entry of a gradient, or of its running mean, counts as zero below.
///
/// A weight whose gradient has become zero has a mean that shrinks by one factor at every step. In `f32` it would end below
/// 1.2 · 10⁻³⁸, among the denormal numbers, and stay there, where arithmetic is ten to a hundred times slower. Squares get
/// there from 10⁻¹⁹; their means are cut below `TINY²`, whose root is far less than any useful ε.
const TINY: f64 = 1e-17;

/// `x`, or 0 if |x| < `tiny`. NaN stays NaN.
fn flush<T: Float>(x: T, tiny: f64) -> T {
    let tiny = T::from_f64(tiny);
    if -tiny < x && x < tiny { T::ZERO } else { x }
}

/// A rule, and what it remembers of the steps so far.
#[derive(Clone, Debug)]
pub struct Optimizer<T> {
    rule: Rule,
    steps: u64,
    memory: Vec<Memory<T>>,
}

/// What is remembered for one parameter: buffers as long as its value, or empty where the rule has no use for them.
#[derive(Clone, Debug)]
struct Memory<T> {
    name: String,
    size: usize,
    buffers: [Vec<T>; 2],
}

impl<T: Float> Optimizer<T> {
    /// An optimiser for these parameters, which has seen no step yet. All its memory is taken here; steps allocate nothing.
    pub fn new(rule: Rule, params: &Params<T>) -> Self {
        let used = rule.state_names().len();
        let memory = |size: usize| [0, 1].map(|k| vec![T::ZERO; if k < used { size } else { 0 }]);
        let memory = params.iter().map(|p| {
            let size = p.value.len();
            Memory { name: p.name.clone(), size, buffers: memory(size) }
        });
        Self { memory: memory.collect(), rule, steps: 0 }
    }

    /// The rule, with its hyper-parameters.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// How many steps have been made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Moves every parameter by one step of the learning rate `lr`, in one pass over its entries.
    ///
    /// # Panics
    /// If these are not the parameters that the optimiser was made for.
    #[track_caller]
    pub fn step(&mut self, params: &mut Params<T>, lr: f64) {
        let (ours, given) = (self.memory.len(), params.iter().len());
        assert_eq!(ours, given, "Optimizer::step: made for {ours} parameters, called with {given}");
        self.steps += 1;
        for (p, memory) in params.iter_mut().zip(&mut self.memory) {
            let (ours, given) = ((&memory.name, memory.size), (&p.name, p.value.len()));
            assert_eq!(ours, given, "Optimizer::step: made for {ours:?}, called with {given:?}");
            let [a, b] = memory.buffers.each_mut();
            let entries = [&mut p.value, a, b].map(|x| x.as_mut_slice());
            let threads = threads::worth(128 * memory.size);
            share_entries(memory.size, threads, entries, [&p.grad], &|_, [w, a, b], [g]| match &self.rule {
                Rule::Sgd(rule) => rule.update(lr, w, g, a),
                Rule::RmsProp(rule) => rule.update(lr, w, g, a, b),
                Rule::AdaGrad(rule) => rule.update(lr, w, g, a),
                Rule::Adam(rule) => rule.update(self.steps, lr, w, g, a, b),
            });
        }
    }

    /// What is remembered, for a checkpoint: `parameter.buffer` (for example `rnn.bias_l0.exp_avg`) and its entries, row by row.
    pub fn state(&self) -> Vec<(String, &[T])> {
        let names = self.rule.state_names();
        let buffers = self.memory.iter().flat_map(|memory| {
            names.iter().zip(&memory.buffers).map(|(n, b)| (format!("{}.{n}", memory.name), b.as_slice()))
        });
        buffers.collect()
    }

    /// Takes up where another optimiser with the same rule and parameters stood after `steps` steps, bit for bit.
    ///
    /// # Errors
    /// If `state` does not have exactly the names and sizes of [`Optimizer::state`]; then nothing is changed.
    ///
    /// ```
    /// # use models::{optim::{Adam, Optimizer, Rule}, params::Params};
    /// # let mut params = Params::<f32>::new();
    /// # params.add("w", 2, 1, vec![0.0, 0.0]);
    /// # let mut first = Optimizer::new(Rule::Adam(Adam::default()), &params);
    /// # first.step(&mut params, 0.1);
    /// let saved: Vec<(String, Vec<f32>)> = first.state().into_iter().map(|(n, x)| (n, x.to_vec())).collect();
    /// let mut second = Optimizer::new(first.rule().clone(), &params);
    /// second.load_state(first.steps(), &saved).unwrap();
    /// assert_eq!(first.state(), second.state());
    /// ```
    pub fn load_state(&mut self, steps: u64, state: &[(String, Vec<T>)]) -> Result<(), Invalid> {
        let mut memory = self.memory.clone();
        let mut names = Vec::new();
        for memory in &mut memory {
            for (n, buffer) in self.rule.state_names().iter().zip(&mut memory.buffers) {
                let name = format!("{}.{n}", memory.name);
                let found = state.iter().find(|(n, _)| *n == name);
                let (_, saved) = found.ok_or_else(|| Invalid(format!("{name} is missing")))?;
                let (ours, theirs) = (buffer.len(), saved.len());
                if ours != theirs {
                    return Err(Invalid(format!("{name} has {theirs} entries, expected {ours}")));
                }
                buffer.copy_from_slice(saved);
                names.push(name);
            }
        }
        if let Some((name, _)) = state.iter().find(|(name, _)| !names.contains(name)) {
            return Err(Invalid(format!("{name} is not part of the state of {}", self.rule)));
        }
        self.memory = memory;
        self.steps = steps;
        Ok(())
    }
}

/// Reads a name alone, or with hyper-parameters: `sgd:momentum=0.9,weight-decay=0.0001`, `adam:beta2=0.99,eps=1e-6`.
impl FromStr for Rule {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut c = Choice::parse("optimiser", text)?;
        let rule = match c.name {
            "sgd" => Rule::Sgd(Sgd::read(&mut c)?),
            "rmsprop" => Rule::RmsProp(RmsProp::read(&mut c)?),
            "adagrad" => Rule::AdaGrad(AdaGrad::read(&mut c)?),
            "adam" | "adamw" => Rule::Adam(Adam::read(&mut c)?),
            _ => return Err(c.unknown(&Self::NAMES)),
        };
        c.finish(rule)
    }
}

/// Writes what [`Rule::from_str`] reads, with every hyper-parameter.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Sgd(rule) => rule.fmt(f),
            Rule::RmsProp(rule) => rule.fmt(f),
            Rule::AdaGrad(rule) => rule.fmt(f),
            Rule::Adam(rule) => rule.fmt(f),
        }
    }
}
