//! The GRU's candidate, reset before the matrix: k = r ⊙ h, n = tanh(a + U k). U is H×H, all others
//! H×B.
//!
//! da = dn ⊙ (1 − n²), dU = da kᵀ, dk = Uᵀ da, dr = dk ⊙ h, dh = dk ⊙ r.
//!
//! The book: book/src/part3/gru.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// da, dr, dU and dh.
fn vjp<'t>(v: &[V<'t>], dn: V<'t>) -> Vec<V<'t>> {
    let (a, r, u, h) = (v[0], v[1], v[2], v[3]);
    let k = r * h;
    let n = (a + u.matmul(k)).tanh();
    let da = dn * (1.0 - n * n);
    // TODO: U is square. Which way round goes the gradient through it?
    let dk = u.matmul(da);
    vec![da, dk * h, da.matmul_t(k), dk * r]
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
        judge(
            &check.derivation(|_, v| (v[0] + v[2].matmul((v[1] * v[3]).label("k"))).tanh().label("n"), vjp),
        );
    }
}
