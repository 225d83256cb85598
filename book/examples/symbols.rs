//! Symbols as vectors: one-hot, feature hashing and embedding, on the letters of "hello".
//!
//! `cargo run --package book --example symbols`

use autograd::check::Check;
use autograd::{Tape, Var};
use models::layers::{Encoding, hashing, one_hot};
use models::optim::Rule;
use models::params::Params;
use models::train::Trainer;

const LETTERS: [char; 4] = ['h', 'e', 'l', 'o'];
/// "hell", by the letters' numbers.
const HELL: [usize; 4] = [0, 1, 2, 2];
/// The table of the worked example: a row of two numbers for each letter.
const TABLE: [f64; 8] = [0.5, -1.0, 1.5, 0.0, -0.5, 2.0, 1.0, 1.0];
/// The cotangents of the four columns that were looked up, as a sequence: two numbers for each step.
const COTANGENT: [f64; 8] = [0.1, 0.2, -0.3, 0.0, 1.0, -1.0, 0.5, 0.25];

fn main() {
    print_experiment();
    print_cost();
    print_one_hot();
    print_hashing();
    print_collisions();
    print_signs();
    print_lookup();
    print_gradient();
    print_check("check: += as it should be", true);
    print_check("broken: = in its place", false);
}

// ANCHOR: experiment
/// Four letters in four columns, F numbers each: learns "is it an e?" and returns its four answers.
fn is_it_e(columns: &[f64]) -> Vec<f64> {
    let features = columns.len() / LETTERS.len();
    let mut params = Params::<f64>::new();
    let w = params.add("w", 1, features, vec![0.0; features]);
    let b = params.add("b", 1, 1, vec![0.0]);
    let mut trainer = Trainer::new(params, "adam".parse::<Rule>().unwrap(), 0.1);
    let mut answers = Vec::new();
    for _ in 0..500 {
        let step = trainer.step(|p| {
            let x = p.tape().constant(features, LETTERS.len(), columns);
            let yes = p.tape().constant(1, LETTERS.len(), &[0.0, 1.0, 0.0, 0.0]);
            let answer = (p.get(w).matmul(x) + p.get(b)).sigmoid();
            answers = answer.value();
            -(yes * answer.ln() + (1.0 - yes) * (1.0 - answer).ln()).mean()
        });
        step.unwrap();
    }
    answers
}
// ANCHOR_END: experiment

fn print_experiment() {
    println!("== experiment");
    println!("{:18}{}", "", LETTERS.map(|c| format!("{c:>6}")).concat());
    let tape = Tape::new();
    let one_hot = one_hot(&tape, &[0, 1, 2, 3], 4, 4).value();
    for (name, columns) in [("one number", &[0.0, 1.0, 2.0, 3.0][..]), ("a vector each", &one_hot)] {
        let answers: String = is_it_e(columns).iter().map(|p| format!("{p:6.2}")).collect();
        println!("{name:18}{answers}");
    }
}

fn print_cost() {
    println!("\n== cost");
    println!("{:>9}  {:>12} {:>9}   {:>12} {:>9}", "symbols", "one-hot", "MB", "embedding", "MB");
    let places = 64 * 32;
    for symbols in [65, 256, 10_000, 100_000] {
        let [hot, embedded] = [Encoding::OneHot, Encoding::Embedding(64)].map(|e| places * e.size(symbols));
        let megabytes = |numbers: usize| numbers as f64 * 4.0 / 1e6;
        println!("{symbols:9}  {hot:12} {:9.1}   {embedded:12} {:9.1}", megabytes(hot), megabytes(embedded));
    }
}

fn print_one_hot() {
    println!("\n== one-hot: one column for each letter");
    println!("  {}", LETTERS.map(|c| format!("{c:>4}")).concat());
    let tape = Tape::<f64>::new();
    let columns = one_hot(&tape, &[0, 1, 2, 3], 4, 4).value();
    print_columns(&columns);
}

fn print_hashing() {
    println!("\n== hashing: the same four letters in three places");
    println!("  {}", LETTERS.map(|c| format!("{c:>4}")).concat());
    let tape = Tape::<f64>::new();
    print_columns(&hashing(&tape, &[0, 1, 2, 3], 3, 4).value());
}

fn print_columns(entries: &[f64]) {
    for row in entries.chunks(LETTERS.len()) {
        let row: String = row.iter().map(|x| format!("{x:4.0}")).collect();
        println!("  {row}");
    }
}

/// Where each of some symbols has its one entry, and that entry.
fn places(symbols: usize, features: usize) -> Vec<(usize, f64)> {
    let place = |id: usize| {
        let column = hashing(&Tape::<f64>::new(), &[id], features, 1).value();
        let place = column.iter().position(|x| *x != 0.0).unwrap();
        (place, column[place])
    };
    (0..symbols).map(place).collect()
}

fn print_collisions() {
    println!("\n== collisions: pairs among 256 symbols");
    println!("places    same place   by the formula   same place and sign");
    for features in [64, 256, 1024, 4096] {
        let all = places(256, features);
        let (mut place, mut both) = (0, 0);
        for (k, a) in all.iter().enumerate() {
            place += all[..k].iter().filter(|b| a.0 == b.0).count();
            both += all[..k].iter().filter(|b| a == *b).count();
        }
        let formula = 256.0 * 255.0 / 2.0 / features as f64;
        println!("{features:6} {place:13} {formula:16.0} {both:21}");
    }
}

fn print_signs() {
    println!("\n== signs: mean inner product of two different symbols among 400, in 16 places");
    let all = places(400, 16);
    let (mut with, mut without, mut pairs) = (0.0, 0.0, 0.0);
    for (k, a) in all.iter().enumerate() {
        for b in all[..k].iter().filter(|b| a.0 == b.0) {
            with += a.1 * b.1;
            without += 1.0;
        }
        pairs += k as f64;
    }
    println!("without signs  {:7.4}", without / pairs);
    println!("with signs     {:7.4}", with / pairs);
}

fn print_lookup() {
    println!("\n== lookup: the columns of \"hell\"");
    let tape = Tape::<f64>::new();
    let table = tape.leaf(4, 2, &TABLE);
    let looked_up = table.embedding(&HELL, 1);
    let product = product(table);
    for (t, letter) in HELL.map(|id| LETTERS[id]).into_iter().enumerate() {
        let two = |x: Var<'_, f64>| x.value()[2 * t..2 * t + 2].iter().map(|x| format!("{x:6.1}")).collect();
        let (a, b): (String, String) = (two(looked_up), two(product));
        println!("step {}  {letter}   looked up{a}   multiplied{b}", t + 1);
    }
}

// ANCHOR: product
/// The same as `table.embedding(&HELL, 1)`, as a matrix product at every step.
fn product<'t>(table: Var<'t, f64>) -> Var<'t, f64> {
    let tape = table.tape();
    let steps = HELL.map(|id| table.t_matmul(one_hot(tape, &[id], LETTERS.len(), 1)));
    tape.concat_rows(&steps)
}
// ANCHOR_END: product

fn print_gradient() {
    println!("\n== gradient: of the table, row by row");
    let tape = Tape::<f64>::new();
    let table = tape.leaf(4, 2, &TABLE);
    table.embedding(&HELL, 1).backward_with(&COTANGENT);
    let scattered = table.grad();
    product(table).backward_with(&COTANGENT);
    let multiplied = table.grad();
    for (id, letter) in LETTERS.into_iter().enumerate() {
        let row = |g: &[f64]| g[2 * id..2 * id + 2].iter().map(|x| format!("{x:7.2}")).collect::<String>();
        println!("{letter}   scattered{}   multiplied{}", row(&scattered), row(&multiplied));
    }
}

// ANCHOR: by-hand
/// The lookup of "hell" by hand: column t is row HELL[t].
fn forward(table: &[f64]) -> Vec<f64> {
    HELL.iter().flat_map(|id| [table[2 * id], table[2 * id + 1]]).collect()
}

/// Backward: row HELL[t] gets cotangent t, added to what it has or put in its place.
fn backward(cotangent: &[f64], add: bool) -> Vec<f64> {
    let mut gradient = vec![0.0; TABLE.len()];
    for (t, id) in HELL.into_iter().enumerate() {
        for e in 0..2 {
            let before = if add { gradient[2 * id + e] } else { 0.0 };
            gradient[2 * id + e] = before + cotangent[2 * t + e];
        }
    }
    gradient
}
// ANCHOR_END: by-hand

fn print_check(title: &str, add: bool) {
    println!("\n== {title}");
    let report = Check::new(1).input("table", 4, 2, &TABLE).run_with(
        |x| forward(&x[0]),
        |_, cotangents| cotangents.iter().map(|dy| vec![backward(dy, add)]).collect(),
    );
    let entries = &report.parameters[0].entries;
    for (id, letter) in LETTERS.into_iter().enumerate() {
        let of_row = || entries.iter().filter(|e| e.row == id);
        let wrong = of_row().filter(|e| e.wrong).count();
        println!("row {letter}: {wrong:2} of {:2} derivatives wrong", of_row().count());
    }
}
