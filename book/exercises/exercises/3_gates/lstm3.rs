//! The cell state of an LSTM: c = f ⊙ c before + i ⊙ g, all H×B.
//!
//! di = dc ⊙ g, df = dc ⊙ c before, dg = dc ⊙ i, and dc before = dc ⊙ f: the constant error carousel.
//!
//! The book: book/src/part3/lstm-backward.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// di, df, dg and the gradient of the cell state before.
fn vjp<'t>(v: &[V<'t>], dc: V<'t>) -> Vec<V<'t>> {
    let (i, f, g, c_before) = (v[0], v[1], v[2], v[3]);
    // TODO: each factor of a product gets the cotangent times … which one?
    vec![dc * g, dc * f, dc * i, dc * c_before]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [tape.zeros(3, 4); 4];
    vjp(&v, v[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part3/lstm-backward.md")
            .random_input("i", 3, 4, 1.0)
            .random_input("f", 3, 4, 1.0)
            .random_input("g", 3, 4, 1.0)
            .random_input("c before", 3, 4, 1.0);
        judge(&check.derivation(|_, v| (v[1] * v[3]).label("f c") + (v[0] * v[2]).label("i g"), vjp));
    }
}
