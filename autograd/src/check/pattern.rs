//! Patterns in the numbers: what yours is, given what it should be.

use super::diagnosis::{Finding, Kind};
use super::{Input, ParameterReport};

/// A parameter whose gradient is wrong: `[cotangent][entry]`.
pub(super) struct Gap<'a> {
    pub input: &'a Input,
    pub yours: Vec<Vec<f64>>,
    pub right: Vec<Vec<f64>>,
    pub tolerance: f64,
}

impl<'a> Gap<'a> {
    /// Of a parameter that is wrong.
    pub fn new(input: &'a Input, report: &ParameterReport, tolerance: f64) -> Self {
        let [yours, right] = [&report.yours, &report.right].map(|entries| {
            let cotangents = entries.first().map_or(0, Vec::len);
            (0..cotangents).map(|c| entries.iter().map(|entry| entry[c]).collect()).collect()
        });
        Self { input, yours, right, tolerance }
    }

    /// Whether yours is what this makes of the right gradient, entry `to` of it, for every cotangent.
    fn fits(&self, claim: impl Fn(&[f64], usize) -> f64) -> bool {
        self.fits_where(|_| true, claim)
    }

    fn fits_where(&self, here: impl Fn(usize) -> bool, claim: impl Fn(&[f64], usize) -> f64) -> bool {
        self.yours.iter().zip(&self.right).all(|(yours, right)| {
            let largest = right.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            let close = |to: usize| (yours[to] - claim(right, to)).abs() <= self.tolerance * largest;
            (0..yours.len()).filter(|&to| here(to)).all(close)
        })
    }

    /// Whether yours is what belongs to another parameter of the same shape.
    fn holds(&self, other: &Gap<'_>) -> bool {
        let of_other =
            Gap { input: self.input, yours: self.yours.clone(), right: other.right.clone(), ..*self };
        of_other.fits(|right, to| right[to])
    }

    /// The number that the right gradient is multiplied by, if three numbers or more agree on it.
    fn factor(&self) -> Option<f64> {
        let pairs = || self.yours.iter().flatten().zip(self.right.iter().flatten());
        let square: f64 = pairs().map(|(_, right)| right * right).sum();
        let factor = pairs().map(|(yours, right)| yours * right).sum::<f64>() / square;
        let known = pairs().filter(|(_, right)| **right != 0.0).count();
        (known >= 3
            && (factor - 1.0).abs() > 100.0 * self.tolerance
            && self.fits(|right, to| factor * right[to]))
        .then_some(factor)
    }

    /// Transposed, or, where rows are a multiple of columns, every square block of it transposed; or
    /// stored in the other order.
    fn transposed(&self) -> bool {
        let (rows, cols) = (self.input.rows, self.input.cols);
        let square = |right: &[f64], to: usize| right[transposed_place(to, cols)];
        let stored = |right: &[f64], to: usize| right[to % rows * cols + to / rows];
        rows > 1 && cols > 1 && ((rows % cols == 0 && self.fits(square)) || self.fits(stored))
    }

    /// Which blocks of rows hold what belongs to which others.
    fn moved(&self) -> Option<(Kind, String)> {
        let count = self.input.blocks.len();
        if count < 2 || self.input.rows % count != 0 {
            return None;
        }
        let size = self.input.value.len() / count;
        let holds = |to: usize, from: usize| {
            self.fits_where(|at| at / size == to, |right, at| right[from * size + at % size])
        };
        let name = |k: usize| &self.input.blocks[k];
        if self.input.in_time {
            return match () {
                () if (0..count).all(|t| holds(t, count - 1 - t)) => {
                    Some((Kind::Reversed, "the first time step holds what belongs to the last".into()))
                }
                () if (1..count).all(|t| holds(t, t - 1)) => {
                    Some((Kind::Shifted, "each time step holds what belongs to the one before".into()))
                }
                () if (1..count).all(|t| holds(t - 1, t)) => {
                    Some((Kind::Shifted, "each time step holds what belongs to the next".into()))
                }
                () => None,
            };
        }
        let found: Option<Vec<usize>> =
            (0..count).map(|to| (0..count).find(|&from| holds(to, from))).collect();
        let moves: Vec<_> = found?.into_iter().enumerate().filter(|(to, from)| to != from).collect();
        let one =
            |(to, from): &(usize, usize)| format!("{} holds what belongs to {}", name(*to), name(*from));
        Some((Kind::Swapped, moves.iter().map(one).collect::<Vec<_>>().join(", ")))
    }

    /// The plainest pattern that fits, and what else there is to say.
    fn pattern(&self, sizes: &[(String, f64)]) -> Option<(Kind, String)> {
        if self.yours.iter().flatten().any(|x| !x.is_finite()) {
            return Some((Kind::NotANumber, "there are NaN or infinite entries".into()));
        }
        if self.fits(|_, _| 0.0) {
            return Some((Kind::Zero, "nothing arrives".into()));
        }
        if self.fits(|right, to| -right[to]) {
            return Some((Kind::Sign, "yours is −1 times what it should be".into()));
        }
        if let Some(factor) = self.factor() {
            let name = factor_name(factor, sizes, self.tolerance);
            return Some((Kind::Factor, format!("yours is {name} times what it should be")));
        }
        if self.transposed() {
            return Some((Kind::Transposed, "rows and columns have changed places".into()));
        }
        self.moved()
    }
}

/// Where entry `at` of a matrix lies when each square block of `cols` rows is transposed.
pub(super) fn transposed_place(at: usize, cols: usize) -> usize {
    let (row, col) = (at / cols, at % cols);
    (row / cols * cols + col) * cols + row % cols
}

/// `2`, `1/2`, `1/B`, or the number itself.
pub(super) fn factor_name(factor: f64, sizes: &[(String, f64)], tolerance: f64) -> String {
    let is = |x: f64| (factor - x).abs() <= 10.0 * tolerance * x.abs();
    let named = sizes.iter().find_map(|(name, size)| match () {
        () if *size < 2.0 => None,
        () if is(*size) => Some(format!("{name} = {size}")),
        () if is(1.0 / size) => Some(format!("1/{name} = 1/{size}")),
        () => None,
    });
    match () {
        () if is(2.0) => "2".into(),
        () if is(0.5) => "1/2".into(),
        () if is(-1.0) => "−1".into(),
        () => named.unwrap_or_else(|| format!("{factor:.6}")),
    }
}

/// The patterns of all wrong parameters, if each has one: one finding per pattern, with the parameters
/// that show it.
pub(super) fn common(gaps: &[Gap<'_>], sizes: &[(String, f64)]) -> Vec<Finding> {
    if let [a, b] = gaps {
        let alike = (a.input.rows, a.input.cols) == (b.input.rows, b.input.cols);
        if alike && a.holds(b) && b.holds(a) {
            let place =
                format!("{} holds what belongs to {}, and the other way round", a.input.name, b.input.name);
            return vec![Finding { kind: Kind::Swapped, place }];
        }
    }
    let mut found: Vec<(Kind, String, Vec<&str>)> = Vec::new();
    for gap in gaps {
        let Some((kind, place)) = gap.pattern(sizes) else { return Vec::new() };
        match found.iter_mut().find(|(known, words, _)| *known == kind && *words == place) {
            Some((_, _, names)) => names.push(&gap.input.name),
            None => found.push((kind, place, vec![&gap.input.name])),
        }
    }
    let finding = |(kind, place, names): (Kind, String, Vec<&str>)| Finding {
        kind,
        place: format!("{place} ({})", names.join(", ")),
    };
    found.into_iter().map(finding).collect()
}
