//! Weights in and out: safetensors with PyTorch's names and shapes.
//!
//! PyTorch keeps two biases per recurrent layer, `bias_ih` and `bias_hh`, which only ever appear as
//! their sum. Here there is one, `bias`. Writing puts it in `bias_ih` and zeros in `bias_hh`;
//! reading adds the two.

use crate::choice::Invalid;
use crate::params::{Param, Params};
use autograd::Float;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

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
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| Invalid(format!("not a whole safetensors file ({e}); was it cut short?")))?;
    let mut unread: BTreeSet<String> = file.names().into_iter().map(String::from).collect();
    let mut read = BTreeMap::new();
    for p in params.iter() {
        let mut tensor = |name: &str| {
            unread.remove(name);
            tensor(&file, name, p)
        };
        let value = match bias_names(&p.name) {
            Some((ih, hh)) => tensor(&ih)?.into_iter().zip(tensor(&hh)?).map(|(a, b)| a + b).collect(),
            None => tensor(&p.name)?,
        };
        read.insert(p.name.clone(), value);
    }
    if let Some(name) = unread.first() {
        return Err(Invalid(format!("tensor {name} is not one of this network's")));
    }
    for p in params.iter_mut() {
        p.value = read.remove(&p.name).unwrap_or_default();
    }
    Ok(())
}

fn tensor<T: Float>(file: &SafeTensors<'_>, name: &str, p: &Param<T>) -> Result<Vec<T>, Invalid> {
    let expected = if is_bias(p) { vec![p.rows] } else { vec![p.rows, p.cols] };
    let found = file.tensor(name).map_err(|_| Invalid(format!("tensor {name} of shape {expected:?} is missing")))?;
    if found.dtype() != Dtype::F32 || found.shape() != expected {
        let (dtype, shape) = (found.dtype(), found.shape());
        return Err(Invalid(format!("tensor {name}: expected F32 {expected:?}, found {dtype:?} {shape:?}")));
    }
    let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let data: Cow<'_, [u8]> = found.data().into();
    let value: Vec<f32> = data.chunks_exact(4).map(number).collect();
    match value.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Invalid(format!("tensor {name}: entry {at} is {}, expected a finite number", value[at]))),
        None => Ok(value.into_iter().map(|x| T::from_f64(x.into())).collect()),
    }
}

fn is_bias<T>(p: &Param<T>) -> bool {
    p.name.contains(".bias")
}

/// The names of PyTorch's two biases, for a recurrent layer's one: `rnn.bias_l0`.
fn bias_names(name: &str) -> Option<(String, String)> {
    let (prefix, layer) = name.split_once(".bias_l")?;
    Some((format!("{prefix}.bias_ih_l{layer}"), format!("{prefix}.bias_hh_l{layer}")))
}
