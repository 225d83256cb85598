//! Why gradients vanish and explode: what a step back multiplies by, in one unit, in two, in 64.
//!
//! `cargo run --package book --example vanishing`

use autograd::Tape;
use book::runs::gradient_flow::{HIDDEN, Network, STEPS, cells, settled};
use models::cells::{CellConfig, Elman, State};
use models::layers::{Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

fn main() {
    print_experiment();
    print_unit();
    print_two_units();
    print_product();
    print_bound();
    print_weights();
    print_cells();
    print_broken();
}

/// The steps that the tables show, seen from the end: T is the last one.
const SHOWN: [usize; 5] = [100, 90, 80, 50, 1];

/// One digit of each norm; and what each step multiplied by, on average.
fn row(norms: &[f64]) -> String {
    let shown: String = SHOWN.iter().map(|t| format!("{:>9}", format!("{:.0e}", norms[t - 1]))).collect();
    format!("{shown} {:10.2}", norms[0].powf(1.0 / (STEPS - 1) as f64))
}

fn heading(name: &str) {
    println!("{name:24}{}   per step", SHOWN.map(|t| format!("{t:>9}")).concat());
}

fn print_experiment() {
    println!("== experiment: norm of dL/dh_t at these steps");
    heading("U                at step");
    for scale in [0.5, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0] {
        println!("{:24}{}", format!("{scale:.1} Q"), row(&Network::orthogonal(scale).norms("h")));
    }
}

fn print_unit() {
    println!("\n== unit: one unit, no input");
    println!("   w   settles at   1 - h^2   factor w (1 - h^2)   fifty steps back");
    for w in [0.5, 0.9, 1.1, 1.5, 2.0, 4.0] {
        let (h, factor) = settled(w);
        let h = (h * 1e4).round() / 1e4 + 0.0;
        println!(
            "{w:4.1} {h:12.4} {:9.4} {factor:20.4} {:>18}",
            1.0 - h * h,
            format!("{:.0e}", factor.powi(50))
        );
    }
}

// ANCHOR: two-units
/// U turns and stretches by 1.1; the loss is the first unit's last state.
const U: [[f64; 2]; 2] = [[0.88, -0.66], [0.66, 0.88]];
const X: [[f64; 2]; 3] = [[0.2, 0.0], [0.0, 0.5], [1.0, -0.5]];
const LAST: [f64; 2] = [1.0, 0.0];

/// h_1, h_2, h_3, from h_0 = 0.
fn states() -> [[f64; 2]; 3] {
    let mut h = [0.0; 2];
    X.map(|x| {
        h = [0, 1].map(|i| (x[i] + U[i][0] * h[0] + U[i][1] * h[1]).tanh());
        h
    })
}

/// J = diag(1 − h²) U.
fn jacobian(h: [f64; 2]) -> [[f64; 2]; 2] {
    [0, 1].map(|i| U[i].map(|u| (1.0 - h[i] * h[i]) * u))
}

/// Jᵀ v.
fn transposed_times(j: [[f64; 2]; 2], v: [f64; 2]) -> [f64; 2] {
    [0, 1].map(|k| j[0][k] * v[0] + j[1][k] * v[1])
}
// ANCHOR_END: two-units

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn two(v: [f64; 2]) -> String {
    v.map(|x| format!("{:8.4}", (x * 1e4).round() / 1e4 + 0.0)).concat()
}

fn print_two_units() {
    println!("\n== two: two units, three steps");
    let (h, mut dh) = (states(), LAST);
    println!("dL/dh3{}   norm {:.4}", two(dh), norm(&dh));
    for t in (1..=3).rev() {
        let (h, j) = (h[t - 1], jacobian(h[t - 1]));
        let before = norm(&dh);
        dh = transposed_times(j, dh);
        println!("   h{t}   {}   1 - h{t}^2{}", two(h), two(h.map(|h| 1.0 - h * h)));
        println!("   J{t}   {}\n        {}", two(j[0]), two(j[1]));
        println!(
            "dL/dh{}{}   norm {:.4}, {:.4} times as large",
            t - 1,
            two(dh),
            norm(&dh),
            norm(&dh) / before
        );
    }
}

/// The product of Jacobians against the library's backward pass.
fn print_product() {
    println!("\n== product: dL/dh0 from the library");
    let mut params = Params::<f64>::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let cell = Elman::new(CellConfig::new(2, 2), &mut params, "rnn", "l0", &mut rng);
    let values = [vec![1.0, 0.0, 0.0, 1.0], U.concat(), vec![0.0; 2]];
    params.iter_mut().zip(values).for_each(|(p, value)| p.value = value);
    let tape = Tape::new();
    let (x, h) = (tape.constant(6, 1, &X.concat()), tape.leaf(2, 1, &[0.0; 2]));
    let (_, end) = unroll(&cell, params.bind(&tape), x, State { h, c: None }, Span::default());
    end.h.backward_with(&LAST);
    println!("dL/dh0{}", two([h.grad()[0], h.grad()[1]]));
}

fn print_bound() {
    println!("\n== bound: largest and smallest factor of one step among the 99");
    println!("U        largest   smallest   no step can exceed");
    for scale in [0.5, 0.9, 1.0, 1.5, 3.0] {
        let norms = Network::orthogonal(scale).norms("h");
        let factors: Vec<f64> = norms.windows(2).map(|n| n[0] / n[1]).collect();
        let largest = factors.iter().copied().fold(0.0, f64::max);
        let smallest = factors.iter().copied().fold(f64::INFINITY, f64::min);
        println!("{scale:.1} Q {largest:11.2} {smallest:10.2} {scale:20.2}");
    }
}

/// How much each ten steps add to dL/dU.
fn print_weights() {
    println!("\n== weights: norm of what ten steps add to dL/dU, as a share of the last ten's");
    println!("steps             91 to 100   81 to 90   71 to 80   41 to 50    1 to 10");
    for scale in [0.9, 1.0, 1.5] {
        let (mut da, mut h) = (Vec::new(), vec![vec![0.0; HIDDEN]]);
        Network::orthogonal(scale).run(|q| match q.name {
            "a" => da.push(q.grad.unwrap().to_vec()),
            "h" => h.push(q.value.to_vec()),
            _ => (),
        });
        let tens: Vec<f64> = (0..STEPS / 10)
            .map(|ten| {
                let steps = 10 * ten..10 * ten + 10;
                let entry = |i: usize, j: usize| steps.clone().map(|t| da[t][i] * h[t][j]).sum::<f64>();
                norm(&(0..HIDDEN * HIDDEN).map(|k| entry(k / HIDDEN, k % HIDDEN)).collect::<Vec<_>>())
            })
            .collect();
        let shares: String =
            [9, 8, 7, 4, 0].map(|ten| format!("{:>11}", format!("{:.0e}", tens[ten] / tens[9]))).concat();
        println!("{:16}{shares}", format!("{scale:.1} Q"));
    }
}

fn print_cells() {
    println!("\n== cells: norm of the gradient at these steps");
    heading("                 at step");
    for (name, network, q) in cells() {
        println!("{name:22} {q}{}", row(&network.norms(q)));
    }
}

// ANCHOR: broken
/// The way back with Uᵀ alone, without the derivative of tanh.
fn without_tanh(u: &[f64], cotangent: &[f64]) -> Vec<f64> {
    let column = |j: usize| (0..HIDDEN).map(|i| u[i * HIDDEN + j] * cotangent[i]).sum();
    (0..HIDDEN).map(column).collect()
}
// ANCHOR_END: broken

fn print_broken() {
    println!("\n== broken: without 1 - h^2, norm of dL/dh_t");
    let network = Network::orthogonal(1.0);
    heading("                 at step");
    println!("{:24}{}", "1.0 Q, as it is", row(&network.norms("h")));
    let (_, params) = network.build();
    let u = &params.get(params.find("rnn.weight_hh_l0").unwrap()).value;
    let mut last = vec![0.0; HIDDEN];
    last[0] = 1.0;
    let mut norms = vec![1.0; STEPS];
    for t in (0..STEPS - 1).rev() {
        last = without_tanh(u, &last);
        norms[t] = norm(&last);
    }
    println!("{:24}{}", "1.0 Q, without", row(&norms));
}
