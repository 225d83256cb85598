//! Truncated backpropagation through time: gradients stop where a piece of the sequence begins.
//!
//! h_t = tanh(w h_{t−1} + x_t); at the start of every piece the state becomes a constant (all 1×1).
//!
//! The book: book/src/part4/truncated.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// The last state.
fn run<'t>(w: V<'t>, x: &[V<'t>], piece: usize) -> V<'t> {
    let mut h = x[0].tape().zeros(1, 1);
    for (t, &x) in x.iter().enumerate() {
        if t % piece == 0 {
            // TODO: the values go on, and the gradient stops.
            h = h.tape().zeros(1, 1);
        }
        h = (w * h + x).tanh();
    }
    h
}

fn main() {
    let tape = autograd::Tape::new();
    run(tape.leaf(1, 1, &[0.9]), &[tape.leaf(1, 1, &[1.0])], 2);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last state, and the gradients of the inputs.
    fn ran(piece: usize) -> (f64, Vec<f64>) {
        let tape = autograd::Tape::new();
        let w = tape.leaf(1, 1, &[0.9]);
        let x = [0.5, -0.3, 0.8, 0.1].map(|x| tape.leaf(1, 1, &[x]));
        let h = run(w, &x, piece);
        h.backward();
        (h.item(), x.iter().map(|x| x.grad()[0]).collect())
    }

    #[test]
    fn values_go_on_and_gradients_stop() {
        let ((whole, _), (pieces, gradients)) = (ran(9), ran(2));
        assert_eq!(whole, pieces, "the last state is the same");
        assert!(gradients[..2] == [0.0, 0.0] && gradients[2] > 0.0, "{gradients:?}");
    }
}
