//! A whole network: symbols in, recurrent layers, a linear head.

use crate::cells::{Cell, CellConfig, Kind, State};
use crate::init::Init;
use crate::layers::{Embedding, Encoding, Linear, Span, dropout, hashing, one_hot, unroll};
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
    /// Outputs: logits of as many classes.
    pub outputs: usize,
    /// Initialiser of the cells.
    pub init: Init,
    /// Forget-gate bias of the LSTM kinds.
    pub forget_bias: Option<f64>,
    /// The share of every recurrent layer's outputs that is dropped in training; 0 for none.
    pub dropout: f64,
}

/// A network from symbols to logits at every step.
///
/// Parameters, in order: `embedding.weight`, then per layer `rnn.weight_ih_l0`, `rnn.weight_hh_l0`,
/// `rnn.bias_l0`, …, then `head.weight` and `head.bias`.
pub struct Network<T: Float> {
    encoder: Encoder,
    layers: Vec<Box<dyn Cell<T>>>,
    dropout: f64,
    head: Linear,
}

impl<T: Float> Network<T> {
    /// Adds the parameters of a new network.
    pub fn new(config: &NetworkConfig, params: &mut Params<T>, rng: &mut ChaCha8Rng) -> Self {
        let NetworkConfig { kind, symbols, encoding, hidden, init, forget_bias, dropout, .. } = *config;
        let encoder = match encoding {
            Encoding::OneHot => Encoder::OneHot { symbols },
            Encoding::Embedding(size) => {
                Encoder::Embedding(Embedding::new(params, "embedding", symbols, size, rng))
            }
            Encoding::Hashing(features) => Encoder::Hashing { features },
        };
        let first = encoding.size(symbols);
        let layers = (0..config.layers).map(|layer| {
            let input = if layer == 0 { first } else { hidden };
            let cell = CellConfig { init, forget_bias, ..CellConfig::new(input, hidden) };
            cell.build(kind, params, "rnn", &format!("l{layer}"), rng)
        });
        let layers = layers.collect();
        let head = Linear::new(params, "head", hidden, config.outputs, rng);
        Self { encoder, layers, dropout, head }
    }

    /// The states of all layers at the start of a text: zeros.
    pub fn initial_carry(&self, batch: usize) -> Carry<T> {
        let zeros = |cell: &dyn Cell<T>| vec![T::ZERO; cell.hidden() * batch];
        let layer = |cell: &dyn Cell<T>| CarriedState {
            h: zeros(cell),
            c: if cell.has_cell_state() { zeros(cell) } else { Vec::new() },
        };
        Carry { batch, layers: self.layers.iter().map(|cell| layer(&**cell)).collect() }
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

    /// The same for training: with dropout after every recurrent layer, whose masks `rng` draws.
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
        mut rng: Option<&mut ChaCha8Rng>,
    ) -> Var<'t, T> {
        let mut x = match &self.encoder {
            Encoder::OneHot { symbols } => one_hot(p.tape(), ids, *symbols, carry.batch),
            Encoder::Embedding(layer) => layer.forward(p, ids, carry.batch),
            Encoder::Hashing { features } => hashing(p.tape(), ids, *features, carry.batch),
        };
        for (cell, carried) in self.layers.iter().zip(&mut carry.layers) {
            let start = carried.load(p, cell.hidden(), carry.batch);
            let (y, end) = unroll(&**cell, p, x, start, Span::default());
            carried.save(end);
            x = match &mut rng {
                Some(rng) => dropout(y, self.dropout, rng),
                None => y,
            };
        }
        self.head.forward(p, x)
    }
}

/// The states of all layers between two windows of a text.
///
/// They are plain numbers, off the tape: a window begins with constants, so no gradient reaches the
/// window before. That is what "detached" means in truncated backpropagation through time.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry<T> {
    batch: usize,
    layers: Vec<CarriedState<T>>,
}

/// One layer's state.
#[derive(Clone, Debug, PartialEq)]
struct CarriedState<T> {
    h: Vec<T>,
    c: Vec<T>,
}

impl<T: Float> Carry<T> {
    /// Every state by name, `l0.h`, `l0.c`, `l1.h` …, with its entries, H×B row by row: for checkpoints.
    pub fn parts(&self) -> Vec<(String, &[T])> {
        let mut parts = Vec::new();
        for (layer, CarriedState { h, c }) in self.layers.iter().enumerate() {
            parts.push((format!("l{layer}.h"), h.as_slice()));
            parts.push((format!("l{layer}.c"), c.as_slice()));
        }
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
        parts.retain(|(_, entries)| !entries.is_empty());
        parts
    }

    /// Back to zeros, as at the start of a text.
    pub fn reset(&mut self) {
        self.layers.iter_mut().for_each(|state| {
            state.h.fill(T::ZERO);
            state.c.fill(T::ZERO);
        });
    }
}

impl<T: Float> CarriedState<T> {
    fn load<'t>(&self, p: Bound<'t, T>, hidden: usize, batch: usize) -> State<'t, T> {
        let constant = |entries: &[T]| p.tape().constant(hidden, batch, entries);
        State { h: constant(&self.h), c: (!self.c.is_empty()).then(|| constant(&self.c)) }
    }

    fn save(&mut self, state: State<'_, T>) {
        state.h.read(|h| self.h.copy_from_slice(h));
        if let Some(c) = state.c {
            c.read(|c| self.c.copy_from_slice(c));
        }
    }
}
