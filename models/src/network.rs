//! A whole network: symbols in, recurrent layers, a linear head.

use crate::cells::{Cell, CellConfig, Kind, State};
use crate::init::Init;
use crate::layers::{Embedding, Encoding, Linear, Span, Stack, StackConfig, States, hashing, one_hot};
use crate::params::{Bound, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

/// How symbols become vectors.
#[derive(Clone, Debug)]
pub enum Encoder {
    /// A constant one-hot vector.
    OneHot {
        /// How many symbols there are: V.
        symbols: usize,
    },
    /// A learned vector.
    Embedding(Embedding),
    /// A constant vector of hashed features.
    Hashing {
        /// How many features there are: N.
        features: usize,
    },
}

/// What a network is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkConfig {
    /// The cell.
    pub kind: Kind,
    /// Symbols of the input: V.
    pub symbols: usize,
    /// How symbols become vectors.
    pub encoding: Encoding,
    /// Features of every recurrent layer: H.
    pub hidden: usize,
    /// How many recurrent layers.
    pub layers: usize,
    /// Whether every layer runs both ways: outputs have 2H features, and no state is carried.
    pub bidirectional: bool,
    /// Outputs: logits of as many classes.
    pub outputs: usize,
    /// Initialiser of the cells.
    pub init: Init,
    /// Forget-gate bias of the LSTM kinds.
    pub forget_bias: Option<f64>,
    /// The share of the outputs between two recurrent layers that is dropped in training; 0 for none.
    /// As in PyTorch, the last layer's outputs are not dropped: with one layer this does nothing.
    pub dropout: f64,
    /// The share of `h_{t−1}` that is dropped in training, by one mask for all steps; 0 for none.
    pub recurrent_dropout: f64,
    /// Whether the states at the start of a text are learned; zeros if not.
    pub learn_initial_state: bool,
}

impl NetworkConfig {
    /// One layer in one direction on one-hot vectors, as many outputs as symbols, PyTorch's
    /// initialiser, a forget-gate bias of 1, and no dropout.
    pub fn new(kind: Kind, symbols: usize, hidden: usize) -> Self {
        let CellConfig { init, forget_bias, .. } = CellConfig::new(symbols, hidden);
        let (layers, bidirectional, learn_initial_state) = (1, false, false);
        let (encoding, outputs, dropout, recurrent_dropout) = (Encoding::OneHot, symbols, 0.0, 0.0);
        Self {
            kind,
            symbols,
            encoding,
            hidden,
            layers,
            bidirectional,
            outputs,
            init,
            forget_bias,
            dropout,
            recurrent_dropout,
            learn_initial_state,
        }
    }

    /// The recurrent layers.
    fn stack(&self) -> StackConfig {
        let NetworkConfig { kind, hidden, layers, init, forget_bias, .. } = *self;
        let input = self.encoding.size(self.symbols);
        StackConfig {
            layers,
            bidirectional: self.bidirectional,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            learn_initial_state: self.learn_initial_state,
            ..StackConfig::new(kind, CellConfig { init, forget_bias, ..CellConfig::new(input, hidden) })
        }
    }
}

/// A network from symbols to logits at every step.
///
/// Parameters, in order: `embedding.weight`; those of a [`Stack`] named `rnn`, `rnn.weight_ih_l0`,
/// `rnn.weight_hh_l0`, `rnn.bias_l0`, …; `head.weight` and `head.bias`.
pub struct Network<T: Float> {
    encoder: Encoder,
    stack: Stack<T>,
    head: Linear,
}

impl<T: Float> Network<T> {
    /// Adds the parameters of a new network.
    ///
    /// # Panics
    /// As [`Stack::new`].
    #[track_caller]
    pub fn new(config: &NetworkConfig, params: &mut Params<T>, rng: &mut ChaCha8Rng) -> Self {
        let symbols = config.symbols;
        let encoder = match config.encoding {
            Encoding::OneHot => Encoder::OneHot { symbols },
            Encoding::Embedding(size) => {
                Encoder::Embedding(Embedding::new(params, "embedding", symbols, size, rng))
            }
            Encoding::Hashing(features) => Encoder::Hashing { features },
        };
        let stack = Stack::new(&config.stack(), params, "rnn", rng);
        let head = Linear::new(params, "head", stack.features(), config.outputs, rng);
        Self { encoder, stack, head }
    }

    /// The states at the start of a text.
    ///
    /// A network in both directions carries none: what comes after a window, its backward cells have
    /// not read yet, so every window begins from the initial states.
    pub fn initial_carry(&self, batch: usize) -> Carry<T> {
        let zeros = |cell: &dyn Cell<T>| vec![T::ZERO; cell.hidden() * batch];
        let layer = |cell: &dyn Cell<T>| CarriedState {
            h: zeros(cell),
            c: if cell.has_cell_state() { zeros(cell) } else { Vec::new() },
        };
        let cells = self.stack.cells().filter(|_| !self.stack.is_bidirectional());
        let begun = self.stack.learns_initial_states().then_some(T::ZERO);
        Carry { batch, layers: cells.map(layer).collect(), begun }
    }

    /// Logits (T·O)×B of T·B ids, step by step, beginning with the carried states; these are
    /// replaced by the final ones. Nothing is dropped.
    ///
    /// # Panics
    /// If the ids do not fill whole steps of the carry's batch, or an id is not below V.
    #[track_caller]
    pub fn forward<'t>(&self, p: Bound<'t, T>, ids: &[usize], carry: &mut Carry<T>) -> Var<'t, T> {
        self.logits(p, ids, carry, None)
    }

    /// The same for training: with dropout between the recurrent layers and, where the configuration
    /// says so, on the recurrent products. `rng` draws the masks.
    ///
    /// # Panics
    /// As [`Network::forward`].
    #[track_caller]
    pub fn forward_train<'t>(
        &self,
        p: Bound<'t, T>,
        ids: &[usize],
        carry: &mut Carry<T>,
        rng: &mut ChaCha8Rng,
    ) -> Var<'t, T> {
        self.logits(p, ids, carry, Some(rng))
    }

    #[track_caller]
    fn logits<'t>(
        &self,
        p: Bound<'t, T>,
        ids: &[usize],
        carry: &mut Carry<T>,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Var<'t, T> {
        self.read(p, self.embed(p, ids, carry.batch), carry, rng)
    }

    /// The vectors (T·I)×B of T·B ids, step by step: what the recurrent layers read.
    ///
    /// # Panics
    /// If the ids do not fill whole steps of the batch, or an id is not below V.
    #[track_caller]
    pub fn embed<'t>(&self, p: Bound<'t, T>, ids: &[usize], batch: usize) -> Var<'t, T> {
        match &self.encoder {
            Encoder::OneHot { symbols } => one_hot(p.tape(), ids, *symbols, batch),
            Encoder::Embedding(layer) => layer.forward(p, ids, batch),
            Encoder::Hashing { features } => hashing(p.tape(), ids, *features, batch),
        }
    }

    /// [`Network::forward`] from the vectors of the symbols, or, with `rng`, [`Network::forward_train`]. A network
    /// that reads numbers in place of symbols begins here: it is configured one-hot with as many symbols as a step
    /// has numbers.
    ///
    /// # Panics
    /// If the vectors are not of the network's size, or of another batch than the carry's.
    #[track_caller]
    pub fn read<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        carry: &mut Carry<T>,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Var<'t, T> {
        let start = carry.load(&self.stack, p);
        let (y, ends) = self.stack.forward(p, x, &start, Span::default(), rng);
        carry.save(&ends);
        self.head.forward(p, y)
    }
}

/// The states of all layers between two windows of a text.
///
/// They are plain numbers, off the tape: a window begins with constants, so no gradient reaches the
/// window before. That is what "detached" means in truncated backpropagation through time.
///
/// At the start of a text they are the network's initial states: zeros, or, where those are learned,
/// parameters, which then get their gradient from the first window.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry<T> {
    batch: usize,
    layers: Vec<CarriedState<T>>,
    /// Where initial states are learned: 1 if a window has been read, 0 if not. A number, so that a
    /// checkpoint can hold it like all else.
    begun: Option<T>,
}

/// One layer's state.
#[derive(Clone, Debug, PartialEq)]
struct CarriedState<T> {
    h: Vec<T>,
    c: Vec<T>,
}

impl<T: Float> Carry<T> {
    /// Every state by name, `l0.h`, `l0.c`, `l1.h` …, with its entries, H×B row by row, and `begun`
    /// where initial states are learned: for checkpoints.
    pub fn parts(&self) -> Vec<(String, &[T])> {
        let mut parts = Vec::new();
        for (layer, CarriedState { h, c }) in self.layers.iter().enumerate() {
            parts.push((format!("l{layer}.h"), h.as_slice()));
            parts.push((format!("l{layer}.c"), c.as_slice()));
        }
        parts.push(("begun".into(), self.begun.as_slice()));
        parts.retain(|(_, entries)| !entries.is_empty());
        parts
    }

    /// The same, to be overwritten.
    pub fn parts_mut(&mut self) -> Vec<(String, &mut [T])> {
        let mut parts = Vec::new();
        for (layer, CarriedState { h, c }) in self.layers.iter_mut().enumerate() {
            parts.push((format!("l{layer}.h"), h.as_mut_slice()));
            parts.push((format!("l{layer}.c"), c.as_mut_slice()));
        }
        parts.push(("begun".into(), self.begun.as_mut_slice()));
        parts.retain(|(_, entries)| !entries.is_empty());
        parts
    }

    /// Back to the start of a text.
    pub fn reset(&mut self) {
        self.parts_mut().into_iter().for_each(|(_, entries)| entries.fill(T::ZERO));
    }

    /// What the window begins with.
    fn load<'t>(&self, stack: &Stack<T>, p: Bound<'t, T>) -> States<'t, T> {
        if self.layers.is_empty() || self.begun == Some(T::ZERO) {
            return stack.initial_states(p, self.batch);
        }
        // ANCHOR: load
        let mut start = States::new(p.tape());
        for (cell, CarriedState { h, c }) in stack.cells().zip(&self.layers) {
            let constant = |entries: &[T]| p.tape().constant(cell.hidden(), self.batch, entries);
            start.push(State { h: constant(h), c: (!c.is_empty()).then(|| constant(c)) });
        }
        start
        // ANCHOR_END: load
    }

    // ANCHOR: save
    fn save(&mut self, ends: &States<'_, T>) {
        for (cell, CarriedState { h, c }) in self.layers.iter_mut().enumerate() {
            let end = ends.get(cell);
            end.h.read(|entries| h.copy_from_slice(entries));
            if !c.is_empty() {
                end.cell_state().read(|entries| c.copy_from_slice(entries));
            }
        }
        self.begun.as_mut_slice().fill(T::ONE);
    }
    // ANCHOR_END: save
}
