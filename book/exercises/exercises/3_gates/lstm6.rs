//! An LSTM through time: z_t = U h_{t−1} + x_t (4H×B) at t = 0 … T − 1, from h_0 and c_0 (H×B); the
//! outputs are all h_t.
//!
//! At t = T − 1 … 0: dh = dy_t + what step t + 1 left of h, and dc what it left of c; then one step
//! back (lstm5), which gives dz_t = dx_t and what is left for step t − 1.
//!
//! The book: book/src/part3/lstm-backward.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

const T: usize = 4;
const H: usize = 2;
const B: usize = 3;

/// Forward: i, f, g, o, c before and c of every step, and all h from h_0 on.
fn forward<'t>(v: &[V<'t>]) -> (Vec<[V<'t>; 6]>, Vec<V<'t>>) {
    let (u, x, mut h, mut c) = (v[0], v[1], v[2], v[3]);
    let (mut steps, mut hs) = (Vec::new(), vec![h]);
    for t in 0..T {
        u.tape().set_step(Some(t)); // for the report
        let z = u.matmul(h) + x.row_block(t * 4 * H..(t + 1) * 4 * H);
        let [i, f, g, o] = z.label("z").chunk();
        let (i, f, g, o, before) = (i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid(), c);
        c = (f * before + i * g).label("c");
        h = (o * c.tanh()).label("h");
        steps.push([i, f, g, o, before, c]);
        hs.push(h);
    }
    u.tape().set_step(None);
    (steps, hs)
}

/// One step back: dz, and what is left of c before.
fn back<'t>([i, f, g, o, before, c]: [V<'t>; 6], dh: V<'t>, dc: V<'t>) -> (V<'t>, V<'t>) {
    let (tanh_c, dc) = (c.tanh(), dc + dh * o * (1.0 - c.tanh().square()));
    let (dz_i, dz_f) = (dc * g * i * (1.0 - i), dc * before * f * (1.0 - f));
    let (dz_g, dz_o) = (dc * i * (1.0 - g * g), dh * tanh_c * o * (1.0 - o));
    (dh.tape().concat_rows(&[dz_i, dz_f, dz_g, dz_o]), dc * f)
}

/// The gradients of U (4H×H), x (4TH×B), h_0 and c_0.
fn vjp<'t>(v: &[V<'t>], dy: V<'t>) -> Vec<V<'t>> {
    let (u, tape, (steps, hs)) = (v[0], dy.tape(), forward(v));
    let zeros = tape.zeros(H, B);
    let (mut du, mut dx, mut dh_left, mut dc_left) = (tape.zeros(4 * H, H), Vec::new(), zeros, zeros);
    for t in (0..T).rev() {
        let dh = dy.row_block(t * H..(t + 1) * H) + dh_left;
        // TODO: dc_left is left by step t + 1, and nobody takes it.
        let (dz, dc) = back(steps[t], dh, zeros);
        du = du + dz.matmul_t(hs[t]); // h before
        dx.push(dz);
        dh_left = u.t_matmul(dz);
        dc_left = dc;
    }
    dx.reverse();
    vec![du, tape.concat_rows(&dx), dh_left, dc_left]
}

fn main() {
    let tape = autograd::Tape::new();
    let v = [(4 * H, H), (4 * T * H, B), (H, B), (H, B)].map(|(rows, cols)| tape.zeros(rows, cols));
    vjp(&v, tape.zeros(T * H, B));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3)
            .book("book/src/part3/lstm-backward.md")
            .random_input("U", 4 * H, H, 0.8)
            .gates(&["i", "f", "g", "o"])
            .random_input("x", 4 * T * H, B, 1.0)
            .steps(T)
            .random_input("h_0", H, B, 1.0)
            .random_input("c_0", H, B, 1.0);
        judge(&check.derivation(|tape, v| tape.concat_rows(&forward(v).1[1..]), vjp));
    }
}
