//! Sequences of different lengths, side by side.

use crate::cells::Lengths;

/// Sequences of symbols side by side, step by step, the shorter ones padded: what a network reads.
#[derive(Clone, Debug, Default)]
pub struct Padded {
    symbols: Vec<usize>,
    lengths: Lengths,
    sizes: Vec<usize>,
}

impl Padded {
    /// Sequences of one symbol or more each.
    ///
    /// ```
    /// let padded = models::heads::Padded::new(&[vec![4, 5, 6], vec![7]]);
    /// assert_eq!(padded.symbols(), [4, 7, 5, 0, 6, 0]);
    /// ```
    pub fn new<S: AsRef<[usize]>>(sequences: &[S]) -> Self {
        let mut padded = Self::default();
        padded.set(sequences);
        padded
    }

    /// Replaces the sequences, in the same memory.
    pub fn set<S: AsRef<[usize]>>(&mut self, sequences: &[S]) {
        let batch = sequences.len();
        self.sizes.clear();
        self.sizes.extend(sequences.iter().map(|s| s.as_ref().len()));
        self.lengths.set(&self.sizes);
        self.symbols.clear();
        // ANCHOR: set
        self.symbols.resize(self.lengths.longest() * batch, 0);
        for (b, sequence) in sequences.iter().enumerate() {
            for (t, &symbol) in sequence.as_ref().iter().enumerate() {
                self.symbols[t * batch + b] = symbol;
            }
        }
        // ANCHOR_END: set
    }

    /// T·B symbols, step by step; 0 past a sequence's end.
    pub fn symbols(&self) -> &[usize] {
        &self.symbols
    }

    /// The sequences' lengths.
    pub fn lengths(&self) -> &Lengths {
        &self.lengths
    }

    /// How many sequences there are: B.
    pub fn batch(&self) -> usize {
        self.lengths.batch()
    }
}
