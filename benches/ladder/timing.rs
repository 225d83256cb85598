//! Times that can be compared: everything takes its turn, round after round.

use serde::Serialize;
use std::time::{Duration, Instant};

/// Microseconds: the median of all rounds, the least and the most.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

/// One thing to be timed: its name, and a function that returns the microseconds that it has taken.
pub struct Timed<'a> {
    pub name: String,
    pub run: Box<dyn FnMut() -> f64 + 'a>,
}

/// Times all of them in turn: what slows the machine for a while slows all of them.
pub fn interleaved(all: &mut [Timed<'_>], rounds: usize) -> Vec<Spread> {
    let mut times = vec![Vec::new(); all.len()];
    for _ in 0..rounds.max(1) {
        for (times, timed) in times.iter_mut().zip(&mut *all) {
            times.push((timed.run)());
        }
    }
    times.into_iter().map(spread).collect()
}

fn spread(mut times: Vec<f64>) -> Spread {
    times.sort_by(f64::total_cmp);
    let last = times.len() - 1;
    Spread { median: times[last / 2], least: times[0], most: times[last] }
}

/// The median time of a step in microseconds, of those that fit into a tenth of a second. The first warms up, and
/// counts only if there is no other.
pub fn microseconds(mut step: impl FnMut()) -> f64 {
    let (mut times, end) = (Vec::new(), Instant::now() + Duration::from_millis(100));
    while times.len() < 2 || Instant::now() < end {
        let start = Instant::now();
        step();
        times.push(start.elapsed().as_secs_f64() * 1e6);
        if times.len() == 1 && Instant::now() > end {
            break;
        }
    }
    let first = usize::from(times.len() > 1);
    spread(times.split_off(first)).median
}
