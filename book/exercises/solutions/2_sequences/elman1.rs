//! One step of Elman's network: h_t = tanh(W x_t + U h_{t−1} + b).
//!
//! W is H×I, U is H×H, b is H×1, x_t is I×B, h is H×B.
//!
//! The book: book/src/part2/elman.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// h_t.
fn step<'t>([w, u, b]: [V<'t>; 3], x: V<'t>, h: V<'t>) -> V<'t> {
    (w.matmul(x) + u.matmul(h) + b).tanh()
}

fn main() {
    let tape = autograd::Tape::new();
    let p = [tape.zeros(2, 1), tape.zeros(2, 2), tape.zeros(2, 1)];
    step(p, tape.zeros(1, 1), tape.zeros(2, 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let tape = autograd::Tape::new();
        let p = [
            tape.constant(2, 1, &[1.0, -1.0]),
            tape.constant(2, 2, &[0.0, 1.0, 0.5, 0.0]),
            tape.constant(2, 1, &[0.1, 0.2]),
        ];
        let h = step(p, tape.constant(1, 1, &[0.5]), tape.constant(2, 1, &[0.4, 0.3]));
        let expected = [(0.5_f64 + 0.3 + 0.1).tanh(), (-0.5_f64 + 0.2 + 0.2).tanh()];
        assert_eq!(h.value(), expected, "h; left: yours");
    }
}
