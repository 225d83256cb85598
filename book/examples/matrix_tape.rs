//! Matrices on a tape: how many nodes a layer takes, where its numbers lie, and what flows back.
//!
//! `cargo run --package book --example matrix_tape`

use autograd::{Gradients, Inputs, Op, Output, Tape, Var};

fn main() {
    print_counts();
    print_program();
    print_steps();
    print_broken();
}

// ANCHOR: counts
/// The nodes of `W x + b`, when each node holds one number.
fn of_numbers(rows: usize, inner: usize, batch: usize) -> usize {
    let tape = Tape::<f64>::new();
    let given = |n| (0..n).map(|_| tape.leaf(1, 1, &[0.5])).collect();
    let w: Vec<Var<'_, f64>> = given(rows * inner);
    let x: Vec<Var<'_, f64>> = given(inner * batch);
    let b: Vec<Var<'_, f64>> = given(rows);
    for (r, c) in (0..rows * batch).map(|at| (at / batch, at % batch)) {
        let mut z = b[r];
        for k in 0..inner {
            z = z + w[r * inner + k] * x[k * batch + c];
        }
    }
    tape.len()
}

/// The nodes of `W x + b`, when each node holds a matrix.
fn of_matrices(rows: usize, inner: usize, batch: usize) -> usize {
    let tape = Tape::<f64>::new();
    let w = tape.zeros(rows, inner);
    let x = tape.zeros(inner, batch);
    let b = tape.zeros(rows, 1);
    tape.affine(&[(w, x)], b);
    tape.len()
}
// ANCHOR_END: counts

fn print_counts() {
    println!("== counts: nodes of one layer, W is R×F and x is F×B");
    println!("   R    F    B   of numbers   of matrices");
    for [r, f, b] in [[2, 3, 2], [20, 30, 8], [100, 100, 32]] {
        println!("{r:4} {f:4} {b:4} {:12} {:13}", of_numbers(r, f, b), of_matrices(r, f, b));
    }
}

const W: [f64; 6] = [0.5, -1.0, 0.25, 1.0, 0.5, -0.5];
const X: [f64; 6] = [1.0, 2.0, 0.0, 1.0, -1.0, 0.5];
const B: [f64; 2] = [0.5, -0.5];
const NAMES: [&str; 9] = ["W", "x", "b", "z", "u", "v", "s", "y", "L"];

// ANCHOR: program
/// A layer whose upper row decides how much of its lower row passes.
fn program<'t>(tape: &'t Tape<f64>) -> [Var<'t, f64>; 9] {
    let w = tape.leaf(2, 3, &W);
    let x = tape.constant(3, 2, &X);
    let b = tape.leaf(2, 1, &B);
    let z = tape.affine(&[(w, x)], b);
    let [u, v] = z.chunk();
    let s = u.sigmoid();
    let y = s * v;
    let loss = y.sum();
    [w, x, b, z, u, v, s, y, loss]
}
// ANCHOR_END: program

/// The rows of a matrix, in brackets.
fn shown(entries: &[f64], cols: usize) -> String {
    let row = |row: &[f64]| row.iter().map(|x| format!("{x:7.4}")).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = entries.chunks_exact(cols).map(|r| format!("[{}]", row(r))).collect();
    rows.join(" ")
}

fn print_program() {
    let tape = Tape::<f64>::new();
    tape.retain_grads(true);
    let vars = program(&tape);
    println!("\n== values: every node of the program");
    for (var, name) in vars.iter().zip(NAMES) {
        let (rows, cols) = var.shape();
        println!("{} {name} {rows}×{cols} {}", var.index(), shown(&var.value(), cols));
    }
    print_places(&vars);

    vars[8].backward();
    println!("\n== cotangents: what the loop leaves behind, from the loss to the beginning");
    for (var, name) in vars.iter().zip(NAMES).rev() {
        match var.read_grad(|grad| grad.is_some()) {
            true => println!("bar {name} = {}", shown(&var.grad(), var.cols())),
            false => println!("bar {name}   is not wanted: {name} is a constant"),
        }
    }
}

// ANCHOR: places
/// Where the entries of a node lie, counted from those of the first node.
fn place(first: Var<'_, f64>, var: Var<'_, f64>) -> usize {
    let address = |var: Var<'_, f64>| var.read(|x| x.as_ptr() as usize);
    (address(var) - address(first)) / size_of::<f64>()
}
// ANCHOR_END: places

fn print_places(vars: &[Var<'_, f64>]) {
    println!("\n== places: where the numbers of each node lie");
    for (var, name) in vars.iter().zip(NAMES) {
        let (rows, cols) = var.shape();
        let from = place(vars[0], *var);
        println!("{name} {rows}×{cols}  from {from:2} up to {:2}", from + rows * cols);
    }
}

fn print_steps() {
    println!("\n== steps: nodes on the tape, and whether its numbers lie where they lay");
    println!("step   never reset   reset each time   same place");
    let mut kept = Tape::<f64>::new();
    let grows = Tape::<f64>::new();
    let mut before = None;
    for step in 1..=3 {
        kept.reset();
        let vars = program(&kept);
        vars[8].backward();
        program(&grows)[8].backward();
        let address = vars[0].read(|x| x.as_ptr() as usize);
        let same = before.map_or("", |before| if before == address { "yes" } else { "no" });
        println!("{}", format!("{step:4} {:13} {:17}   {same}", grows.len(), kept.len()).trim_end());
        before = Some(address);
    }
}

// ANCHOR: broken
/// `y = σ(x)` whose backward pass writes with `=` where `+=` belongs.
struct Careless;

impl Op<f64> for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }
    fn shape(&self, x: Inputs<'_, f64>) -> Result<(usize, usize), String> {
        Ok(x.shape(0))
    }
    fn forward(&self, x: Inputs<'_, f64>, y: &mut [f64], _saved: &mut [f64]) {
        for (y, x) in y.iter_mut().zip(x.value(0)) {
            *y = 1.0 / (1.0 + (-x).exp());
        }
    }
    fn backward(&self, _x: Inputs<'_, f64>, y: Output<'_, f64>, dx: &mut Gradients<'_, f64>) {
        let Some(dx) = dx.of(0) else { return };
        for ((dx, dy), y) in dx.iter_mut().zip(y.cotangent).zip(y.value) {
            *dx = dy * y * (1.0 - y);
        }
    }
}

fn careless(z: Var<'_, f64>) -> Var<'_, f64> {
    z.tape().apply(Careless, &[z])
}
// ANCHOR_END: broken

type Program = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;

fn print_broken() {
    // ANCHOR: orders
    let programs: [(&str, Program); 3] = [
        ("careless(z)", |z| careless(z)),
        ("z * z + careless(z)", |z| z * z + careless(z)),
        ("careless(z) + z * z", |z| careless(z) + z * z),
    ];
    // ANCHOR_END: orders
    println!("\n== broken: an operation that writes and does not add, at z = 0.75");
    println!("{:21} {:>7} {:>9}", "", "tape", "two runs");
    for (name, program) in programs {
        let run = |z: f64| {
            let tape = Tape::new();
            let z = tape.leaf(1, 1, &[z]);
            let y = program(z);
            y.backward();
            (y.item(), z.grad()[0])
        };
        let slope = (run(0.75 + 1e-6).0 - run(0.75 - 1e-6).0) / 2e-6;
        println!("{name:21} {:7.4} {slope:9.4}", run(0.75).1);
    }
}
