//! One training step of an LSTM, in one of three ways, and what it costs.

use autograd::Tape;
use models::cells::{Cell, CellConfig, Kind, State};
use models::init::Init;
use models::layers::{Checkpointed, Span, unroll};
use models::params::Params;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::time::{Duration, Instant};
use std::{fmt, str::FromStr};

/// Steps of a window where the gradient is truncated.
const WINDOW: usize = 100;

/// T, B, I and H.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub steps: usize,
    pub batch: usize,
    pub input: usize,
    pub hidden: usize,
}

impl Sizes {
    /// One long sequence.
    pub fn long(steps: usize) -> Self {
        Self { steps, batch: 1, input: 32, hidden: 64 }
    }
}

/// How far the gradient goes back, and what is kept for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Full,
    Truncated,
    Checkpointed,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Full, Self::Truncated, Self::Checkpointed];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Truncated => "truncated",
            Self::Checkpointed => "checkpointed",
        })
    }
}

impl FromStr for Way {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|way| way.to_string() == name);
        known.ok_or_else(|| format!("unknown way {name}; known: full, truncated, checkpointed"))
    }
}

/// What a training step takes.
#[derive(Clone, Copy)]
pub struct Cost {
    pub ms: f64,
    /// Megabytes of the tapes.
    pub tape_mb: f64,
    /// Megabytes of the process at its peak.
    pub resident_mb: Option<f64>,
}

/// The three numbers, the last one NaN if it is not known.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.ms, self.tape_mb, self.resident_mb.unwrap_or(f64::NAN))
    }
}

impl FromStr for Cost {
    type Err = String;
    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Vec<f64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
        let [ms, tape_mb, resident] = numbers[..] else { return Err(format!("not a cost: {line:?}")) };
        Ok(Self { ms, tape_mb, resident_mb: Some(resident).filter(|mb| !mb.is_nan()) })
    }
}

/// The median time of a step, after one that warms up, and the memory after them.
pub fn measure(way: Way, sizes: Sizes) -> Cost {
    let mut step = Step::new(way, sizes);
    step.run();
    let (mut times, end) = (Vec::new(), Instant::now() + Duration::from_millis(400));
    while times.len() < 3 || Instant::now() < end {
        let start = Instant::now();
        step.run();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let tape_mb = (step.tape.bytes() + step.cell.bytes()) as f64 / 1e6;
    Cost { ms: times[times.len() / 2], tape_mb, resident_mb: peak_resident_mb() }
}

/// The peak of the process's resident memory, on Linux.
fn peak_resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1.024e-3)
}

struct Step {
    way: Way,
    sizes: Sizes,
    params: Params<f32>,
    tape: Tape<f32>,
    /// The LSTM, which runs in segments if its way asks for it.
    cell: Checkpointed<f32>,
    plain: Box<dyn Cell<f32>>,
    x: Vec<f32>,
    /// The state between two windows.
    h: Vec<f32>,
    c: Vec<f32>,
}

impl Step {
    fn new(way: Way, sizes: Sizes) -> Self {
        let Sizes { steps, batch, input, hidden } = sizes;
        let build = |params: &mut Params<f32>| {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            CellConfig::new(input, hidden).build(Kind::Lstm, params, "rnn", "l0", &mut rng)
        };
        let mut params = Params::new();
        let plain = build(&mut params);
        // The same cell once more: its parameters have the same numbers.
        let cell = build(&mut Params::new());
        let every = (steps as f64).sqrt().ceil() as usize;
        let cell = Checkpointed::new(cell, 0..params.iter().len(), every);
        let x = Init::Normal { std: 1.0 }.fill(&mut ChaCha8Rng::seed_from_u64(2), steps * input, batch);
        let zeros = || vec![0.0; hidden * batch];
        Self { way, sizes, params, tape: Tape::new(), cell, plain, x, h: zeros(), c: zeros() }
    }

    /// Forward, backward, and the gradients of all parameters.
    fn run(&mut self) {
        self.params.zero_grad();
        self.h.fill(0.0);
        self.c.fill(0.0);
        let window = if self.way == Way::Truncated { WINDOW } else { self.sizes.steps };
        for first in (0..self.sizes.steps).step_by(window) {
            self.window(first, window.min(self.sizes.steps - first));
        }
    }

    fn window(&mut self, first: usize, steps: usize) {
        let Sizes { batch, input, hidden, .. } = self.sizes;
        self.tape.reset();
        let tape = &self.tape;
        let p = self.params.bind(tape);
        let x = &self.x[first * input * batch..][..steps * input * batch];
        let x = tape.constant(steps * input, batch, x);
        let (h, c) = (tape.constant(hidden, batch, &self.h), tape.constant(hidden, batch, &self.c));
        let (start, span) = (State { h, c: Some(c) }, Span::default());
        let (loss, end) = if self.way == Way::Checkpointed {
            let (losses, end) = self.cell.reduce(p, x, start, span, 1, |y, _| y.square().sum_rows());
            (losses.concat_rows().sum(), end)
        } else {
            let (y, end) = unroll(&*self.plain, p, x, start, span);
            (y.square().sum(), end)
        };
        loss.backward();
        end.h.read(|h| self.h.copy_from_slice(h));
        end.cell_state().read(|c| self.c.copy_from_slice(c));
        self.params.add_grads(p);
    }
}
