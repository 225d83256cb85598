//! The same by the library: the equations on the tape, or the derivation as one operation.

#[cfg(test)]
use crate::problem::Answer;
use crate::problem::Problem;
use autograd::{Float, Tape};
use benches::Sizes;
use models::cells::{Cell, CellConfig, Kind};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// An LSTM layer, in `f32` to be timed, in `f64` to be compared with.
pub struct OnTape<T: Float> {
    cell: Box<dyn Cell<T>>,
    params: Params<T>,
    tape: Tape<T>,
    x: Vec<T>,
    sizes: Sizes,
    equations: bool,
    loss: f64,
}

impl<T: Float> OnTape<T> {
    pub fn new(problem: &Problem, equations: bool) -> Self {
        let (sizes, mut params) = (problem.sizes, Params::new());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let config = CellConfig::new(sizes.input, sizes.hidden);
        let cell = config.build(Kind::Lstm, &mut params, "rnn", "l0", &mut rng);
        let convert = |x: &Vec<f32>| -> Vec<T> { x.iter().map(|&x| T::from_f64(f64::from(x))).collect() };
        for (param, value) in params.iter_mut().zip([&problem.w, &problem.u, &problem.b]) {
            param.value = convert(value);
        }
        Self { cell, params, tape: Tape::new(), x: convert(&problem.x), sizes, equations, loss: 0.0 }
    }

    // ANCHOR: train
    /// One training step, but for the optimiser's.
    pub fn train(&mut self) {
        let Sizes { steps, batch, input, .. } = self.sizes;
        self.tape.reset();
        self.params.zero_grad();
        let p = self.params.bind(&self.tape);
        let x = self.tape.constant(steps * input, batch, &self.x);
        let start = self.cell.zero_state(&self.tape, batch);
        let span = Span { equations: self.equations, ..Span::default() };
        let (y, _) = unroll(&*self.cell, p, x, start, span);
        let loss = y.square().sum();
        loss.backward();
        self.params.add_grads(p);
        self.loss = loss.item().to_f64();
    }
    // ANCHOR_END: train

    /// The same on a new tape, whose memory has to be asked for.
    pub fn train_on_a_new_tape(&mut self) {
        self.tape = Tape::new();
        self.train();
    }

    /// What the last step has found.
    #[cfg(test)]
    pub fn answer(&self) -> Answer {
        let mut gradients = self.params.iter().map(|p| p.grad.iter().map(|d| d.to_f64() as f32).collect());
        let gradients = [(); 3].map(|()| gradients.next().expect("an LSTM has three parameters"));
        Answer { loss: self.loss, gradients }
    }
}
