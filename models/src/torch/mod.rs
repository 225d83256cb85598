//! PyTorch's tensors and our parameters: the same numbers, differently parcelled.
//!
//! PyTorch keeps two biases per recurrent layer, `bias_ih` and `bias_hh`. In every gate but one they
//! only ever appear as their sum, so here there is one, `bias`, and both of PyTorch's have its
//! gradient. The exception is the candidate of the GRU, whose recurrent bias stands inside `r ⊙ (…)`:
//! it is our `bias_hn`, and the last third of PyTorch's `bias_hh`. PyTorch's vectors are our columns.
//! Weights are the same, gate by gate: LSTM i, f, g, o; GRU r, z, n.
//!
//! | PyTorch | here |
//! |---|---|
//! | `weight_ih`, `weight_hh` and all others | the same |
//! | `bias_ih` | `bias` |
//! | `bias_hh` | `bias`; in the GRU, `bias` (r, z) and `bias_hn` (n) |
//!
//! Gates in other libraries: ONNX's LSTM has i, o, f, g, that of Keras i, f, g, o like PyTorch; the GRU
//! of both has z, r, n.

mod case;
mod sizes;

pub use case::run_case;
pub(crate) use sizes::StackSizes;

use crate::params::{Param, ParamId, Params};
use autograd::Float;
use std::ops::Range;

/// One of PyTorch's tensors, and where each of its entries lies in our parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct TorchTensor {
    /// PyTorch's name, for example `rnn.bias_hh_l0`.
    pub name: String,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
    /// Its entries in order: stretches of our parameters' entries.
    parts: Vec<(ParamId, Range<usize>)>,
}

/// PyTorch's tensors for these parameters, in our order.
///
/// ```
/// use models::{cells::{CellConfig, Kind}, params::Params, torch::torch_tensors};
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
///
/// let mut params = Params::<f32>::new();
/// CellConfig::new(3, 5).build(Kind::Gru, &mut params, "rnn", "l0", &mut ChaCha8Rng::seed_from_u64(1));
/// let shapes: Vec<_> = torch_tensors(&params).into_iter().map(|t| (t.name, t.shape)).collect();
/// assert_eq!(shapes[0], ("rnn.weight_ih_l0".into(), vec![15, 3]));
/// assert_eq!(shapes[3], ("rnn.bias_hh_l0".into(), vec![15]));
/// ```
pub fn torch_tensors<T: Float>(params: &Params<T>) -> Vec<TorchTensor> {
    let mut tensors = Vec::new();
    for p in params.iter() {
        let (prefix, name) = p.name.rsplit_once('.').unwrap_or(("", &p.name));
        let all = whole(params, &p.name);
        if let Some(layer) = name.strip_prefix("bias_l") {
            let tensor = |which: &str, parts| {
                let name = format!("{prefix}.bias_{which}_l{layer}");
                TorchTensor { name, shape: vec![p.rows], parts }
            };
            let recurrent = match params.find(&format!("{prefix}.bias_hn_l{layer}")) {
                Some(id) => {
                    let hidden = params.get(id).rows;
                    vec![(all.0, 0..2 * hidden), (id, 0..hidden)]
                }
                None => vec![all.clone()],
            };
            tensors.extend([tensor("ih", vec![all]), tensor("hh", recurrent)]);
        } else if !name.starts_with("bias_hn_l") {
            tensors.push(TorchTensor { name: p.name.clone(), shape: shape(p, name), parts: vec![all] });
        }
    }
    tensors
}

impl TorchTensor {
    /// The entries of PyTorch's tensor, if `of` gives those of our parameters: their gradients, say.
    pub fn gather<'a, T: Float>(&self, of: impl Fn(ParamId) -> &'a [T]) -> Vec<T> {
        self.parts.iter().flat_map(|(id, range)| of(*id)[range.clone()].iter().copied()).collect()
    }

    /// Adds the entries of PyTorch's tensor to our parameters: two biases make their sum.
    ///
    /// # Panics
    /// If there are not as many entries as the shape says.
    #[track_caller]
    pub fn add_to<T: Float>(&self, params: &mut Params<T>, entries: &[T]) {
        let count: usize = self.shape.iter().product();
        assert_eq!(entries.len(), count, "{}: {} entries for {:?}", self.name, entries.len(), self.shape);
        let mut entries = entries.iter();
        for (id, range) in &self.parts {
            let own = &mut params.get_mut(*id).value[range.clone()];
            own.iter_mut().zip(&mut entries).for_each(|(own, &entry)| *own += entry);
        }
    }
}

/// PyTorch's name within its layer: without `rnn.`.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, local)| local)
}

/// All entries of a parameter.
fn whole<T: Float>(params: &Params<T>, name: &str) -> (ParamId, Range<usize>) {
    let id = params.find(name).expect("the name is that of a parameter");
    (id, 0..params.get(id).value.len())
}

/// A column is a vector in PyTorch, unless it is a matrix of one column by chance.
fn shape<T>(p: &Param<T>, name: &str) -> Vec<usize> {
    let vectors = ["bias", "weight_ci", "weight_cf", "weight_co", "h_0", "c_0"];
    if vectors.iter().any(|start| name.starts_with(start)) { vec![p.rows] } else { vec![p.rows, p.cols] }
}
