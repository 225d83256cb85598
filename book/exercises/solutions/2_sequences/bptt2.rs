//! Backpropagation through time: the weights, which serve every step.
//!
//! h_t = tanh(a_t), a_t = U h_{t−1} + x_t, all H×B; the outputs are h_1 … h_T.
//! At t = T … 1: dh = dy_t + what step t + 1 has left, da = dh ⊙ (1 − h_t²), dU += da h_{t−1}ᵀ,
//! dx_t = da, and Uᵀ da is left for step t − 1. (h[t + 1] here is h_t, for t counts from 0.)
//!
//! The book: book/src/part2/elman.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

const T: usize = 4;
const H: usize = 3;
const B: usize = 2;

/// The states h_0 … h_T.
fn states<'t>(v: &[V<'t>]) -> Vec<V<'t>> {
    let (u, x) = (v[0], v[1]);
    let mut h = vec![v[2]];
    for t in 0..T {
        u.tape().set_step(Some(t)); // for the report
        let a = u.matmul(h[t]) + x.row_block(t * H..(t + 1) * H);
        h.push(a.label("a").tanh().label("h"));
    }
    u.tape().set_step(None);
    h
}

/// The gradients of U, x and h_0.
fn vjp<'t>(v: &[V<'t>], dy: V<'t>) -> Vec<V<'t>> {
    let (u, h) = (v[0], states(v));
    let tape = u.tape();
    let (mut du, mut dx, mut carried) = (tape.zeros(H, H), Vec::new(), tape.zeros(H, B));
    for t in (0..T).rev() {
        let dh = dy.row_block(t * H..(t + 1) * H) + carried;
        let da = dh * (1.0 - h[t + 1] * h[t + 1]);
        du = du + da.matmul_t(h[t]);
        dx.push(da);
        carried = u.t_matmul(da);
    }
    dx.reverse();
    vec![du, tape.concat_rows(&dx), carried]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [tape.zeros(H, H), tape.zeros(T * H, B), tape.zeros(H, B)];
    vjp(&v, tape.zeros(T * H, B));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part2/elman.md")
            .random_input("U", H, H, 0.8)
            .random_input("x", T * H, B, 1.0)
            .steps(T)
            .random_input("h_0", H, B, 1.0)
            .size("T", T);
        judge(&check.derivation(|tape, v| tape.concat_rows(&states(v)[1..]), vjp));
    }
}
