//! Weights in and out: safetensors with PyTorch's names and shapes.
//!
//! `torch.nn.LSTM`, `GRU` and `RNN` load what is written here, once `rnn.` is taken off the names, and
//! what their `state_dict` holds can be read. They keep two biases per layer where we keep one:
//! see [`torch`](crate::torch). Ours is written as `bias_ih`, and `bias_hh` is zero but for the candidate
//! of a GRU, whose recurrent bias is one of its own: `[0, 0, b_hn]`. Reading adds the two up.
//!
//! The networks that PyTorch does not have are written in the same way, with these tensors beside the
//! usual ones (`_l0` stands for the layer, `_l0_reverse` for its backward direction):
//!
//! | network | tensor | shape |
//! |---|---|---|
//! | peephole | `weight_ci_l0`, `weight_cf_l0`, `weight_co_l0` | H |
//! | jordan | `weight_ih_l0`, `weight_yh_l0`, `bias_h_l0`, `weight_hy_l0`, `bias_y_l0`, and no others | H×I, H×O, H, O×H, O |
//! | any, with learned initial states | `h_0_l0`; `c_0_l0` in the LSTM kinds | H |

use crate::cells::Kind;
use crate::choice::Invalid;
use crate::layers::{Encoding, Stack};
use crate::network::{Network, NetworkConfig};
use crate::params::{ParamId, Params};
use crate::tensors::Tensors;
use crate::torch::{StackSizes, TorchTensor, local, torch_tensors};
use autograd::Float;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use safetensors::{Dtype, tensor::TensorView};

/// Parameters as a safetensors file in `f32`.
pub fn to_bytes<T: Float>(params: &Params<T>) -> Vec<u8> {
    let entries = torch_tensors(params).into_iter().map(|tensor| {
        let numbers = entries(params, &tensor).into_iter();
        let bytes: Vec<u8> = numbers.flat_map(|x| (x.to_f64() as f32).to_le_bytes()).collect();
        (tensor, bytes)
    });
    let entries: Vec<_> = entries.collect();
    let views = entries.iter().map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
        (&tensor.name, view.expect("the bytes were made for this shape"))
    });
    safetensors::serialize(views, None).expect("a file in memory can always be written")
}

// ANCHOR: biases
/// The entries of one of PyTorch's tensors. What `bias_ih` has said already is 0 in `bias_hh`.
fn entries<T: Float>(params: &Params<T>, tensor: &TorchTensor) -> Vec<T> {
    let recurrent = local(&tensor.name).starts_with("bias_hh_");
    let said = |id: ParamId| recurrent && !local(&params.get(id).name).starts_with("bias_hn_");
    let zeros = vec![T::ZERO; params.iter().map(|p| p.value.len()).max().unwrap_or(0)];
    tensor.gather(|id| if said(id) { &zeros } else { &params.get(id).value })
}
// ANCHOR_END: biases

/// Fills the parameters from a safetensors file.
///
/// # Errors
/// If the file is damaged, or a tensor is missing, not known, misshapen, not `f32` or not finite;
/// the parameters are then left as they were.
pub fn from_bytes<T: Float>(params: &mut Params<T>, bytes: &[u8]) -> Result<(), Invalid> {
    let read = read(params, Tensors::open(bytes)?, None)?;
    params.iter_mut().zip(read.iter()).for_each(|(p, read)| p.value.clone_from(&read.value));
    Ok(())
}

/// Recurrent layers with the weights of a safetensors file, and nothing else in it: the `state_dict`
/// of a `torch.nn.LSTM`, say, with or without `rnn.` before the names. All sizes are the file's.
///
/// # Errors
/// As [`from_bytes`].
pub fn stack_from_bytes<T: Float>(kind: Kind, bytes: &[u8]) -> Result<(Stack<T>, Params<T>), Invalid> {
    let file = Tensors::open(bytes)?;
    let prefix = if file.names().any(|name| name.starts_with("rnn.")) { "rnn." } else { "" };
    let sizes = StackSizes::infer(kind, &file, prefix, Dtype::F32, None)?;
    let (stack, params) = sizes.stack();
    let params = read(&params, file, Some(prefix))?;
    Ok((stack, params))
}

/// The network of a safetensors file. All sizes are the file's: without `embedding.weight` its inputs
/// are one-hot vectors, as hashed ones leave no trace in the weights.
///
/// # Errors
/// As [`from_bytes`], and for a Jordan network whose output is not as large as its hidden layer.
pub fn network_from_bytes<T: Float>(kind: Kind, bytes: &[u8]) -> Result<(Network<T>, Params<T>), Invalid> {
    let file = Tensors::open(bytes)?;
    let sizes = StackSizes::infer(kind, &file, "rnn.", Dtype::F32, None)?;
    let StackSizes { input, hidden, output, layers, directions, learn_initial_state, .. } = sizes;
    if output != hidden {
        return Err(file.wrong("rnn.weight_hy_l0", Dtype::F32, "[H, H]"));
    }
    // The number of symbols or of outputs, of a matrix that many rows tall.
    let rows = |name: &str, cols: usize| match file.kind(name) {
        Some((Dtype::F32, shape)) if shape.len() == 2 && shape[0] > 0 && shape[1] == cols => Ok(shape[0]),
        _ => Err(file.wrong(name, Dtype::F32, &format!("[…, {cols}]"))),
    };
    let (encoding, symbols) = match file.kind("embedding.weight") {
        Some(_) => (Encoding::Embedding(input), rows("embedding.weight", input)?),
        None => (Encoding::OneHot, input),
    };
    let config = NetworkConfig {
        encoding,
        layers,
        bidirectional: directions == 2,
        outputs: rows("head.weight", directions * hidden)?,
        learn_initial_state,
        ..NetworkConfig::new(kind, symbols, hidden)
    };
    let mut params = Params::new();
    let network = Network::new(&config, &mut params, &mut ChaCha8Rng::seed_from_u64(0));
    let params = read(&params, file, None)?;
    Ok((network, params))
}

/// Parameters like these with the numbers of a file, which must hold nothing else. With a prefix,
/// that is what stands before the names in the file, in place of our own.
fn read<T: Float>(
    params: &Params<T>,
    mut file: Tensors<'_>,
    prefix: Option<&str>,
) -> Result<Params<T>, Invalid> {
    // ANCHOR: read
    let mut new = params.clone();
    // −0, as it is the number that nothing is changed by adding to: not even −0.
    new.iter_mut().for_each(|p| p.value.fill(T::from_f64(-0.0)));
    for tensor in torch_tensors(params) {
        let name = prefix.map(|prefix| format!("{prefix}{}", local(&tensor.name)));
        let numbers = file.numbers(name.as_ref().unwrap_or(&tensor.name), &tensor.shape)?;
        let numbers: Vec<T> = numbers.into_iter().map(|x| T::from_f64(x.into())).collect();
        tensor.add_to(&mut new, &numbers);
    }
    file.finish()?;
    Ok(new)
    // ANCHOR_END: read
}
