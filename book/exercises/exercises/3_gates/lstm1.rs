//! One step of an LSTM: z = W x + U h + b; i, f, o = σ(z_i), σ(z_f), σ(z_o), g = tanh(z_g); then
//! c' = f ⊙ c + i ⊙ g and h' = o ⊙ tanh(c').
//!
//! W is 4H×I, U is 4H×H, b is 4H×1, in the order i, f, g, o; x is I×B, all others are H×B.
//!
//! The book: book/src/part3/lstm.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// h' and c'.
fn step<'t>([w, u, b]: [V<'t>; 3], x: V<'t>, h: V<'t>, c: V<'t>) -> [V<'t>; 2] {
    let [i, f, g, o] = (w.matmul(x) + u.matmul(h) + b).chunk();
    let (i, f, g, o) = (i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid());
    // TODO: which gate does what? And what has become of tanh?
    let c = i * c + f * g;
    [o * c, c]
}

fn main() {
    let tape = autograd::Tape::new();
    let zeros = |rows| tape.zeros(rows, 1);
    step([zeros(4), zeros(4), zeros(4)], zeros(1), zeros(1), zeros(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// h' and c' of one unit that held c = 2, where only these biases speak: ±99 opens or shuts a gate.
    fn after(b: [f64; 4]) -> [f64; 2] {
        let tape = autograd::Tape::new();
        let zeros = |rows| tape.zeros(rows, 1);
        let c = tape.constant(1, 1, &[2.0]);
        step([zeros(4), zeros(4), tape.constant(4, 1, &b)], zeros(1), zeros(1), c).map(|v| v.item())
    }

    #[test]
    fn the_forget_gate_keeps() {
        assert_eq!(after([-99., 99., 0.5, 99.]), [2_f64.tanh(), 2.0], "h and c; left: yours");
    }

    #[test]
    fn the_input_gate_writes() {
        let g = 0.5_f64.tanh();
        assert_eq!(after([99., -99., 0.5, 99.]), [g.tanh(), g], "h and c; left: yours");
    }

    #[test]
    fn the_output_gate_hides() {
        assert!(after([-99., 99., 0.5, -99.])[0].abs() < 1e-9);
    }
}
