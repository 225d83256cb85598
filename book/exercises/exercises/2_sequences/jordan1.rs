//! One step of Jordan's network backward: h = tanh(W y_{t−1} + x_t) (H×B), y_t = V h (O×B).
//!
//! With dy complete: dV = dy hᵀ, dh = Vᵀ dy, da = dh ⊙ (1 − h²), dW = da y_{t−1}ᵀ, dx = da,
//! dy_{t−1} = Wᵀ da.
//!
//! The book: book/src/part2/jordan.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// The gradients of W, V, x and y_{t−1}.
fn vjp<'t>(v: &[V<'t>], dy: V<'t>) -> Vec<V<'t>> {
    let (w, v_hy, x, y_before) = (v[0], v[1], v[2], v[3]);
    let h = (w.matmul(y_before) + x).tanh();
    let da = v_hy.t_matmul(dy) * (1.0 - h * h);
    // TODO: what is fed back has a gradient, too.
    vec![da.matmul_t(y_before), dy.matmul_t(h), da, w.tape().zeros(y_before.rows(), y_before.cols())]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [tape.zeros(3, 2), tape.zeros(2, 3), tape.zeros(3, 1), tape.zeros(2, 1)];
    vjp(&v, tape.zeros(2, 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part2/jordan.md")
            .random_input("W", 3, 2, 1.0)
            .random_input("V", 2, 3, 1.0)
            .random_input("x", 3, 4, 1.0)
            .random_input("y before", 2, 4, 1.0);
        judge(&check.derivation(|_, v| v[1].matmul((v[0].matmul(v[3]) + v[2]).tanh()), vjp));
    }
}
