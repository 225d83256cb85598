//! Your own cell, checked. This one is the least that remembers: one gate, f, that both keeps and makes
//! room.
//!
//! f = σ(z_f), n = tanh(z_n), h' = f ⊙ h + (1 − f) ⊙ n, with z = [z_f; z_n] (2H×B), all others H×B.
//!
//! Solve it as it is. Then write another cell into `step` (the order of its gates, what it keeps, what
//! it forgets are yours), derive it, and run the check again: it judges whatever stands in `step`.
//!
//! The book: book/src/part3/variants.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// h' of z and h.
fn step<'t>(z: V<'t>, h: V<'t>) -> V<'t> {
    let [f, n] = z.chunk();
    let (f, n) = (f.sigmoid().label("f"), n.tanh().label("n"));
    (f * h + (1.0 - f) * n).label("h'")
}

/// dz and dh, from the cotangent of h'.
fn vjp<'t>(z: V<'t>, h: V<'t>, d: V<'t>) -> Vec<V<'t>> {
    let [f, n] = z.chunk();
    let (f, n) = (f.sigmoid(), n.tanh());
    let (dz_f, dz_n) = (d * (h - n) * f * (1.0 - f), d * (1.0 - f) * (1.0 - n * n));
    vec![z.tape().concat_rows(&[dz_f, dz_n]), d * f]
}

fn main() {
    let tape = autograd::Tape::new();
    let (z, h) = (tape.zeros(2, 1), tape.zeros(1, 1));
    vjp(z, h, step(z, h));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part3/variants.md")
            .random_input("z", 6, 4, 1.0)
            .gates(&["f", "n"])
            .random_input("h", 3, 4, 1.0);
        judge(&check.derivation(|_, v| step(v[0], v[1]), |v, d| vjp(v[0], v[1], d)));
    }
}
