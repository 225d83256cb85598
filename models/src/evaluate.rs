//! How well a network predicts a text.

use crate::choice::Invalid;
use crate::network::Network;
use crate::text::Streams;
use crate::train::Trainer;

/// The steps that are evaluated at once.
const WINDOW: usize = 64;
/// The most streams a text is read in.
const STREAMS: usize = 32;

/// The mean loss, in nats per character, over a text that is read from zero states: in 32 streams, or fewer if it is
/// short, so that a step costs little more than one.
///
/// # Errors
/// If the text has fewer than two characters, or a loss is not finite.
pub fn nats_per_character(
    network: &Network<f32>,
    trainer: &mut Trainer<f32>,
    ids: &[usize],
) -> Result<f64, Invalid> {
    let targets = ids.len().saturating_sub(1);
    let batch = STREAMS.min(targets / WINDOW).max(1);
    // As many characters as fill the streams, and the last one's target.
    let length = targets / batch;
    if length == 0 {
        return Err(Invalid("one character leaves nothing to predict; take a longer text".into()));
    }
    let mut streams = Streams::with_targets(ids.to_vec(), batch, length)?;
    let mut carry = network.initial_carry(batch);
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    let (mut sum, mut count) = (0.0, 0);
    while count < length {
        let (window, _) = streams.advance(WINDOW.min(length - count), 1);
        let steps = window.len();
        streams.fill(window, &mut inputs, &mut targets);
        let loss = trainer.evaluate(|p| {
            let loss = network.forward(p, &inputs, &mut carry).cross_entropy(&targets);
            loss.anomaly().map_or(Ok(loss.item()), Err)
        });
        let loss = loss.map_err(|origin| Invalid(format!("the loss is not finite, first in {origin}")))?;
        (sum, count) = (sum + f64::from(loss) * steps as f64, count + steps);
    }
    Ok(sum / count as f64)
}
