//! What the tasks on sequences of symbols have in common: examples are drawn afresh, a network reads them symbol by
//! symbol, and at some steps or at all of them it is asked for a symbol.

use super::sample::{LONGEST, Sample, nudged};
use super::{Answer, Built, Exam, Task, examiner};
use crate::choice::Invalid;
use crate::config::Config;
use crate::heads::likeliest;
use crate::network::{Carry, Network};
use crate::params::Bound;
use crate::tasks::exam::MeanLoss;
use crate::train::Trainer;
use autograd::{IGNORE_INDEX, Var};
use rand_chacha::ChaCha8Rng;

/// One sequence: at every step the symbol that is read, and the one that is asked for ([`IGNORE_INDEX`] for none).
pub type Example = Vec<(usize, usize)>;

/// What a network says to one sequence: logits, step by step.
pub(super) type Said = Vec<Vec<f32>>;

/// What makes a task on sequences of symbols what it is.
pub(super) struct Rules {
    /// The names of the symbols to read, one character each.
    pub symbols: &'static str,
    /// The names of those to say.
    pub classes: &'static str,
    /// Draws an example to learn from.
    pub draw: fn(&mut ChaCha8Rng) -> Example,
    /// Draws the examples that are asked.
    pub questions: fn(&mut ChaCha8Rng) -> Vec<Example>,
    /// What is right and wrong in what a network says to an example.
    pub answers: fn(&Example, &Said) -> Vec<Answer>,
    /// Whether an exam on these questions is passed.
    pub solved: fn(&Exam, &[Example]) -> bool,
    /// What is shown point by point, if anything.
    pub profile: fn(&[Example], &[Said]) -> Vec<(String, f64)>,
    /// See [`Task::material`].
    pub material: &'static str,
    /// See [`Task::baseline`].
    pub baseline: fn(&[Example]) -> String,
}

/// For tasks that show nothing point by point.
pub(super) fn no_profile(_: &[Example], _: &[Said]) -> Vec<(String, f64)> {
    Vec::new()
}

/// Examples side by side, the shorter ones filled up at the end with steps at which nothing is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sequences {
    /// The symbols that are read, step by step: T·B.
    inputs: Vec<usize>,
    /// The symbols that are asked for, step by step: T·B.
    targets: Vec<usize>,
}

impl Sequences {
    pub(super) fn new(examples: &[Example]) -> Self {
        let steps = examples.iter().map(Vec::len).max().unwrap_or_default();
        let step = |t: usize| examples.iter().map(move |e| e.get(t).copied().unwrap_or((0, IGNORE_INDEX)));
        let (inputs, targets) = (0..steps).flat_map(step).unzip();
        Self { inputs, targets }
    }
}

/// The task of these rules, and its network's initial parameters.
pub(super) fn build(config: &Config, rules: &'static Rules) -> Built {
    let (network, params) = config.network(names(rules.symbols).len(), names(rules.classes).len())?;
    let questions = (rules.questions)(&mut examiner());
    let (carry, asked) = (network.initial_carry(config.batch), network.initial_carry(questions.len()));
    Ok((Box::new(SymbolTask { rules, network, batch: config.batch, carry, questions, asked }), params))
}

struct SymbolTask {
    rules: &'static Rules,
    network: Network<f32>,
    batch: usize,
    carry: Carry<f32>,
    questions: Vec<Example>,
    asked: Carry<f32>,
}

impl Task for SymbolTask {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let examples: Vec<Example> = (0..self.batch).map(|_| (self.rules.draw)(random)).collect();
        let Sequences { inputs, targets } = Sequences::new(&examples);
        self.carry.reset();
        self.network.forward_train(p, &inputs, &mut self.carry, random).cross_entropy(&targets)
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let Sequences { inputs, targets } = Sequences::new(&self.questions);
        let (mut loss, mut logits) = (MeanLoss::default(), Vec::new());
        self.asked.reset();
        trainer.evaluate(|p| {
            let y = self.network.forward(p, &inputs, &mut self.asked);
            logits = y.value();
            loss.add(y.cross_entropy(&targets), 1)
        })?;
        let said = said(&logits, names(self.rules.classes).len(), &self.questions);
        let grade = |(example, said): (&Example, &Said)| (self.rules.answers)(example, said);
        let answers = self.questions.iter().zip(&said).flat_map(grade).collect();
        let profile = (self.rules.profile)(&self.questions, &said);
        let exam = Exam { loss: loss.mean(), answers, solved: false, profile };
        Ok(Exam { solved: (self.rules.solved)(&exam, &self.questions), ..exam })
    }

    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid> {
        if text.is_some() {
            return Err(Invalid(
                "this task takes no --text; without it, a sample of its own is shown".into(),
            ));
        }
        let example = &self.questions[0];
        let (symbols, targets) = example.iter().copied().take(LONGEST).unzip();
        Ok(sample(p, &self.network, [self.rules.symbols, self.rules.classes], symbols, targets))
    }

    fn material(&self) -> String {
        self.rules.material.into()
    }

    fn baseline(&self) -> Option<String> {
        Some((self.rules.baseline)(&self.questions))
    }
}

/// The logits (T·C)×B, taken apart into sequences.
fn said(logits: &[f32], classes: usize, questions: &[Example]) -> Vec<Said> {
    let batch = questions.len();
    let step = |b: usize, t: usize| (0..classes).map(|c| logits[(t * classes + c) * batch + b]).collect();
    let one = |(b, question): (usize, &Example)| (0..question.len()).map(|t| step(b, t)).collect();
    questions.iter().enumerate().map(one).collect()
}

/// The likeliest class of one step.
pub(super) fn choice(logits: &[f32]) -> usize {
    likeliest(logits, 0, 1)
}

/// What the class `target` costs at one step: −ln softmax(logits)[target], in nats.
pub(super) fn nats(logits: &[f32], target: usize) -> f64 {
    let most = f64::from(logits[choice(logits)]);
    let sum: f64 = logits.iter().map(|&y| (f64::from(y) - most).exp()).sum();
    sum.ln() + most - f64::from(logits[target])
}

/// The names of symbols, one by one.
fn names(names: &str) -> Vec<String> {
    names.chars().map(String::from).collect()
}

/// A sequence to be looked at, from its symbols and those asked for.
pub(super) fn sample<'t>(
    p: Bound<'t, f32>,
    network: &Network<f32>,
    [symbols, classes]: [&str; 2],
    read: Vec<usize>,
    targets: Vec<usize>,
) -> Sample<'t> {
    let (x, nudge) = nudged(network.embed(p, &read, 1));
    let asked = |&target: &usize| target != IGNORE_INDEX;
    let first = targets.iter().position(asked).unwrap_or(0);
    let last = targets.iter().rposition(asked).unwrap_or(first);
    let symbols = names(symbols);
    Sample {
        reads: vec![("", read.iter().map(|&symbol| symbols[symbol].clone()).collect())],
        nudge,
        logits: network.read(p, x, &mut network.initial_carry(1), None),
        classes: names(classes),
        targets,
        asked: first..last + 1,
    }
}

/// The names of symbols, one character each, as a text.
pub(super) fn spell(names: &str, symbols: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<char> = names.chars().collect();
    symbols.into_iter().map(|symbol| names[symbol]).collect()
}
