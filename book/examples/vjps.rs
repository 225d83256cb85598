//! Vector–Jacobian products: what each operation makes of the cotangent of its result.
//!
//! `cargo run --package book --example vjps`

use autograd::check::{Check, Random};
use autograd::{Tape, Var, ops};

fn main() {
    print_jacobian();
    print_affine();
    print_elementwise();
    print_moves();
    print_pairings();
    print_broken();
}

/// A matrix, row by row, with `digits` decimals.
fn print_matrix(name: &str, entries: &[f64], cols: usize, digits: usize) {
    for (number, row) in entries.chunks_exact(cols).enumerate() {
        let name = if number == 0 { name } else { "" };
        let row: String = row.iter().map(|x| format!("{:8.digits$}", x + 0.0)).collect();
        println!("{name:9}{row}");
    }
}

// ANCHOR: jacobian
/// Row k of the Jacobian is what the backward pass makes of a cotangent
/// that is 1 at entry k and 0 elsewhere.
fn jacobian(y: Var<'_, f64>, x: Var<'_, f64>) -> Vec<Vec<f64>> {
    let outputs = y.rows() * y.cols();
    let row = |k| {
        let mut cotangent = vec![0.0; outputs];
        cotangent[k] = 1.0;
        y.backward_with(&cotangent);
        x.grad()
    };
    (0..outputs).map(row).collect()
}
// ANCHOR_END: jacobian

fn print_jacobian() {
    println!("== jacobian: of Y = A B by A, where A is 2×3 and B is 3×2");
    let tape = Tape::new();
    let a = tape.leaf(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let b = tape.leaf(3, 2, &[7.0, -1.0, 8.0, -2.0, 9.0, -3.0]);
    println!("              a11     a12     a13     a21     a22     a23");
    for (row, name) in jacobian(a.matmul(b), a).iter().zip(["y11", "y12", "y21", "y22"]) {
        print_matrix(name, row, 6, 0);
    }
}

fn print_affine() {
    println!("\n== affine: z = W x + b and what comes back");
    let tape = Tape::new();
    // ANCHOR: affine
    let w = tape.leaf(2, 3, &[1.0, 2.0, 3.0, 0.0, -1.0, 1.0]);
    let x = tape.leaf(3, 2, &[1.0, 2.0, 0.0, 1.0, -1.0, 3.0]);
    let b = tape.leaf(2, 1, &[0.5, -0.5]);
    let z = tape.affine(&[(w, x)], b);
    z.backward_with(&[1.0, -1.0, 2.0, 0.5]);
    // ANCHOR_END: affine
    print_matrix("W", &w.value(), 3, 1);
    print_matrix("x", &x.value(), 2, 1);
    print_matrix("b", &b.value(), 1, 1);
    print_matrix("z", &z.value(), 2, 1);
    print_matrix("bar z", &[1.0, -1.0, 2.0, 0.5], 2, 1);
    print_matrix("bar W", &w.grad(), 3, 1);
    print_matrix("bar x", &x.grad(), 2, 1);
    print_matrix("bar b", &b.grad(), 1, 1);
}

type Function = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;

const FUNCTIONS: [(&str, Function); 7] = [
    ("sigmoid", |x| x.sigmoid()),
    ("tanh", |x| x.tanh()),
    ("relu", |x| x.relu()),
    ("exp", |x| x.exp()),
    ("ln", |x| x.ln()),
    ("square", |x| x.square()),
    ("sqrt", |x| x.sqrt()),
];

fn print_elementwise() {
    println!("\n== elementwise: at x = 0.5, with the cotangent 1");
    println!("               y   bar x   two runs");
    for (name, f) in FUNCTIONS {
        let run = |x: f64| {
            let tape = Tape::new();
            let x = tape.leaf(1, 1, &[x]);
            let y = f(x);
            y.backward();
            (y.item(), x.grad()[0])
        };
        let slope = (run(0.5 + 1e-6).0 - run(0.5 - 1e-6).0) / 2e-6;
        println!("{name:8} {:7.4} {:7.4}    {slope:7.4}", run(0.5).0, run(0.5).1);
    }
}

fn print_moves() {
    println!("\n== moves: rows 2, 0 and 2 of a table, as columns");
    let tape = Tape::new();
    // ANCHOR: embedding
    let table = tape.leaf(3, 2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let y = table.embedding(&[2, 0, 2], 3);
    y.backward_with(&[10.0, 20.0, 30.0, 0.1, 0.2, 0.3]);
    // ANCHOR_END: embedding
    print_matrix("table", &table.value(), 2, 1);
    print_matrix("y", &y.value(), 3, 1);
    print_matrix("bar y", &[10.0, 20.0, 30.0, 0.1, 0.2, 0.3], 3, 1);
    print_matrix("bar table", &table.grad(), 2, 1);
}

type Operation = for<'t> fn(&'t Tape<f64>, &[Var<'t, f64>]) -> Var<'t, f64>;

/// Some operations, with the shapes of their inputs.
const OPERATIONS: [(&str, &[(usize, usize)], Operation); 16] = [
    ("A B", &[(2, 3), (3, 4)], |_, x| x[0].matmul(x[1])),
    ("Aᵀ B", &[(3, 2), (3, 4)], |_, x| x[0].t_matmul(x[1])),
    ("A Bᵀ", &[(2, 3), (4, 3)], |_, x| x[0].matmul_t(x[1])),
    ("Aᵀ Bᵀ", &[(3, 2), (4, 3)], |tape, x| {
        tape.apply(ops::MatMul { transpose_a: true, transpose_b: true }, x)
    }),
    ("W x + b", &[(2, 3), (3, 4), (2, 1)], |tape, x| tape.affine(&[(x[0], x[1])], x[2])),
    ("a / b", &[(2, 3), (2, 3)], |_, x| x[0] / (x[1].square() + 1.0)),
    ("a + b 1ᵀ", &[(2, 3), (2, 1)], |_, x| x[0] + x[1]),
    ("diag(b) a", &[(2, 3), (2, 1)], |_, x| x[0] * x[1]),
    ("sum", &[(2, 3)], |_, x| x[0].sum()),
    ("mean", &[(2, 3)], |_, x| x[0].mean()),
    ("sum_rows", &[(2, 3)], |_, x| x[0].sum_rows()),
    ("sum_cols", &[(2, 3)], |_, x| x[0].sum_cols()),
    ("row_block", &[(4, 3)], |_, x| x[0].row_block(1..3)),
    ("concat_rows", &[(2, 3), (1, 3)], |tape, x| tape.concat_rows(x)),
    ("select", &[(2, 3), (2, 3)], |tape, x| tape.select([true, false, true], x[0], x[1])),
    ("mse_loss", &[(2, 3), (2, 3)], |_, x| x[0].mse_loss(x[1])),
];

// ANCHOR: pairing
/// `Σ ȳ ⊙ ẏ` and `Σ x̄ ⊙ ẋ` at a random point, for a random cotangent of
/// the output and random tangents of all inputs. `ẏ` comes from two runs.
fn pairing(shapes: &[(usize, usize)], f: Operation) -> (f64, f64) {
    let mut random = Random::new(1);
    let mut draw = || -> Vec<Vec<f64>> { shapes.iter().map(|&(r, c)| random.normals(r * c)).collect() };
    let (point, tangent) = (draw(), draw());
    let tape = Tape::new();
    let run = |h: f64| {
        let given = shapes.iter().zip(point.iter().zip(&tangent));
        let given = given.map(|(&(rows, cols), (x, v))| {
            let moved: Vec<f64> = x.iter().zip(v).map(|(x, v)| x + h * v).collect();
            tape.leaf(rows, cols, &moved)
        });
        let x: Vec<_> = given.collect();
        (f(&tape, &x), x)
    };
    let (right, left) = (run(1e-5).0.value(), run(-1e-5).0.value());
    let (y, x) = run(0.0);
    let cotangent = Random::new(2).normals(left.len());
    y.backward_with(&cotangent);
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let slope: Vec<f64> = right.iter().zip(&left).map(|(r, l)| (r - l) / 2e-5).collect();
    (dot(&cotangent, &slope), x.iter().zip(&tangent).map(|(x, v)| dot(&x.grad(), v)).sum())
}
// ANCHOR_END: pairing

fn print_pairings() {
    println!("\n== pairings: the same number, reached forwards and in reverse");
    println!("operation      bar y · dot y   bar x · dot x");
    for (name, shapes, f) in OPERATIONS {
        let (forward, reverse) = pairing(shapes, f);
        println!("{name:12} {forward:15.4} {reverse:15.4}");
    }
}

// ANCHOR: broken
/// The rules of Y = A B by hand, for square matrices, and the mistake: B where
/// Bᵀ belongs.
fn check_product(mistake: bool) -> String {
    const N: usize = 2;
    let times = |a: &dyn Fn(usize, usize) -> f64, b: &dyn Fn(usize, usize) -> f64| {
        let entry = |at: usize| (0..N).map(|k| a(at / N, k) * b(k, at % N)).sum();
        (0..N * N).map(entry).collect::<Vec<f64>>()
    };
    let report = Check::new(1)
        .input("A", N, N, &[1.0, 2.0, 3.0, 4.0])
        .input("B", N, N, &[5.0, 6.0, 7.0, 8.0])
        .run_with(
            |x| times(&|r, c| x[0][r * N + c], &|r, c| x[1][r * N + c]),
            |x, cotangents| {
                let gradients = |dy: &Vec<f64>| {
                    let dy = |r: usize, c: usize| dy[r * N + c];
                    let a_transposed = |r: usize, c: usize| x[0][c * N + r];
                    let b = |r: usize, c: usize| x[1][r * N + c];
                    let b_transposed = |r: usize, c: usize| b(c, r);
                    let da = if mistake { times(&dy, &b) } else { times(&dy, &b_transposed) };
                    vec![da, times(&a_transposed, &dy)]
                };
                cotangents.iter().map(gradients).collect()
            },
        );
    let wrong: Vec<String> =
        report.parameters.iter().map(|p| format!("{}: {} of {} wrong", p.name, p.wrong, p.checked)).collect();
    wrong.join(", ")
}
// ANCHOR_END: broken

fn print_broken() {
    println!("\n== broken: the left rule of a product, for square matrices");
    println!("bar A = bar Y Bᵀ   {}", check_product(false));
    println!("bar A = bar Y B    {}", check_product(true));
}
