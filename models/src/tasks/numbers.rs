//! A number and its name: 4,273 → "four thousand two hundred and seventy-three". One-to-many.
//!
//! The number comes as one vector, its four digits one-hot one under the other, and the name is
//! spelled letter by letter. Solved: 99 % of the held-out numbers are spelled right, letter for letter.

use super::exam::MeanLoss;
use super::sample::{BOUNDARY, nudged, visible};
use super::{Answer, Built, Exam, Sample, Task, is_held_out};
use crate::choice::Invalid;
use crate::config::Config;
use crate::heads::{OneToMany, Targets};
use crate::params::{Bound, Params};
use crate::text::Vocabulary;
use crate::train::Trainer;
use autograd::{Float, Var};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// There are names for 0 to 9,999.
pub const NUMBERS: usize = 10_000;

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// The English name of a number below 10,000.
///
/// ```
/// assert_eq!(models::tasks::numbers::name(4_273), "four thousand two hundred and seventy-three");
/// ```
pub fn name(number: usize) -> String {
    match number {
        0..20 => ONES[number].into(),
        20..100 if number.is_multiple_of(10) => TENS[number / 10].into(),
        20..100 => format!("{}-{}", TENS[number / 10], ONES[number % 10]),
        100..1000 => part(number / 100, "hundred", number % 100),
        _ => part(number / 1000, "thousand", number % 1000),
    }
}

/// "two hundred and seventy-three", and so on.
fn part(count: usize, unit: &str, rest: usize) -> String {
    match rest {
        0 => format!("{} {unit}", ONES[count]),
        1..100 => format!("{} {unit} and {}", ONES[count], name(rest)),
        _ => format!("{} {unit} {}", ONES[count], name(rest)),
    }
}

/// The letters of the names.
pub fn alphabet() -> Vocabulary {
    let letters = ONES.concat() + &TENS.concat() + "hundred thousand and -";
    Vocabulary::of(&letters).expect("there are enough letters")
}

/// Features of the input: four digits, one-hot.
const FEATURES: usize = 40;

/// Numbers as columns: of each digit, thousands first, ten features, 1 at the digit.
fn vectors<'t, T: Float>(p: Bound<'t, T>, numbers: &[usize]) -> Var<'t, T> {
    p.tape().constant_with(FEATURES, numbers.len(), |entries| {
        for (b, number) in numbers.iter().enumerate() {
            for (place, unit) in [1000, 100, 10, 1].into_iter().enumerate() {
                entries[(10 * place + number / unit % 10) * numbers.len() + b] = T::ONE;
            }
        }
    })
}

/// How many are asked at once.
const AT_ONCE: usize = 250;
/// Characters of the longest name, "three thousand three hundred and seventy-three".
const LONGEST: usize = 46;

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "numbers".into(),
        embedding: 16,
        hidden: 128,
        seq: LONGEST + 1,
        batch: 64,
        steps: 1500,
        lr: 0.015,
        schedule: "cosine:floor=0.01,warmup=75".into(),
        // The number has to be remembered for up to 47 letters: σ(4)⁴⁷ = 0.43 of it is left, σ(1)⁴⁷ = 4·10⁻⁷.
        forget_bias: 4.0,
        eval_every: 300,
        save_every: 300,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    let letters = alphabet();
    let mut params = Params::new();
    let mut random = config.initialiser();
    let network = OneToMany::new(FEATURES, letters.size(), &config.stack()?, &mut params, &mut random);
    let (held_out, known) = (0..NUMBERS).partition(|number| is_held_out(&number.to_string()));
    let Config { batch, teacher_forcing, .. } = *config;
    let targets = Targets::new();
    let task = Numbers { network, letters, batch, teacher_forcing, known, held_out, targets };
    Ok((Box::new(task), params))
}

struct Numbers {
    network: OneToMany<f32>,
    letters: Vocabulary,
    batch: usize,
    teacher_forcing: f64,
    known: Vec<usize>,
    held_out: Vec<usize>,
    targets: Targets,
}

impl Task for Numbers {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let mut draw = || self.known[random.random_range(0..self.known.len())];
        let numbers: Vec<usize> = (0..self.batch).map(|_| draw()).collect();
        self.spell(&numbers);
        let Self { network, targets, teacher_forcing, .. } = self;
        let logits = network.forward_train(p, vectors(p, &numbers), targets, *teacher_forcing, random);
        logits.cross_entropy(targets.symbols())
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let (mut loss, mut answers) = (MeanLoss::default(), Vec::new());
        let held_out = std::mem::take(&mut self.held_out);
        for numbers in held_out.chunks(AT_ONCE) {
            self.spell(numbers);
            let Self { network, targets, letters, .. } = &*self;
            trainer.evaluate(|p| {
                let logits = network.forward(p, vectors(p, numbers), targets);
                loss.add(logits.cross_entropy(targets.symbols()), targets.count())
            })?;
            let written = trainer.evaluate(|p| network.greedy(p, vectors(p, numbers), LONGEST));
            answers.extend(numbers.iter().zip(written).map(|(&number, found)| {
                Answer::new(number.to_string(), name(number), letters.decode(&found))
            }));
        }
        self.held_out = held_out;
        let right = answers.iter().filter(|answer| answer.right).count();
        Ok(Exam { loss: loss.mean(), solved: right * 100 >= answers.len() * 99, answers, ..Exam::default() })
    }

    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid> {
        let number =
            match text {
                Some(text) => text.parse().ok().filter(|&number| number < NUMBERS).ok_or_else(|| {
                    Invalid(format!("\"{text}\" is not a number from 0 to {}", NUMBERS - 1))
                })?,
                None => self.held_out[self.held_out.len() / 2],
            };
        let mut targets = Targets::new();
        targets.set(&[self.ids(number)], self.network.decoder().boundary());
        let decoder = self.network.decoder();
        let (x, nudge) = nudged(decoder.embed(p, &targets));
        let start = self.network.states(p, vectors(p, &[number]));
        let classes = self.letters.chars().iter().map(|&c| visible(c)).chain([BOUNDARY.into()]);
        let classes: Vec<String> = classes.collect();
        Ok(Sample {
            reads: vec![("decoder.", targets.inputs().iter().map(|&id| classes[id].clone()).collect())],
            nudge,
            logits: decoder.read(p, x, start, &targets, None),
            classes,
            targets: targets.symbols().to_vec(),
            asked: 0..targets.steps(),
        })
    }

    fn material(&self) -> String {
        format!("{} of {NUMBERS} numbers", self.known.len())
    }
}

impl Numbers {
    /// Makes the names of these numbers the targets.
    fn spell(&mut self, numbers: &[usize]) {
        let names: Vec<_> = numbers.iter().map(|&number| self.ids(number)).collect();
        self.targets.set(&names, self.network.decoder().boundary());
    }

    fn ids(&self, number: usize) -> Vec<usize> {
        self.letters.encode(&name(number)).expect("the alphabet has all letters")
    }
}
