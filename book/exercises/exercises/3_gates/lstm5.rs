//! One step of an LSTM backward, whole: z = W x + U h + b; i, f, g, o from z; c' = f ⊙ c + i ⊙ g;
//! h' = o ⊙ tanh(c').
//!
//! dc' = what the next step left + dh' ⊙ o ⊙ (1 − tanh²(c')); di, df, dg, do and dc as in lstm2 and
//! lstm3; dz as in lstm4; dW = dz xᵀ, dU = dz hᵀ, db = dz 1, dx = Wᵀ dz, dh = Uᵀ dz. W is 4H×I, U is
//! 4H×H, b is 4H×1.
//!
//! The book: book/src/part3/lstm-backward.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// i, f, g, o, c' of the inputs W, U, b, x, h, c.
fn step<'t>(v: &[V<'t>]) -> [V<'t>; 5] {
    let [i, f, g, o] = (v[0].matmul(v[3]) + v[1].matmul(v[4]) + v[2]).label("z").chunk();
    let (i, f, g, o) =
        (i.sigmoid().label("i"), f.sigmoid().label("f"), g.tanh().label("g"), o.sigmoid().label("o"));
    [i, f, g, o, (f * v[5] + i * g).label("c'")]
}

/// dW, dU, db, dx, dh and dc, from what is left of h' and c'.
fn vjp<'t>(v: &[V<'t>], [dh_next, dc_next]: [V<'t>; 2]) -> Vec<V<'t>> {
    let (w, u, x, h, c) = (v[0], v[1], v[3], v[4], v[5]);
    let [i, f, g, o, c_next] = step(v);
    // TODO: the shapes are right, and that is all.
    let dz = w.tape().concat_rows(&[dh_next * i, dh_next * f, dh_next * g, dh_next * o]);
    let dc = dc_next * c * c_next;
    vec![dz.matmul_t(x), dz.matmul_t(h), dz.sum_cols(), w.t_matmul(dz), u.t_matmul(dz), dc]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [4, 4, 4, 1, 1, 1].map(|rows| tape.zeros(rows, 1));
    vjp(&v, [v[4], v[5]]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let (i, h, b) = (2, 3, 4);
        let check = Check::new(3)
            .book("book/src/part3/lstm-backward.md")
            .random_input("W", 4 * h, i, 1.0)
            .gates(&["i", "f", "g", "o"])
            .random_input("U", 4 * h, h, 1.0)
            .gates(&["i", "f", "g", "o"])
            .random_input("b", 4 * h, 1, 1.0)
            .gates(&["i", "f", "g", "o"])
            .random_input("x", i, b, 1.0)
            .random_input("h", h, b, 1.0)
            .random_input("c", h, b, 1.0);
        judge(&check.derivation(h_and_c, |v, d| vjp(v, d.chunk())));
    }

    /// h' above c'.
    fn h_and_c<'t>(tape: &'t autograd::Tape<f64>, v: &[V<'t>]) -> V<'t> {
        let [_, _, _, o, c] = step(v);
        tape.concat_rows(&[(o * c.tanh()).label("h'"), c])
    }
}
