//! Since when: the quantities inside, step by step, in the order of the backward pass.

use crate::{Tape, Var};

/// How far the backward pass was right, among the quantities that have names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// The last quantity, going backward, whose gradient is right.
    pub last_right: Option<String>,
    /// The first whose gradient is wrong.
    pub first_wrong: String,
}

/// Name with scope and step, and the gradient.
type Shown = Vec<(String, Vec<f64>)>;

/// Every named quantity on a tape, in the order of the forward pass, with its gradient.
pub(super) fn shown(tape: &Tape<f64>, y: Var<'_, f64>, cotangent: &[f64]) -> Shown {
    tape.retain_grads(true);
    y.backward_with(cotangent);
    let mut shown = Shown::new();
    tape.trace(&mut |q| {
        let scope = q.scope.map_or(String::new(), |scope| format!("{scope}."));
        let step = q.step.map_or(String::new(), |t| format!(" at step {t}"));
        let grad = q.grad.map_or_else(|| vec![0.0; q.value.len()], <[f64]>::to_vec);
        shown.push((format!("{scope}{}{step}", q.name), grad));
    });
    tape.retain_grads(false);
    shown
}

/// Yours against the equations', in whose order the backward pass is followed.
pub(super) fn since(yours: &Shown, right: &Shown, tolerance: f64) -> Option<Since> {
    let mut last_right = None;
    for (name, right) in right.iter().rev() {
        let Some((_, yours)) = yours.iter().find(|(known, _)| known == name) else { continue };
        let largest = right.iter().chain(yours).fold(0.0, |m: f64, x| m.max(x.abs()));
        let close = |(y, r): (&f64, &f64)| (y - r).abs() <= tolerance * largest;
        if yours.len() != right.len() || !yours.iter().zip(right).all(close) {
            return Some(Since { last_right, first_wrong: name.clone() });
        }
        last_right = Some(name.clone());
    }
    None
}
