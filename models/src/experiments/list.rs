//! The list of all experiments.

use super::Contender;
use crate::choice::Invalid;
use crate::config::Config;
use crate::tasks::{self, TaskInfo};

/// A task, the networks that run on it, and what each of them is given.
#[derive(Debug)]
pub struct Experiment {
    /// The task's name.
    pub task: &'static str,
    /// The networks, by name.
    pub networks: &'static [&'static str],
    /// Learning rates to choose from, the usual one first.
    pub rates: [f64; 3],
    /// Units of every recurrent layer.
    pub hidden: usize,
    /// Examples of a step.
    pub batch: usize,
    /// Steps at most.
    pub steps: u64,
    /// Steps between two exams: so exactly is known when a task was solved.
    pub every: u64,
}

/// Every experiment.
pub static ALL: [Experiment; 18] = [
    Experiment {
        task: "hello",
        networks: &[
            "elman",
            "elman-relu",
            "jordan",
            "lstm-no-forget",
            "lstm",
            "peephole",
            "gru",
            "gru-reset-before",
        ],
        rates: [0.1, 0.03, 0.3],
        hidden: 3,
        batch: 1,
        steps: 200,
        every: 5,
    },
    Experiment {
        task: "sentence",
        networks: &["elman", "lstm", "gru", "stacked-lstm"],
        rates: [0.01, 0.003, 0.03],
        hidden: 32,
        batch: 1,
        steps: 500,
        every: 25,
    },
    Experiment {
        task: "companies",
        networks: &["elman", "jordan", "lstm-no-forget", "lstm", "peephole", "gru"],
        rates: [0.1, 0.03, 0.3],
        hidden: 1,
        batch: 2,
        steps: 1000,
        every: 20,
    },
    Experiment {
        task: "xor",
        networks: &["elman", "elman-relu", "jordan", "lstm", "gru"],
        rates: [0.03, 0.01, 0.003],
        hidden: 8,
        batch: 32,
        steps: 2000,
        every: 25,
    },
    Experiment {
        task: "letters",
        networks: &["elman", "elman-relu", "jordan", "lstm", "gru"],
        rates: [0.03, 0.01, 0.003],
        hidden: 16,
        batch: 32,
        steps: 500,
        every: 10,
    },
    Experiment {
        task: "recall",
        networks: &[
            "elman",
            "elman-relu",
            "jordan",
            "lstm-no-forget",
            "lstm",
            "peephole",
            "gru",
            "gru-reset-before",
            "bidirectional-lstm",
        ],
        rates: [0.01, 0.003, 0.03],
        hidden: 32,
        batch: 32,
        steps: 1000,
        every: 50,
    },
    Experiment {
        task: "recall-100",
        networks: &["elman", "lstm", "gru"],
        rates: [0.01, 0.003, 0.03],
        hidden: 32,
        batch: 32,
        steps: 1000,
        every: 100,
    },
    Experiment {
        task: "adding",
        networks: &["elman", "lstm", "gru"],
        rates: [0.03, 0.01, 0.003],
        hidden: 32,
        batch: 32,
        steps: 2000,
        every: 100,
    },
    Experiment {
        task: "order",
        networks: &["elman", "lstm-no-forget", "lstm", "gru"],
        rates: [0.01, 0.03, 0.003],
        hidden: 32,
        batch: 32,
        steps: 4000,
        every: 50,
    },
    Experiment {
        task: "copy",
        networks: &["elman", "lstm", "gru"],
        rates: [0.01, 0.003, 0.03],
        hidden: 64,
        batch: 32,
        steps: 3000,
        every: 500,
    },
    Experiment {
        task: "reber",
        networks: &["elman", "jordan", "lstm-no-forget", "lstm", "peephole", "gru"],
        rates: [0.03, 0.01, 0.003],
        hidden: 16,
        batch: 8,
        steps: 4000,
        every: 50,
    },
    Experiment {
        task: "continual",
        networks: &["elman", "lstm-no-forget", "lstm", "gru"],
        rates: [0.03, 0.01, 0.003],
        hidden: 16,
        // One stream, as published. Of sixteen side by side, lstm-no-forget learns more.
        batch: 1,
        steps: 3000,
        every: 100,
    },
    Experiment {
        task: "anbn",
        networks: &["elman", "jordan", "lstm-no-forget", "lstm", "peephole", "gru"],
        rates: [0.03, 0.01, 0.003],
        hidden: 8,
        batch: 32,
        steps: 1500,
        every: 50,
    },
    Experiment {
        task: "timing",
        networks: &["elman", "lstm", "peephole", "gru"],
        rates: [0.01, 0.003, 0.03],
        hidden: 16,
        batch: 1,
        steps: 2000,
        every: 100,
    },
    Experiment {
        task: "sine",
        networks: &["elman", "lstm", "gru"],
        rates: [0.01, 0.003, 0.03],
        hidden: 32,
        batch: 32,
        steps: 2000,
        every: 500,
    },
    Experiment {
        task: "sentiment",
        networks: &["elman", "lstm", "gru", "bidirectional-lstm"],
        rates: [0.01, 0.003, 0.03],
        hidden: 32,
        batch: 64,
        steps: 600,
        every: 60,
    },
    Experiment {
        task: "numbers",
        networks: &["lstm", "gru"],
        rates: [0.015, 0.005, 0.03],
        hidden: 128,
        batch: 64,
        steps: 1500,
        every: 500,
    },
    Experiment {
        task: "dates",
        networks: &["lstm", "gru"],
        rates: [0.005, 0.003, 0.01],
        hidden: 128,
        batch: 64,
        steps: 600,
        every: 200,
    },
];

/// The experiment on the task of that name.
///
/// # Errors
/// If there is none: on which there are, a line each.
pub fn find(task: &str) -> Result<&'static Experiment, Invalid> {
    ALL.iter().find(|experiment| experiment.task == task).ok_or_else(|| {
        let lines = ALL.iter().map(|experiment| format!("\n{}", experiment.info().line().trim_end()));
        Invalid(format!("no experiment on a task {task}; there are:{}", lines.collect::<String>()))
    })
}

impl Experiment {
    /// The task.
    pub fn info(&self) -> &'static TaskInfo {
        tasks::find(self.task).expect("an experiment's task is in the list of tasks")
    }

    /// The settings of one run.
    pub fn config(&self, network: &Contender, rate: f64, seed: u64) -> Config {
        Config {
            model: network.kind.name().into(),
            layers: network.layers,
            bidirectional: network.bidirectional,
            hidden: self.hidden,
            batch: self.batch,
            steps: self.steps,
            lr: rate,
            seed,
            eval_every: self.every,
            save_every: self.every,
            ..(self.info().config)()
        }
    }
}
