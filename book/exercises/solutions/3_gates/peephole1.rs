//! The cell state before, in an LSTM with peepholes: f = σ(z + w ⊙ c before), c = f ⊙ c before. z, f, c
//! are H×B, w is H×1.
//!
//! dz = dc ⊙ c before ⊙ f (1 − f), dc before = dc ⊙ f + dz ⊙ w, dw = (dz ⊙ c before) 1.
//!
//! The book: book/src/part3/peephole.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// dz, dw and the gradient of the cell state before.
fn vjp<'t>(v: &[V<'t>], dc: V<'t>) -> Vec<V<'t>> {
    let (z, w, c_before) = (v[0], v[1], v[2]);
    let f = (z + c_before * w).sigmoid();
    let dz = dc * c_before * f * (1.0 - f);
    vec![dz, (dz * c_before).sum_cols(), dc * f + dz * w]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [tape.zeros(3, 4), tape.zeros(3, 1), tape.zeros(3, 4)];
    vjp(&v, v[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part3/peephole.md")
            .random_input("z", 3, 4, 1.0)
            .random_input("w", 3, 1, 1.0)
            .random_input("c before", 3, 4, 1.0);
        judge(&check.derivation(|_, v| ((v[0] + v[2] * v[1]).sigmoid().label("f") * v[2]).label("c"), vjp));
    }
}
