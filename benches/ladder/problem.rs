//! What every rung computes: the loss of an LSTM over a sequence, and its gradient.

use benches::Sizes;
use models::init::Init;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// Weights and input, row by row. The loss is `Σ_t Σ h_t²`; the initial states are zero.
pub struct Problem {
    pub sizes: Sizes,
    /// `W`: 4H×I.
    pub w: Vec<f32>,
    /// `U`: 4H×H.
    pub u: Vec<f32>,
    /// `b`: 4H×1.
    pub b: Vec<f32>,
    /// The sequence: (T·I)×B.
    pub x: Vec<f32>,
}

/// What a training step ends in.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub loss: f64,
    /// The gradients of W, U and b.
    pub gradients: [Vec<f32>; 3],
}

impl Problem {
    pub fn new(sizes: Sizes) -> Self {
        let Sizes { steps, batch, input, hidden } = sizes;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let weight = Init::Uniform { bound: Some(1.0 / (hidden as f64).sqrt()) };
        let w = weight.fill(&mut rng, 4 * hidden, input);
        let u = weight.fill(&mut rng, 4 * hidden, hidden);
        let b = weight.fill(&mut rng, 4 * hidden, 1);
        let x = Init::Normal { std: 1.0 }.fill(&mut rng, steps * input, batch);
        Self { sizes, w, u, b, x }
    }

    /// `x_t`: I×B.
    pub fn x(&self, t: usize) -> &[f32] {
        let size = self.sizes.input * self.sizes.batch;
        &self.x[t * size..(t + 1) * size]
    }

    /// Multiplications and additions of the products: W and U forward, both gradients, and Uᵀ dz.
    pub fn operations(&self) -> f64 {
        let (w, u) = (self.w.len() as f64, self.u.len() as f64);
        2.0 * (2.0 * w + 3.0 * u) * self.sizes.examples() as f64
    }
}
