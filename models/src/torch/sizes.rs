//! The sizes of recurrent layers, read from the shapes of their weights.

use crate::cells::{CellConfig, Kind};
use crate::choice::Invalid;
use crate::init::Init;
use crate::layers::{Stack, StackConfig};
use crate::params::Params;
use crate::tensors::Tensors;
use autograd::Float;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use safetensors::Dtype;

/// What the shapes of a stack's weights say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StackSizes {
    pub kind: Kind,
    pub input: usize,
    pub hidden: usize,
    /// Features of one direction's output: O in a Jordan network, H in all others.
    pub output: usize,
    pub layers: usize,
    pub directions: usize,
    pub learn_initial_state: bool,
}

impl StackSizes {
    /// Infers all sizes from the weights called `{prefix}weight_ih_l0` …, and checks the shapes of
    /// all of them that memory will be taken for. `input` is I where something else has said it.
    pub fn infer(
        kind: Kind,
        file: &Tensors<'_>,
        prefix: &str,
        dtype: Dtype,
        input: Option<usize>,
    ) -> Result<Self, Invalid> {
        let matrix = |name: &str, expected: &str| match file.kind(&format!("{prefix}{name}")) {
            Some((its, shape)) if its == dtype && shape.len() == 2 && !shape.contains(&0) => {
                Ok([shape[0], shape[1]])
            }
            _ => Err(file.wrong(&format!("{prefix}{name}"), dtype, expected)),
        };
        let (layers, directions) = layers_and_directions(file, prefix);
        let (output, hidden) = match kind {
            Kind::Jordan => matrix("weight_hy_l0", "[O, H]")?.into(),
            _ => {
                let [_, hidden] = matrix("weight_hh_l0", "[gates · H, H]")?;
                (hidden, hidden)
            }
        };
        let input = match input {
            Some(input) => input,
            None => matrix("weight_ih_l0", "[gates · H, I]")?[1],
        };
        let learn_initial_state = file.kind(&format!("{prefix}h_0_l0")).is_some();
        let sizes = Self { kind, input, hidden, output, layers, directions, learn_initial_state };
        (0..layers).try_for_each(|layer| sizes.check_layer(file, prefix, dtype, layer))?;
        Ok(sizes)
    }

    /// The weights of one layer have the shapes that the sizes say.
    fn check_layer(
        &self,
        file: &Tensors<'_>,
        prefix: &str,
        dtype: Dtype,
        layer: usize,
    ) -> Result<(), Invalid> {
        let gates = match self.kind {
            Kind::Elman | Kind::ElmanRelu | Kind::Jordan => 1,
            Kind::LstmNoForget | Kind::Gru | Kind::GruResetBefore => 3,
            Kind::Lstm | Kind::Peephole => 4,
        };
        let (rows, hidden) = (gates * self.hidden, self.hidden);
        let input = if layer == 0 { self.input } else { self.directions * self.output };
        for suffix in &["", "_reverse"][..self.directions] {
            let check = |name: &str, shape: [usize; 2]| {
                file.expect(&format!("{prefix}{name}_l{layer}{suffix}"), dtype, &shape)
            };
            check("weight_ih", [rows, input])?;
            if self.kind == Kind::Jordan {
                check("weight_yh", [hidden, self.output])?;
                check("weight_hy", [self.output, hidden])?;
            } else {
                check("weight_hh", [rows, hidden])?;
            }
        }
        Ok(())
    }

    /// A stack of these sizes, named `rnn`, all of its parameters zeros.
    pub fn stack<T: Float>(&self) -> (Stack<T>, Params<T>) {
        let cell = CellConfig {
            output: Some(self.output),
            init: Init::Zeros,
            forget_bias: None,
            ..CellConfig::new(self.input, self.hidden)
        };
        let config = StackConfig {
            layers: self.layers,
            bidirectional: self.directions == 2,
            learn_initial_state: self.learn_initial_state,
            ..StackConfig::new(self.kind, cell)
        };
        let mut params = Params::new();
        let stack = Stack::new(&config, &mut params, "rnn", &mut ChaCha8Rng::seed_from_u64(0));
        (stack, params)
    }
}

/// How many layers there are names for, and whether any of them goes backward.
fn layers_and_directions(file: &Tensors<'_>, prefix: &str) -> (usize, usize) {
    let (mut layers, mut directions) = (1, 1);
    let names = file.names().filter_map(|name| name.strip_prefix(prefix));
    for name in names.filter(|name| name.starts_with("weight_") || name.starts_with("bias_")) {
        let forward = name.strip_suffix("_reverse");
        let number = forward.unwrap_or(name).rsplit_once("_l").and_then(|(_, number)| number.parse().ok());
        if let Some(layer) = number {
            layers = layers.max(usize::saturating_add(layer, 1));
            directions = directions.max(1 + usize::from(forward.is_some()));
        }
    }
    (layers, directions)
}
