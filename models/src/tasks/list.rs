//! The list of all tasks.

use super::{
    Built, adding, anbn, chars, companies, continual, copy, dates, letters, numbers, order, reber, recall,
    sentiment, sine, timing, xor,
};
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
    /// What its exam shows point by point; empty if nothing.
    pub profile: &'static str,
    /// Whether it is a text, which its network can continue.
    pub is_text: bool,
    /// The settings it takes, of [`TaskInfo::SPECIAL`].
    pub takes: &'static [&'static str],
    /// The settings that do well.
    pub config: fn() -> Config,
    build: fn(&Config, &str) -> Built,
}

/// Every task.
pub static ALL: [TaskInfo; 19] = [
    TaskInfo {
        name: "chars",
        summary: "the next character of a text",
        source: "Elman (1990), letters; Graves, \"Generating sequences with recurrent neural networks\" (2013)",
        solved: "never: the lower the loss, the better",
        measure: "nats per character on the held-out tenth",
        profile: "",
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
        profile: "",
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
        profile: "",
        is_text: true,
        takes: &["encoding", "seq", "learn-initial-state"],
        config: sentence,
        build: chars::sentence,
    },
    TaskInfo {
        name: "companies",
        summary: "a fifth day, from four of which only the first differs",
        source: "Starmer, \"Long short-term memory with PyTorch\" (StatQuest 2022)",
        solved: "both guesses are within 0.1 of the truth",
        measure: "squared error on both companies",
        profile: "",
        is_text: false,
        takes: &["bidirectional", "learn-initial-state"],
        config: companies::config,
        build: companies::build,
    },
    TaskInfo {
        name: "xor",
        summary: "the next bit, where every third is the exclusive or of the two before",
        source: "Elman, \"Finding structure in time\" (1990)",
        solved: "the loss is within 5 % of 2/3 ln 2 = 0.462 nats, below which none can be",
        measure: "nats per bit on 1,200 bits",
        profile: "nats by place among twelve bits",
        is_text: false,
        takes: &["encoding", "learn-initial-state"],
        config: xor::config,
        build: xor::build,
    },
    TaskInfo {
        name: "letters",
        summary: "the next letter of \"ba\", \"dii\" and \"guuu\" in random order",
        source: "Elman, \"Finding structure in time\" (1990)",
        solved: "the loss is within 5 % of 1/3 ln 3 = 0.366 nats, as counted on the questions, below which none can be",
        measure: "nats per letter on 50 sequences of 10 consonants and their vowels",
        profile: "nats letter by letter",
        is_text: false,
        takes: &["encoding", "learn-initial-state"],
        config: letters::config,
        build: letters::build,
    },
    TaskInfo {
        name: "recall",
        summary: "one of 10 keys, then 1 to 100 distractors, then: which key was it?",
        source: "the latching problem of Bengio, Simard and Frasconi (1994), with ten keys and a question",
        solved: "99 % of the keys are named after 100 distractors",
        measure: "nats per question on 1,920 questions",
        profile: "share of right answers by distance",
        is_text: false,
        takes: &["encoding", "bidirectional", "learn-initial-state"],
        config: recall::config,
        build: recall::build,
    },
    TaskInfo {
        name: "recall-100",
        summary: "the same, trained with 100 distractors only",
        source: "as recall; that short examples are the way to long ones: Elman, \"Learning and development\" (1993)",
        solved: "99 % of the keys are named after 100 distractors",
        measure: "nats per question on 1,920 questions",
        profile: "share of right answers by distance",
        is_text: false,
        takes: &["encoding", "bidirectional", "learn-initial-state"],
        config: recall::config_longest,
        build: recall::build_longest,
    },
    TaskInfo {
        name: "adding",
        summary: "the sum of two marked numbers out of 100",
        source: "Hochreiter and Schmidhuber (1997), task 4; Le, Jaitly and Hinton (2015)",
        solved: "the mean squared error is below 0.002 (always to say 1: 1/6)",
        measure: "squared error on 500 sums",
        profile: "",
        is_text: false,
        takes: &["bidirectional", "learn-initial-state"],
        config: adding::config,
        build: adding::build,
    },
    TaskInfo {
        name: "order",
        summary: "in which order three X or Y came among 50 letters",
        source: "Hochreiter and Schmidhuber (1997), task 6b, at half the length",
        solved: "99 % of 500 sequences are right",
        measure: "nats per sequence on 500 sequences",
        profile: "",
        is_text: false,
        takes: &["encoding", "bidirectional", "learn-initial-state"],
        config: order::config,
        build: order::build,
    },
    TaskInfo {
        name: "copy",
        summary: "ten symbols, in order, ten steps after the last was shown",
        source: "Hochreiter and Schmidhuber (1997); Arjovsky, Shah and Bengio (2016)",
        solved: "99 % of 2,000 symbols are right",
        measure: "nats per step on 200 sequences",
        profile: "",
        is_text: false,
        takes: &["encoding", "learn-initial-state"],
        config: copy::config,
        build: copy::build,
    },
    TaskInfo {
        name: "reber",
        summary: "the next symbol of a grammar that ends as it began",
        source: "Reber (1967); Hochreiter and Schmidhuber (1997), task 1",
        solved: "in each of 256 different held-out strings, at every step, all symbols that may come are likelier than all others",
        measure: "nats per symbol on 256 held-out strings",
        profile: "",
        is_text: false,
        takes: &["encoding", "learn-initial-state"],
        config: reber::config,
        build: reber::build,
    },
    TaskInfo {
        name: "continual",
        summary: "the same grammar, string after string, without an end",
        source: "Gers, Schmidhuber and Cummins, \"Learning to forget\" (2000)",
        solved: "99 % of the symbols that repeat a string's beginning are right, in 10 streams of 10,000 symbols",
        measure: "nats per symbol on 10 streams of 10,000 symbols",
        profile: "",
        is_text: false,
        takes: &["encoding", "seq", "learn-initial-state"],
        config: continual::config,
        build: continual::build,
    },
    TaskInfo {
        name: "anbn",
        summary: "as many b as there were a: learned to 10, asked to 30",
        source: "Gers and Schmidhuber (2001)",
        solved: "all numbers from 1 to 30 are counted right",
        measure: "nats per letter on the numbers 1 to 30",
        profile: "",
        is_text: false,
        takes: &["encoding", "learn-initial-state"],
        config: anbn::config,
        build: anbn::build,
    },
    TaskInfo {
        name: "timing",
        summary: "a spike at every tenth step, and nothing to count it by",
        source: "Gers, Schraudolph and Schmidhuber (2002), generating timed spikes",
        solved: "50 intervals are right to the step, after a training on 10",
        measure: "nats per step on 50 intervals",
        profile: "",
        is_text: false,
        takes: &["learn-initial-state"],
        config: timing::config,
        build: timing::build,
    },
    TaskInfo {
        name: "sine",
        summary: "how a sine goes on: 30 points are read, the next 30 written",
        source: "after Gers, Schraudolph and Schmidhuber (2002), periodic functions",
        solved: "95 % of 100 continuations have a root mean squared error below 0.2",
        measure: "squared error on 100 continuations",
        profile: "squared error by points written",
        is_text: false,
        takes: &["learn-initial-state"],
        config: sine::config,
        build: sine::build,
    },
    TaskInfo {
        name: "sentiment",
        summary: "what a sentence with \"although\" or \"but\" means: positive or negative",
        source: "generated; contrasts as in Socher et al., \"Recursive deep models\" (2013)",
        solved: "99 % of 2,000 held-out sentences are right",
        measure: "nats per sentence on 2,000 held-out sentences",
        profile: "",
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
        profile: "",
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
        profile: "",
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
        let known: String = ALL.iter().map(TaskInfo::line).collect();
        Invalid(format!("unknown task {name}; known:\n{}", known.trim_end()))
    })
}

impl TaskInfo {
    /// The settings that not every task takes.
    pub const SPECIAL: [&str; 6] =
        ["text", "encoding", "seq", "bidirectional", "teacher-forcing", "learn-initial-state"];

    /// Its line in a list: name and summary.
    pub fn line(&self) -> String {
        format!("{:10} {}\n", self.name, self.summary)
    }

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
