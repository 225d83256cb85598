//! Layers on top of each other.

use super::{InitialState, RecurrentDropout, Span, bidirectional, dropout, unroll};
use crate::cells::{Cell, CellConfig, Kind, Lengths, State};
use crate::params::{Bound, Params};
use autograd::{Float, Tape, Var, VarList};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What a stack is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StackConfig {
    /// The cell.
    pub kind: Kind,
    /// Sizes and initialisers. Its input is the first layer's; a layer above takes what the one
    /// below puts out.
    pub cell: CellConfig,
    /// How many layers.
    pub layers: usize,
    /// Whether every layer runs both ways.
    pub bidirectional: bool,
    /// The share of every layer's outputs but the last one's that is dropped in training.
    pub dropout: f64,
    /// The share of `h_{t−1}` that is dropped in training: see [`RecurrentDropout`].
    pub recurrent_dropout: f64,
    /// Whether the initial states are learned; zeros if not.
    pub learn_initial_state: bool,
}

impl StackConfig {
    /// One layer, forward only, from zeros, without dropout.
    pub fn new(kind: Kind, cell: CellConfig) -> Self {
        let (layers, bidirectional, learn_initial_state) = (1, false, false);
        Self { kind, cell, layers, bidirectional, dropout: 0.0, recurrent_dropout: 0.0, learn_initial_state }
    }
}

/// Recurrent layers of one kind on top of each other, in one or both directions.
///
/// Parameters have PyTorch's names and order: `rnn.weight_ih_l0`, `rnn.weight_hh_l0`, `rnn.bias_l0`, the
/// same with `_l0_reverse`, then `_l1` …, and, if initial states are learned, `rnn.h_0_l0` after each cell's.
///
/// Deeper networks: Schmidhuber, "Learning complex, extended sequences" (1992); Graves (2013).
/// Dropout between the layers and not from step to step: Zaremba, Sutskever and Vinyals (2014).
pub struct Stack<T: Float> {
    /// Layer by layer, and forward before backward: PyTorch's order.
    cells: Vec<Named<T>>,
    /// As the cells; empty if they begin from zeros.
    starts: Vec<InitialState>,
    /// 1 or 2.
    directions: usize,
    dropout: f64,
    recurrent_dropout: f64,
}

impl<T: Float> Stack<T> {
    /// Adds the parameters of a new stack, named `{prefix}.weight_ih_l0` and so on.
    ///
    /// # Panics
    /// If there is no layer, or a dropout is not in \[0, 1).
    #[track_caller]
    pub fn new(config: &StackConfig, params: &mut Params<T>, prefix: &str, rng: &mut ChaCha8Rng) -> Self {
        let StackConfig { kind, layers, dropout, recurrent_dropout, .. } = *config;
        let range = 0.0..1.0;
        assert!(layers > 0, "stack: there must be at least one layer");
        assert!(
            range.contains(&dropout) && range.contains(&recurrent_dropout),
            "stack: dropout of {dropout} and {recurrent_dropout}"
        );
        let suffixes: &[&str] = if config.bidirectional { &["", "_reverse"] } else { &[""] };
        // In a trace `rnn.` goes without saying: `l0`; but `encoder.l0`, `decoder.l0`.
        let network = prefix.strip_suffix("rnn").unwrap_or(prefix);
        let (mut cells, mut starts, mut input) = (Vec::new(), Vec::new(), config.cell.input);
        for layer in 0..layers {
            let mut output = 0;
            for suffix in suffixes {
                let name = format!("l{layer}{suffix}");
                let cell = CellConfig { input, ..config.cell }.build(kind, params, prefix, &name, rng);
                if config.learn_initial_state {
                    starts.push(InitialState::new(&*cell, params, prefix, &name));
                }
                output += cell.hidden();
                cells.push(Named { name: keep(format!("{network}{name}")), cell });
            }
            input = output;
        }
        Self { cells, starts, directions: suffixes.len(), dropout, recurrent_dropout }
    }

    /// Features of every output: H, or 2H in both directions.
    pub fn features(&self) -> usize {
        self.directions * self.cells[0].hidden()
    }

    /// Features of the input: I.
    pub fn input(&self) -> usize {
        self.cells[0].input()
    }

    /// Whether every layer runs both ways.
    pub fn is_bidirectional(&self) -> bool {
        self.directions == 2
    }

    /// Whether the initial states are parameters.
    pub fn learns_initial_states(&self) -> bool {
        !self.starts.is_empty()
    }

    /// The cells, layer by layer and forward before backward.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &dyn Cell<T>> {
        self.cells.iter().map(|cell| cell as &dyn Cell<T>)
    }

    /// The states that every cell begins with where nothing else is given: zeros, or what it learned.
    pub fn initial_states<'t>(&self, p: Bound<'t, T>, batch: usize) -> States<'t, T> {
        let mut states = States::new(p.tape());
        for (at, cell) in self.cells.iter().enumerate() {
            states.push(match self.starts.get(at) {
                Some(start) => start.state(p, batch),
                None => cell.zero_state(p.tape(), batch),
            });
        }
        states
    }

    /// Runs the sequence `x` ((T·I)×B) through all layers from `start`: the last layer's outputs
    /// ((T·D·H)×B, D directions) and every cell's final state. With `rng` it is a training run and
    /// drops what the configuration says; without, nothing is dropped.
    ///
    /// # Panics
    /// If the shapes do not fit, or there are more or fewer states than cells.
    #[track_caller]
    pub fn forward<'t>(
        &self,
        p: Bound<'t, T>,
        mut x: Var<'t, T>,
        start: &States<'t, T>,
        span: Span<'_>,
        mut rng: Option<&mut ChaCha8Rng>,
    ) -> (Var<'t, T>, States<'t, T>) {
        let (expected, given) = (self.cells.len(), start.len());
        assert!(given == expected, "stack: {given} initial states for {expected} cells");
        let mut ends = States::new(p.tape());
        for first in (0..expected).step_by(self.directions) {
            if first > 0
                && let Some(rng) = &mut rng
            {
                x = dropout(x, self.dropout, rng);
            }
            let layer = &self.cells[first..first + self.directions];
            let dropped = self.drop_recurrent(layer, x, &mut rng);
            let cell = |k: usize| dropped[k].as_ref().map_or(&layer[k] as &dyn Cell<T>, |cell| cell);
            x = if self.directions == 1 {
                let (y, end) = unroll(cell(0), p, x, start.get(first), span);
                ends.push(end);
                y
            } else {
                let both = [start.get(first), start.get(first + 1)];
                let (y, both) = bidirectional([cell(0), cell(1)], p, x, both, span);
                both.into_iter().for_each(|end| ends.push(end));
                y
            };
        }
        (x, ends)
    }

    /// The cells of a layer with masks on their recurrent products, if this run has any.
    fn drop_recurrent<'a>(
        &self,
        layer: &'a [Named<T>],
        x: Var<'_, T>,
        rng: &mut Option<&mut ChaCha8Rng>,
    ) -> [Option<RecurrentDropout<'a, T>>; 2] {
        let p = self.recurrent_dropout;
        let mut dropped = |cell: &'a Named<T>| {
            let rng = rng.as_deref_mut().filter(|_| p > 0.0)?;
            Some(RecurrentDropout::new(cell, x.tape(), x.cols(), p, rng))
        };
        [layer.first().and_then(&mut dropped), layer.get(1).and_then(&mut dropped)]
    }

    /// What the last layer knows of the whole sequence, from the final states: the state of the last
    /// valid step and, in both directions, below it the backward cell's at the FIRST step, where it
    /// has read everything. (D·H)×B: what a many-to-one head takes.
    ///
    /// The outputs at the last position are not the same: the backward cell has read one step there.
    pub fn summary<'t>(&self, ends: &States<'t, T>) -> Var<'t, T> {
        // ANCHOR: summary
        let forward = ends.get(ends.len() - self.directions).h;
        match self.directions {
            1 => forward,
            _ => forward.tape().concat_rows(&[forward, ends.get(ends.len() - 1).h]),
        }
        // ANCHOR_END: summary
    }
}

/// The states of all cells of a stack, layer by layer and forward before backward.
pub struct States<'t, T: Float> {
    // Given back to the tape in this order, and so taken from it next time, h before c, as long as before.
    c: VarList<'t, T>,
    h: VarList<'t, T>,
}

impl<'t, T: Float> States<'t, T> {
    /// No states yet.
    pub fn new(tape: &'t Tape<T>) -> Self {
        Self { h: tape.list(), c: tape.list() }
    }

    /// Adds the next cell's state.
    ///
    /// # Panics
    /// If it is on another tape.
    #[track_caller]
    pub fn push(&mut self, state: State<'t, T>) {
        self.h.push(state.h);
        state.c.into_iter().for_each(|c| self.c.push(c));
    }

    /// The state of a cell.
    ///
    /// # Panics
    /// If there is no such cell.
    #[track_caller]
    pub fn get(&self, cell: usize) -> State<'t, T> {
        State { h: self.h.get(cell), c: (!self.c.is_empty()).then(|| self.c.get(cell)) }
    }

    /// How many states there are.
    pub fn len(&self) -> usize {
        self.h.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.h.is_empty()
    }
}

/// A cell whose quantities carry the name of its layer and direction: `l0`, `l1_reverse`, `encoder.l0`.
struct Named<T> {
    name: &'static str,
    cell: Box<dyn Cell<T>>,
}

impl<T: Float> Named<T> {
    fn named<'t, R>(&self, p: Bound<'t, T>, run: impl FnOnce(&dyn Cell<T>) -> R) -> R {
        p.tape().set_scope(Some(self.name));
        let result = run(&*self.cell);
        p.tape().set_scope(None);
        result
    }
}

impl<T: Float> Cell<T> for Named<T> {
    fn input(&self) -> usize {
        self.cell.input()
    }

    fn hidden(&self) -> usize {
        self.cell.hidden()
    }

    fn has_cell_state(&self) -> bool {
        self.cell.has_cell_state()
    }

    fn step<'t>(&self, p: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T> {
        self.named(p, |cell| cell.step(p, x, state))
    }

    fn step_seeing<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        seen: Var<'t, T>,
    ) -> State<'t, T> {
        self.named(p, |cell| cell.step_seeing(p, x, state, seen))
    }

    fn sequence<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        lengths: Option<&Lengths>,
        reverse: bool,
    ) -> Option<(Var<'t, T>, State<'t, T>)> {
        self.named(p, |cell| cell.sequence(p, x, state, lengths, reverse))
    }
}

/// Keeps a name for as long as the program runs, as labels on the tape need it; each name once.
fn keep(name: String) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let name: &'static str = name.leak();
    names.insert(name);
    name
}
