//! A network that writes: one symbol at a time, each from the one before.

use crate::cells::Lengths;
use crate::layers::{Embedding, Linear, Span, Stack, StackConfig, States};
use crate::params::{Bound, Params};
use autograd::{Float, IGNORE_INDEX, Var};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Writes sequences of V symbols, beginning with given states.
///
/// Beside the V symbols there is one more, the boundary: it is the input of the first step, and the
/// output that ends a sequence. Every later input is the symbol before: the true one while it is
/// taught ([`Decoder::forward`]), its own when it writes ([`Decoder::greedy`]).
pub struct Decoder<T: Float> {
    symbols: usize,
    embedding: Embedding,
    stack: Stack<T>,
    head: Linear,
}

impl<T: Float> Decoder<T> {
    /// Adds the parameters `{prefix}.embedding.weight`, `{prefix}.rnn.…`, `{prefix}.head.weight` and
    /// `{prefix}.head.bias` for V symbols. The features of the embedding are the stack's input.
    ///
    /// # Panics
    /// If the stack is bidirectional: what comes next cannot be read from behind.
    #[track_caller]
    pub fn new(
        symbols: usize,
        config: &StackConfig,
        params: &mut Params<T>,
        prefix: &str,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        assert!(!config.bidirectional, "decoder: it cannot read from behind what it has yet to write");
        let features = config.cell.input;
        let embedding = Embedding::new(params, &format!("{prefix}.embedding"), symbols + 1, features, rng);
        // Its initial states are always given: there is nothing to be learned.
        let config = StackConfig { learn_initial_state: false, ..*config };
        let stack = Stack::new(&config, params, &format!("{prefix}.rnn"), rng);
        let head = Linear::new(params, &format!("{prefix}.head"), stack.features(), symbols + 1, rng);
        Self { symbols, embedding, stack, head }
    }

    /// The symbol before the first and after the last: V.
    pub fn boundary(&self) -> usize {
        self.symbols
    }

    /// Its recurrent layers.
    pub fn stack(&self) -> &Stack<T> {
        &self.stack
    }

    /// The logits of every step, (T·(V+1))×B, to be held against [`Targets::symbols`], when every input
    /// is the true symbol before: teacher forcing (Williams and Zipser 1989). One mistake then does not
    /// spoil what follows, and all steps run as one sequence. With `rng` it is a training run.
    ///
    /// # Panics
    /// If the states do not fit.
    #[track_caller]
    pub fn forward<'t>(
        &self,
        p: Bound<'t, T>,
        start: States<'t, T>,
        targets: &Targets,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Var<'t, T> {
        self.read(p, self.embed(p, targets), start, targets, rng)
    }

    /// The vectors that it is fed when it is taught, (T·I)×B.
    ///
    /// # Panics
    /// If a symbol is not known.
    #[track_caller]
    pub fn embed<'t>(&self, p: Bound<'t, T>, targets: &Targets) -> Var<'t, T> {
        self.embedding.forward(p, &targets.inputs, targets.batch())
    }

    /// [`Decoder::forward`] from the vectors that it is fed.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn read<'t>(
        &self,
        p: Bound<'t, T>,
        x: Var<'t, T>,
        start: States<'t, T>,
        targets: &Targets,
        rng: Option<&mut ChaCha8Rng>,
    ) -> Var<'t, T> {
        // ANCHOR: taught
        let span = Span { lengths: Some(&targets.lengths), ..Span::default() };
        self.head.forward(p, self.stack.forward(p, x, &start, span, rng).0)
        // ANCHOR_END: taught
    }

    /// The same for training, with a share of teacher forcing: each input is the true symbol with probability
    /// `ratio`, and else the likeliest of the step before, so that the network learns to go on from its own
    /// mistakes. No gradient goes through that choice. Bengio et al., "Scheduled sampling" (2015).
    ///
    /// # Panics
    /// If the states do not fit.
    #[track_caller]
    pub fn forward_train<'t>(
        &self,
        p: Bound<'t, T>,
        start: States<'t, T>,
        targets: &mut Targets,
        ratio: f64,
        rng: &mut ChaCha8Rng,
    ) -> Var<'t, T> {
        if ratio >= 1.0 {
            return self.forward(p, start, targets, Some(rng));
        }
        // One seed for all steps: a unit that is dropped is missing from the whole sequence.
        let masks: u64 = rng.random();
        let (batch, mut state, mut logits) = (targets.batch(), start, p.tape().list());
        let Targets { inputs, fed, .. } = targets;
        fed.clear();
        fed.resize(batch, self.boundary());
        // ANCHOR: sampled
        for (t, truth) in inputs.chunks_exact(batch).enumerate() {
            if t > 0 {
                let before: Var<'_, T> = logits.get(t - 1);
                before.read(|logits| choose(logits, truth, ratio, rng, fed));
            }
            let mut masks = ChaCha8Rng::seed_from_u64(masks);
            let (y, end) = self.run(p, fed, batch, state, Some(&mut masks));
            logits.push(y);
            state = end;
        }
        // ANCHOR_END: sampled
        logits.concat_rows()
    }

    /// What it writes, from the given states: at every step the likeliest symbol, up to the boundary
    /// or to `longest` symbols.
    ///
    /// # Panics
    /// If the states do not fit.
    #[track_caller]
    pub fn greedy(
        &self,
        p: Bound<'_, T>,
        start: States<'_, T>,
        batch: usize,
        longest: usize,
    ) -> Vec<Vec<usize>> {
        let mut written = vec![Vec::new(); batch];
        let (mut fed, mut running, mut state) = (vec![self.boundary(); batch], vec![true; batch], start);
        // ANCHOR: greedy
        for _ in 0..longest {
            let (logits, end) = self.run(p, &fed, batch, state, None);
            state = end;
            logits.read(|logits| (0..batch).for_each(|b| fed[b] = likeliest(logits, b, batch)));
            for b in 0..batch {
                running[b] &= fed[b] != self.boundary();
                if running[b] {
                    written[b].push(fed[b]);
                }
            }
            if !running.contains(&true) {
                break;
            }
        }
        // ANCHOR_END: greedy
        written
    }

    /// The logits of one step, and the states after it.
    #[track_caller]
    fn run<'t>(
        &self,
        p: Bound<'t, T>,
        symbols: &[usize],
        batch: usize,
        start: States<'t, T>,
        rng: Option<&mut ChaCha8Rng>,
    ) -> (Var<'t, T>, States<'t, T>) {
        // ANCHOR: run
        let x = self.embedding.forward(p, symbols, batch);
        let (y, end) = self.stack.forward(p, x, &start, Span::default(), rng);
        (self.head.forward(p, y), end)
        // ANCHOR_END: run
    }
}

/// The next inputs: of every example the true symbol with probability `ratio`, else the likeliest.
fn choose<T: Float>(logits: &[T], truth: &[usize], ratio: f64, rng: &mut ChaCha8Rng, fed: &mut [usize]) {
    // ANCHOR: choose
    for (b, fed) in fed.iter_mut().enumerate() {
        *fed = if rng.random::<f64>() < ratio { truth[b] } else { likeliest(logits, b, truth.len()) };
    }
    // ANCHOR_END: choose
}

/// The row with the largest entry of column `b`: the likeliest class of example `b`, from logits V×B.
pub(crate) fn likeliest<T: Float>(logits: &[T], b: usize, batch: usize) -> usize {
    let rows = logits.len() / batch;
    let logit = |row: usize| logits[row * batch + b];
    (1..rows).fold(0, |best, row| if logit(row) > logit(best) { row } else { best })
}

/// The sequences that a decoder is taught, side by side.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// The boundary, then the symbols: T·B, step by step.
    inputs: Vec<usize>,
    /// The symbols, then the boundary, then nothing.
    symbols: Vec<usize>,
    lengths: Lengths,
    /// What a step is fed; the lengths, while they are set.
    fed: Vec<usize>,
}

impl Targets {
    /// No sequences yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the sequences, in the same memory.
    pub fn set<S: AsRef<[usize]>>(&mut self, sequences: &[S], boundary: usize) {
        let batch = sequences.len();
        let steps = 1 + sequences.iter().map(|s| s.as_ref().len()).max().unwrap_or(0);
        self.inputs.clear();
        self.symbols.clear();
        // ANCHOR: targets
        self.inputs.resize(steps * batch, boundary);
        self.symbols.resize(steps * batch, IGNORE_INDEX);
        for (b, sequence) in sequences.iter().enumerate() {
            for (t, &symbol) in sequence.as_ref().iter().enumerate() {
                self.symbols[t * batch + b] = symbol;
                self.inputs[(t + 1) * batch + b] = symbol;
            }
            self.symbols[sequence.as_ref().len() * batch + b] = boundary;
        }
        // ANCHOR_END: targets
        self.fed.clear();
        self.fed.extend(sequences.iter().map(|s| 1 + s.as_ref().len()));
        self.lengths.set(&self.fed);
    }

    /// What the decoder is fed, T·B step by step: the boundary, then the symbols.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// The targets, T·B step by step: the symbols, the boundary, then [`IGNORE_INDEX`].
    pub fn symbols(&self) -> &[usize] {
        &self.symbols
    }

    /// How many symbols count, the boundaries among them.
    pub fn count(&self) -> usize {
        self.lengths.total()
    }

    /// How many sequences there are: B.
    pub fn batch(&self) -> usize {
        self.lengths.batch()
    }

    /// The longest sequence's steps, with the boundary: T.
    pub fn steps(&self) -> usize {
        self.lengths.longest()
    }
}
