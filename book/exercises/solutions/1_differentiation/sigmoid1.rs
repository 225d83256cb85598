//! The sigmoid: Y = σ(X), entry by entry (3×4).
//!
//! X̄ = Ȳ ⊙ Y ⊙ (1 − Y).
//!
//! The book: book/src/part1/vjps.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// X̄, from the input X.
fn vjp<'t>(x: V<'t>, dy: V<'t>) -> V<'t> {
    let y = x.sigmoid();
    dy * y * (1.0 - y)
}

fn main() {
    let tape = autograd::Tape::new();
    vjp(tape.zeros(3, 4), tape.zeros(3, 4));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3).book("book/src/part1/vjps.md").random_input("x", 3, 4, 1.0);
        judge(&check.derivation(|_, v| v[0].sigmoid(), |v, dy| vec![vjp(v[0], dy)]));
    }
}
