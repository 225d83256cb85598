//! From equations to the fastest trainer: what each step of the way is worth, measured side by side.
//!
//! `cargo run --release -p benches --bin ladder` takes some three minutes. With `--json` it prints what
//! the book's chapter is made of: `… --bin ladder -- --json > book/results/ladder.json`.

mod by_hand;
mod ideas;
mod long;
mod on_tape;
mod problem;
mod report;
mod rungs;
#[cfg(test)]
mod tests;
mod timing;
mod ways;

use benches::Sizes;
use clap::Parser;
use problem::Problem;
use report::{Case, Group, Report, Row};
use std::thread::available_parallelism;
use timing::{Spread, Timed, interleaved, microseconds};

/// Time the training step of an LSTM in many forms, from loops in the formula's order to the fused derivation,
/// and each idea on the way by itself. float32; the loss is the sum of the squared outputs.
#[derive(Parser)]
struct Args {
    /// Steps of the sequence: T. With any of the four sizes given, only those are timed, and else two
    /// cases: many examples side by side, and one alone
    #[arg(long, value_name = "N")]
    seq: Option<usize>,
    /// Examples side by side: B (128 if not given)
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Features of the input: I (20 if not given)
    #[arg(long, value_name = "N")]
    input: Option<usize>,
    /// Hidden units: H (100 if not given)
    #[arg(long, value_name = "N")]
    hidden: Option<usize>,
    /// Threads of the last rung; all cores if not given
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How often each takes its turn
    #[arg(long, value_name = "N", default_value_t = 9)]
    rounds: usize,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

const MANY: Sizes = Sizes { steps: 50, batch: 128, input: 20, hidden: 100 };
const ONE: Sizes = Sizes { steps: 100, batch: 1, input: 32, hidden: 64 };

fn main() {
    let args = Args::parse();
    let sizes = [args.seq, args.batch, args.input, args.hidden];
    if sizes.contains(&Some(0)) || args.threads == Some(0) {
        eprintln!("ladder: sizes and threads must be at least 1");
        std::process::exit(2);
    }
    let cases = match sizes {
        [None, None, None, None] => vec![MANY, ONE],
        [t, b, i, h] => vec![Sizes {
            steps: t.unwrap_or(MANY.steps),
            batch: b.unwrap_or(MANY.batch),
            input: i.unwrap_or(MANY.input),
            hidden: h.unwrap_or(MANY.hidden),
        }],
    };
    let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, |n| n.get()));
    let cases = cases.into_iter().map(|sizes| case(sizes, threads, args.rounds)).collect();
    let report = Report {
        machine: report::machine(),
        threads,
        rounds: args.rounds,
        cases,
        long: long_sequence(args.rounds),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).expect("numbers and names"));
    } else {
        print!("{report}");
    }
}

fn case(sizes: Sizes, threads: usize, rounds: usize) -> Case {
    let Sizes { steps, batch, input, hidden } = sizes;
    let problem = Problem::new(sizes);
    let mut all = rungs::rungs(&problem, threads);
    all.push(peak());
    eprintln!("T{steps} B{batch} I{input} H{hidden}: the ladder");
    let mut times = timed(all, rounds);
    let peak = times.pop().map_or(0.0, |row| PEAK_OPERATIONS / row.us.least / 1e3);
    let ladder = Group { name: "ladder", unit: "operation", count: problem.operations(), rows: times };
    let ideas = ideas::ideas(&problem).into_iter().map(|idea| {
        eprintln!("T{steps} B{batch} I{input} H{hidden}: {}", idea.name);
        Group { name: idea.name, unit: idea.unit, count: idea.count, rows: timed(idea.ways, rounds) }
    });
    Case {
        steps,
        batch,
        input,
        hidden,
        peak_gflops: peak,
        groups: std::iter::once(ladder).chain(ideas).collect(),
    }
}

fn timed(mut all: Vec<Timed<'_>>, rounds: usize) -> Vec<Row> {
    let times = interleaved(&mut all, rounds);
    let row = |(timed, us): (Timed<'_>, Spread)| Row { name: timed.name, us, megabytes: None };
    all.into_iter().zip(times).map(row).collect()
}

const PEAK: usize = 1024;
const PEAK_OPERATIONS: f64 = 2.0 * (PEAK * PEAK * PEAK) as f64;

/// A product of two large square matrices, on one thread: as fast as products get here.
fn peak() -> Timed<'static> {
    let (a, b, mut y) = (vec![0.5; PEAK * PEAK], vec![0.25; PEAK * PEAK], vec![0.0; PEAK * PEAK]);
    let run = move || microseconds(|| (ways::FAER.forward)(&mut y, &a, &b, PEAK));
    Timed { name: "1024×1024 by 1024×1024".into(), run: Box::new(run) }
}

fn long_sequence(rounds: usize) -> Group {
    let ways = [None, Some(1024), Some(256), Some(64), Some(16), Some(4)];
    let name = |every: Option<usize>| every.map_or("everything kept".into(), |n| format!("segments of {n}"));
    eprintln!("a long sequence");
    let timed_ways = ways.map(|every| {
        let mut layer = long::Long::new(every);
        Timed {
            name: name(every),
            run: Box::new(move || {
                microseconds(|| {
                    layer.train();
                })
            }),
        }
    });
    let mut rows = timed(timed_ways.into(), rounds);
    for (row, every) in rows.iter_mut().zip(ways) {
        let mut layer = long::Long::new(every);
        layer.train();
        row.megabytes = Some(layer.megabytes());
    }
    Group { name: "long", unit: "step", count: long::SIZES.steps as f64, rows }
}
