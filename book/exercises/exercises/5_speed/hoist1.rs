//! Hoisting: what does not depend on the loop leaves it. h_t = tanh(x_t Wᵀ + h_{t−1} Uᵀ), with one
//! example in each row.
//!
//! x is all inputs, (T·B)×I, step t its rows t·B to (t + 1)·B; W is H×I, U is H×H, h is B×H.
//! x Wᵀ is one product of (T·B)×I and I×H: T·B rows keep a processor busy, B rows may not.
//!
//! The book: book/src/part5/fastest.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// h_1 … h_T.
fn states<'t>(w: V<'t>, u: V<'t>, x: V<'t>, mut h: V<'t>) -> Vec<V<'t>> {
    let batch = h.rows();
    let mut states = Vec::new();
    // TODO: one of the two products can be made before the loop.
    for t in 0..x.rows() / batch {
        let x_t = x.row_block(t * batch..(t + 1) * batch);
        h = (x_t.matmul_t(w) + h.matmul_t(u)).tanh();
        states.push(h);
    }
    states
}

fn main() {
    let tape = autograd::Tape::new();
    states(tape.zeros(3, 2), tape.zeros(3, 3), tape.zeros(4, 2), tape.zeros(1, 3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_states_from_fewer_products() {
        let tape = autograd::Tape::new();
        let w = tape.leaf(3, 2, &[0.1, -0.2, 0.3, 0.4, -0.5, 0.6]);
        let u = tape.leaf(3, 3, &[0.2, 0.1, -0.1, 0.3, -0.3, 0.2, 0.1, 0.1, 0.4]);
        let x: Vec<f64> = (0..20).map(|k| f64::from(k % 7) - 3.0).collect();
        let (x, h) = (tape.leaf(10, 2, &x), tape.zeros(2, 3));
        let (before, states) = (tape.len(), states(w, u, x, h));
        let nodes = tape.len() - before;
        let (mut h, mut want) = (h, Vec::new());
        for t in 0..5 {
            h = (x.row_block(2 * t..2 * t + 2).matmul_t(w) + h.matmul_t(u)).tanh();
            want.extend(h.value());
        }
        let got: Vec<f64> = states.iter().flat_map(|h| h.value()).collect();
        assert!(got.len() == 30 && got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-12));
        // A step needs its rows, a product, a sum and tanh. With a second product in every step there are 25.
        assert!(
            nodes <= 21,
            "{nodes} nodes: one product with W for all steps, and 4 nodes for each of 5 steps"
        );
    }
}
