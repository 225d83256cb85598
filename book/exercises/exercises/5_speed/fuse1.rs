//! Fusing: all that an LSTM does entry by entry, as one operation. From z (4H×B, order i, f, g, o) and
//! c (H×B) to h' above c' (2H×B).
//!
//! On the tape it is ten operations, each of which reads and writes whole matrices. Here one loop reads
//! z and c once. Forward and backward are those of lstm5.
//!
//! The book: book/src/part5/fastest.md

use autograd::{Gradients, Inputs, Op, Output};

struct Gates;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Op<f64> for Gates {
    fn name(&self) -> &'static str {
        "gates"
    }

    fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
        let ((rows, cols), c) = (x.shape(0), x.shape(1));
        if rows == 4 * c.0 && cols == c.1 {
            Ok((2 * c.0, cols))
        } else {
            Err("z must have four times the rows of c".into())
        }
    }

    fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], _saved: &mut [f64]) {
        let (z, c, n) = (x.value(0), x.value(1), x.value(1).len());
        for k in 0..n {
            let (i, f, g, o) = (sigmoid(z[k]), sigmoid(z[n + k]), z[2 * n + k].tanh(), sigmoid(z[3 * n + k]));
            y[n + k] = f * c[k] + i * g;
            y[k] = o * y[n + k].tanh();
        }
    }

    fn backward(&self, x: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
        let (z, c, n) = (x.value(0), x.value(1), x.value(1).len());
        let (mut dz, mut dc) = (vec![0.0; 4 * n], vec![0.0; n]);
        for k in 0..n {
            let (i, f, g, o) = (sigmoid(z[k]), sigmoid(z[n + k]), z[2 * n + k].tanh(), sigmoid(z[3 * n + k]));
            let tanh_c = y.value[n + k].tanh();
            // TODO: h' depends on c', too.
            let (dh_next, dc_next) = (y.cotangent[k], y.cotangent[n + k]);
            dz[k] = dc_next * g * i * (1.0 - i);
            dz[n + k] = dc_next * c[k] * f * (1.0 - f);
            dz[2 * n + k] = dc_next * i * (1.0 - g * g);
            dz[3 * n + k] = dh_next * tanh_c * o * (1.0 - o);
            dc[k] = dc_next * f;
        }
        // Others may have left something there: an operation only ever adds.
        for (input, own) in [dz, dc].iter().enumerate() {
            dx.of(input).into_iter().flatten().zip(own).for_each(|(sum, own)| *sum += own);
        }
    }
}

fn main() {
    let tape = autograd::Tape::new();
    tape.apply(Gates, &[tape.zeros(4, 1), tape.zeros(1, 1)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_the_equations() {
        let check = Check::new(3)
            .book("book/src/part5/fastest.md")
            .random_input("z", 8, 3, 1.0)
            .gates(&["i", "f", "g", "o"])
            .random_input("c", 2, 3, 1.0);
        judge(&check.run_beside(
            |tape, v| {
                let [i, f, g, o] = v[0].chunk();
                let c = (f.sigmoid() * v[1] + i.sigmoid() * g.tanh()).label("c'");
                tape.concat_rows(&[o.sigmoid() * c.tanh(), c])
            },
            |tape, v| tape.apply(Gates, &[v[0], v[1]]),
        ));
    }
}
