//! Initialisers: where the weights start.
//!
//! A matrix that is applied T times multiplies what passes through it T times by its gain, so a recurrent network is far
//! more sensitive to its first weights than a feed-forward one: too small and the signal is gone after a few steps, too
//! large and it saturates the gates. Each choice here answers that in another way.
//!
//! Every number is drawn in `f64` and then rounded, so that a network in `f32` starts from the rounded weights of the same
//! network in `f64`.
//!
//! ```
//! use models::init::Init;
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//!
//! let init: Init = "orthogonal".parse().unwrap();
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let u: Vec<f64> = init.fill_gates(&mut rng, 4, 3, 3); // the 12×3 recurrent weights of an LSTM
//! let dot = |a: usize, b: usize| (0..3).map(|j| u[a * 3 + j] * u[b * 3 + j]).sum::<f64>();
//! assert!((dot(3, 3) - 1.0).abs() < 1e-12 && dot(3, 5).abs() < 1e-12); // two rows of the forget gate's block
//! ```

use crate::choice::{Choice, Invalid};
use autograd::Float;
use faer::MatRef;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;
use std::{fmt, str::FromStr};

/// How the entries of a matrix are first set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All entries zero: for biases. Weights that start equal would stay equal.
    Zeros,
    /// Independent Gaussian entries N(0, std²).
    Normal {
        /// The standard deviation; 0.01 unless given.
        std: f64,
    },
    /// U(−a, a) with a = gain · √(6 / (fan_in + fan_out)), of a matrix fan_out × fan_in.
    ///
    /// A forward pass keeps the variance of its signal if fan_in · Var w = 1, a backward pass if fan_out · Var w = 1.
    /// The compromise is Var w = 2 / (fan_in + fan_out), and a uniform number on (−a, a) has variance a²/3.
    /// Glorot and Bengio (2010); PyTorch's `xavier_uniform_`.
    XavierUniform {
        /// 1 unless given; 5/3 makes up for what tanh takes away.
        gain: f64,
    },
    /// An orthogonal matrix, drawn uniformly; orthonormal columns if it is tall, orthonormal rows if it is wide.
    ///
    /// All its singular values are 1, so neither the signal nor its gradient shrinks or grows, however often it is applied.
    /// Saxe, McClelland and Ganguli (2014); PyTorch's `orthogonal_`.
    Orthogonal,
    /// U(−bound, bound).
    ///
    /// With the bound 1/√H this is how PyTorch starts the weights and biases of every recurrent layer of H units.
    Uniform {
        /// `None` until [`Init::for_hidden`] sets it to 1/√H.
        bound: Option<f64>,
    },
}

impl Init {
    /// The names that can be parsed.
    pub const NAMES: [&str; 5] = ["zeros", "normal", "xavier-uniform", "orthogonal", "uniform"];

    /// Closes an open uniform bound with PyTorch's 1/√hidden; leaves everything else alone.
    ///
    /// ```
    /// # use models::init::Init;
    /// let init: Init = "uniform".parse().unwrap();
    /// assert_eq!(init.for_hidden(100), Init::Uniform { bound: Some(0.1) });
    /// ```
    pub fn for_hidden(self, hidden: usize) -> Self {
        match self {
            Init::Uniform { bound: None } => Init::Uniform { bound: Some(1.0 / (hidden as f64).sqrt()) },
            other => other,
        }
    }

    /// What goes with this initialiser for biases: the same uniform bound, as in PyTorch's recurrent
    /// layers; zeros otherwise.
    pub fn for_bias(self) -> Self {
        match self {
            Init::Uniform { .. } => self,
            _ => Init::Zeros,
        }
    }

    /// A `rows × cols` matrix, row by row: one matrix with fan_out = rows and fan_in = cols.
    ///
    /// # Panics
    /// For a uniform bound that is still open.
    #[track_caller]
    pub fn fill<T: Float>(self, rng: &mut ChaCha8Rng, rows: usize, cols: usize) -> Vec<T> {
        // ANCHOR: fill
        let size = rows * cols;
        let entries = match self {
            Init::Zeros => vec![0.0; size],
            Init::Normal { std } => (0..size).map(|_| std * gaussian(rng)).collect(),
            Init::XavierUniform { gain } => uniform(rng, size, gain * (6.0 / (rows + cols) as f64).sqrt()),
            Init::Orthogonal => orthogonal(rng, rows, cols),
            Init::Uniform { bound: Some(bound) } => uniform(rng, size, bound),
            Init::Uniform { bound: None } => {
                panic!("init uniform: no bound yet, set it with for_hidden")
            }
        };
        entries.into_iter().map(T::from_f64).collect()
        // ANCHOR_END: fill
    }

    /// `gates` matrices of `rows × cols`, one below the other: each gate's block is a matrix of its own.
    ///
    /// For [`Init::Orthogonal`] and [`Init::XavierUniform`] that is not the same as one matrix of `gates · rows` rows: four
    /// gates under one orthogonality would each have half the gain.
    ///
    /// # Panics
    /// For a uniform bound that is still open.
    #[track_caller]
    pub fn fill_gates<T: Float>(
        self,
        rng: &mut ChaCha8Rng,
        gates: usize,
        rows: usize,
        cols: usize,
    ) -> Vec<T> {
        // ANCHOR: gates
        let mut stack = Vec::with_capacity(gates * rows * cols);
        for _ in 0..gates {
            stack.extend(self.fill::<T>(rng, rows, cols));
        }
        stack
        // ANCHOR_END: gates
    }
}

/// Sets block number `gate` of a bias that stacks `gates` equal blocks.
///
/// An LSTM (gate order i, f, g, o) whose forget bias starts at 1 begins by remembering: with f = σ(1) ≈ 0.73 instead of
/// σ(0) = 0.5 its cell state, and the gradient along it, halve every 2.2 steps instead of every step. Gers, Schmidhuber
/// and Cummins (2000); Jozefowicz, Zaremba and Sutskever (2015).
///
/// # Panics
/// If there is no such gate, or the bias does not divide into `gates` blocks.
///
/// ```
/// let mut bias = vec![0.0; 8]; // an LSTM of two units
/// models::init::set_gate_bias(&mut bias, 4, 1, 1.0);
/// assert_eq!(bias, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
/// ```
#[track_caller]
pub fn set_gate_bias<T: Float>(bias: &mut [T], gates: usize, gate: usize, value: f64) {
    let size = bias.len();
    assert!(
        gate < gates && size.is_multiple_of(gates),
        "set_gate_bias: gate {gate} of {gates}, bias of {size}"
    );
    let hidden = size / gates;
    bias[gate * hidden..(gate + 1) * hidden].fill(T::from_f64(value));
}

fn uniform(rng: &mut ChaCha8Rng, size: usize, bound: f64) -> Vec<f64> {
    (0..size).map(|_| bound * (2.0 * rng.random::<f64>() - 1.0)).collect()
}

/// One standard Gaussian number from two uniform ones (Box and Muller, 1958).
///
/// The point (r cos φ, r sin φ) is a pair of independent Gaussians if φ is uniform and r²/2 exponential, that is
/// r = √(−2 ln u). We keep the first of the pair: weights are drawn once, and one number per call reads better.
fn gaussian(rng: &mut ChaCha8Rng) -> f64 {
    let u = 1.0 - rng.random::<f64>(); // in (0, 1], where the logarithm is finite
    let angle = TAU * rng.random::<f64>();
    (-2.0 * u.ln()).sqrt() * angle.cos()
}

/// Q of the QR factors of a Gaussian matrix.
///
/// Gaussian numbers have no preferred direction, so neither has Q, provided the factors are unique: R with a positive
/// diagonal. A factorisation may return either sign, so each column of Q takes the sign of its diagonal entry of R.
// ANCHOR: orthogonal
fn orthogonal(rng: &mut ChaCha8Rng, rows: usize, cols: usize) -> Vec<f64> {
    let (long, short) = (rows.max(cols), rows.min(cols));
    let gauss: Vec<f64> = (0..long * short).map(|_| gaussian(rng)).collect();
    let qr = MatRef::from_row_major_slice(&gauss, long, short).qr();
    let (q, r) = (qr.compute_thin_Q(), qr.R());
    let mut entries = Vec::with_capacity(rows * cols);
    for i in 0..rows {
        for j in 0..cols {
            let (i, j) = if rows < cols { (j, i) } else { (i, j) }; // a wide matrix is a tall one on its side
            entries.push(q[(i, j)] * r[(j, j)].signum());
        }
    }
    entries
}
// ANCHOR_END: orthogonal

/// Reads `zeros`, `normal:std=0.02`, `xavier-uniform:gain=1`, `orthogonal` or `uniform:bound=0.1`; the options may be left out.
impl FromStr for Init {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut c = Choice::parse("initialiser", text)?;
        let init = match c.name {
            "zeros" => Init::Zeros,
            "normal" => Init::Normal { std: c.number_or("std", 0.0.., 0.01)? },
            "xavier-uniform" => Init::XavierUniform { gain: c.number_or("gain", 0.0.., 1.0)? },
            "orthogonal" => Init::Orthogonal,
            "uniform" => Init::Uniform { bound: c.number("bound", 0.0..)? },
            _ => return Err(c.unknown(&Self::NAMES)),
        };
        c.finish(init)
    }
}

/// Writes what [`Init::from_str`] reads.
impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Init::Zeros => write!(f, "zeros"),
            Init::Normal { std } => write!(f, "normal:std={std}"),
            Init::XavierUniform { gain } => write!(f, "xavier-uniform:gain={gain}"),
            Init::Orthogonal => write!(f, "orthogonal"),
            Init::Uniform { bound: None } => write!(f, "uniform"),
            Init::Uniform { bound: Some(bound) } => write!(f, "uniform:bound={bound}"),
        }
    }
}
