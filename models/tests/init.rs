//! The initialisers: bounds, moments, orthogonality, seeds and names.

use models::init::{Init, set_gate_bias};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const ALL: [&str; 5] = ["zeros", "normal", "xavier-uniform", "orthogonal", "uniform:bound=0.1"];

fn init(text: &str) -> Init {
    text.parse().unwrap()
}

fn fill(text: &str, seed: u64, rows: usize, cols: usize) -> Vec<f64> {
    init(text).fill(&mut ChaCha8Rng::seed_from_u64(seed), rows, cols)
}

/// The mean of xᵏ.
fn moment(x: &[f64], k: i32) -> f64 {
    x.iter().map(|x| x.powi(k)).sum::<f64>() / x.len() as f64
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |m, x| m.max(x.abs()))
}

#[test]
fn uniform_numbers_fill_their_interval() {
    let torch = include_str!("data/optim/torch.txt");
    let bound = torch.lines().find_map(|line| line.strip_prefix("xavier-uniform:400x20 ")).unwrap();
    let xavier: f64 = bound.parse().unwrap();
    let gain = 5.0 / 3.0;
    for (text, bound) in [(format!("xavier-uniform:gain={gain}"), xavier), ("uniform:bound=0.1".into(), 0.1)]
    {
        let x: Vec<f64> = (0..25).flat_map(|seed| fill(&text, seed, 400, 20)).collect();
        assert!(largest(&x) <= bound && largest(&x) > 0.9999 * bound, "{text}");
        assert!(moment(&x, 1).abs() < 0.01 * bound, "{text}");
        assert!((moment(&x, 2) / (bound * bound / 3.0) - 1.0).abs() < 0.01, "{text}");
    }
}

#[test]
fn gaussian_numbers_have_gaussian_moments() {
    let x = fill("normal:std=0.5", 3, 500, 400);
    let [m1, m2, m3, m4] = [1, 2, 3, 4].map(|k| moment(&x, k) / 0.5_f64.powi(k));
    assert!(m1.abs() < 0.01 && (m2 - 1.0).abs() < 0.01, "{m1} {m2}");
    assert!(m3.abs() < 0.03 && (m4 - 3.0).abs() < 0.06, "{m3} {m4}");
    let neighbours = x.windows(2).map(|p| p[0] * p[1]).sum::<f64>() / x.len() as f64;
    assert!(neighbours.abs() < 0.01 * 0.25, "{neighbours}");
}

/// The largest entry of |Q Qᵀ − I| over rows (if wide), or of |Qᵀ Q − I| over columns.
fn distance_from_orthonormal(q: &[f64], rows: usize, cols: usize) -> f64 {
    let (short, long) = (rows.min(cols), rows.max(cols));
    let entry = |k: usize, i: usize| {
        if rows < cols { q[k * cols + i] } else { q[i * cols + k] }
    };
    let mut worst = 0.0_f64;
    for a in 0..short {
        for b in 0..short {
            let dot: f64 = (0..long).map(|i| entry(a, i) * entry(b, i)).sum();
            worst = worst.max((dot - if a == b { 1.0 } else { 0.0 }).abs());
        }
    }
    worst
}

#[test]
fn orthogonal_is_orthogonal() {
    for (rows, cols) in [(1, 1), (1, 7), (7, 1), (5, 5), (8, 3), (3, 8), (64, 64), (150, 100), (0, 3)] {
        let q = fill("orthogonal", 5, rows, cols);
        assert_eq!(q.len(), rows * cols);
        let distance = distance_from_orthonormal(&q, rows, cols);
        assert!(distance < 1e-12, "{rows}×{cols}: {distance:e}");
    }
}

#[test]
fn orthogonal_prefers_no_direction() {
    // over all orthogonal 3×3 matrices the mean of every entry is 0 and that of its square 1/3; without the signs of R's
    // diagonal the first entry would nearly always have one sign
    let q: Vec<Vec<f64>> = (0..2000).map(|seed| fill("orthogonal", seed, 3, 3)).collect();
    for e in 0..9 {
        let entries: Vec<f64> = q.iter().map(|q| q[e]).collect();
        assert!(moment(&entries, 1).abs() < 0.05, "entry {e}");
        assert!((moment(&entries, 2) - 1.0 / 3.0).abs() < 0.03, "entry {e}");
    }
}

#[test]
fn each_gate_is_a_matrix_of_its_own() {
    let (gates, hidden, inputs) = (4, 20, 5);
    for cols in [hidden, inputs] {
        let rng = || ChaCha8Rng::seed_from_u64(7);
        let stack: Vec<f64> = Init::Orthogonal.fill_gates(&mut rng(), gates, hidden, cols);
        assert_eq!(stack.len(), gates * hidden * cols);
        for gate in stack.chunks(hidden * cols) {
            assert!(distance_from_orthonormal(gate, hidden, cols) < 1e-12);
        }
        assert_ne!(stack[..hidden * cols], stack[hidden * cols..2 * hidden * cols]);
        let x: Vec<f64> = Init::XavierUniform { gain: 1.0 }.fill_gates(&mut rng(), gates, hidden, cols);
        let bound = (6.0 / (hidden + cols) as f64).sqrt();
        assert!(largest(&x) <= bound && largest(&x) > 0.95 * bound);
    }
}

#[test]
fn a_seed_decides_everything_and_single_is_double_rounded() {
    for text in ALL {
        for (rows, cols) in [(12, 5), (5, 12), (6, 6)] {
            let double = fill(text, 11, rows, cols);
            assert_eq!(double, fill(text, 11, rows, cols), "{text}");
            assert!(text == "zeros" || double != fill(text, 12, rows, cols), "{text}");
            let single: Vec<f32> = init(text).fill(&mut ChaCha8Rng::seed_from_u64(11), rows, cols);
            let rounded: Vec<f32> = double.iter().map(|&x| x as f32).collect();
            assert_eq!(single, rounded, "{text}");
        }
    }
    assert!(fill("zeros", 1, 3, 3).iter().all(|&x| x == 0.0));
}

#[test]
fn names() {
    for text in ALL {
        assert_eq!(init(&init(text).to_string()), init(text));
    }
    assert_eq!(ALL.map(|text| text.split(':').next().unwrap()), Init::NAMES);
    assert_eq!(init("normal:std=0.02"), Init::Normal { std: 0.02 });
    assert_eq!(init("uniform").to_string(), "uniform");
    assert_eq!(init("uniform:bound=0.1").for_hidden(4), init("uniform:bound=0.1"));
    for (text, error) in [
        (
            "kaiming",
            "unknown initialiser 'kaiming' (known: zeros, normal, xavier-uniform, orthogonal, uniform)",
        ),
        ("normal:std=-1", "initialiser normal: std=-1 must be a number in 0.0.."),
        ("zeros:std=1", "initialiser zeros does not take std (it takes no options)"),
    ] {
        assert_eq!(text.parse::<Init>().unwrap_err().to_string(), error);
    }
}

#[test]
fn biases_start_at_zero_unless_uniform() {
    for text in ALL {
        let init = init(text);
        let expected = if matches!(init, Init::Uniform { .. }) { init } else { Init::Zeros };
        assert_eq!(init.for_bias(), expected);
    }
}

#[test]
#[should_panic(expected = "set it with for_hidden")]
fn an_open_bound_is_refused() {
    fill("uniform", 1, 2, 2);
}

#[test]
fn the_forget_gate_starts_open() {
    let mut bias = vec![-1.0_f32; 12];
    set_gate_bias(&mut bias, 4, 1, 1.5);
    assert_eq!(bias, [-1.0, -1.0, -1.0, 1.5, 1.5, 1.5, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]);
}

#[test]
#[should_panic(expected = "set_gate_bias: gate 1 of 4, bias of 10")]
fn a_bias_of_another_size_is_refused() {
    set_gate_bias(&mut [0.0; 10], 4, 1, 1.0);
}
