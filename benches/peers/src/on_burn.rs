//! Layers of burn-nn on Flex, burn's own processor backend.

use crate::worker::{Case, Layers, Numbers, batch_first, weight};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::{
    BiGru, BiGruConfig, BiLstm, BiLstmConfig, BiRnn, BiRnnConfig, Gru, GruConfig, Lstm, LstmConfig, Rnn,
    RnnConfig,
};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

#[allow(clippy::large_enum_variant, reason = "there are a few of them at a time")]
#[derive(Module, Debug)]
enum Layer {
    Rnn(Rnn),
    BiRnn(BiRnn),
    Lstm(Lstm),
    BiLstm(BiLstm),
    Gru(Gru),
    BiGru(BiGru),
}

impl Layer {
    fn new(case: &Case, layer: usize, device: &Device) -> Result<Self, String> {
        let directions = if case.bidirectional { 2 } else { 1 };
        let (input, hidden) = (if layer == 0 { case.input } else { directions * case.hidden }, case.hidden);
        Ok(match (case.model.as_str(), case.bidirectional) {
            ("elman", false) => Self::Rnn(RnnConfig::new(input, hidden, true).init(device)),
            ("elman", true) => Self::BiRnn(BiRnnConfig::new(input, hidden, true).init(device)),
            ("lstm", false) => Self::Lstm(LstmConfig::new(input, hidden, true).init(device)),
            ("lstm", true) => Self::BiLstm(BiLstmConfig::new(input, hidden, true).init(device)),
            ("gru", false) => Self::Gru(GruConfig::new(input, hidden, true).init(device)),
            ("gru", true) => Self::BiGru(BiGruConfig::new(input, hidden, true).init(device)),
            (model, _) => return Err(format!("burn-nn has no {model}")),
        })
    }

    /// The outputs, B×T×H, of the sequence x, B×T×I.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Rnn(layer) => layer.forward(x, None).0,
            Self::BiRnn(layer) => layer.forward(x, None).0,
            Self::Lstm(layer) => layer.forward(x, None).0,
            Self::BiLstm(layer) => layer.forward(x, None).0,
            Self::Gru(layer) => layer.forward(x, None),
            Self::BiGru(layer) => layer.forward(x, None).0,
        }
    }
}

/// The layers twice: on a device that records for the gradient, and on one that does not.
pub struct Stack {
    training: Vec<Layer>,
    inference: Vec<Layer>,
    x_training: Tensor<3>,
    x: Tensor<3>,
    hidden: usize,
}

impl Stack {
    pub fn new(case: &Case) -> Result<Self, String> {
        let (plain, recording) = (Device::flex(), Device::flex().autodiff());
        let build =
            |device| (0..case.layers).map(|layer| Layer::new(case, layer, device)).collect::<Result<_, _>>();
        let shape = [case.batch, case.seq, case.input];
        let x = |device| Tensor::from_data(TensorData::new(batch_first(case), shape), device);
        Ok(Self {
            training: build(&recording)?,
            inference: build(&plain)?,
            x_training: x(&recording),
            x: x(&plain),
            hidden: case.hidden,
        })
    }

    /// A training step's loss and the gradients.
    fn step(&self) -> (Tensor<1>, Gradients) {
        let y = self.training.iter().fold(self.x_training.clone(), |x, layer| layer.forward(x));
        let loss = (y.clone() * y).sum();
        let gradients = loss.backward();
        (loss, gradients)
    }
}

impl Layers for Stack {
    fn forward(&mut self) {
        drop(self.inference.iter().fold(self.x.clone(), |x, layer| layer.forward(x)));
    }

    fn train(&mut self) {
        drop(self.step());
    }

    fn numbers(&mut self) -> Result<Numbers, String> {
        let layers = std::mem::take(&mut self.training);
        self.training = layers.map(&mut SetWeights { hidden: self.hidden });
        let (loss, gradients) = self.step();
        let mut sum = SumOfSquares { gradients: &gradients, squares: 0.0, missing: 0 };
        self.training.visit(&mut sum);
        if sum.missing > 0 {
            return Err(format!("{} parameters without a gradient", sum.missing));
        }
        Ok(Numbers { loss: loss.into_scalar::<f32>() as f64, norm: sum.squares.sqrt() })
    }
}

/// Writes [`weight`] into every weight matrix, which are columns × rows in burn, and 0 into every bias.
struct SetWeights {
    hidden: usize,
}

impl ModuleMapper for SetWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|old| {
            let shape = old.dims();
            let rows = shape[D - 1];
            let entry = |k: usize| if D == 2 { weight(k % rows, k / rows, self.hidden) } else { 0.0 };
            let values: Vec<f32> = (0..shape.iter().product()).map(entry).collect();
            Tensor::from_data(TensorData::new(values, shape), &old.device()).require_grad()
        })
    }
}

/// Adds up the squares of the weight matrices' gradients.
struct SumOfSquares<'a> {
    gradients: &'a Gradients,
    squares: f64,
    missing: usize,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match param.val().grad(self.gradients) {
            Some(gradient) if D == 2 => {
                self.squares += (gradient.clone() * gradient).sum().into_scalar::<f32>() as f64;
            }
            Some(_) => {}
            None => self.missing += 1,
        }
    }
}
