//! A sequence in, one answer out.

use super::Padded;
use crate::layers::{Embedding, Linear, Span, Stack, StackConfig};
use crate::params::{Bound, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

/// Symbols in, one answer out: the logits of some classes, from what the recurrent layers know when
/// they have read everything.
///
/// That is the final states, [`Stack::summary`]: the last valid step's and, in both directions, the
/// backward cell's at the first step. Not the outputs at the last position, where a padded example
/// has nothing and a backward cell has read one symbol.
pub struct ManyToOne<T: Float> {
    embedding: Embedding,
    stack: Stack<T>,
    head: Linear,
}

impl<T: Float> ManyToOne<T> {
    /// Adds the parameters `embedding.weight`, `rnn.…`, `head.weight` and `head.bias`. The features
    /// of the embedding are the stack's input.
    pub fn new(
        symbols: usize,
        config: &StackConfig,
        classes: usize,
        params: &mut Params<T>,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let embedding = Embedding::new(params, "embedding", symbols, config.cell.input, rng);
        let stack = Stack::new(config, params, "rnn", rng);
        let head = Linear::new(params, "head", stack.features(), classes, rng);
        Self { embedding, stack, head }
    }

    /// The logits, classes×B, of B sequences. With `rng` it is a training run: see [`Stack::forward`].
    ///
    /// # Panics
    /// If a symbol is not known, or a sequence is empty.
    #[track_caller]
    pub fn forward<'t>(
        &self,
        p: Bound<'t, T>,
        sequences: &Padded,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Var<'t, T> {
        self.read(p, self.embed(p, sequences), sequences, rng)
    }

    /// The vectors of the symbols, (T·I)×B.
    ///
    /// # Panics
    /// If a symbol is not known.
    #[track_caller]
    pub fn embed<'t>(&self, p: Bound<'t, T>, sequences: &Padded) -> Var<'t, T> {
        self.embedding.forward(p, sequences.symbols(), sequences.batch())
    }

    /// [`ManyToOne::forward`] from the vectors of the symbols.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn read<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        sequences: &Padded,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Var<'t, T> {
        // ANCHOR: forward
        let span = Span { lengths: Some(sequences.lengths()), ..Span::default() };
        let start = self.stack.initial_states(p, sequences.batch());
        let (_, ends) = self.stack.forward(p, x, &start, span, rng);
        self.head.forward(p, self.stack.summary(&ends))
        // ANCHOR_END: forward
    }
}
