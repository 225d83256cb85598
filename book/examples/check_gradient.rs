//! Checking a gradient: step sizes, cotangents, directions, and what the check says.
//!
//! `cargo run --package book --example check_gradient`

use autograd::Tape;
use autograd::check::{Check, Random, Report, Trust};

fn main() {
    print_tiny();
    print_steps();
    print_best();
    print_several();
    print_ones();
    print_directions();
    print_reports();
    print_weaker();
}

// ANCHOR: function
/// A smooth step from −1 to 1, like tanh. It is made of operations that every
/// processor rounds in the same way, so you see the digits that we see.
fn f(x: f64) -> f64 {
    x / (1.0 + x * x).sqrt()
}

/// Its derivative, with calculus.
fn slope(x: f64) -> f64 {
    let u = 1.0 + x * x;
    1.0 / (u * u.sqrt())
}
// ANCHOR_END: function

// ANCHOR: differences
fn one_sided(f: impl Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    (f(x + h) - f(x)) / h
}

fn central(f: impl Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    (f(x + h) - f(x - h)) / (2.0 * h)
}

fn richardson(f: impl Fn(f64) -> f64, x: f64, h: f64) -> f64 {
    (4.0 * central(&f, x, h / 2.0) - central(&f, x, h)) / 3.0
}
// ANCHOR_END: differences

/// The point: an exact binary fraction, like the steps, so that x ± h are exact too.
const X: f64 = 0.75;

fn print_tiny() {
    println!("== tiny: two central differences at x = 3/4, and what they make together");
    for (h, name) in [(0.25, "1/4"), (0.125, "1/8")] {
        let (right, left) = (f(X + h), f(X - h));
        let d = central(f, X, h);
        println!("D({name}) = ({right:.4} - {left:.4}) / {:.2} = {d:.4}", 2.0 * h);
    }
    println!("(4 D(1/8) - D(1/4)) / 3 = {:.4}", richardson(f, X, 0.25));
    println!("right                   = {:.4}", slope(X));
}

fn print_steps() {
    println!("\n== steps: the error of three differences at x = 0.75");
    println!("    h        one-sided   central   Richardson");
    for k in [2, 5, 8, 11, 14, 17, 20, 26, 32, 40, 48] {
        let h = 2_f64.powi(-k);
        let errors =
            [one_sided(f, X, h), central(f, X, h), richardson(f, X, h)].map(|d| (d - slope(X)).abs());
        println!("{:9} {:12.0e} {:9.0e} {:12.0e}", format!("2^-{k}"), errors[0], errors[1], errors[2]);
    }
}

fn print_best() {
    let u = 1.0 + X * X;
    // The third derivative of f.
    let third = (12.0 * X * X - 3.0) / (u * u * u * u.sqrt());
    let rounding = f64::EPSILON / 2.0;
    let best = (3.0 * rounding * f(X) / third.abs()).cbrt();
    let error = best * best * third.abs() / 6.0 + rounding * f(X) / best;
    println!("\n== best: the step of the central difference that the two errors ask for");
    println!("s = {:.4}, third derivative = {third:.4}, u = {rounding:.2e}", f(X));
    println!("best step {best:.1e}, error there at most {error:.1e}");
}

type Function = fn(f64) -> f64;

/// A function, a point, and its derivative there.
const HARD: [(&str, Function, f64, f64); 4] = [
    ("smooth", f, 0.75, 0.512),
    ("1 / x at 0.002", |x| 1.0 / x, 0.002, -250_000.0),
    ("x² + 10⁸", |x| x * x + 1e8, 0.75, 1.5),
    ("x² + 10¹², in doubt", |x| x * x + 1e12, 0.75, 1.5),
];

fn print_several() {
    println!("\n== several: relative error of Richardson's difference");
    println!("h                      1e-2    1e-3    1e-4    1e-5    1e-6");
    for (name, f, x, slope) in HARD {
        let errors =
            [1e-2, 1e-3, 1e-4, 1e-5, 1e-6].map(|h| (richardson(f, x, h) - slope).abs() / slope.abs());
        let row: String = errors.iter().map(|e| format!("{e:8.0e}")).collect();
        println!("{name:19}{row}");
    }
}

/// Softmax of a column.
fn softmax(x: &[f64]) -> Vec<f64> {
    let tape = Tape::new();
    tape.constant(x.len(), 1, x).softmax().value()
}

// ANCHOR: rules
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// What a rule makes of an entry p of the softmax, its cotangent d, and the
/// sum m of their products over the column. The first one is right.
type Rule = fn(p: f64, d: f64, m: f64) -> f64;

const RULES: [(&str, Rule); 5] = [
    ("p (d - m)", |p, d, m| p * (d - m)),
    ("p (m - d)", |p, d, m| p * (m - d)),
    ("2 p (d - m)", |p, d, m| 2.0 * p * (d - m)),
    ("0", |_, _, _| 0.0),
    ("p d", |p, d, _| p * d),
];

fn by_rule(rule: Rule, x: &[f64], dp: &[f64]) -> Vec<f64> {
    let p = softmax(x);
    p.iter().zip(dp).map(|(&p, &d)| rule(p, d, dot(&softmax(x), dp))).collect()
}
// ANCHOR_END: rules

/// The gradient of `Σ r ⊙ softmax(x)` by differences.
fn by_differences(x: &[f64], r: &[f64]) -> Vec<f64> {
    let along = |k: usize| {
        let s = |xk: f64| {
            let mut x = x.to_vec();
            x[k] = xk;
            dot(r, &softmax(&x))
        };
        richardson(s, x[k], 1e-3)
    };
    (0..x.len()).map(along).collect()
}

fn print_ones() {
    println!("\n== ones: how far each rule is from the differences, at most");
    println!("{:14}{:>12}{:>18}", "rule", "all ones", "random numbers");
    let x = [1.0, 2.0, 0.0];
    let random = Random::new(1).normals(3);
    for (name, rule) in RULES {
        let gaps = [&[1.0; 3][..], &random].map(|r| {
            let pairs = by_rule(rule, &x, r).into_iter().zip(by_differences(&x, r));
            pairs.map(|(rule, runs)| (rule - runs).abs()).fold(0.0, f64::max)
        });
        println!("{name:14}{:12.6}{:18.6}", gaps[0], gaps[1]);
    }
}

// ANCHOR: directions
/// The relative error along a random direction, when one entry of a gradient
/// with n random entries is missing: the middle one of three.
fn one_missing(n: usize) -> f64 {
    let mut random = Random::new(1);
    let gradient = random.normals(n);
    let error = |_: i32| {
        let direction = random.normals(n);
        let missing = gradient[n / 2] * direction[n / 2];
        (missing / dot(&gradient, &direction)).abs()
    };
    let mut errors = [0, 1, 2].map(error);
    errors.sort_by(f64::total_cmp);
    errors[1]
}
// ANCHOR_END: directions

fn print_directions() {
    println!("\n== directions: runs of the function, and the trace of one missing entry");
    println!("  entries   runs by entry   by 3 directions   relative error");
    for n in [10, 1000, 100_000] {
        println!("{n:9} {:15} {:17} {:16.0e}", 4 * n, 4 * 3, one_missing(n));
    }
}

/// What a report prints. Of what depends on the last bits, and so on your
/// processor, only the first digit is kept, and of errors that pass nothing.
fn screen(mut report: Report) -> String {
    let first_digit = |x: f64| {
        let unit = 10_f64.powf(x.abs().log10().floor());
        if x == 0.0 { x } else { (x / unit).round() * unit }
    };
    for parameter in &mut report.parameters {
        if parameter.wrong == 0 {
            parameter.relative_error = 0.0;
        }
        if let Some(worst) = parameter.worst.as_mut().filter(|worst| worst.trust == Trust::Noise) {
            worst.numeric = first_digit(worst.numeric);
            parameter.relative_error = first_digit(parameter.relative_error);
        }
    }
    report.to_string()
}

fn print_reports() {
    // ANCHOR: reports
    let layer = Check::new(3)
        .random_input("weight", 3, 4, 0.5)
        .random_input("x", 4, 5, 1.0)
        .random_input("bias", 3, 1, 0.5);
    let right = layer.run(|_, p| (p[0].matmul(p[1]) + p[2]).tanh());
    // The value of `2 b' − b` is b, and its gradient −1, for b' is a constant.
    let sign = layer.run(|_, p| (p[0].matmul(p[1]) + (p[2].detach() * 2.0 - p[2])).tanh());
    let kink = Check::new(5).input("x", 2, 2, &[1.0, -2.0, 0.0, 3.0]);
    let kink = kink.run(|_, x| x[0].relu());
    let noise = Check::new(6).input("x", 1, 1, &[0.3]);
    let noise = noise.run(|_, x| (x[0].square() + 1e12) - 1e12);
    let large = Check::new(7).random_input("weight", 100, 60, 0.1);
    let large = large.run(|tape, w| w[0].matmul(tape.constant(60, 1, &[0.5; 60])));
    // ANCHOR_END: reports
    for (name, report) in
        [("right", right), ("sign", sign), ("kink", kink), ("noise", noise), ("large", large)]
    {
        println!("\n== report-{name}");
        print!("{}", screen(report));
    }
}

// ANCHOR: weaker
/// A check with one step and one tolerance.
fn one_step(f: Function, x: f64, yours: f64, h: f64, relative: bool) -> bool {
    let numeric = central(f, x, h);
    let size = if relative { yours.abs().max(numeric.abs()) } else { 1.0 };
    (yours - numeric).abs() <= 1e-7 * size
}

/// The library's.
fn library(f: Function, x: f64, yours: f64) -> bool {
    let check = Check::new(1).input("x", 1, 1, &[x]);
    let vjp = |_: &[Vec<f64>], r: &[Vec<f64>]| r.iter().map(|r| vec![vec![yours * r[0]]]).collect();
    check.run_with(|x| vec![f(x[0][0])], vjp).passed()
}
// ANCHOR_END: weaker

fn print_weaker() {
    let cases: [(&str, Function, f64, f64); 5] = [
        ("smooth, right", f, 0.75, 0.512),
        ("smooth, wrong sign", f, 0.75, -0.512),
        ("1 / x at 0.002, right", |x| 1.0 / x, 0.002, -250_000.0),
        ("x² + 10⁸, right", |x| x * x + 1e8, 0.75, 1.5),
        ("10⁻⁹ smooth, twice too large", |x| 1e-9 * f(x), 0.75, 1.024e-9),
    ];
    println!("\n== weaker: what four checks say");
    println!("{:30}{:>10}{:>10}{:>10}{:>9}", "", "h = 1e-2", "h = 1e-6", "absolute", "library");
    for (name, f, x, yours) in cases {
        let verdicts = [
            one_step(f, x, yours, 1e-2, true),
            one_step(f, x, yours, 1e-6, true),
            one_step(f, x, yours, 1e-6, false),
            library(f, x, yours),
        ]
        .map(|passed| if passed { "passed" } else { "wrong" });
        println!("{name:30}{:>10}{:>10}{:>10}{:>9}", verdicts[0], verdicts[1], verdicts[2], verdicts[3]);
    }
}
