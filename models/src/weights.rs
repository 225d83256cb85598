//! Weights in and out: safetensors with PyTorch's names and shapes.
//!
//! PyTorch keeps two biases per recurrent layer, `bias_ih` and `bias_hh`, which only ever appear as
//! their sum. Here there is one, `bias`. Writing puts it in `bias_ih` and zeros in `bias_hh`;
//! reading adds the two.

use crate::choice::Invalid;
use crate::params::{Param, Params};
use crate::tensors::Tensors;
use autograd::Float;
use safetensors::{Dtype, tensor::TensorView};

/// Parameters as a safetensors file in `f32`. Columns are written as vectors, as PyTorch has them.
pub fn to_bytes<T: Float>(params: &Params<T>) -> Vec<u8> {
    let mut entries: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for p in params.iter() {
        let shape = if is_bias(p) { vec![p.rows] } else { vec![p.rows, p.cols] };
        let bytes = p.value.iter().flat_map(|x| (x.to_f64() as f32).to_le_bytes()).collect();
        if let Some((ih, hh)) = bias_names(&p.name) {
            entries.push((ih, shape.clone(), bytes));
            entries.push((hh, shape, vec![0; 4 * p.rows]));
        } else {
            entries.push((p.name.clone(), shape, bytes));
        }
    }
    let views = entries.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name, view.expect("the bytes were made for this shape"))
    });
    safetensors::serialize(views, None).expect("a file in memory can always be written")
}

/// Fills the parameters from a safetensors file.
///
/// # Errors
/// If the file is damaged, or a tensor is missing, not known, misshapen, not `f32` or not finite;
/// the parameters are then left as they were.
pub fn from_bytes<T: Float>(params: &mut Params<T>, bytes: &[u8]) -> Result<(), Invalid> {
    let mut file = Tensors::open(bytes)?;
    let mut read = Vec::new();
    for p in params.iter() {
        let shape: &[usize] = if is_bias(p) { &[p.rows] } else { &[p.rows, p.cols] };
        let value = match bias_names(&p.name) {
            Some((ih, hh)) => file
                .numbers(&ih, shape)?
                .into_iter()
                .zip(file.numbers(&hh, shape)?)
                .map(|(a, b)| a + b)
                .collect(),
            None => file.numbers(&p.name, shape)?,
        };
        read.push(value);
    }
    file.finish()?;
    for (p, value) in params.iter_mut().zip(read) {
        p.value = value.into_iter().map(|x| T::from_f64(x.into())).collect();
    }
    Ok(())
}

fn is_bias<T>(p: &Param<T>) -> bool {
    p.name.contains(".bias")
}

/// The names of PyTorch's two biases, for a recurrent layer's one: `rnn.bias_l0`.
fn bias_names(name: &str) -> Option<(String, String)> {
    let (prefix, layer) = name.split_once(".bias_l")?;
    Some((format!("{prefix}.bias_ih_l{layer}"), format!("{prefix}.bias_hh_l{layer}")))
}
