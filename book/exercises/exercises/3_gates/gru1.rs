//! The GRU's state: h = (1 − z) ⊙ n + z ⊙ h before, all H×B.
//!
//! dz = dh ⊙ (h before − n), dn = dh ⊙ (1 − z), dh before = dh ⊙ z.
//!
//! The book: book/src/part3/gru.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// dz, dn and the gradient of the state before.
fn vjp<'t>(v: &[V<'t>], dh: V<'t>) -> Vec<V<'t>> {
    let (z, n, h_before) = (v[0], v[1], v[2]);
    // TODO: z occurs twice. With which signs?
    vec![dh * (n - h_before), dh * (1.0 - z), dh * z]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [tape.zeros(3, 4); 3];
    vjp(&v, v[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part3/gru.md")
            .random_input("z", 3, 4, 1.0)
            .random_input("n", 3, 4, 1.0)
            .random_input("h before", 3, 4, 1.0);
        judge(&check.derivation(|_, v| ((1.0 - v[0]) * v[1] + v[0] * v[2]).label("h"), vjp));
    }
}
