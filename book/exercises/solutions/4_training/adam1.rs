//! Adam (Kingma and Ba 2015), for one number.
//!
//! m = β₁ m + (1 − β₁) g, v = β₂ v + (1 − β₂) g², and at step k = 1, 2, … with m̂ = m / (1 − β₁ᵏ) and
//! v̂ = v / (1 − β₂ᵏ): x ← x − rate · m̂ / (√v̂ + ε).
//!
//! The book: book/src/part4/optimisers.md

const BETA: [f64; 2] = [0.9, 0.999];

/// The means, and how many steps there were.
#[derive(Default)]
struct Adam {
    m: f64,
    v: f64,
    steps: i32,
}

impl Adam {
    /// By how much x falls.
    fn step(&mut self, g: f64, rate: f64) -> f64 {
        self.steps += 1;
        self.m = BETA[0] * self.m + (1.0 - BETA[0]) * g;
        self.v = BETA[1] * self.v + (1.0 - BETA[1]) * g * g;
        let m = self.m / (1.0 - BETA[0].powi(self.steps));
        let v = self.v / (1.0 - BETA[1].powi(self.steps));
        rate * m / (v.sqrt() + 1e-8)
    }
}

fn main() {
    println!("{}", Adam::default().step(2.0, 0.1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_gradients_make_equal_steps() {
        let mut adam = Adam::default();
        for number in 1..=50 {
            let step = adam.step(-2.0, 0.1);
            assert!((step + 0.1).abs() < 1e-6, "step {number} is {step}, should be −0.1");
        }
    }
}
