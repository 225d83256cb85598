//! One-hot encoding.

use autograd::{Float, Tape, Var};

/// T·B ids, step by step, as a sequence (T·V)×B of columns that are 1 at their id and 0 elsewhere.
/// It costs V numbers a symbol, where an embedding costs E.
///
/// # Panics
/// If an id is not below V or the ids do not fill whole steps of `batch`.
///
/// ```
/// let tape = autograd::Tape::<f64>::new();
/// let x = models::layers::one_hot(&tape, &[2, 0], 3, 2); // one step, two examples
/// assert_eq!(x.value(), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
/// ```
#[track_caller]
pub fn one_hot<'t, T: Float>(tape: &'t Tape<T>, ids: &[usize], symbols: usize, batch: usize) -> Var<'t, T> {
    assert!(batch > 0 && ids.len() % batch == 0, "one_hot: {} ids do not fill steps of {batch}", ids.len());
    // ANCHOR: one-hot
    let steps = ids.len() / batch;
    tape.constant_with(steps * symbols, batch, |x| {
        for (at, &id) in ids.iter().enumerate() {
            assert!(id < symbols, "one_hot: there is no symbol {id} among {symbols}");
            x[(at / batch * symbols + id) * batch + at % batch] = T::ONE;
        }
    })
    // ANCHOR_END: one-hot
}
