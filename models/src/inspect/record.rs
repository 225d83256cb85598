//! Gathering a record from a traced run.

use crate::choice::Invalid;
use crate::heads::likeliest;
use crate::params::{Bound, Params};
use crate::tasks::Sample;
use autograd::{IGNORE_INDEX, Tape, Var};

/// What one run of a network on one example looks like from inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The mean loss on the example, in nats; where nobody knows what is right, on what the network takes for right.
    pub loss: f64,
    /// The recurrent cells, layer by layer and forward before backward.
    pub cells: Vec<CellRecord>,
    /// What was predicted, step by step.
    pub predictions: Vec<Prediction>,
    /// The parameters.
    pub params: Vec<ParamNorms>,
}

/// One cell: a layer in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct CellRecord {
    /// Its name in a trace, `l0`, `l1_reverse`, `encoder.l0`.
    pub name: String,
    /// What its stack reads, step by step: T.
    pub symbols: Vec<String>,
    /// Every named quantity of its equations, in their order.
    pub quantities: Vec<Traced>,
    /// `‖∂logit/∂h_t‖` for every step t: how strongly the last prediction feels the state of each step.
    pub reach: Vec<f32>,
}

/// A quantity over time: T×U, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// Its name in the equations.
    pub name: String,
    /// How many units it has: U.
    pub units: usize,
    /// The values.
    pub value: Vec<f32>,
    /// The gradients of the loss.
    pub grad: Vec<f32>,
}

/// What a quantity is in its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Between 0 and 1, it multiplies something: i, f, o, r, and the GRU's z.
    Gate,
    /// What may be written: g, n.
    Candidate,
    /// What is handed to the next step or the next layer: c, h, y.
    State,
    /// What stands before a function: a, q, k, and the LSTM's z.
    Before,
}

/// What the network says at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The step.
    pub step: usize,
    /// The likeliest class.
    pub found: String,
    /// Its probability.
    pub probability: f32,
    /// The right class, where it is known.
    pub expected: Option<String>,
    /// `‖∂logit/∂x_t‖` for every step t of what is read: the gradient of the found class's logit. Empty but for the last
    /// 100 predictions.
    pub dependence: Vec<f32>,
}

/// How large a parameter and its gradient are.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamNorms {
    /// The parameter's name.
    pub name: String,
    /// `‖p‖`.
    pub value: f64,
    /// `‖∂L/∂p‖`.
    pub grad: f64,
}

/// How many predictions are asked what they depend on: each takes a backward pass.
const ASKED: usize = 100;

/// Runs a network on a sample, forward and back, and gathers what is inside. `show` puts the sample on a tape, for example
/// with [`Task::show`](crate::tasks::Task::show); it is called twice.
///
/// # Errors
/// As `show`, or if the loss is not finite.
pub fn look<F>(params: &Params<f32>, show: F) -> Result<Record, Invalid>
where
    F: for<'t> Fn(Bound<'t, f32>) -> Result<Sample<'t>, Invalid>,
{
    let tape = Tape::new();
    tape.retain_grads(true);
    let p = params.bind(&tape);
    let sample = show(p)?;
    let targets = known_or_found(&sample);
    let loss = sample.logits.cross_entropy(&targets);
    if let Some(origin) = loss.anomaly() {
        return Err(Invalid(format!("the loss is not finite, first in {origin}")));
    }
    loss.backward();
    let mut cells = cells(&tape, &sample);
    let mut with_grads = params.clone();
    with_grads.zero_grad();
    with_grads.add_grads(p);
    // A second backward pass, from the last prediction alone.
    logit_backward(&sample, sample.asked.end - 1);
    trace_reach(&tape, &mut cells);

    let mut predictions = predictions(&sample);
    depend(params, show, &mut predictions)?;
    let norms = with_grads.iter().map(|p| ParamNorms {
        name: p.name.clone(),
        value: norm(&p.value),
        grad: norm(&p.grad),
    });
    Ok(Record { loss: loss.item().into(), cells, predictions, params: norms.collect() })
}

/// The targets; if none is known, what the network finds likeliest where it is asked.
fn known_or_found(sample: &Sample<'_>) -> Vec<usize> {
    if sample.targets.iter().any(|&target| target != IGNORE_INDEX) {
        return sample.targets.clone();
    }
    let found = |s| if sample.asked.contains(&s) { found(sample, s) } else { IGNORE_INDEX };
    (0..sample.targets.len()).map(found).collect()
}

/// The likeliest class at step `s`.
fn found(sample: &Sample<'_>, s: usize) -> usize {
    let size = sample.classes.len();
    sample.logits.read(|logits| likeliest(&logits[s * size..(s + 1) * size], 0, 1))
}

// ANCHOR: logit
/// The backward pass from the logit of the likeliest class at step `s`.
fn logit_backward(sample: &Sample<'_>, s: usize) {
    let mut cotangent = vec![0.0; sample.logits.rows()];
    cotangent[s * sample.classes.len() + found(sample, s)] = 1.0;
    sample.logits.backward_with(&cotangent);
}
// ANCHOR_END: logit

/// Everything that the tape shows of the cells.
fn cells(tape: &Tape<f32>, sample: &Sample<'_>) -> Vec<CellRecord> {
    let mut cells: Vec<CellRecord> = Vec::new();
    tape.trace(&mut |q| {
        let (Some(scope), Some(t)) = (q.scope, q.step) else { return };
        let at = cells.iter().position(|cell| cell.name == scope).unwrap_or_else(|| {
            let read = sample.reads.iter().find(|(stack, _)| scope.starts_with(stack));
            let symbols = read.map(|(_, symbols)| symbols.clone()).unwrap_or_default();
            cells.push(CellRecord { name: scope.into(), symbols, quantities: Vec::new(), reach: Vec::new() });
            cells.len() - 1
        });
        let quantities = &mut cells[at].quantities;
        let at = quantities.iter().position(|known| known.name == q.name).unwrap_or_else(|| {
            let (value, grad) = (Vec::new(), Vec::new());
            quantities.push(Traced { name: q.name.into(), units: q.rows, value, grad });
            quantities.len() - 1
        });
        let Traced { units, value, grad, .. } = &mut quantities[at];
        put(value, t * *units, q.value);
        put(grad, t * *units, q.grad.unwrap_or(&vec![0.0; *units]));
    });
    cells
}

/// Writes `entries` at a place of a list that may still have to grow.
fn put(list: &mut Vec<f32>, at: usize, entries: &[f32]) {
    list.resize(list.len().max(at + entries.len()), 0.0);
    list[at..at + entries.len()].copy_from_slice(entries);
}

/// The norms of the states' gradients, as the last backward pass has left them.
fn trace_reach(tape: &Tape<f32>, cells: &mut [CellRecord]) {
    tape.trace(&mut |q| {
        let Some(cell) = cells.iter_mut().find(|cell| Some(cell.name.as_str()) == q.scope) else { return };
        if let (true, Some(t)) = (cell.state().name == q.name, q.step) {
            put(&mut cell.reach, t, &[norm(q.grad.unwrap_or(&[])) as f32]);
        }
    });
}

/// What is said at every step where something is asked.
fn predictions(sample: &Sample<'_>) -> Vec<Prediction> {
    let size = sample.classes.len();
    let one = |step: usize| {
        let found = found(sample, step);
        let probability = sample.logits.read(|logits| {
            let logits = &logits[step * size..(step + 1) * size];
            1.0 / logits.iter().map(|x| (x - logits[found]).exp()).sum::<f32>()
        });
        let expected = Some(sample.targets[step]).filter(|&target| target != IGNORE_INDEX);
        let name = |class: usize| sample.classes[class].clone();
        let (expected, dependence) = (expected.map(name), Vec::new());
        Prediction { step, found: name(found), probability, expected, dependence }
    };
    sample.asked.clone().map(one).collect()
}

/// Asks the last predictions what they depend on: `‖∂logit/∂x_t‖`, from the nudge that was added to every `x_t`.
fn depend<F>(params: &Params<f32>, show: F, predictions: &mut [Prediction]) -> Result<(), Invalid>
where
    F: for<'t> Fn(Bound<'t, f32>) -> Result<Sample<'t>, Invalid>,
{
    let tape = Tape::new();
    // The parameters' gradients are not asked for.
    let sample = show(params.bind_constant(&tape))?;
    let nudge: Var<'_, f32> = sample.nudge;
    let features = nudge.rows() / sample.reads[0].1.len();
    for prediction in predictions.iter_mut().rev().take(ASKED) {
        logit_backward(&sample, prediction.step);
        let grad = nudge.grad();
        prediction.dependence = grad.chunks_exact(features).map(|x| norm(x) as f32).collect();
    }
    Ok(())
}

/// The Euclidean norm.
pub(super) fn norm(entries: &[f32]) -> f64 {
    entries.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

impl CellRecord {
    /// The quantity of that name.
    pub fn quantity(&self, name: &str) -> Option<&Traced> {
        self.quantities.iter().find(|q| q.name == name)
    }

    /// What it hands to the next step: h, or a Jordan network's y.
    ///
    /// # Panics
    /// If it has neither.
    pub fn state(&self) -> &Traced {
        self.quantity("y").or_else(|| self.quantity("h")).expect("every cell has a state")
    }

    /// What a quantity is here.
    pub fn role(&self, name: &str) -> Role {
        match name {
            "i" | "f" | "o" | "r" => Role::Gate,
            // Of the LSTM kinds it is the pre-activation of all gates, of the GRU kinds the update gate.
            "z" if self.quantity("r").is_some() => Role::Gate,
            "g" | "n" => Role::Candidate,
            "c" | "h" | "y" => Role::State,
            _ => Role::Before,
        }
    }

    /// The gates.
    pub fn gates(&self) -> impl Iterator<Item = &Traced> {
        self.quantities.iter().filter(|q| self.role(&q.name) == Role::Gate)
    }
}

impl Traced {
    /// How many steps there are: T.
    pub fn steps(&self) -> usize {
        self.value.len() / self.units
    }

    /// The values at step `t`: U.
    pub fn at(&self, t: usize) -> &[f32] {
        &self.value[t * self.units..(t + 1) * self.units]
    }

    /// The gradients at step `t`: U.
    pub fn grad_at(&self, t: usize) -> &[f32] {
        &self.grad[t * self.units..(t + 1) * self.units]
    }

    /// One unit over time: T.
    pub fn unit(&self, unit: usize) -> impl Iterator<Item = f32> {
        self.value.iter().skip(unit).step_by(self.units).copied()
    }

    /// The mean over the units at step `t`.
    pub fn mean(&self, t: usize) -> f32 {
        self.at(t).iter().sum::<f32>() / self.units as f32
    }

    /// `‖∂L/∂q_t‖` at step `t`.
    pub fn grad_norm(&self, t: usize) -> f64 {
        norm(self.grad_at(t))
    }
}
