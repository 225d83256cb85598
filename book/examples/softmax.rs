//! Softmax and cross-entropy: from scores to probabilities to a loss, and back.
//!
//! `cargo run --package book --example softmax`

use autograd::{IGNORE_INDEX, Tape, Var};

fn main() {
    print_overflow();
    print_column();
    print_cross_entropy();
    print_sizes();
    print_broken();
}

// ANCHOR: overflow
/// −ln of the first entry of the softmax, in the way it is written down.
fn as_written(x: Var<'_, f32>) -> Var<'_, f32> {
    -x.softmax().row_block(0..1).ln().sum()
}

/// The same number, as one operation.
fn as_one(x: Var<'_, f32>) -> Var<'_, f32> {
    x.cross_entropy(&[0])
}
// ANCHOR_END: overflow

fn print_overflow() {
    println!("== overflow: loss and gradient for scores 0 and d, when the first is right");
    println!("    d   as written                as one operation");
    for d in [1.0, 10.0, 200.0] {
        let run = |loss: fn(Var<'_, f32>) -> Var<'_, f32>| {
            let tape = Tape::new();
            let x = tape.leaf(2, 1, &[0.0, d]);
            let loss = loss(x);
            loss.backward();
            format!("{:8.4}  {:7.4} {:7.4}", loss.item(), x.grad()[0], x.grad()[1])
        };
        println!("{d:5}  {}  {}", run(as_written), run(as_one));
    }
}

fn row(entries: impl IntoIterator<Item = f64>) -> String {
    entries.into_iter().map(|x| format!("{:8.4}", if x.abs() < 5e-5 { 0.0 } else { x })).collect()
}

fn print_column() {
    println!("\n== column: softmax of three scores, its Jacobian, and one cotangent");
    // ANCHOR: column
    let tape = Tape::new();
    let x = tape.leaf(3, 1, &[1.0, 2.0, 0.0]);
    let p = x.softmax();
    let cotangent = [1.0, 0.0, 2.0];
    // ANCHOR_END: column
    println!("x      {}", row(x.value()));
    println!("p      {}", row(p.value()));
    for k in 0..3 {
        let mut one = [0.0; 3];
        one[k] = 1.0;
        p.backward_with(&one);
        println!("{}{}", if k == 0 { "J      " } else { "       " }, row(x.grad()));
    }
    println!("bar p  {}", row(cotangent));
    let dot: f64 = p.value().iter().zip(cotangent).map(|(p, dp)| p * dp).sum();
    println!("m      {}", row([dot]));
    p.backward_with(&cotangent);
    println!("bar x  {}", row(x.grad()));
    println!("sum    {}", row([x.grad().iter().sum()]));
}

fn print_cross_entropy() {
    println!("\n== cross-entropy: three classes, three examples, the last does not count");
    // ANCHOR: cross-entropy
    let tape = Tape::new();
    let x = tape.leaf(3, 3, &[1.0, 0.5, 9.0, 2.0, 0.5, 9.0, 0.0, -0.5, 9.0]);
    let loss = x.cross_entropy(&[1, 2, IGNORE_INDEX]);
    loss.backward();
    // ANCHOR_END: cross-entropy
    let p = x.softmax().value();
    let grad = x.grad();
    println!("          example 0  example 1  example 2");
    for (name, of) in [("x", x.value()), ("p", p), ("bar x", grad)] {
        for (k, row) in of.chunks_exact(3).enumerate() {
            let name = if k == 0 { name } else { "" };
            let row: String = row.iter().map(|x| format!("{:11.4}", x + 0.0)).collect();
            println!("{name:8}{row}");
        }
    }
    println!("loss    {:11.4}", loss.item());
}

fn print_sizes() {
    println!("\n== start: the loss when all classes are equally likely");
    for classes in [2, 10, 65, 256] {
        let tape = Tape::<f64>::new();
        println!("{classes:4} classes: {:.4}", tape.zeros(classes, 1).cross_entropy(&[0]).item());
    }
}

// ANCHOR: broken
/// Of ten examples two are of class 0, seven of class 1, one is of class 2:
/// the mean of their one-hot columns.
const SHARES: [f64; 3] = [0.2, 0.7, 0.1];

type Rule = fn(p: f64, share: f64) -> f64;

const RULES: [(&str, Rule); 3] = [
    ("p - share", |p, share| p - share),
    ("- share", |_, share| -share),
    ("share - p", |p, share| share - p),
];

/// Gradient descent on the scores themselves: the mean loss before it, after
/// 5 steps and after 100, and the probabilities then.
fn descend(rule: Rule) -> ([f64; 3], Vec<f64>) {
    let mut x = [0.0; 3];
    let mut losses = Vec::new();
    let mut p = Vec::new();
    for _ in 0..=100 {
        let tape = Tape::new();
        let log_p = tape.constant(3, 1, &x).log_softmax().value();
        losses.push(-(0..3).map(|k| SHARES[k] * log_p[k]).sum::<f64>());
        p = log_p.iter().map(|y| y.exp()).collect();
        (0..3).for_each(|k| x[k] -= 0.5 * rule(p[k], SHARES[k]));
    }
    ([losses[0], losses[5], losses[100]], p)
}
// ANCHOR_END: broken

fn print_broken() {
    println!("\n== broken: three rules, after 0, 5 and 100 steps, and after 100");
    println!("gradient     loss: 0       5     100    probabilities");
    for (name, rule) in RULES {
        let (losses, p) = descend(rule);
        println!("{name:12}{}  {}", row(losses), row(p));
    }
}
