//! The vector–Jacobian product of Y = A B, with A 2×3, B 3×4 and Y 2×4.
//!
//! Ā = Ȳ Bᵀ (2×3), B̄ = Aᵀ Ȳ (3×4).
//!
//! The book: book/src/part1/vjps.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// Ā and B̄. `x.matmul_t(y)` is X Yᵀ, `x.t_matmul(y)` is Xᵀ Y.
fn vjp<'t>(a: V<'t>, b: V<'t>, dy: V<'t>) -> [V<'t>; 2] {
    // TODO: do the shapes fit?
    [dy.matmul(b), a.matmul(dy)]
}

fn main() {
    let tape = autograd::Tape::new();
    let (a, b) = (tape.zeros(1, 1), tape.zeros(1, 1));
    vjp(a, b, tape.zeros(1, 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part1/vjps.md")
            .random_input("A", 2, 3, 1.0)
            .random_input("B", 3, 4, 1.0);
        judge(&check.derivation(|_, v| v[0].matmul(v[1]), |v, dy| vjp(v[0], v[1], dy).to_vec()));
    }
}
