//! Reber's grammar, embedded: strings between two T or two P; the next symbol is asked for.
//!
//! Hochreiter and Schmidhuber (1997), task 1, after Cleeremans, Servan-Schreiber and McClelland (1989); the grammar is
//! Reber's (1967). A string is B, then T or P, then a string of Reber's grammar, then the same T or P again, then E. The
//! second T or P needs the memory of the first, over all that lies between. Elsewhere one of two symbols may come.
//!
//! ```text
//!                 S⟲                               T⟲
//! B → 1;  1 –T→ 2 –X→ 4,  1 –P→ 3 –V→ 5;  4 –X→ 3, 4 –S→ E;  5 –P→ 4, 5 –V→ E
//! ```

use super::sequences::{self, Example, Rules, Said, no_profile, spell};
use super::{Answer, Built, Exam, draw_until};
use crate::config::Config;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The symbols by number.
pub const SYMBOLS: &str = "BTPSXVE";
pub(super) const B: usize = 0;
const T: usize = 1;
const P: usize = 2;
const S: usize = 3;
const X: usize = 4;
const V: usize = 5;
pub(super) const E: usize = 6;

/// Reber's grammar: from each place, the symbols that may come and the places they lead to.
const INNER: [&[(usize, usize)]; 7] = [
    &[(B, 1)],
    &[(T, 2), (P, 3)],
    &[(S, 2), (X, 4)],
    &[(T, 3), (V, 5)],
    &[(X, 3), (S, 6)],
    &[(P, 4), (V, 6)],
    &[(E, 7)],
];

/// A place in the embedded grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the first symbol.
    Start,
    /// Before the first T or P.
    Choice,
    /// In Reber's grammar, between two of this symbol.
    Between(usize, usize),
    /// Before the last symbol.
    End,
}

impl Place {
    /// How many places there are.
    pub(super) const COUNT: usize = 3 + 2 * 8;

    /// Every place has a number, for checkpoints.
    pub(super) fn number(self) -> usize {
        match self {
            Self::Start => 0,
            Self::Choice => 1,
            Self::End => 2,
            Self::Between(symbol, place) => 3 + 8 * (symbol - T) + place,
        }
    }

    /// The place of a number below [`Place::COUNT`].
    pub(super) fn of(number: usize) -> Self {
        match number {
            0 => Self::Start,
            1 => Self::Choice,
            2 => Self::End,
            _ => Self::Between(T + (number - 3) / 8, (number - 3) % 8),
        }
    }

    /// The symbols that may come, and the places they lead to. After the end comes the next string.
    pub(super) fn next(self) -> Vec<(usize, Self)> {
        match self {
            Self::Start => vec![(B, Self::Choice)],
            Self::Choice => vec![(T, Self::Between(T, 0)), (P, Self::Between(P, 0))],
            Self::Between(symbol, 7) => vec![(symbol, Self::End)],
            Self::Between(symbol, place) => {
                INNER[place].iter().map(|&(read, next)| (read, Self::Between(symbol, next))).collect()
            }
            Self::End => vec![(E, Self::Start)],
        }
    }

    /// Draws one of the symbols that may come, each as likely, and goes where it leads.
    pub(super) fn draw(&mut self, random: &mut ChaCha8Rng) -> usize {
        let next = self.next();
        let (symbol, place) = next[if next.len() == 1 { 0 } else { random.random_range(0..next.len()) }];
        *self = place;
        symbol
    }

    /// Goes where this symbol leads.
    fn read(&mut self, symbol: usize) {
        let next = self.next().into_iter().find(|(read, _)| *read == symbol);
        *self = next.expect("the string is one of the grammar's").1;
    }
}

/// Draws a string of the embedded grammar: its symbols by number.
pub fn string(random: &mut ChaCha8Rng) -> Vec<usize> {
    let (mut place, mut symbols) = (Place::Start, Vec::new());
    while symbols.last() != Some(&E) || place != Place::Start {
        symbols.push(place.draw(random));
    }
    symbols
}

/// Draws a string that is held out, or one that is not, and asks for every symbol after the first.
pub fn draw(random: &mut ChaCha8Rng, held_out: bool) -> Example {
    let key = |symbols: &Vec<usize>| spell(SYMBOLS, symbols.iter().copied());
    let symbols = draw_until(held_out, || string(random), key);
    symbols.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// The symbols that may come after each step of an example.
fn legal(example: &Example) -> Vec<Vec<usize>> {
    let mut place = Place::Start;
    let step = |&(read, _): &(usize, usize)| {
        place.read(read);
        place.next().into_iter().map(|(symbol, _)| symbol).collect()
    };
    example.iter().map(step).collect()
}

/// What the best guess costs on these examples, in nats per symbol: ln 2 where one of two symbols may come.
pub fn floor(examples: &[Example]) -> f64 {
    let steps: Vec<Vec<usize>> = examples.iter().flat_map(legal).collect();
    steps.iter().map(|legal| (legal.len() as f64).ln()).sum::<f64>() / steps.len() as f64
}

/// One answer for each string, right if at every step all symbols that may come are thought likelier than all that may
/// not; where one that may not come is thought likelier, the answer shows it.
fn answers(example: &Example, said: &Said) -> Vec<Answer> {
    let step = |((&(_, next), legal), logits): ((&(usize, usize), Vec<usize>), &Vec<f32>)| {
        let least = legal.iter().map(|&symbol| logits[symbol]).fold(f32::INFINITY, f32::min);
        let wrong = |symbol: &usize| !legal.contains(symbol) && logits[*symbol] >= least;
        (0..logits.len()).find(wrong).unwrap_or(next)
    };
    let found = example.iter().zip(legal(example)).zip(said).map(step);
    let string = "B".to_string() + &spell(SYMBOLS, example.iter().map(|step| step.1));
    vec![Answer::new(string.clone(), string, "B".to_string() + &spell(SYMBOLS, found))]
}

/// As many as Hochreiter and Schmidhuber.
const QUESTIONS: usize = 256;

/// Held-out strings, no two alike: the short ones would else come again and again.
fn questions(random: &mut ChaCha8Rng) -> Vec<Example> {
    let mut questions = Vec::new();
    while questions.len() < QUESTIONS {
        let example = draw(random, true);
        if !questions.contains(&example) {
            questions.push(example);
        }
    }
    questions
}

static RULES: Rules = Rules {
    symbols: SYMBOLS,
    classes: SYMBOLS,
    draw: |random| draw(random, false),
    questions,
    answers,
    solved: |exam: &Exam, _| exam.right_at_least(100),
    profile: no_profile,
    material: "strings of the grammar, drawn afresh",
    baseline: |questions| format!("whoever knows the grammar: {:.4} nats per symbol", floor(questions)),
};

/// Settings that solve the task.
pub(super) fn config() -> Config {
    Config {
        task: "reber".into(),
        encoding: "one-hot".into(),
        hidden: 16,
        seq: 64,
        batch: 8,
        steps: 2000,
        lr: 0.01,
        ..Config::default()
    }
}

pub(super) fn build(config: &Config, _: &str) -> Built {
    sequences::build(config, &RULES)
}
