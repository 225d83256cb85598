//! Your own cell, trained and compared: it must remember what Elman's network cannot.
//!
//! z = W x + U h + b (2H×B), f = σ(z_f), n = tanh(z_n), h' = f ⊙ h + (1 − f) ⊙ n; or an idea of your
//! own. The task: one of ten symbols is shown, then distractors, then the question: which was it?
//!
//! The book: book/src/part5/compared.md

use autograd::Var;
use exercises::compare::{Equations, Weights};

/// h' (H×B) of x (I×B) and h (H×B), with W (2H×I), U (2H×H) and b (2H×1).
struct Own;

impl Equations for Own {
    const BLOCKS: usize = 2;

    fn step<'t>(&self, [w, u, b]: Weights<'t>, x: Var<'t, f32>, h: Var<'t, f32>) -> Var<'t, f32> {
        let [f, n] = (w.matmul(x) + u.matmul(h) + b).chunk();
        let (f, n) = (f.sigmoid(), n.tanh());
        f * h + (1.0 - f) * n
    }
}

fn main() {
    println!("The comparison is a test: cargo test --bin own2");
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::compare;

    #[test]
    fn remembers_what_elman_forgets() {
        let (own, elman) = (compare::own(Own), compare::elman());
        assert!(
            own > 0.8 && own > elman + 0.3,
            "right answers after 300 updates: yours {own:.2}, Elman's {elman:.2}"
        );
    }
}
