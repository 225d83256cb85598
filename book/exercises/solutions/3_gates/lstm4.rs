//! Through the gates' functions: i, f, o = σ(z_i), σ(z_f), σ(z_o), g = tanh(z_g); z is 4H×B, in the
//! order i, f, g, o.
//!
//! dz_i = di ⊙ i (1 − i), dz_f and dz_o alike, dz_g = dg ⊙ (1 − g²).
//!
//! The book: book/src/part3/lstm-backward.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// dz, from the pre-activations and the stacked cotangents of i, f, g, o.
fn vjp<'t>(z: V<'t>, d: V<'t>) -> V<'t> {
    let [i, f, g, o] = z.chunk();
    let (i, f, g, o) = (i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid());
    let [di, df, dg, d_o] = d.chunk();
    let (dz_i, dz_f, dz_o) = (di * i * (1.0 - i), df * f * (1.0 - f), d_o * o * (1.0 - o));
    let dz_g = dg * (1.0 - g * g);
    z.tape().concat_rows(&[dz_i, dz_f, dz_g, dz_o])
}

fn main() {
    let tape = autograd::Tape::new();
    vjp(tape.zeros(4, 1), tape.zeros(4, 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part3/lstm-backward.md")
            .random_input("z", 8, 3, 1.0)
            .gates(&["i", "f", "g", "o"]);
        judge(&check.derivation(
            |tape, v| {
                let [i, f, g, o] = v[0].chunk();
                tape.concat_rows(&[i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()])
            },
            |v, d| vec![vjp(v[0], d)],
        ));
    }
}
