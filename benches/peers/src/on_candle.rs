//! Layers of candle-nn: it has an LSTM and a GRU of one layer in one direction, from which the others are made.

use crate::worker::{Case, Layers, Numbers, batch_first, weight};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::rnn::{GRU, GRUConfig, LSTM, LSTMConfig};
use candle_nn::{RNN, VarBuilder, VarMap};

enum Layer {
    Lstm(LSTM),
    Gru(GRU),
}

impl Layer {
    fn new(model: &str, input: usize, hidden: usize, vb: VarBuilder<'_>) -> Result<Self> {
        Ok(match model {
            "lstm" => Self::Lstm(candle_nn::lstm(input, hidden, LSTMConfig::default(), vb)?),
            _ => Self::Gru(candle_nn::gru(input, hidden, GRUConfig::default(), vb)?),
        })
    }

    /// The outputs, B×T×H, of the sequence x, B×T×I.
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Lstm(layer) => layer.states_to_tensor(&layer.seq(x)?),
            // candle-nn puts the GRU's outputs side by side, B×(T·H): the same numbers in the same order.
            Self::Gru(layer) => {
                let y = layer.states_to_tensor(&layer.seq(x)?)?;
                let (batch, steps, _) = x.dims3()?;
                y.reshape((batch, steps, ()))
            }
        }
    }
}

/// Layers on top of each other, each with a second one for the other direction or not.
struct Network {
    layers: Vec<Vec<Layer>>,
    /// The time steps from the last to the first.
    reversed: Tensor,
}

impl Network {
    fn new(case: &Case, vb: &VarBuilder<'_>) -> Result<Self> {
        let directions = if case.bidirectional { 2 } else { 1 };
        let mut layers = Vec::new();
        for layer in 0..case.layers {
            let input = if layer == 0 { case.input } else { directions * case.hidden };
            let build = |direction| {
                Layer::new(&case.model, input, case.hidden, vb.pp(format!("{layer}.{direction}")))
            };
            layers.push((0..directions).map(build).collect::<Result<_>>()?);
        }
        let reversed: Vec<u32> = (0..case.seq as u32).rev().collect();
        Ok(Self { layers, reversed: Tensor::new(reversed, vb.device())? })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for directions in &self.layers {
            let mut outputs = vec![directions[0].forward(&x)?];
            if let Some(backward) = directions.get(1) {
                let x = x.index_select(&self.reversed, 1)?;
                outputs.push(backward.forward(&x)?.index_select(&self.reversed, 1)?);
            }
            x = if outputs.len() == 1 { outputs.remove(0) } else { Tensor::cat(&outputs, 2)? };
        }
        Ok(x)
    }
}

/// The network twice, with the same weights: candle records what depends on variables, and for inference
/// they are constants.
pub struct Stack {
    training: Network,
    inference: Network,
    variables: VarMap,
    x: Tensor,
    hidden: usize,
}

impl Stack {
    pub fn new(case: &Case) -> std::result::Result<Self, String> {
        if !["lstm", "gru"].contains(&case.model.as_str()) {
            return Err(format!("candle-nn has no {}", case.model));
        }
        Self::build(case).map_err(|e| e.to_string())
    }

    fn build(case: &Case) -> Result<Self> {
        let (device, variables) = (Device::Cpu, VarMap::new());
        let training = Network::new(case, &VarBuilder::from_varmap(&variables, DType::F32, &device))?;
        let constants = variables.data().lock().expect("nobody panicked with it").clone();
        let constants = constants.into_iter().map(|(name, var)| (name, var.as_detached_tensor())).collect();
        let inference = Network::new(case, &VarBuilder::from_tensors(constants, DType::F32, &device))?;
        let x = Tensor::from_vec(batch_first(case), (case.batch, case.seq, case.input), &device)?;
        Ok(Self { training, inference, variables, x, hidden: case.hidden })
    }

    fn sums(&mut self) -> Result<Numbers> {
        for var in self.variables.all_vars() {
            var.set(&match *var.dims() {
                [rows, columns] => {
                    let entry = |k: usize| weight(k / columns % self.hidden, k % columns, self.hidden);
                    Tensor::from_vec((0..rows * columns).map(entry).collect(), (rows, columns), var.device())?
                }
                _ => var.zeros_like()?,
            })?;
        }
        let loss = self.training.forward(&self.x)?.sqr()?.sum_all()?;
        let (gradients, mut squares) = (loss.backward()?, 0.0);
        for var in self.variables.all_vars() {
            let gradient = gradients.get(&var);
            let gradient =
                gradient.ok_or_else(|| candle_core::Error::Msg("a parameter without a gradient".into()))?;
            if var.rank() == 2 {
                squares += gradient.sqr()?.sum_all()?.to_scalar::<f32>()? as f64;
            }
        }
        Ok(Numbers { loss: loss.to_scalar::<f32>()? as f64, norm: squares.sqrt() })
    }
}

impl Layers for Stack {
    fn forward(&mut self) {
        self.inference.forward(&self.x).expect("the shapes fit");
    }

    fn train(&mut self) {
        let step = || self.training.forward(&self.x)?.sqr()?.sum_all()?.backward();
        step().expect("the shapes fit");
    }

    fn numbers(&mut self) -> std::result::Result<Numbers, String> {
        self.sums().map_err(|e| e.to_string())
    }
}
