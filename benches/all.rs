//! Everything that `cargo bench` times, on one thread; the whole models on all cores too.

mod cells;
mod forms;
mod operations;
mod whole;

use models::threads::with_threads;
use std::thread::available_parallelism;

fn main() {
    let mut c = benches::criterion();
    operations::run(&mut c);
    cells::run(&mut c);
    forms::run(&mut c);
    let cores = available_parallelism().map_or(1, |n| n.get());
    for threads in (1..=cores).filter(|&n| n == 1 || n == cores) {
        let run = move || whole::run(&mut benches::criterion(), threads);
        with_threads(threads, run).expect("there are so many cores");
    }
    c.final_summary();
}
