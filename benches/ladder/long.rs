//! A long sequence: all of it kept for the backward pass, or segments that run again.

use autograd::{Tape, Var};
use benches::Sizes;
use models::cells::{Cell, CellConfig, Kind};
use models::layers::{Checkpointed, Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::ops::Range;

/// Enough steps for the difference to be seen.
pub const SIZES: Sizes = Sizes { steps: 4096, batch: 1, input: 32, hidden: 64 };

/// What is kept of a segment's outputs: the loss of every example.
fn loss<'a>(y: Var<'a, f32>, _steps: Range<usize>) -> Var<'a, f32> {
    y.square().sum_rows()
}

/// The training step of an LSTM whose loss is one number for each step.
pub struct Long {
    cell: Box<dyn Cell<f32>>,
    in_segments: Checkpointed<f32>,
    kept: bool,
    params: Params<f32>,
    tape: Tape<f32>,
    x: Vec<f32>,
}

impl Long {
    /// In segments of so many steps, or with everything kept.
    pub fn new(every: Option<usize>) -> Self {
        let build = |params: &mut Params<f32>| {
            let config = CellConfig::new(SIZES.input, SIZES.hidden);
            config.build(Kind::Lstm, params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1))
        };
        let mut params = Params::new();
        let cell = build(&mut params);
        // The same cell once more: its parameters have the same numbers.
        let twin = build(&mut Params::new());
        let in_segments = Checkpointed::new(twin, 0..params.iter().len(), every.unwrap_or(1));
        let x = (0..SIZES.steps * SIZES.input).map(|k| (k as f32).sin()).collect();
        Self { cell, in_segments, kept: every.is_none(), params, tape: Tape::new(), x }
    }

    /// One training step, but for the optimiser's. The loss is `Σ_t Σ h_t²`.
    pub fn train(&mut self) -> f32 {
        self.tape.reset();
        self.params.zero_grad();
        let p = self.params.bind(&self.tape);
        let x = self.tape.constant(SIZES.steps * SIZES.input, SIZES.batch, &self.x);
        let (start, span) = (self.cell.zero_state(&self.tape, SIZES.batch), Span::default());
        let loss = if self.kept {
            unroll(&*self.cell, p, x, start, span).0.square().sum()
        } else {
            // ANCHOR: segments
            let (losses, _) = self.in_segments.reduce(p, x, start, span, 1, loss);
            losses.concat_rows().sum()
            // ANCHOR_END: segments
        };
        loss.backward();
        self.params.add_grads(p);
        loss.item()
    }

    /// Megabytes of the tapes.
    pub fn megabytes(&self) -> f64 {
        (self.tape.bytes() + self.in_segments.bytes()) as f64 / 1e6
    }

    /// The gradients of W, U and b, one after the other.
    #[cfg(test)]
    pub fn gradients(&self) -> Vec<f32> {
        self.params.iter().flat_map(|p| p.grad.iter().copied()).collect()
    }
}
