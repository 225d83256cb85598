//! Trains a cell of the learner's and Elman's network on the same task, with the same budget.

use autograd::{Tape, Var};
use models::cells::{Cell, CellConfig, Elman, State};
use models::init::Init;
use models::layers::{Linear, Span, unroll};
use models::optim::Rule;
use models::params::{Bound, ParamId, Params};
use models::tasks::Recall;
use models::train::{Clip, Trainer};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// The symbols shown between the key and the question: T − 2.
const DISTRACTORS: usize = 20;
const HIDDEN: usize = 24;
const BATCH: usize = 32;
const UPDATES: usize = 300;

/// W, U and b on the tape.
pub type Weights<'t> = [Var<'t, f32>; 3];

/// The equations of a cell with one state, h.
pub trait Equations {
    /// How many blocks of H rows W, U and b have: one for each gate, and one for the candidate.
    const BLOCKS: usize;

    /// The next h (H×B), from x (I×B) and h (H×B), with W (BLOCKS·H×I), U (BLOCKS·H×H) and b (BLOCKS·H×1).
    fn step<'t>(&self, weights: Weights<'t>, x: Var<'t, f32>, h: Var<'t, f32>) -> Var<'t, f32>;
}

/// Equations and where their weights are.
struct Own<E> {
    equations: E,
    weights: [ParamId; 3],
}

impl<E: Equations> Cell<f32> for Own<E> {
    fn input(&self) -> usize {
        Recall::SYMBOLS
    }

    fn hidden(&self) -> usize {
        HIDDEN
    }

    fn step<'t>(&self, p: Bound<'t, f32>, x: Var<'t, f32>, state: State<'t, f32>) -> State<'t, f32> {
        State { h: self.equations.step(self.weights.map(|id| p.get(id)), x, state.h), c: None }
    }
}

/// The share of questions that a network of these equations answers right after the training.
pub fn own<E: Equations>(equations: E) -> f64 {
    trained(|params, rng| {
        let rows = E::BLOCKS * HIDDEN;
        let init = Init::Uniform { bound: None }.for_hidden(HIDDEN);
        let weights = [("w", Recall::SYMBOLS), ("u", HIDDEN), ("b", 1)];
        let weights = weights.map(|(name, cols)| params.add(name, rows, cols, init.fill(rng, rows, cols)));
        Own { equations, weights }
    })
}

/// The same for Elman's network.
pub fn elman() -> f64 {
    trained(|params, rng| Elman::new(CellConfig::new(Recall::SYMBOLS, HIDDEN), params, "rnn", "l0", rng))
}

fn trained<C: Cell<f32>>(build: impl FnOnce(&mut Params<f32>, &mut ChaCha8Rng) -> C) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut params = Params::new();
    let cell = build(&mut params, &mut rng);
    let head = Linear::new(&mut params, "head", HIDDEN, Recall::KEYS, &mut rng);
    let mut trainer = Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.01).clip(Clip::Norm(1.0));
    let mut task = Recall::new(BATCH);
    for _ in 0..UPDATES {
        task.draw(&mut rng, Some(DISTRACTORS + 1));
        let step = trainer.step(|p| logits(&cell, &head, p, &task).cross_entropy(&task.targets));
        step.expect("the loss stays finite");
    }
    let mut task = Recall::new(10 * BATCH);
    task.draw(&mut rng, Some(DISTRACTORS + 1));
    trainer.evaluate(|p| task.accuracy(&logits(&cell, &head, p, &task).value()))
}

/// The logits at every step, (T·10)×B.
fn logits<'t>(cell: &dyn Cell<f32>, head: &Linear, p: Bound<'t, f32>, task: &Recall) -> Var<'t, f32> {
    let tape: &'t Tape<f32> = p.tape();
    let x = models::layers::one_hot(tape, &task.inputs, Recall::SYMBOLS, task.batch);
    let (y, _) = unroll(cell, p, x, cell.zero_state(tape, task.batch), Span::default());
    head.forward(p, y)
}
