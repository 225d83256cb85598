//! The output of an LSTM: h = o ⊙ tanh(c), all H×B.
//!
//! do = dh ⊙ tanh(c), dc = dh ⊙ o ⊙ (1 − tanh²(c)).
//!
//! The book: book/src/part3/lstm-backward.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// do and dc.
fn vjp<'t>(o: V<'t>, c: V<'t>, dh: V<'t>) -> Vec<V<'t>> {
    let tanh_c = c.tanh();
    vec![dh * tanh_c, dh * o * (1.0 - tanh_c * tanh_c)]
}

fn main() {
    let tape = autograd::Tape::new();
    vjp(tape.zeros(3, 4), tape.zeros(3, 4), tape.zeros(3, 4));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part3/lstm-backward.md")
            .random_input("o", 3, 4, 1.0)
            .random_input("c", 3, 4, 1.0);
        judge(&check.derivation(|_, v| (v[0] * v[1].tanh()).label("h"), |v, dh| vjp(v[0], v[1], dh)));
    }
}
