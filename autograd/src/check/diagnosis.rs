//! Which kind of mistake a wrong gradient looks like.
//!
//! A kind is named only if it explains every entry, for every cotangent. The cotangents are random, so
//! that what fits by accident does not exist in practice; what fits for a reason may have two names,
//! and then both are given. To find nothing is an answer, too.

use super::pattern::{self, Gap};
use super::suspects::Suspect;
use std::fmt;

/// The kinds of mistakes that the check knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Some entries are NaN or infinite.
    NotANumber,
    /// The gradient is zero where it should not be.
    Zero,
    /// The right gradient, or one term of it, with the other sign.
    Sign,
    /// The right gradient, or one term of it, times a number that may stand in a formula: a quotient of small whole
    /// numbers or of sizes.
    Factor,
    /// Rows and columns have changed places.
    Transposed,
    /// The gradients of two blocks of rows, such as two gates, have changed places.
    Swapped,
    /// What belongs to one time step is taken from, or put into, the next or the last.
    Shifted,
    /// The first time step is treated as the last.
    Reversed,
    /// What one use of a quantity sends back is missing.
    MissingTerm,
    /// One use of many counts: its share is assigned where it should be added.
    Overwritten,
    /// What was copied to all columns gets the share of one of them, not the sum.
    NotSummed,
    /// A derivative is taken at another quantity, such as the pre-activation for the activation.
    WrongPoint,
    /// A factor of the chain rule, such as the slope of tanh, is left out.
    MissingFactor,
}

impl Kind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotANumber => "not a number",
            Self::Zero => "zero",
            Self::Sign => "sign flipped",
            Self::Factor => "constant factor",
            Self::Transposed => "transposed",
            Self::Swapped => "changed places",
            Self::Shifted => "off by one in time",
            Self::Reversed => "reversed in time",
            Self::MissingTerm => "missing term",
            Self::Overwritten => "assigned, not accumulated",
            Self::NotSummed => "broadcast, not summed",
            Self::WrongPoint => "derivative at the wrong point",
            Self::MissingFactor => "missing factor",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One kind of mistake that explains the wrong gradient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which kind.
    pub kind: Kind,
    /// Where, in words.
    pub place: String,
}

/// What a wrong gradient looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// The kinds that explain every entry, the plainest first; none: the check is unsure.
    pub findings: Vec<Finding>,
}

/// More names than these are no help.
const NAMES: usize = 2;

impl Diagnosis {
    /// The kinds that are named.
    pub fn kinds(&self) -> Vec<Kind> {
        self.findings.iter().map(|finding| finding.kind).collect()
    }

    /// From the patterns of what is wrong, and from the mistakes that explain all of it.
    pub(super) fn of(gaps: &[Gap<'_>], suspects: Vec<Suspect>, sizes: &[(String, f64)]) -> Self {
        let patterns = pattern::common(gaps, sizes);
        // One cause is a better explanation than several patterns.
        let mut findings = if patterns.len() > 1 && !suspects.is_empty() { Vec::new() } else { patterns };
        let plain = |finding: &Finding| matches!(finding.kind, Kind::Zero | Kind::NotANumber);
        if !findings.iter().any(plain) {
            for Suspect { kind, place } in suspects {
                if findings.iter().all(|finding| finding.kind != kind) {
                    findings.push(Finding { kind, place });
                }
            }
        }
        if findings.len() > NAMES {
            findings.clear();
        }
        Self { findings }
    }
}
