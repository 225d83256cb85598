//! Feature hashing: vectors of a fixed length for any number of symbols, without a table.

use crate::hash::fnv1a;
use autograd::{Float, Tape, Var};

/// T·B ids, step by step, as a sequence (T·N)×B of columns that are ±1 at one place and 0 elsewhere.
///
/// The place of symbol `id` is ⌊h(id) · N / 2⁶⁴⌋ and its sign another bit of the same hash h (FNV-1a): no table, no
/// vocabulary, nothing learned. Two symbols may meet at one place; with opposite signs they can still be told apart, and the signs
/// keep inner products right in the mean. A one-hot vector is the case without collisions, N = V.
/// Weinberger et al., "Feature hashing for large scale multitask learning" (2009).
///
/// # Panics
/// If the ids do not fill whole steps of `batch`, or there are no features.
///
/// ```
/// let tape = autograd::Tape::<f64>::new();
/// let x = models::layers::hashing(&tape, &[70_000], 4, 1); // one symbol of very many, in four features
/// assert_eq!(x.value().iter().filter(|x| x.abs() == 1.0).count(), 1);
/// ```
#[track_caller]
pub fn hashing<'t, T: Float>(tape: &'t Tape<T>, ids: &[usize], features: usize, batch: usize) -> Var<'t, T> {
    assert!(features > 0, "hashing: there must be at least one feature");
    assert!(
        batch > 0 && ids.len().is_multiple_of(batch),
        "hashing: {} ids do not fill steps of {batch}",
        ids.len()
    );
    tape.constant_with(ids.len() / batch * features, batch, |x| {
        for (at, &id) in ids.iter().enumerate() {
            let (place, sign) = place(id, features);
            x[(at / batch * features + place) * batch + at % batch] = T::from_f64(sign);
        }
    })
}

// ANCHOR: place
/// Where a symbol goes among N features, from the highest bits of its hash, and its sign, from a bit in the middle.
fn place(id: usize, features: usize) -> (usize, f64) {
    let hash = fnv1a(&(id as u64).to_le_bytes());
    let place = (u128::from(hash) * features as u128) >> 64;
    (place as usize, if hash >> 31 & 1 == 0 { 1.0 } else { -1.0 })
}
// ANCHOR_END: place
