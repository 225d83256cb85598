//! Clipping: a gradient longer than `limit` is shortened to it and keeps its direction.
//!
//! g ← g · min(1, limit / ‖g‖), with ‖g‖ = √(Σ g²) over all parameters (Pascanu et al. 2013).
//!
//! The book: book/src/part4/clipping.md

/// Clips in place.
fn clip(gradient: &mut [f64], limit: f64) {
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    if norm > limit {
        gradient.iter_mut().for_each(|g| *g *= limit / norm);
    }
}

fn main() {
    let mut gradient = [3.0, 4.0];
    clip(&mut gradient, 1.0);
    println!("{gradient:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short() {
        for (mut g, limit, want) in
            [([3.0, 4.0], 1.0, [0.6, 0.8]), ([3.0, 4.0], 10.0, [3.0, 4.0]), ([0.0; 2], 1.0, [0.0; 2])]
        {
            clip(&mut g, limit);
            assert!(
                g.iter().zip(want).all(|(g, want)| (g - want).abs() < 1e-12),
                "{g:?}, should be {want:?}"
            );
        }
    }
}
