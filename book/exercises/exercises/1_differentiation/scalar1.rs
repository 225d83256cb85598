//! The chain rule: y = tanh(z) with z = w x + b, all numbers (1×1).
//!
//! dy/dz = 1 − y², and dz/dw, dz/dx, dz/db are what stands beside each letter.
//!
//! The book: book/src/part1/chain-rule.md

/// dy/dw, dy/dx, dy/db.
fn gradient(w: f64, x: f64, b: f64) -> [f64; 3] {
    let y = (w * x + b).tanh();
    let dz = 1.0 - y * y;
    // TODO: what does z = w x + b pass on to w, and what to x?
    [dz * w, dz * x, dz]
}

fn main() {
    println!("{:?}", gradient(0.5, 2.0, 0.1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use exercises::{Check, judge};

    #[test]
    fn agrees_with_differences() {
        let check = Check::new(1)
            .book("book/src/part1/chain-rule.md")
            .random_input("w", 1, 4, 1.0)
            .random_input("x", 1, 4, 1.0)
            .random_input("b", 1, 4, 1.0);
        let report = check.derivation(
            |_, v| (v[0] * v[1] + v[2]).label("z").tanh().label("y"),
            |v, dy| {
                let [w, x, b, dy] = [v[0], v[1], v[2], dy].map(|v| v.value());
                let of = |k: usize, letter: usize| gradient(w[k], x[k], b[k])[letter] * dy[k];
                let row = |letter| [0, 1, 2, 3].map(|k| of(k, letter));
                (0..3).map(|letter| v[0].tape().constant(1, 4, &row(letter))).collect()
            },
        );
        judge(&report);
    }
}
