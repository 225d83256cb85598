//! The lengths of a batch's examples.

use std::cmp::Reverse;

/// The lengths of a batch's examples, and the order of the columns from longest to shortest.
///
/// ```
/// use models::cells::Lengths;
/// let lengths = Lengths::new(&[2, 5, 3]);
/// assert_eq!((lengths.longest(), lengths.total()), (5, 10));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    by_column: Vec<usize>,
    /// The columns, longest first, then their lengths.
    packed: Vec<usize>,
}

impl Lengths {
    /// The lengths of the batch's columns.
    pub fn new(lengths: &[usize]) -> Self {
        let mut new = Self::default();
        new.set(lengths);
        new
    }

    /// Replaces the lengths, in the same memory.
    pub fn set(&mut self, lengths: &[usize]) {
        let Self { by_column, packed } = self;
        by_column.clear();
        by_column.extend_from_slice(lengths);
        packed.clear();
        packed.extend(0..lengths.len());
        // ANCHOR: sort
        // Sorting by (length, column) is stable without a buffer.
        packed.sort_unstable_by_key(|&column| (Reverse(lengths[column]), column));
        packed.extend_from_within(..);
        packed[lengths.len()..].iter_mut().for_each(|column| *column = lengths[*column]);
        // ANCHOR_END: sort
    }

    /// How many examples there are: B.
    pub fn batch(&self) -> usize {
        self.by_column.len()
    }

    /// The largest length.
    pub fn longest(&self) -> usize {
        self.packed.get(self.batch()).copied().unwrap_or(0)
    }

    /// The sum of all lengths: how many steps of single examples a batch costs.
    pub fn total(&self) -> usize {
        self.by_column.iter().sum()
    }

    /// The length of a column.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn of(&self, column: usize) -> usize {
        assert!(column < self.batch(), "lengths: there is no column {column} among {}", self.batch());
        self.by_column[column]
    }

    /// # Panics
    /// If these are not lengths of 1 to `steps` for `batch` columns.
    #[track_caller]
    pub(crate) fn assert_fit(&self, steps: usize, batch: usize) {
        let (shortest, longest) = (self.packed.last().copied().unwrap_or(1), self.longest());
        let fit = self.batch() == batch && shortest >= 1 && longest <= steps;
        let count = self.batch();
        assert!(
            fit,
            "lengths: {count} lengths of {shortest} to {longest} for {steps} steps of {batch} examples"
        );
    }

    /// For the tape: the columns in order, then their lengths.
    pub(crate) fn packed(&self) -> &[usize] {
        &self.packed
    }
}
