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
        self.yours.iter().zip(&self.right).all(|(yours, right)| {
            let largest = right.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            (0..yours.len()).all(|to| (yours[to] - claim(right, to)).abs() <= self.tolerance * largest)
        })
    }

    /// Whether yours is the right gradient with the other sign.
    fn is_flipped(&self) -> bool {
        self.fits(|right, to| -right[to])
    }

    /// Whether yours is what belongs to another parameter of the same shape.
    fn holds(&self, other: &Gap<'_>) -> bool {
        let of_other = Gap { yours: self.yours.clone(), right: other.right.clone(), ..*self };
        of_other.fits(|right, to| right[to])
    }

    /// The number that the right gradient is multiplied by, if three numbers or more agree on it.
    fn factor(&self, sizes: &[(String, f64)]) -> Option<f64> {
        let pairs = || self.yours.iter().flatten().zip(self.right.iter().flatten());
        let square: f64 = pairs().map(|(_, right)| right * right).sum();
        let factor = pairs().map(|(yours, right)| yours * right).sum::<f64>() / square;
        let known = pairs().filter(|(_, right)| **right != 0.0).count();
        (known >= 3
            && is_plain(factor, sizes, self.tolerance)
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
        if self.input.in_time { self.moved_in_time(count, size) } else { self.exchanged(count, size) }
    }

    /// Which of so many time steps hold what belongs to which others.
    fn moved_in_time(&self, count: usize, size: usize) -> Option<(Kind, String)> {
        let last = count - 1;
        // The step that has no neighbour may have got nothing, or kept its own, or got that from the other end: but
        // of two steps that would say nothing.
        let end = |t: usize| {
            let from = [t, last - t];
            self.is_zero(t, size) || count > 2 && from.iter().any(|&from| self.block_holds(t, from, size))
        };
        let shifted =
            |what: &str| Some((Kind::Shifted, format!("each time step holds what belongs to {what}")));
        match () {
            () if (0..count).all(|t| self.block_holds(t, last - t, size)) => {
                Some((Kind::Reversed, "the first time step holds what belongs to the last".into()))
            }
            () if end(0) && (1..count).all(|t| self.block_holds(t, t - 1, size)) => shifted("the one before"),
            () if end(last) && (1..count).all(|t| self.block_holds(t - 1, t, size)) => shifted("the next"),
            () => None,
        }
    }

    /// Which of so many blocks, such as gates, have changed places.
    fn exchanged(&self, count: usize, size: usize) -> Option<(Kind, String)> {
        // Each at its own place, if it can be; and none at two places: that would be no exchange.
        let source = |to: usize| {
            let others = (0..count).filter(|&from| from != to);
            std::iter::once(to).chain(others).find(|&from| self.block_holds(to, from, size))
        };
        let found: Vec<usize> = (0..count).map(source).collect::<Option<_>>()?;
        if (0..count).any(|k| !found.contains(&k)) {
            return None;
        }
        let name = |k: usize| &self.input.blocks[k];
        let moves = found.into_iter().enumerate().filter(|(to, from)| to != from);
        let places: Vec<_> =
            moves.map(|(to, from)| format!("{} holds what belongs to {}", name(to), name(from))).collect();
        (!places.is_empty()).then(|| (Kind::Swapped, places.join(", ")))
    }

    /// Whether yours is zero in a block of so many entries.
    fn is_zero(&self, block: usize, size: usize) -> bool {
        self.yours.iter().all(|yours| yours[block * size..][..size].iter().all(|x| *x == 0.0))
    }

    /// Whether a block of yours is that block of the right gradient. Of a block that is zero only that at its own
    /// place: it says nothing of where another one comes from.
    fn block_holds(&self, to: usize, from: usize, size: usize) -> bool {
        let largest = |block: &[f64]| block.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        self.yours.iter().zip(&self.right).all(|(yours, right)| {
            let (yours, right) = (&yours[to * size..][..size], &right[from * size..][..size]);
            let limit = self.tolerance * largest(right);
            (to == from || limit > 0.0) && yours.iter().zip(right).all(|(y, r)| (y - r).abs() <= limit)
        })
    }

    /// The plainest pattern that fits, and what else there is to say.
    fn pattern(&self, sizes: &[(String, f64)]) -> Option<(Kind, String)> {
        if self.yours.iter().flatten().any(|x| !x.is_finite()) {
            return Some((Kind::NotANumber, "there are NaN or infinite entries".into()));
        }
        if self.fits(|_, _| 0.0) {
            return Some((Kind::Zero, "nothing arrives".into()));
        }
        if self.is_flipped() {
            return Some((Kind::Sign, "yours is −1 times what it should be".into()));
        }
        if let Some(factor) = self.factor(sizes) {
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

/// Whether a number may stand in a formula: a quotient of small whole numbers, or of sizes, or one over their product.
/// Any other seems to depend on the entries, and is no constant.
pub(super) fn is_plain(factor: f64, sizes: &[(String, f64)], tolerance: f64) -> bool {
    let is = |x: f64| (factor.abs() - x).abs() <= 10.0 * tolerance * x;
    let known = || sizes.iter().map(|(_, size)| *size).filter(|size| *size > 0.0);
    let small = || (1..=12).map(f64::from);
    let quotients = || small().flat_map(|a| small().map(move |b| a / b));
    let of_sizes = || known().flat_map(|a| known().flat_map(move |b| [a / b, a * b, 1.0 / (a * b)]));
    let of_one = || known().flat_map(|a| [a, 1.0 / a, 2.0 * a, 2.0 / a]);
    quotients().chain(of_one()).chain(of_sizes()).any(is)
}

/// `2`, `1/2`, `1/B`, or the number itself.
pub(super) fn factor_name(factor: f64, sizes: &[(String, f64)], tolerance: f64) -> String {
    let is = |x: f64| (factor - x).abs() <= 10.0 * tolerance * x.abs();
    let names = |fits: &dyn Fn(f64) -> bool, before: &str| -> String {
        let names = sizes.iter().filter(|(_, size)| *size >= 2.0 && fits(*size));
        names.map(|(name, _)| format!("{before}{name} = ")).collect()
    };
    let size = sizes.iter().map(|(_, size)| *size).find(|size| *size >= 2.0 && (is(*size) || is(1.0 / size)));
    match () {
        () if is(2.0) => "2".into(),
        () if is(0.5) => "1/2".into(),
        () if is(-1.0) => "−1".into(),
        () => match size {
            Some(size) if is(size) => format!("{}{size}", names(&is, "")),
            Some(size) => format!("{}1/{size}", names(&|size| is(1.0 / size), "1/")),
            None => format!("{factor:.6}"),
        },
    }
}

/// The patterns of all wrong parameters, if each has one: one finding per pattern, with the parameters
/// that show it.
pub(super) fn common(gaps: &[Gap<'_>], sizes: &[(String, f64)]) -> Vec<Finding> {
    if let [a, b] = gaps {
        let alike = (a.input.rows, a.input.cols) == (b.input.rows, b.input.cols);
        // Where one is minus the other, two wrong signs are the plainer mistake.
        if alike && !(a.is_flipped() && b.is_flipped()) && a.holds(b) && b.holds(a) {
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
