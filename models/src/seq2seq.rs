//! Sequence to sequence: one network reads, another writes (Sutskever, Vinyals and Le 2014).

use crate::heads::{Decoder, Padded, Targets};
use crate::layers::{Embedding, Span, Stack, StackConfig, States};
use crate::params::{Bound, Params};
use autograd::{Float, Var};
use rand_chacha::ChaCha8Rng;

/// An encoder and a decoder over two alphabets.
///
/// The encoder reads the source; its final states, layer by layer, are the decoder's initial ones:
/// all that the decoder knows of the source has to pass through them. Then the decoder writes, each
/// symbol from the one before.
///
/// ```text
/// 2 1 / 1 1        boundary 1 1 - 2 1
/// ↓ ↓ ↓ ↓ ↓            ↓    ↓ ↓ ↓ ↓ ↓
/// encoder ───states──→ decoder
///                      ↓    ↓ ↓ ↓ ↓ ↓
///                      1    1 - 2 1 boundary
/// ```
///
/// Sutskever, Vinyals and Le, "Sequence to sequence learning with neural networks", NeurIPS (2014);
/// Cho et al., "Learning phrase representations using RNN encoder–decoder", EMNLP (2014).
pub struct Seq2Seq<T: Float> {
    embedding: Embedding,
    encoder: Stack<T>,
    decoder: Decoder<T>,
}

impl<T: Float> Seq2Seq<T> {
    /// Adds the parameters `encoder.embedding.weight`, `encoder.rnn.…` and `decoder.…`. Encoder and
    /// decoder are built alike: only so do the one's states fit the other. The features of both
    /// embeddings are the stack's input.
    ///
    /// # Panics
    /// If the stack is bidirectional.
    #[track_caller]
    pub fn new(
        [source, target]: [usize; 2],
        config: &StackConfig,
        params: &mut Params<T>,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let embedding = Embedding::new(params, "encoder.embedding", source, config.cell.input, rng);
        let encoder = Stack::new(config, params, "encoder.rnn", rng);
        Self { embedding, encoder, decoder: Decoder::new(target, config, params, "decoder", rng) }
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder<T> {
        &self.decoder
    }

    /// The logits of every step of the targets, fed the true symbols: see [`Decoder::forward`].
    ///
    /// # Panics
    /// If there are not as many sources as targets, or a symbol is not known.
    #[track_caller]
    pub fn forward<'t>(&self, p: Bound<'t, T>, sources: &Padded, targets: &Targets) -> Var<'t, T> {
        self.decoder.forward(p, self.encode(p, sources, None), targets, None)
    }

    /// The same for training, with a share of teacher forcing: see [`Decoder::forward_train`].
    ///
    /// # Panics
    /// As [`Seq2Seq::forward`].
    #[track_caller]
    pub fn forward_train<'t>(
        &self,
        p: Bound<'t, T>,
        sources: &Padded,
        targets: &mut Targets,
        ratio: f64,
        rng: &mut ChaCha8Rng,
    ) -> Var<'t, T> {
        // ANCHOR: train
        let states = self.encode(p, sources, Some(rng));
        self.decoder.forward_train(p, states, targets, ratio, rng)
        // ANCHOR_END: train
    }

    /// What it writes for each source: see [`Decoder::greedy`].
    #[track_caller]
    pub fn greedy(&self, p: Bound<'_, T>, sources: &Padded, longest: usize) -> Vec<Vec<usize>> {
        self.decoder.greedy(p, self.encode(p, sources, None), sources.batch(), longest)
    }

    #[track_caller]
    fn encode<'t>(&self, p: Bound<'t, T>, sources: &Padded, rng: Option<&mut ChaCha8Rng>) -> States<'t, T> {
        self.read(p, self.embed(p, sources), sources, rng)
    }

    /// The vectors of the sources, (T·I)×B.
    ///
    /// # Panics
    /// If a symbol is not known.
    #[track_caller]
    pub fn embed<'t>(&self, p: Bound<'t, T>, sources: &Padded) -> Var<'t, T> {
        self.embedding.forward(p, sources.symbols(), sources.batch())
    }

    /// The encoder's final states, with which the decoder begins, from the vectors of the sources.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn read<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        sources: &Padded,
        rng: Option<&mut ChaCha8Rng>,
    ) -> States<'t, T> {
        // ANCHOR: encode
        let span = Span { lengths: Some(sources.lengths()), ..Span::default() };
        let start = self.encoder.initial_states(p, sources.batch());
        self.encoder.forward(p, x, &start, span, rng).1
        // ANCHOR_END: encode
    }
}
