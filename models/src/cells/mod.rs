//! Cells: one time step of a recurrent network, one file each.

mod elman;
mod gru;
mod gru_reset_before;
mod jordan;
mod lstm;
mod lstm_1997;
mod peephole;
pub mod sequence;

pub use elman::Elman;
pub use gru::Gru;
pub use gru_reset_before::GruResetBefore;
pub use jordan::Jordan;
pub use lstm::Lstm;
pub use lstm_1997::Lstm1997;
pub use peephole::Peephole;
pub use sequence::Lengths;

use crate::choice::Invalid;
use crate::init::Init;
use crate::params::{Bound, Params};
use autograd::{Float, Tape, Var};
use rand_chacha::ChaCha8Rng;
use std::{fmt, str::FromStr};

/// What a cell hands from one time step to the next.
#[derive(Clone, Copy, Debug)]
pub struct State<'t, T: Float> {
    /// The hidden state, which is also the cell's output: H×B. In [`Jordan`] it is the output, which
    /// is what that network feeds back: O×B.
    pub h: Var<'t, T>,
    /// The cell state of the LSTM kinds: H×B.
    pub c: Option<Var<'t, T>>,
}

impl<'t, T: Float> State<'t, T> {
    /// The cell state `c`.
    ///
    /// # Panics
    /// If the state of this cell has none.
    #[track_caller]
    pub fn cell_state(self) -> Var<'t, T> {
        self.c.expect("an LSTM's state needs a cell state c beside h")
    }
}

/// One time step of a recurrent network: `(x_t, state_{t−1}) → state_t`.
pub trait Cell<T: Float> {
    /// Features of its input: I.
    fn input(&self) -> usize;

    /// Features of its output and of its state: H. In [`Jordan`] these are O.
    fn hidden(&self) -> usize;

    /// Whether its state has a cell state `c` beside `h`.
    fn has_cell_state(&self) -> bool {
        false
    }

    /// The equations of one step, for a batch: `x` is I×B. Autodiff does the rest.
    fn step<'t>(&self, w: Bound<'t, T>, x: Var<'t, T>, state: State<'t, T>) -> State<'t, T>;

    /// [`Cell::step`] whose recurrent products see `seen` in place of `state.h`: for dropout on the
    /// recurrent connections. A cell that also carries `h` past its products, as a GRU does, says so here.
    fn step_seeing<'t>(
        &self,
        w: Bound<'t, T>,
        x: Var<'t, T>,
        state: State<'t, T>,
        seen: Var<'t, T>,
    ) -> State<'t, T> {
        self.step(w, x, State { h: seen, ..state })
    }

    /// The whole sequence `x` ((T·I)×B) from `state` as one operation with a hand-derived backward
    /// pass: the outputs ((T·H)×B) and the final state. `None` if the cell has only its equations.
    ///
    /// With `lengths`, outputs past an example's length are zero and its final state is that of its
    /// last valid step. In `reverse`, every example runs from its last valid step to its first.
    fn sequence<'t>(
        &self,
        _w: Bound<'t, T>,
        _x: Var<'t, T>,
        _state: State<'t, T>,
        _lengths: Option<&Lengths>,
        _reverse: bool,
    ) -> Option<(Var<'t, T>, State<'t, T>)> {
        None
    }

    /// A state of zeros for a batch of `batch` examples.
    fn zero_state<'t>(&self, tape: &'t Tape<T>, batch: usize) -> State<'t, T> {
        let zeros = || tape.zeros(self.hidden(), batch);
        State { h: zeros(), c: self.has_cell_state().then(zeros) }
    }
}

/// The networks there are, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Elman`], with tanh.
    Elman,
    /// [`Elman`], with relu.
    ElmanRelu,
    /// [`Jordan`].
    Jordan,
    /// [`Lstm1997`].
    LstmNoForget,
    /// [`Lstm`].
    Lstm,
    /// [`Peephole`].
    Peephole,
    /// [`Gru`].
    Gru,
    /// [`GruResetBefore`].
    GruResetBefore,
}

impl Kind {
    /// All of them, simplest first.
    pub const ALL: [Self; 8] = [
        Self::Elman,
        Self::ElmanRelu,
        Self::Jordan,
        Self::LstmNoForget,
        Self::Lstm,
        Self::Peephole,
        Self::Gru,
        Self::GruResetBefore,
    ];

    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elman => "elman",
            Self::ElmanRelu => "elman-relu",
            Self::Jordan => "jordan",
            Self::LstmNoForget => "lstm-no-forget",
            Self::Lstm => "lstm",
            Self::Peephole => "peephole",
            Self::Gru => "gru",
            Self::GruResetBefore => "gru-reset-before",
        }
    }
}

impl FromStr for Kind {
    type Err = Invalid;
    fn from_str(name: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Invalid(format!("unknown network {name}; known: {names}"))
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a cell begins: sizes, initialisers and the forget gate's bias.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellConfig {
    /// Features of the input: I.
    pub input: usize,
    /// Hidden units: H.
    pub hidden: usize,
    /// Features of the output where they are not the hidden units, in [`Jordan`]: O. H if not given.
    pub output: Option<usize>,
    /// Initialiser of every weight and bias. An open uniform bound is closed with 1/√H.
    pub init: Init,
    /// What the LSTM kinds' forget-gate bias is set to, if anything.
    pub forget_bias: Option<f64>,
}

impl CellConfig {
    /// PyTorch's initialiser, and a forget-gate bias of 1.
    pub fn new(input: usize, hidden: usize) -> Self {
        Self { input, hidden, output: None, init: Init::Uniform { bound: None }, forget_bias: Some(1.0) }
    }

    /// Adds a new cell's parameters, named `{prefix}.weight_ih_{layer}` and so on as in PyTorch.
    pub fn build<T: Float>(
        self,
        kind: Kind,
        params: &mut Params<T>,
        prefix: &str,
        layer: &str,
        rng: &mut ChaCha8Rng,
    ) -> Box<dyn Cell<T>> {
        match kind {
            Kind::Elman => Box::new(Elman::new(self, params, prefix, layer, rng)),
            Kind::ElmanRelu => Box::new(Elman::new(self, params, prefix, layer, rng).with_relu()),
            Kind::Jordan => Box::new(Jordan::new(self, params, prefix, layer, rng)),
            Kind::LstmNoForget => Box::new(Lstm1997::new(self, params, prefix, layer, rng)),
            Kind::Lstm => Box::new(Lstm::new(self, params, prefix, layer, rng)),
            Kind::Peephole => Box::new(Peephole::new(self, params, prefix, layer, rng)),
            Kind::Gru => Box::new(Gru::new(self, params, prefix, layer, rng)),
            Kind::GruResetBefore => Box::new(GruResetBefore::new(self, params, prefix, layer, rng)),
        }
    }
}
