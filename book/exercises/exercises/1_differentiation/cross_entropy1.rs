//! Softmax and cross-entropy: L = −(1/B) Σ ln p[target], with p = softmax(x) per column, x V×B.
//!
//! x̄ = (p − onehot) / B times the cotangent of L (1×1).
//!
//! The book: book/src/part1/softmax.md

use autograd::Var;

type V<'t> = Var<'t, f64>;

/// x̄; `one_hot` is V×B with a 1 at every column's target, `dl` the cotangent of the loss.
fn vjp<'t>(x: V<'t>, one_hot: V<'t>, dl: f64) -> V<'t> {
    // TODO: the gradient of the sum over the columns is not that of their mean.
    (x.softmax() - one_hot) * dl
}

fn main() {
    let tape = autograd::Tape::new();
    vjp(tape.zeros(3, 2), tape.zeros(3, 2), 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    const ONE_HOT: [f64; 12] = [0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(3).book("book/src/part1/softmax.md").random_input("x", 4, 3, 1.0).size("B", 3);
        judge(&check.derivation(
            |_, v| v[0].cross_entropy(&[2, 0, 3]),
            |v, dy| vec![vjp(v[0], v[0].tape().constant(4, 3, &ONE_HOT), dy.item())],
        ));
    }
}
