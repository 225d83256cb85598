//! Dates in another form: "21 November 2026" → "2026-11-21". Sequence to sequence.
//!
//! The source is written in one of eight forms, in letters, digits and signs; the target is always
//! ISO 8601, in an alphabet of its own of eleven characters. Any day from 1900-01-01 to 2099-12-31; a held-out
//! day is held out in every form. Solved: 99.5 % of the held-out dates are right, digit for digit.

use super::exam::MeanLoss;
use super::sample::{BOUNDARY, LONGEST as MOST_SHOWN, nudged, visible};
use super::{Answer, Built, Exam, Sample, Task, draw_until, examiner};
use crate::choice::Invalid;
use crate::config::Config;
use crate::heads::{Padded, Targets};
use crate::params::{Bound, Params};
use crate::seq2seq::Seq2Seq;
use crate::text::Vocabulary;
use crate::train::Trainer;
use autograd::Var;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A date of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: usize,
    /// The month, from 1.
    pub month: usize,
    /// The day of the month, from 1.
    pub day: usize,
    /// The day of the week; 0 is Monday.
    pub weekday: usize,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Date {
    /// The first year.
    pub const FIRST_YEAR: usize = 1900;
    /// How many days there are up to 2099-12-31.
    pub const DAYS: usize = 73_049;

    /// The date so many days after 1900-01-01, a Monday.
    ///
    /// ```
    /// use models::tasks::dates::Date;
    /// let date = Date::after(46_345);
    /// assert_eq!((date.iso().as_str(), date.write(3).as_str()), ("2026-11-21", "Saturday, 21 November 2026"));
    /// ```
    pub fn after(days: usize) -> Self {
        let leap =
            |year: usize| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
        let (mut year, mut month, mut day) = (Self::FIRST_YEAR, 1, days);
        loop {
            let length = match month {
                2 => 28 + usize::from(leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            if day < length {
                return Self { year, month, day: day + 1, weekday: days % 7 };
            }
            day -= length;
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
    }

    /// As in ISO 8601.
    pub fn iso(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// How many forms there are.
    pub const FORMS: usize = 8;

    /// In one of the forms that people use.
    pub fn write(&self, form: usize) -> String {
        let Self { year, month, day, weekday } = *self;
        let (name, weekday) = (MONTHS[month - 1], WEEKDAYS[weekday]);
        let short = &name[..3];
        match form {
            0 => format!("{day} {name} {year}"),
            1 => format!("{name} {day}, {year}"),
            2 => format!("{day} {short} {year}"),
            3 => format!("{weekday}, {day} {name} {year}"),
            4 => format!("{short} {day}{}, {year}", ordinal(day)),
            5 => format!("{day:02}/{month:02}/{year}"),
            6 => format!("{day}.{month}.{year}"),
            _ => format!("{}, {name} {day}{}, {year}", &weekday[..3], ordinal(day)),
        }
    }
}

fn ordinal(day: usize) -> &'static str {
    match (day / 10, day % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

/// The two alphabets: of the sources and of the targets.
pub fn alphabets() -> [Vocabulary; 2] {
    let letters = MONTHS.concat() + &WEEKDAYS.concat() + "stndrdth";
    [letters + "0123456789 ,./", "0123456789-".into()]
        .map(|text| Vocabulary::of(&text).expect("there are enough characters"))
}

/// A random date that is held out, or one that is not: in a random form, and in ISO 8601.
pub fn draw(rng: &mut ChaCha8Rng, held_out: bool) -> (String, String) {
    let date = draw_until(held_out, || Date::after(rng.random_range(0..Date::DAYS)), Date::iso);
    (date.write(rng.random_range(0..Date::FORMS)), date.iso())
}

/// How many held-out dates are asked, and how many at once.
const ASKED: usize = 2000;
const AT_ONCE: usize = 250;
/// Characters of "2026-11-21".
const LONGEST: usize = 10;

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "dates".into(),
        embedding: 32,
        hidden: 128,
        seq: 28, // "Wednesday, 30 September 2026"
        batch: 64,
        steps: 600,
        lr: 0.005,
        schedule: "cosine:floor=0.01,warmup=30".into(),
        eval_every: 100,
        save_every: 100,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    let [letters, digits] = alphabets();
    let mut params = Params::new();
    let sizes = [letters.size(), digits.size()];
    let network = Seq2Seq::new(sizes, &config.stack()?, &mut params, &mut config.initialiser());
    let random = &mut examiner();
    let questions = (0..ASKED).map(|_| draw(random, true)).collect();
    let Config { batch, teacher_forcing, .. } = *config;
    let (sources, targets) = Default::default();
    let task = Dates { network, letters, digits, batch, teacher_forcing, questions, sources, targets };
    Ok((Box::new(task), params))
}

struct Dates {
    network: Seq2Seq<f32>,
    letters: Vocabulary,
    digits: Vocabulary,
    batch: usize,
    teacher_forcing: f64,
    questions: Vec<(String, String)>,
    sources: Padded,
    targets: Targets,
}

impl Task for Dates {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let dates: Vec<_> = (0..self.batch).map(|_| draw(random, false)).collect();
        self.encode(&dates);
        let Self { network, sources, targets, teacher_forcing, .. } = self;
        let logits = network.forward_train(p, sources, targets, *teacher_forcing, random);
        logits.cross_entropy(targets.symbols())
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let (mut loss, mut answers) = (MeanLoss::default(), Vec::new());
        let questions = std::mem::take(&mut self.questions);
        for dates in questions.chunks(AT_ONCE) {
            self.encode(dates);
            let Self { network, sources, targets, digits, .. } = &*self;
            trainer.evaluate(|p| {
                let logits = network.forward(p, sources, targets);
                loss.add(logits.cross_entropy(targets.symbols()), targets.count())
            })?;
            let written = trainer.evaluate(|p| network.greedy(p, sources, LONGEST));
            answers.extend(
                dates.iter().zip(written).map(|((date, iso), found)| {
                    Answer::new(date.clone(), iso.clone(), digits.decode(&found))
                }),
            );
        }
        self.questions = questions;
        let right = answers.iter().filter(|answer| answer.right).count();
        Ok(Exam { loss: loss.mean(), solved: right * 1000 >= ASKED * 995, answers, ..Exam::default() })
    }

    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid> {
        let Self { network, letters, digits, questions, .. } = self;
        let (own, iso) = &questions[0];
        let date = text.unwrap_or(own);
        let source = letters.encode(date)?;
        if !(1..=MOST_SHOWN).contains(&source.len()) {
            let n = source.len();
            return Err(Invalid(format!("a date of {n} characters; it must have 1 to {MOST_SHOWN}")));
        }
        let source = Padded::new(&[source]);
        let (x, nudge) = nudged(network.embed(p, &source));
        // What is right for a date that was given, only its giver knows: the network is fed what it writes itself.
        let written = match text {
            Some(_) => network.greedy(p, &source, LONGEST).remove(0),
            None => digits.encode(iso)?,
        };
        let mut targets = Targets::new();
        targets.set(&[written], network.decoder().boundary());
        let start = network.read(p, x, &source, None);
        let decoder = network.decoder();
        let classes: Vec<String> =
            digits.chars().iter().map(|&c| visible(c)).chain([BOUNDARY.into()]).collect();
        let fed = targets.inputs().iter().map(|&id| classes[id].clone()).collect();
        Ok(Sample {
            reads: vec![("encoder.", date.chars().map(visible).collect()), ("decoder.", fed)],
            nudge,
            logits: decoder.read(p, decoder.embed(p, &targets), start, &targets, None),
            classes,
            targets: targets.symbols().to_vec(),
            asked: 0..targets.steps(),
        })
    }

    fn material(&self) -> String {
        format!("nine tenths of {} days in {} forms", Date::DAYS, Date::FORMS)
    }
}

impl Dates {
    /// Makes these dates the batch.
    fn encode(&mut self, dates: &[(String, String)]) {
        let ids =
            |alphabet: &Vocabulary, text| alphabet.encode(text).expect("the alphabet has all characters");
        let sources: Vec<_> = dates.iter().map(|(date, _)| ids(&self.letters, date)).collect();
        let targets: Vec<_> = dates.iter().map(|(_, iso)| ids(&self.digits, iso)).collect();
        self.sources.set(&sources);
        self.targets.set(&targets, self.network.decoder().boundary());
    }
}
