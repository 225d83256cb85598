//! How symbols become vectors, chosen by name.

use crate::choice::Invalid;
use std::fmt;

/// How symbols become vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A constant vector of V numbers, 1 at the symbol's id: see [`one_hot`](super::one_hot).
    OneHot,
    /// A learned vector of this many features: see [`Embedding`](super::Embedding).
    Embedding(usize),
    /// A constant vector of this many features, ±1 at one place: see [`hashing`](super::hashing).
    Hashing(usize),
}

impl Encoding {
    /// The names that can be parsed.
    pub const NAMES: [&str; 3] = ["embedding", "one-hot", "hashing"];

    /// Reads `embedding`, `one-hot`, `hashing` or `hashing:N`. `features` is how many an embedding has, and hashing where
    /// no N is given.
    ///
    /// # Errors
    /// If there is no such encoding, or N is not a whole number of at least 1.
    ///
    /// ```
    /// use models::layers::Encoding;
    /// assert_eq!(Encoding::parse("hashing:32", 64), Ok(Encoding::Hashing(32)));
    /// ```
    pub fn parse(text: &str, features: usize) -> Result<Self, Invalid> {
        let wrong =
            || Invalid(format!("encoding {text}: what follows hashing: must be a whole number, at least 1"));
        match text.split_once(':') {
            None if text == "embedding" => Ok(Self::Embedding(features)),
            None if text == "one-hot" => Ok(Self::OneHot),
            None if text == "hashing" => Ok(Self::Hashing(features)),
            Some(("hashing", n)) => n.parse().ok().filter(|&n| n > 0).map(Self::Hashing).ok_or_else(wrong),
            _ => Err(Invalid(format!(
                "unknown encoding '{text}' (known: {}; hashing:N)",
                Self::NAMES.join(", ")
            ))),
        }
    }

    /// How many numbers stand for one of `symbols` symbols.
    pub fn size(self, symbols: usize) -> usize {
        match self {
            Self::OneHot => symbols,
            Self::Embedding(features) | Self::Hashing(features) => features,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneHot => write!(f, "one-hot"),
            Self::Embedding(_) => write!(f, "embedding"),
            Self::Hashing(features) => write!(f, "hashing:{features}"),
        }
    }
}
