//! Text for character models: the vocabulary, and windows of parallel streams.

use crate::choice::Invalid;
use autograd::Float;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// The text of some bytes.
///
/// # Errors
/// If there are none, or they are not UTF-8 (from which byte on).
///
/// ```
/// let error = models::text::from_utf8(b"caf\xe9".to_vec()).unwrap_err();
/// assert_eq!(error.to_string(), "not UTF-8 text from byte 3 on (0xe9); convert it with iconv");
/// ```
pub fn from_utf8(bytes: Vec<u8>) -> Result<String, Invalid> {
    if bytes.is_empty() {
        return Err(Invalid("the file is empty".into()));
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Invalid(format!(
            "not UTF-8 text from byte {at} on (0x{:02x}); convert it with iconv",
            e.as_bytes()[at]
        ))
    })
}

/// The characters of a text, sorted; a character's id is its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    chars: Vec<char>,
}

impl Vocabulary {
    /// The characters that occur in a text.
    ///
    /// # Errors
    /// If there are fewer than two: there would be nothing to predict.
    pub fn of(text: &str) -> Result<Self, Invalid> {
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_unstable();
        chars.dedup();
        Self::from_chars(chars)
    }

    /// The vocabulary of these characters.
    ///
    /// # Errors
    /// If they are not sorted, or fewer than two.
    pub fn from_chars(chars: Vec<char>) -> Result<Self, Invalid> {
        if chars.len() < 2 {
            return Err(Invalid(format!(
                "{} different character(s): a model needs two or more",
                chars.len()
            )));
        }
        if !chars.is_sorted_by(|a, b| a < b) {
            return Err(Invalid("the characters of a vocabulary must be sorted and different".into()));
        }
        Ok(Self { chars })
    }

    /// The vocabulary as JSON: a list of characters.
    #[cfg(feature = "files")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.chars).expect("characters can always be written")
    }

    /// Reads what [`Vocabulary::to_json`] wrote.
    ///
    /// # Errors
    /// If it is something else.
    #[cfg(feature = "files")]
    pub fn from_json(bytes: &[u8]) -> Result<Self, Invalid> {
        let chars = serde_json::from_slice(bytes);
        Self::from_chars(chars.map_err(|e| Invalid(format!("not a list of characters: {e}")))?)
    }

    /// How many characters there are: V.
    pub fn size(&self) -> usize {
        self.chars.len()
    }

    /// The characters, sorted.
    pub fn chars(&self) -> &[char] {
        &self.chars
    }

    /// The character of an id.
    ///
    /// # Panics
    /// If the id is not below V.
    pub fn char(&self, id: usize) -> char {
        self.chars[id]
    }

    /// The text of some ids.
    ///
    /// # Panics
    /// If an id is not below V.
    pub fn decode(&self, ids: &[usize]) -> String {
        ids.iter().map(|&id| self.char(id)).collect()
    }

    /// The ids of a text's characters.
    ///
    /// # Errors
    /// If a character is not in the vocabulary: which, and where.
    pub fn encode(&self, text: &str) -> Result<Vec<usize>, Invalid> {
        text.chars().enumerate().map(|(at, c)| self.id(c).ok_or_else(|| self.unknown(c, at))).collect()
    }

    fn id(&self, c: char) -> Option<usize> {
        self.chars.binary_search(&c).ok()
    }

    fn unknown(&self, c: char, at: usize) -> Invalid {
        let known: String = self.chars.iter().filter(|c| !c.is_control()).collect();
        Invalid(format!("the model never saw the character {c:?} (character {}); it knows {known}", at + 1))
    }
}

/// B parallel streams of a text, read in windows: for truncated backpropagation through time.
///
/// The text is cut into B equally long streams. Window after window moves along all of them at once,
/// without overlap, so that the state at the end of one window is the state at the start of the
/// next. Targets are the inputs one character on.
#[derive(Clone, Debug)]
pub struct Streams {
    ids: Vec<usize>,
    batch: usize,
    /// Characters from one stream's start to the next.
    length: usize,
    /// How many of a stream's characters have a target: the last input is before this.
    end: usize,
    position: usize,
}

impl Streams {
    /// Cuts a text into `batch` streams.
    ///
    /// # Errors
    /// If a stream is shorter than one window of `window` characters and its last target.
    pub fn new(ids: Vec<usize>, batch: usize, window: usize) -> Result<Self, Invalid> {
        let length = ids.len() / batch.max(1);
        if batch == 0 || window == 0 {
            return Err(Invalid("the batch and the window must be 1 or more".into()));
        }
        if length <= window {
            let (have, need) = (ids.len(), batch.saturating_mul(window.saturating_add(1)));
            return Err(Invalid(format!(
                "the text has {have} characters, one window of {batch} streams × {window} needs {need}; \
                 take a longer text or a smaller batch or window"
            )));
        }
        Ok(Self { ids, batch, length, end: length - 1, position: 0 })
    }

    /// Streams for measuring: `batch` streams of `length` characters each, every one with its target.
    /// Needs `batch · length + 1` characters.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn with_targets(ids: Vec<usize>, batch: usize, length: usize) -> Result<Self, Invalid> {
        if ids.len() <= batch.saturating_mul(length) {
            return Err(Invalid(format!("{} characters do not fill {batch} streams of {length}", ids.len())));
        }
        Ok(Self { ids, batch, length, end: length, position: 0 })
    }

    /// How many streams there are: B.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Where the next window starts.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Goes to where the next window starts.
    ///
    /// # Errors
    /// If that is beyond the streams' end.
    pub fn seek(&mut self, position: usize) -> Result<(), Invalid> {
        if position > self.end {
            return Err(Invalid(format!("position {position} is beyond the streams' end at {}", self.end)));
        }
        self.position = position;
        Ok(())
    }

    /// How many characters the text has.
    pub fn characters(&self) -> usize {
        self.ids.len()
    }

    /// Moves to the next window of up to `window` characters, back to the start if less than `least`
    /// are left. Returns the places it covers in every stream, and whether it started again (the
    /// carried state must then be reset).
    pub fn advance(&mut self, window: usize, least: usize) -> (Range<usize>, bool) {
        // ANCHOR: advance
        let restart = self.position + least > self.end;
        if restart {
            self.position = 0;
        }
        let start = self.position;
        self.position = (start + window).min(self.end);
        (start..self.position, restart)
        // ANCHOR_END: advance
    }

    /// Writes the inputs of a window, step by step, and the targets: T·B ids each.
    pub fn fill(&self, window: Range<usize>, inputs: &mut Vec<usize>, targets: &mut Vec<usize>) {
        inputs.clear();
        targets.clear();
        // ANCHOR: fill
        for t in window {
            for stream in 0..self.batch {
                let at = stream * self.length + t;
                inputs.push(self.ids[at]);
                targets.push(self.ids[at + 1]);
            }
        }
        // ANCHOR_END: fill
    }
}

/// Draws a class from `softmax(logits / temperature)`; the likeliest at temperature 0.
///
/// ```
/// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
/// let mut rng = ChaCha8Rng::seed_from_u64(1);
/// assert_eq!(models::text::sample(&[0.1, 3.0, -1.0], 0.0, &mut rng), 1);
/// ```
pub fn sample<T: Float>(logits: &[T], temperature: f64, rng: &mut ChaCha8Rng) -> usize {
    let logits = || logits.iter().map(|x| x.to_f64());
    let max = logits().fold(f64::NEG_INFINITY, f64::max);
    if temperature == 0.0 {
        return logits().position(|x| x == max).unwrap_or(0);
    }
    // ANCHOR: sample
    // Walk along the classes until the drawn share of the total is used up.
    let weights = || logits().map(|x| ((x - max) / temperature).exp());
    let mut left = rng.random::<f64>() * weights().sum::<f64>();
    let drawn = weights().position(|weight| {
        left -= weight;
        left < 0.0
    });
    // ANCHOR_END: sample
    // Rounding can leave a crumb: it belongs to the last class that is possible at all.
    drawn.or_else(|| weights().enumerate().filter(|(_, w)| *w > 0.0).map(|(k, _)| k).last()).unwrap_or(0)
}
