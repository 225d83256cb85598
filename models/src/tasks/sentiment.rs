//! Sentences whose word order decides: "although the food was awful, the service was lovely". Many-to-one.
//!
//! A sentence says two things. If they agree, that is its sentiment; if one is conceded ("although",
//! "even though", what stands before "but"), the other one counts. Which of them is conceded is a
//! matter of order: the same words make both sentiments, so a bag of words can do little better than
//! guess. Solved: 99 % of the held-out sentences right, where the bag of words stays below 75 %.

use super::exam::MeanLoss;
use super::sample::{LONGEST as MOST_SHOWN, nudged};
use super::{Answer, Built, Exam, Sample, Task, draw_until, examiner};
use crate::choice::Invalid;
use crate::config::Config;
use crate::heads::{ManyToOne, Padded, likeliest};
use crate::layers::Linear;
use crate::optim::{Adam, Rule};
use crate::params::{Bound, Params};
use crate::train::Trainer;
use autograd::{IGNORE_INDEX, Var};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const NOUNS: [&str; 16] = [
    "food",
    "service",
    "room",
    "view",
    "music",
    "story",
    "acting",
    "ending",
    "staff",
    "price",
    "garden",
    "wine",
    "bed",
    "breakfast",
    "street",
    "plot",
];
/// Bad and good.
const ADJECTIVES: [[&str; 12]; 2] = [
    ["awful", "bad", "boring", "cold", "dirty", "dull", "noisy", "poor", "rude", "sad", "terrible", "ugly"],
    [
        "beautiful",
        "brilliant",
        "charming",
        "clean",
        "excellent",
        "fine",
        "friendly",
        "good",
        "great",
        "lovely",
        "pleasant",
        "warm",
    ],
];
const OTHERS: [&str; 11] =
    ["the", "was", "not", "very", "really", "quite", "although", "even", "though", "but", "and"];
const COMMA: &str = ",";

/// The two answers.
pub const CLASSES: [&str; 2] = ["negative", "positive"];

/// A sentence, word by word, and its sentiment: 0 negative, 1 positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The words.
    pub words: Vec<&'static str>,
    /// The sentiment: an index of [`CLASSES`].
    pub class: usize,
}

impl Sentence {
    /// A random sentence, with its comma and without.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let class = rng.random_range(0..2);
        let main = clause(rng, class);
        let form = rng.random_range(0..8);
        if form >= 6 {
            let more = clause(rng, class);
            return Self { words: [main, vec!["and"], more].concat(), class };
        }
        let conceded = clause(rng, 1 - class);
        let words = match form {
            0 => [vec!["although"], conceded, vec![COMMA], main].concat(),
            1 => [vec!["even", "though"], conceded, vec![COMMA], main].concat(),
            2 => [main, vec!["although"], conceded].concat(),
            3 => [main, vec![COMMA, "even", "though"], conceded].concat(),
            4 => [conceded, vec!["but"], main].concat(),
            _ => [conceded, vec![COMMA, "but"], main].concat(),
        };
        Self { words, class }
    }

    /// The sentence as text.
    pub fn text(&self) -> String {
        self.words.join(" ").replace(" ,", ",")
    }
}

/// "the food was not very good": something bad (0) or good (1).
fn clause(rng: &mut ChaCha8Rng, class: usize) -> Vec<&'static str> {
    let mut words = vec!["the", NOUNS[rng.random_range(0..NOUNS.len())], "was"];
    let negated = rng.random_bool(0.25);
    if negated {
        words.push("not");
    }
    if rng.random_bool(0.4) {
        words.push(["very", "really", "quite"][rng.random_range(0..3)]);
    }
    let adjectives = ADJECTIVES[class ^ usize::from(negated)];
    words.push(adjectives[rng.random_range(0..adjectives.len())]);
    words
}

/// All words that sentences are made of; a word's id is its place.
pub fn words() -> Vec<&'static str> {
    let mut words = [&NOUNS[..], &ADJECTIVES[0], &ADJECTIVES[1], &OTHERS, &[COMMA]].concat();
    words.sort_unstable();
    words
}

/// A random sentence that is held out, or one that is not.
pub fn draw(rng: &mut ChaCha8Rng, held_out: bool) -> Sentence {
    draw_until(held_out, || Sentence::draw(rng), Sentence::text)
}

/// How many held-out sentences are asked.
const ASKED: usize = 2000;
/// Words of the longest sentence: "the food was not very good, even though the service was not very good".
const LONGEST: usize = 15;

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "sentiment".into(),
        embedding: 16,
        hidden: 32,
        seq: LONGEST,
        batch: 64,
        steps: 600,
        lr: 0.01,
        schedule: "cosine:floor=0.01,warmup=30".into(),
        eval_every: 60,
        save_every: 60,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    let words = words();
    let (stack, mut random) = (config.stack()?, config.initialiser());
    let mut params = Params::new();
    let network = ManyToOne::new(words.len(), &stack, CLASSES.len(), &mut params, &mut random);
    let random = &mut examiner();
    let questions = (0..ASKED).map(|_| draw(random, true)).collect();
    let task = Sentiment { network, words, config: config.clone(), questions, padded: Padded::default() };
    Ok((Box::new(task), params))
}

struct Sentiment {
    network: ManyToOne<f32>,
    words: Vec<&'static str>,
    config: Config,
    questions: Vec<Sentence>,
    padded: Padded,
}

impl Task for Sentiment {
    fn loss<'t>(&mut self, p: Bound<'t, f32>, random: &mut ChaCha8Rng) -> Var<'t, f32> {
        let (sentences, classes) = self.batch(random);
        self.padded.set(&sentences);
        self.network.forward(p, &self.padded, Some(random)).cross_entropy(&classes)
    }

    fn examine(&mut self, trainer: &mut Trainer<f32>) -> Result<Exam, Invalid> {
        let padded = Padded::new(&self.questions.iter().map(|s| self.ids(s)).collect::<Vec<_>>());
        let exam = self.ask(trainer, |p| self.network.forward(p, &padded, None))?;
        let solved = exam.right().is_some_and(|right| right >= 0.99);
        Ok(Exam { solved, ..exam })
    }

    fn show<'t>(&self, p: Bound<'t, f32>, text: Option<&str>) -> Result<Sample<'t>, Invalid> {
        let own = &self.questions[0];
        let (ids, target) = match text {
            Some(text) => (self.read(text)?, IGNORE_INDEX),
            None => (self.ids(own), own.class),
        };
        let padded = Padded::new(&[&ids]);
        let (x, nudge) = nudged(self.network.embed(p, &padded));
        Ok(Sample {
            reads: vec![("", ids.iter().map(|&id| self.words[id].into()).collect())],
            nudge,
            logits: self.network.read(p, x, &padded, None),
            classes: CLASSES.map(String::from).into(),
            targets: vec![target],
            asked: 0..1,
        })
    }

    fn material(&self) -> String {
        format!("sentences of {} words, drawn afresh", self.words.len())
    }

    /// A linear classifier on the counts of the words, whatever their order: as many steps, as many sentences.
    fn baseline(&self) -> Option<String> {
        let (mut params, mut random) = (Params::new(), self.config.initialiser());
        let linear = Linear::new(&mut params, "linear", self.words.len(), CLASSES.len(), &mut random);
        let mut trainer = Trainer::new(params, Rule::Adam(Adam::default()), self.config.lr);
        for _ in 0..self.config.steps {
            let (sentences, classes) = self.batch(&mut random);
            let step =
                trainer.step(|p| linear.forward(p, self.counts(p, &sentences)).cross_entropy(&classes));
            step.ok()?;
        }
        let sentences: Vec<_> = self.questions.iter().map(|s| self.ids(s)).collect();
        let exam = self.ask(&mut trainer, |p| linear.forward(p, self.counts(p, &sentences))).ok()?;
        Some(format!("a bag of words, linear: {:.2} % right", 100.0 * exam.right()?))
    }
}

impl Sentiment {
    /// Sentences to learn, as ids of words, and their classes.
    fn batch(&self, random: &mut ChaCha8Rng) -> (Vec<Vec<usize>>, Vec<usize>) {
        let sentences = (0..self.config.batch).map(|_| draw(random, false));
        sentences.map(|sentence| (self.ids(&sentence), sentence.class)).unzip()
    }

    fn ids(&self, sentence: &Sentence) -> Vec<usize> {
        let id = |word| self.words.binary_search(word).expect("the word is one of ours");
        sentence.words.iter().map(id).collect()
    }

    /// The ids of a sentence's words.
    fn read(&self, text: &str) -> Result<Vec<usize>, Invalid> {
        let text = text.to_lowercase().replace(',', " , ");
        let id = |word: &str| {
            self.words.binary_search(&word).map_err(|_| {
                Invalid(format!("the model never saw the word \"{word}\"; it knows {}", self.words.join(" ")))
            })
        };
        let ids: Vec<usize> = text.split_whitespace().map(id).collect::<Result<_, _>>()?;
        match ids.len() {
            1..=MOST_SHOWN => Ok(ids),
            n => Err(Invalid(format!("a sentence of {n} words; it must have 1 to {MOST_SHOWN}"))),
        }
    }

    /// How often each word occurs in each sentence: words×B.
    fn counts<'t>(&self, p: Bound<'t, f32>, sentences: &[Vec<usize>]) -> Var<'t, f32> {
        let batch = sentences.len();
        p.tape().constant_with(self.words.len(), batch, |counts| {
            for (b, sentence) in sentences.iter().enumerate() {
                sentence.iter().for_each(|word| counts[word * batch + b] += 1.0);
            }
        })
    }

    /// What a classifier makes of the questions.
    fn ask<F>(&self, trainer: &mut Trainer<f32>, logits: F) -> Result<Exam, Invalid>
    where
        F: for<'t> FnOnce(Bound<'t, f32>) -> Var<'t, f32>,
    {
        let classes: Vec<usize> = self.questions.iter().map(|sentence| sentence.class).collect();
        let (mut loss, mut found) = (MeanLoss::default(), Vec::new());
        trainer.evaluate(|p| {
            let logits = logits(p);
            logits.read(|y| found.extend((0..ASKED).map(|b| likeliest(y, b, ASKED))));
            loss.add(logits.cross_entropy(&classes), ASKED)
        })?;
        let answer = |(sentence, found): (&Sentence, usize)| {
            Answer::new(sentence.text(), CLASSES[sentence.class].into(), CLASSES[found].into())
        };
        let answers = self.questions.iter().zip(found).map(answer).collect();
        Ok(Exam { loss: loss.mean(), answers, ..Exam::default() })
    }
}
