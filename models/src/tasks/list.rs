//! The list of all tasks.

use super::{Built, chars, dates, numbers, recall, sentiment};
use crate::choice::Invalid;
use crate::config::Config;

/// What is known of a task before it is trained.
#[derive(Debug)]
pub struct TaskInfo {
    /// The name.
    pub name: &'static str,
    /// One line: what is asked.
    pub summary: &'static str,
    /// Who published it, or what it comes from.
    pub source: &'static str,
    /// When it is solved.
    pub solved: &'static str,
    /// What the loss is, and on what it is measured.
    pub measure: &'static str,
    /// Whether it is a text, which its network can continue.
    pub is_text: bool,
    /// The settings it takes, of [`TaskInfo::SPECIAL`].
    pub takes: &'static [&'static str],
    /// The settings that do well.
    pub config: fn() -> Config,
    build: fn(&Config, &str) -> Built,
}

/// Every task.
pub static ALL: [TaskInfo; 7] = [
    TaskInfo {
        name: "chars",
        summary: "the next character of a text",
        source: "Elman (1990), letters; Graves, \"Generating sequences with recurrent neural networks\" (2013)",
        solved: "never: the lower the loss, the better",
        measure: "nats per character on the held-out tenth",
        is_text: true,
        takes: &["text", "encoding", "seq", "learn-initial-state"],
        config: Config::default,
        build: chars::chars,
    },
    TaskInfo {
        name: "hello",
        summary: "the smallest text: after \"hell\" comes \"o\"",
        source: "Karpathy, \"The unreasonable effectiveness of recurrent neural networks\" (2015)",
        solved: "the loss is below 0.1 nats: every letter gets a probability above 2/3",
        measure: "nats per character on the word itself",
        is_text: true,
        takes: &["encoding", "seq", "learn-initial-state"],
        config: hello,
        build: chars::hello,
    },
    TaskInfo {
        name: "sentence",
        summary: "one sentence, learned by heart",
        source: "the usual first exercise with a character model; after Elman (1990)",
        solved: "the loss is below 0.01 nats per character",
        measure: "nats per character on the sentence itself",
        is_text: true,
        takes: &["encoding", "seq", "learn-initial-state"],
        config: sentence,
        build: chars::sentence,
    },
    TaskInfo {
        name: "recall",
        summary: "one of 10 keys, then 1 to 100 distractors, then: which key was it?",
        source: "the latching problem of Bengio, Simard and Frasconi (1994), with ten keys and a question",
        solved: "99 % of the keys are named after 100 distractors",
        measure: "nats per question on 1,920 questions",
        is_text: false,
        takes: &["encoding", "bidirectional", "learn-initial-state"],
        config: recall::config,
        build: recall::build,
    },
    TaskInfo {
        name: "sentiment",
        summary: "what a sentence with \"although\" or \"but\" means: positive or negative",
        source: "generated; contrasts as in Socher et al., \"Recursive deep models\" (2013)",
        solved: "99 % of 2,000 held-out sentences are right",
        measure: "nats per sentence on 2,000 held-out sentences",
        is_text: false,
        takes: &["bidirectional", "learn-initial-state"],
        config: sentiment::config,
        build: sentiment::build,
    },
    TaskInfo {
        name: "numbers",
        summary: "a number's English name, letter by letter: 4273 → four thousand two hundred and seventy-three",
        source: "generated; one to many as in Vinyals et al., \"Show and tell\" (2015)",
        solved: "99 % of the held-out numbers below 10,000 are right, letter for letter",
        measure: "nats per letter on the held-out tenth",
        is_text: false,
        takes: &["teacher-forcing"],
        config: numbers::config,
        build: numbers::build,
    },
    TaskInfo {
        name: "dates",
        summary: "a date in another form: 21 November 2026 → 2026-11-21",
        source: "generated; encoder and decoder as in Sutskever, Vinyals and Le (2014)",
        solved: "99.5 % of 2,000 held-out dates are right, digit for digit",
        measure: "nats per digit on 2,000 held-out dates",
        is_text: false,
        takes: &["teacher-forcing", "learn-initial-state"],
        config: dates::config,
        build: dates::build,
    },
];

/// The task of that name.
///
/// # Errors
/// If there is none: which there are.
pub fn find(name: &str) -> Result<&'static TaskInfo, Invalid> {
    ALL.iter().find(|task| task.name == name).ok_or_else(|| {
        let known: Vec<&str> = ALL.iter().map(|task| task.name).collect();
        Invalid(format!("unknown task {name}; known: {}", known.join(", ")))
    })
}

impl TaskInfo {
    /// The settings that not every task takes.
    pub const SPECIAL: [&str; 6] =
        ["text", "encoding", "seq", "bidirectional", "teacher-forcing", "learn-initial-state"];

    /// Whether it takes one of the special settings.
    pub fn takes(&self, setting: &str) -> bool {
        self.takes.contains(&setting)
    }

    /// Refuses special settings that this task does not take.
    ///
    /// # Errors
    /// If there is one: which, and which it takes.
    pub fn refuse(&self, mut given: impl Iterator<Item = &'static str>) -> Result<(), Invalid> {
        let Some(setting) = given.find(|setting| !self.takes(setting)) else { return Ok(()) };
        let takes = self.takes.iter().map(|setting| format!("--{setting}")).collect::<Vec<_>>().join(", ");
        Err(Invalid(format!(
            "the task {} does not take --{setting} (of those that not every task takes: {takes})",
            self.name
        )))
    }

    /// Refuses a configuration with a special setting that this task does not take: one that is not as usual.
    ///
    /// # Errors
    /// If there is one: which, and which it takes.
    pub fn check(&self, config: &Config) -> Result<(), Invalid> {
        let usual = (self.config)();
        let changed = [
            !config.text.is_empty(),
            config.encoding != usual.encoding,
            config.seq != usual.seq,
            config.bidirectional != usual.bidirectional,
            config.teacher_forcing != usual.teacher_forcing,
            config.learn_initial_state != usual.learn_initial_state,
        ];
        self.refuse(
            Self::SPECIAL.into_iter().zip(changed).filter(|(_, changed)| *changed).map(|(name, _)| name),
        )
    }

    /// The task and its network's initial parameters. The text is empty for a task that takes none.
    ///
    /// # Errors
    /// If a setting is not possible or not one of this task's, or the text is too short for it.
    pub fn build(&self, config: &Config, text: &str) -> Built {
        self.check(config)?;
        (self.build)(config, text)
    }
}

fn hello() -> Config {
    Config {
        task: "hello".into(),
        model: "elman".into(),
        encoding: "one-hot".into(),
        hidden: 3,
        seq: 4,
        batch: 1,
        steps: 200,
        lr: 0.1,
        eval_every: 20,
        save_every: 20,
        ..Config::default()
    }
}

fn sentence() -> Config {
    Config {
        task: "sentence".into(),
        encoding: "one-hot".into(),
        hidden: 32,
        seq: 68,
        batch: 1,
        steps: 500,
        lr: 0.01,
        eval_every: 50,
        save_every: 50,
        ..Config::default()
    }
}
