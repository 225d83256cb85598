//! Timed spikes: nothing is read but a constant, and a spike is asked for at every tenth step.
//!
//! Gers, Schraudolph and Schmidhuber, "Learning precise timing with LSTM recurrent networks" (2002), generating timed
//! spikes: the network has to count by itself. There, one cell whose gates could see it through peepholes sufficed: a cell
//! behind a closed output gate is hidden from gates without. With one to four units, Adam and full backpropagation through
//! time found the rhythm here once in 44 short runs, and that without peepholes; the settings below have 16.

use super::sequences::{self, Example, Rules, Said, choice, no_profile};
use super::{Answer, Built, Exam};
use crate::config::Config;

/// Steps from one spike to the next.
pub const INTERVAL: usize = 10;
/// Intervals of the sequence that is learned.
const LEARNED: usize = 10;
/// Intervals of the sequence that is asked: the rhythm has to be stable.
const ASKED: usize = 50;

/// So many intervals; 1 is asked for at every spike, 0 between.
pub fn example(intervals: usize) -> Example {
    (1..=INTERVAL * intervals).map(|t| (0, usize::from(t % INTERVAL == 0))).collect()
}

/// One answer for each interval.
fn answers(example: &Example, said: &Said) -> Vec<Answer> {
    let draw = |spikes: Vec<usize>| spikes.into_iter().map(|spike| ['.', '|'][spike]).collect::<String>();
    let intervals = example.chunks(INTERVAL).zip(said.chunks(INTERVAL)).enumerate();
    let answer = |(number, (example, said)): (usize, (&[(usize, usize)], &[Vec<f32>]))| {
        let expected = draw(example.iter().map(|step| step.1).collect());
        let found = draw(said.iter().map(|logits| choice(logits)).collect());
        Answer::new(format!("interval {}", number + 1), expected, found)
    };
    intervals.map(answer).collect()
}

/// What it costs to know how rare spikes are, but not when they come: the entropy of a tenth, in nats per step.
pub fn baseline() -> f64 {
    let share = 1.0 / INTERVAL as f64;
    -share * share.ln() - (1.0 - share) * (1.0 - share).ln()
}

static RULES: Rules = Rules {
    symbols: "·",
    classes: "·|",
    draw: |_| example(LEARNED),
    questions: |_| vec![example(ASKED)],
    answers,
    solved: |exam: &Exam, _| exam.right_at_least(100),
    profile: no_profile,
    material: "one rhythm",
    baseline: |_| format!("whoever does not count: {:.4} nats per step", baseline()),
};

/// Settings that do well.
pub(super) fn config() -> Config {
    Config {
        task: "timing".into(),
        encoding: "one-hot".into(),
        hidden: 16,
        seq: INTERVAL * ASKED,
        batch: 1,
        steps: 3000,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    sequences::build(config, &RULES)
}
