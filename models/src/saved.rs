//! A trainer in a file, for a training loop of your own that is to stop and go on bit for bit.
//!
//! The file holds the parameters (`model.…`), what the optimiser remembers (`optimizer.…`) and, in its
//! metadata, the optimiser and how many steps it has made. What the loop itself draws or counts is the
//! loop's to keep: for the runs of the `rnn` command see [`checkpoint`](crate::checkpoint).

use crate::choice::Invalid;
use crate::tensors::Tensors;
use crate::train::Trainer;
use safetensors::{Dtype, tensor::TensorView};
use std::collections::HashMap;

/// The bytes of a safetensors file from which [`load`] goes on.
///
/// ```
/// use models::{optim::Rule, params::Params, saved, train::Trainer};
///
/// let trainer = || {
///     let mut params = Params::<f32>::new();
///     let w = params.add("w", 1, 1, vec![0.0]);
///     (Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.1), w)
/// };
/// let ((mut whole, w), (mut resumed, _)) = (trainer(), trainer());
/// whole.step(|p| (p.get(w) - 2.0).square()).unwrap();
/// saved::load(&mut resumed, &saved::to_bytes(&whole)).unwrap();
/// for trainer in [&mut whole, &mut resumed] {
///     trainer.step(|p| (p.get(w) - 2.0).square()).unwrap();
/// }
/// assert_eq!(whole.params.get(w).value, resumed.params.get(w).value);
/// ```
pub fn to_bytes(trainer: &Trainer<f32>) -> Vec<u8> {
    let params = trainer.params.iter().map(|p| (format!("model.{}", p.name), p.value.as_slice()));
    let state = trainer.optimizer.state().into_iter().map(|(name, x)| (format!("optimizer.{name}"), x));
    let tensors: Vec<(String, Vec<u8>)> = params
        .chain(state)
        .map(|(name, x)| (name, x.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, bytes)| {
        let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
        (name, view.expect("the shape was made for these bytes"))
    });
    let metadata = HashMap::from([
        ("optimizer".to_string(), trainer.optimizer.rule().to_string()),
        ("steps".to_string(), trainer.optimizer.steps().to_string()),
    ]);
    safetensors::serialize(views, Some(metadata)).expect("a file in memory can always be written")
}

/// Sets a trainer of the same parameters and optimiser to where another one stood when it was saved.
///
/// # Errors
/// If the file is damaged or was saved by a trainer with another optimiser or other parameters; the
/// trainer is then left as it was.
pub fn load(trainer: &mut Trainer<f32>, bytes: &[u8]) -> Result<(), Invalid> {
    let mut file = Tensors::open(bytes)?;
    let steps = file.metadata("steps").and_then(|steps| steps.parse().ok());
    let steps = steps.ok_or_else(|| Invalid("holds tensors, but is not a saved trainer".into()))?;
    let (ours, theirs) = (trainer.optimizer.rule().to_string(), file.metadata("optimizer").unwrap_or(""));
    if ours != theirs {
        return Err(Invalid(format!("was saved by the optimiser {theirs}; this one is {ours}")));
    }
    let mut values = Vec::new();
    for p in trainer.params.iter() {
        values.push(file.numbers(&format!("model.{}", p.name), &[p.value.len()])?);
    }
    let mut state = Vec::new();
    for (name, entries) in trainer.optimizer.state() {
        let saved = file.numbers(&format!("optimizer.{name}"), &[entries.len()])?;
        state.push((name, saved));
    }
    file.finish()?;
    trainer.optimizer.load_state(steps, &state)?;
    trainer.params.iter_mut().zip(values).for_each(|(p, value)| p.value = value);
    Ok(())
}
