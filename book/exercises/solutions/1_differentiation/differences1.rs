//! Derivatives by differences, for functions of one number.
//!
//! D(h) = (f(x+h) − f(x−h)) / 2h, and Richardson's (4 D(h/2) − D(h)) / 3.
//!
//! The book: book/src/part1/check.md

/// D(h).
fn central(f: &dyn Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    (f(x + h) - f(x - h)) / (2.0 * h)
}

/// Richardson's extrapolation.
fn richardson(f: &dyn Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    (4.0 * central(f, x, h / 2.0) - central(f, x, h)) / 3.0
}

fn main() {
    println!("{}", richardson(&f64::sin, 1.0, 0.1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors() {
        let error = |d: f64| (d - 1.0_f64.cos()).abs();
        let (plain, better) = (error(central(&f64::sin, 1.0, 0.1)), error(richardson(&f64::sin, 1.0, 0.1)));
        assert!(plain < 1e-3, "off by {plain:.1e}: a central difference is off by h²/6 |f‴|, no more");
        assert!(better < 1e-6, "off by {better:.1e}: Richardson's by h⁴/480 |f⁽⁵⁾|");
    }
}
