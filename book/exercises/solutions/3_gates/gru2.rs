//! The GRU's candidate, reset after the matrix: q = U h, n = tanh(a + r ⊙ q). U is H×H, all others H×B.
//!
//! da = dn ⊙ (1 − n²), dr = da ⊙ q, dq = da ⊙ r, dU = dq hᵀ, dh = Uᵀ dq.
//!
//! The book: book/src/part3/gru.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// da, dr, dU and dh.
fn vjp<'t>(v: &[V<'t>], dn: V<'t>) -> Vec<V<'t>> {
    let (a, r, u, h) = (v[0], v[1], v[2], v[3]);
    let q = u.matmul(h);
    let n = (a + r * q).tanh();
    let da = dn * (1.0 - n * n);
    let dq = da * r;
    vec![da, da * q, dq.matmul_t(h), u.t_matmul(dq)]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [tape.zeros(3, 4), tape.zeros(3, 4), tape.zeros(3, 3), tape.zeros(3, 4)];
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
            .random_input("a", 3, 4, 1.0)
            .random_input("r", 3, 4, 1.0)
            .random_input("U", 3, 3, 1.0)
            .random_input("h", 3, 4, 1.0);
        judge(&check.derivation(|_, v| (v[0] + v[1] * v[2].matmul(v[3]).label("q")).tanh().label("n"), vjp));
    }
}
