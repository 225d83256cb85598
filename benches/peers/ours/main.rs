//! This project's side of the comparison with other libraries, where `rnn time` does not tell it: what a training
//! step computes, how much memory it needs, and how long the whole character model takes. `ours THREADS`.

#[path = "../src/worker.rs"]
mod worker;

use autograd::Tape;
use benches::Model;
use models::cells::{CellConfig, Kind};
use models::layers::{Span, Stack, StackConfig, sum_of_squares};
use models::params::Params;
use models::threads::with_threads;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use worker::{Case, Layers, Numbers, input, weight};

fn main() {
    let threads = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let threads = threads.ok_or("give one argument, the number of threads".to_string());
    let result =
        threads.and_then(|n| with_threads(n, || worker::serve(Ours::new)).map_err(|e| e.to_string())?);
    if let Err(problem) = result {
        eprintln!("ours: {problem}");
        std::process::exit(2);
    }
}

enum Ours {
    Recurrent(Box<Recurrent>),
    /// The character model and Adam.
    Characters(Box<Model>),
}

impl Ours {
    fn new(case: &Case) -> Result<Self, String> {
        if case.model == "characters" {
            return Ok(Self::Characters(Box::new(Model::of_characters(Kind::Lstm))));
        }
        Ok(Self::Recurrent(Box::new(Recurrent::new(case)?)))
    }
}

impl Layers for Ours {
    fn forward(&mut self) {
        match self {
            Self::Recurrent(layers) => layers.forward(),
            Self::Characters(model) => drop(model.forward()),
        }
    }

    fn train(&mut self) {
        match self {
            Self::Recurrent(layers) => drop(layers.train()),
            Self::Characters(model) => model.train(),
        }
    }

    fn numbers(&mut self) -> Result<Numbers, String> {
        match self {
            Self::Recurrent(layers) => Ok(layers.numbers()),
            Self::Characters(_) => Err("only layers are compared".into()),
        }
    }
}

/// Layers of one kind on top of each other.
struct Recurrent {
    case: Case,
    stack: Stack<f32>,
    params: Params<f32>,
    tape: Tape<f32>,
    x: Vec<f32>,
}

impl Recurrent {
    fn new(case: &Case) -> Result<Self, String> {
        let kind: Kind = case.model.parse().map_err(|e| format!("{e}"))?;
        let (layers, bidirectional) = (case.layers, case.bidirectional);
        let config = StackConfig::new(kind, CellConfig::new(case.input, case.hidden));
        let (mut params, mut rng) = (Params::new(), ChaCha8Rng::seed_from_u64(1));
        let stack =
            Stack::new(&StackConfig { layers, bidirectional, ..config }, &mut params, "rnn", &mut rng);
        // T×I×B.
        let places = (0..case.seq).flat_map(|t| (0..case.input).map(move |i| (t, i)));
        let x = places.flat_map(|(t, i)| (0..case.batch).map(move |b| input(t, b, i))).collect();
        Ok(Self { case: case.clone(), stack, params, tape: Tape::new(), x })
    }

    fn forward(&mut self) {
        let Case { seq, input, batch, .. } = self.case;
        self.tape.reset();
        let p = self.params.bind_constant(&self.tape);
        let x = self.tape.constant(seq * input, batch, &self.x);
        self.stack.forward(p, x, &self.stack.initial_states(p, batch), Span::default(), None);
    }

    /// Leaves the gradients with the parameters, and returns the loss.
    fn train(&mut self) -> f32 {
        let Case { seq, input, batch, .. } = self.case;
        self.tape.reset();
        self.params.zero_grad();
        let p = self.params.bind(&self.tape);
        let x = self.tape.constant(seq * input, batch, &self.x);
        let (y, _) = self.stack.forward(p, x, &self.stack.initial_states(p, batch), Span::default(), None);
        let loss = sum_of_squares(y);
        loss.backward();
        self.params.add_grads(p);
        loss.item()
    }

    fn numbers(&mut self) -> Numbers {
        let hidden = self.case.hidden;
        for param in self.params.iter_mut() {
            let (is_weight, columns) = (param.name.contains("weight"), param.cols);
            let entry = |k: usize| weight(k / columns % hidden, k % columns, hidden);
            let fill = |(k, value): (usize, &mut f32)| *value = if is_weight { entry(k) } else { 0.0 };
            param.value.iter_mut().enumerate().for_each(fill);
        }
        let loss = self.train() as f64;
        let weights = self.params.iter().filter(|param| param.name.contains("weight"));
        let squares = weights.flat_map(|param| &param.grad).map(|&g| f64::from(g).powi(2));
        Numbers { loss, norm: squares.sum::<f64>().sqrt() }
    }
}
