//! The best step of a central difference.
//!
//! E(h) = h²/6 |f‴| + u |f| / h, with u = 2⁻⁵³, is least at h = (3 u |f| / |f‴|)^(1/3).
//!
//! The book: book/src/part1/check.md

/// The best step, from |f| and |f‴|.
fn best_step(f: f64, third: f64) -> f64 {
    let u = f64::EPSILON / 2.0;
    (3.0 * u * f / third).cbrt()
}

fn main() {
    println!("{:e}", best_step(1.0, 1.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_step_is_better() {
        for (f, third) in [(1.0, 1.0), (0.6, 0.8), (1e6, 2.0)] {
            let error = |h: f64| h * h / 6.0 * third + f64::EPSILON / 2.0 * f / h;
            let best = best_step(f, third);
            assert!(
                [0.9, 0.99, 1.01, 1.1].iter().all(|k| error(best) < error(k * best)),
                "of these steps {best:e} is not the best"
            );
        }
    }
}
