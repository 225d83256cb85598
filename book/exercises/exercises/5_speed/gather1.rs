//! Gathering: the weight gradient of all steps is one product. z_t = x_t Wᵀ, with one example in each
//! row.
//!
//! dW = Σ_t dz_tᵀ x_t = dzᵀ x: dz is (T·B)×H and x is (T·B)×I, step t their rows t·B to (t + 1)·B.
//! T products that each add to all of dW become one that writes it once.
//!
//! The book: book/src/part5/fastest.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

const B: usize = 2;

/// dW (H×I).
fn weight_gradient<'t>(dz: V<'t>, x: V<'t>) -> V<'t> {
    // TODO: T products and T − 1 sums.
    let rows = |v: V<'t>, t: usize| v.row_block(t * B..(t + 1) * B);
    let products = (0..dz.rows() / B).map(|t| rows(dz, t).t_matmul(rows(x, t)));
    products.reduce(|sum, product| sum + product).unwrap()
}

fn main() {
    let tape = autograd::Tape::new();
    weight_gradient(tape.zeros(4 * B, 3), tape.zeros(4 * B, 2));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part5/fastest.md")
            .random_input("W", 3, 2, 1.0)
            .random_input("x", 4 * B, 2, 1.0);
        judge(&check.derivation(
            |_, v| v[1].matmul_t(v[0]),
            |v, dz| vec![weight_gradient(dz, v[1]), dz.matmul(v[0])],
        ));
    }

    #[test]
    fn one_product() {
        let tape = autograd::Tape::new();
        let (dz, x) = (tape.zeros(4 * B, 3), tape.zeros(4 * B, 2));
        let before = tape.len();
        weight_gradient(dz, x);
        assert_eq!(tape.len() - before, 1, "nodes on the tape");
    }
}
