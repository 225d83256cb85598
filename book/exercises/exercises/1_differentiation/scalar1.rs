//! The chain rule: y = tanh(z) with z = w x + b, all numbers (1×1).
//!
//! dy/dz = 1 − y², and dz/dw, dz/dx, dz/db are what stands beside each letter.
//!
//! The book: book/src/part1/chain-rule.md

/// dy/dw, dy/dx, dy/db.
fn gradient(w: f64, x: f64, b: f64) -> [f64; 3] {
    let y = (w * x + b).tanh();
    let dz = 1.0 - y * y;
    // TODO: what does z pass on to w, to x and to b?
    [dz, dz, dz]
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
            .input("w", 1, 1, &[0.7])
            .input("x", 1, 1, &[-1.3])
            .input("b", 1, 1, &[0.4]);
        let report = check.run_with(
            |v| vec![(v[0][0] * v[1][0] + v[2][0]).tanh()],
            |v, dy| {
                let g = gradient(v[0][0], v[1][0], v[2][0]);
                dy.iter().map(|dy| g.iter().map(|g| vec![g * dy[0]]).collect()).collect()
            },
        );
        judge(&report);
    }
}
