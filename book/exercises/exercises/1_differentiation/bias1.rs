//! The bias: Y = A + b 1ᵀ, with A 3×4 and b 3×1.
//!
//! Ā = Ȳ (3×4), b̄ = Ȳ 1 (3×1): what was copied to every column is summed over the columns.
//!
//! The book: book/src/part1/vjps.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// Ā and b̄.
fn vjp<'t>(_b: V<'t>, dy: V<'t>) -> [V<'t>; 2] {
    // TODO: this is the mean over the columns.
    [dy, dy.sum_cols() / dy.cols() as f64]
}

fn main() {
    let tape = autograd::Tape::new();
    vjp(tape.zeros(3, 1), tape.zeros(3, 4));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part1/vjps.md")
            .random_input("A", 3, 4, 1.0)
            .random_input("b", 3, 1, 1.0)
            .size("B", 4);
        judge(&check.derivation(|_, v| v[0] + v[1], |v, dy| vjp(v[1], dy).to_vec()));
    }
}
