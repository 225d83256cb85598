//! Drawing a class at a temperature: p_k = exp(x_k / τ) / Σ_j exp(x_j / τ), x and p are V numbers.
//!
//! The pieces p_0, p_1, … lie end to end on a line; u, uniform between 0 and 1, falls on one of them.
//!
//! The book: book/src/part4/writing.md

/// The class that u falls on.
fn sample(scores: &[f64], temperature: f64, u: f64) -> usize {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // TODO: this is a knob that is connected to nothing.
    let weights: Vec<f64> = scores.iter().map(|x| (x - largest).exp() / temperature).collect();
    let mut left = u * weights.iter().sum::<f64>();
    for (class, weight) in weights.iter().enumerate() {
        if left < *weight {
            return class;
        }
        left -= weight;
    }
    scores.len() - 1
}

fn main() {
    println!("class {}", sample(&[2.0, 1.0], 0.8, 0.5));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shares of the classes, for u = 0, 0.001, 0.002 …
    fn shares(temperature: f64) -> Vec<f64> {
        let mut shares = vec![0.0; 4];
        (0..1000).for_each(|k| {
            shares[sample(&[2.0, 1.0, 0.5, -1.0], temperature, f64::from(k) / 1000.0)] += 0.001
        });
        shares
    }

    #[test]
    fn cold_warm_and_hot() {
        for (temperature, want) in [
            (0.02, [1.0, 0.0, 0.0, 0.0]),
            (0.5, [0.842, 0.114, 0.042, 0.002]),
            (2.0, [0.434, 0.264, 0.205, 0.097]),
        ] {
            let got = shares(temperature);
            let close = got.iter().zip(want).all(|(got, want)| (got - want).abs() < 0.002);
            assert!(close, "at temperature {temperature}: {got:.3?}, should be {want:?}");
        }
    }
}
