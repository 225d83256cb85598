//! How the cost of a training step grows: time against length, batch and hidden size, and memory against length.
//!
//! `cargo run --release -p benches --bin growth` writes `growth.md` and `growth.svg` to `target/growth`, or to
//! the folder that is named after it, in about two minutes.

mod chart;
mod layer;

use chart::{Panel, Series};
use layer::{Cost, Sizes, Way};
use std::error::Error;
use std::path::Path;
use std::process::Command;

/// From short to a hundred thousand steps.
const LENGTHS: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const BATCHES: [usize; 6] = [1, 4, 16, 64, 256, 1024];
const HIDDEN: [usize; 6] = [16, 32, 64, 128, 256, 512];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--measure", way, steps] => {
            println!("{}", layer::measure(way.parse()?, Sizes::long(steps.parse()?)));
            Ok(())
        }
        [] => write(Path::new("target/growth")),
        [folder] if !folder.starts_with('-') => write(Path::new(folder)),
        _ => {
            eprintln!("growth: one argument at most, the folder of the results, not {}", arguments.join(" "));
            std::process::exit(2);
        }
    }
}

/// Measures all, and writes it to the folder.
fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let against_length = lengths()?;
    let batch = one_size("batch", BATCHES, |n| Sizes { steps: 50, batch: n, input: 32, hidden: 128 });
    let hidden = one_size("hidden size", HIDDEN, |n| Sizes { steps: 20, batch: 32, input: 32, hidden: n });

    let mut table = String::from("# How the cost of a training step grows\n\n");
    table += "An LSTM, float32, one thread; the loss is the sum of the squared outputs of all steps.\n\n";
    table += &length_table(&against_length);
    table += &size_table("B", "T50 I32 H128", &batch);
    table += &size_table("H", "T20 B32 I32", &hidden);
    std::fs::write(folder.join("growth.md"), &table)?;
    std::fs::write(folder.join("growth.svg"), chart::svg(&panels(&against_length, &batch, &hidden)))?;
    println!("{table}Written: {}/growth.md and growth.svg", folder.display());
    Ok(())
}

/// The cost of every length in each of the three ways. Each in a process of its own, for its own peak of memory.
fn lengths() -> Result<Vec<(Way, Vec<(usize, Cost)>)>, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let mut all = Vec::new();
    for way in Way::ALL {
        let mut costs = Vec::new();
        for steps in LENGTHS {
            eprintln!("{way}, {steps} steps");
            let done =
                Command::new(&program).args(["--measure", &way.to_string(), &steps.to_string()]).output()?;
            let answer = String::from_utf8(done.stdout)?;
            let problem = || String::from_utf8_lossy(&done.stderr).into_owned();
            costs.push((steps, answer.trim().parse().map_err(|_| problem())?));
        }
        all.push((way, costs));
    }
    Ok(all)
}

fn one_size<const N: usize>(
    name: &str,
    values: [usize; N],
    sizes: impl Fn(usize) -> Sizes,
) -> Vec<(usize, Cost)> {
    values
        .map(|n| {
            eprintln!("{name} {n}");
            (n, layer::measure(Way::Full, sizes(n)))
        })
        .to_vec()
}

fn length_table(all: &[(Way, Vec<(usize, Cost)>)]) -> String {
    let mut out = String::from("## Against the length T (B1 I32 H64)\n\n");
    out += "Full: backpropagation through all T steps. Truncated: windows of 100 steps, the gradient stops between them. \
            Checkpointed: segments of √T steps that run again in the backward pass; the gradient is the full one. \
            Memory: what the tapes hold; and the process's peak of resident memory, where the system tells it.\n\n";
    out += "| way | T | ms | µs a step | memory, MB | peak resident, MB |\n|---|---:|---:|---:|---:|---:|\n";
    for (way, costs) in all {
        for (steps, cost) in costs {
            let each = cost.ms * 1e3 / *steps as f64;
            let resident = cost.resident_mb.map_or("–".into(), |mb| format!("{mb:.1}"));
            out += &format!(
                "| {way} | {steps} | {:.3} | {each:.2} | {:.3} | {resident} |\n",
                cost.ms, cost.tape_mb
            );
        }
    }
    out + "\n"
}

fn size_table(name: &str, others: &str, costs: &[(usize, Cost)]) -> String {
    let mut out = format!("## Against {name} ({others})\n\n| {name} | ms | memory, MB |\n|---:|---:|---:|\n");
    for (n, cost) in costs {
        out += &format!("| {n} | {:.3} | {:.3} |\n", cost.ms, cost.tape_mb);
    }
    out + "\n"
}

fn panels(
    lengths: &[(Way, Vec<(usize, Cost)>)],
    batch: &[(usize, Cost)],
    hidden: &[(usize, Cost)],
) -> [Panel; 4] {
    let series = |name: String, costs: &[(usize, Cost)], of: fn(&Cost) -> f64| Series {
        name,
        points: costs.iter().map(|(n, cost)| (*n as f64, of(cost))).collect(),
    };
    let all = |of: fn(&Cost) -> f64| {
        lengths.iter().map(|(way, costs)| series(way.to_string(), costs, of)).collect::<Vec<_>>()
    };
    let one = |costs: &[(usize, Cost)]| vec![series("training step".into(), costs, |cost| cost.ms)];
    [
        Panel { x: "steps T", y: "milliseconds", series: all(|cost| cost.ms) },
        Panel { x: "steps T", y: "megabytes of the tapes", series: all(|cost| cost.tape_mb) },
        Panel { x: "examples B", y: "milliseconds", series: one(batch) },
        Panel { x: "hidden units H", y: "milliseconds", series: one(hidden) },
    ]
}
