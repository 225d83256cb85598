//! What every library's process does alike: it takes one case a line from standard input, as JSON, answers with
//! one line, and stays for the next case, so that the libraries can take turns.

use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::time::Instant;

/// The layers, and what is asked about them.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    pub what: What,
    pub model: String,
    pub seq: usize,
    pub batch: usize,
    pub input: usize,
    pub hidden: usize,
    pub layers: usize,
    pub bidirectional: bool,
    /// Seconds for each measurement.
    pub seconds: f64,
}

/// What is asked.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// How long a forward pass and a training step take.
    Times,
    /// What they compute, from [`weight`] and [`input`].
    Numbers,
    /// How much memory a training step needs; the process must be a fresh one.
    Memory,
}

/// One library's layers with their input. A training step is forward, the sum of the squared outputs, and
/// the gradients of all parameters.
pub trait Layers {
    fn forward(&mut self);
    fn train(&mut self);
    /// A training step's numbers, with [`weight`] for the weights and 0 for the biases.
    fn numbers(&mut self) -> Result<Numbers, String>;
}

/// A training step's loss, and the norm of the gradients of all weight matrices.
#[derive(Serialize)]
pub struct Numbers {
    pub loss: f64,
    pub norm: f64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Times { forward_ms: f64, train_ms: f64 },
    Numbers(Numbers),
    Memory { idle_mb: Option<f64>, growth_mb: Option<f64> },
    Unsupported { unsupported: String },
}

/// A weight matrix's entry in row `row` of every gate and in column `column`: scrambled, between ±1/√H as PyTorch
/// initialises them, the same for all gates, since libraries order them in different ways, but not for its transpose.
pub fn weight(row: usize, column: usize, hidden: usize) -> f32 {
    let scrambled = 43758.5453 * (12.9898 * row as f64 + 78.233 * column as f64 + 1.0).sin();
    ((2.0 * (scrambled - scrambled.floor()) - 1.0) / (hidden as f64).sqrt()) as f32
}

/// The input at step `t`, of example `b`, feature `i`.
pub fn input(t: usize, b: usize, i: usize) -> f32 {
    (1.0 + 0.7 * t as f64 + 1.3 * b as f64 + 2.1 * i as f64).sin() as f32
}

/// The input in the order B×T×I.
#[allow(dead_code, reason = "one of the two programs that share this file has another order")]
pub fn batch_first(case: &Case) -> Vec<f32> {
    let places = (0..case.batch).flat_map(|b| (0..case.seq).map(move |t| (t, b)));
    places.flat_map(|(t, b)| (0..case.input).map(move |i| input(t, b, i))).collect()
}

/// Answers until standard input ends.
pub fn serve<L: Layers>(build: impl Fn(&Case) -> Result<L, String>) -> Result<(), String> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| e.to_string())?;
        let case: Case = serde_json::from_str(&line).map_err(|e| format!("not a case: {e}"))?;
        let answer = answer(&case, &build).unwrap_or_else(|unsupported| Answer::Unsupported { unsupported });
        let text = serde_json::to_string(&answer).map_err(|e| e.to_string())?;
        writeln!(std::io::stdout(), "{text}").map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn answer<L: Layers>(case: &Case, build: impl Fn(&Case) -> Result<L, String>) -> Result<Answer, String> {
    match case.what {
        What::Times => {
            let mut layers = build(case)?;
            let forward_ms = median_ms(case.seconds, || layers.forward());
            Ok(Answer::Times { forward_ms, train_ms: median_ms(case.seconds, || layers.train()) })
        }
        What::Numbers => Ok(Answer::Numbers(build(case)?.numbers()?)),
        What::Memory => {
            // A tiny step first: what the library loads and starts once is none of the step's memory.
            build(&Case { seq: 2, batch: 1, input: 1, hidden: 1, ..case.clone() })?.train();
            let mut layers = build(case)?;
            forget_peak();
            let idle_mb = resident_mb("VmRSS:");
            (0..2).for_each(|_| layers.train());
            let growth_mb = resident_mb("VmHWM:").zip(idle_mb).map(|(peak, idle)| peak - idle);
            Ok(Answer::Memory { idle_mb, growth_mb })
        }
    }
}

/// The median of many runs in milliseconds, after one that warms up. Three at least, unless they take more
/// than four times as long as they should; the first one counts if it does alone.
pub fn median_ms(seconds: f64, mut run: impl FnMut()) -> f64 {
    let mut time = || {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    let first = time();
    if first > 4.0 * seconds {
        return first * 1e3;
    }
    let (mut times, begin) = (Vec::new(), Instant::now());
    let enough = |runs| if runs < 3 { 4.0 * seconds } else { seconds };
    while times.is_empty() || begin.elapsed().as_secs_f64() < enough(times.len()) {
        times.push(time());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2] * 1e3
}

/// From here on, the peak of resident memory is that of what follows. Linux only.
fn forget_peak() {
    // Where it cannot be forgotten, the growth is that since the process began: too much, not too little.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// A line of this process's status, on Linux, in megabytes.
fn resident_mb(line: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes =
        status.lines().find_map(|l| l.strip_prefix(line)?.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1.024e-3)
}
