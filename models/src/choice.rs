//! What is chosen by name, on the command line or in a file, is written `name` or `name:key=number,key=number`.
//!
//! The optimisers, their learning-rate schedules and the initialisers share this one form, so that all of them name
//! what they know when they meet something they do not, and so that printing a choice and reading it back loses nothing.
//!
//! ```
//! use models::optim::Rule;
//!
//! let rule: Rule = "sgd:momentum=0.9".parse().unwrap();
//! assert_eq!(rule.to_string(), "sgd:momentum=0.9,weight-decay=0");
//! let error = "sgd:momentums=0.9".parse::<Rule>().unwrap_err();
//! assert_eq!(error.to_string(), "optimiser sgd does not take momentums (it takes momentum, weight-decay)");
//! ```

use std::fmt;
use std::ops::RangeBounds;

/// What is wrong with input from outside, in one line: what, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// A choice being read: its name, and the options that nobody has asked for yet.
#[derive(Debug)]
pub struct Choice<'a> {
    kind: &'static str,
    /// What stands before the colon.
    pub name: &'a str,
    options: Vec<(&'a str, &'a str)>,
    asked: Vec<&'static str>,
}

impl<'a> Choice<'a> {
    /// Splits `name:key=number,…`; `kind` says in the errors what is being chosen.
    ///
    /// # Errors
    /// If what follows the colon is not a list of `key=number`.
    pub fn parse(kind: &'static str, text: &'a str) -> Result<Self, Invalid> {
        let (name, list) = text.split_once(':').unwrap_or((text, ""));
        let pair = |option: &'a str| {
            let (key, value) = option
                .split_once('=')
                .ok_or_else(|| Invalid(format!("{kind} {name}: '{option}' is not of the form key=number")))?;
            Ok((key.trim(), value.trim()))
        };
        let options = list.split(',').filter(|option| !option.is_empty()).map(pair);
        Ok(Self { kind, name: name.trim(), options: options.collect::<Result<_, _>>()?, asked: Vec::new() })
    }

    /// The number given for `key`, if it was given.
    ///
    /// # Errors
    /// If it is not a finite number within `range`.
    pub fn number(
        &mut self,
        key: &'static str,
        range: impl RangeBounds<f64> + fmt::Debug,
    ) -> Result<Option<f64>, Invalid> {
        let Some(text) = self.take(key) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(x) if range.contains(&x) && x.is_finite() => Ok(Some(x)),
            _ => Err(self.wrong(key, text, &format!("a number in {range:?}"))),
        }
    }

    /// The same, with a default.
    ///
    /// # Errors
    /// As [`Choice::number`].
    pub fn number_or(
        &mut self,
        key: &'static str,
        range: impl RangeBounds<f64> + fmt::Debug,
        default: f64,
    ) -> Result<f64, Invalid> {
        Ok(self.number(key, range)?.unwrap_or(default))
    }

    /// The count given for `key`, if it was given.
    ///
    /// # Errors
    /// If it is not a whole number, or is zero.
    pub fn count(&mut self, key: &'static str) -> Result<Option<u64>, Invalid> {
        let Some(text) = self.take(key) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(n) if n > 0 => Ok(Some(n)),
            _ => Err(self.wrong(key, text, "a whole number, at least 1")),
        }
    }

    /// Hands on what was read, after all options have been asked for.
    ///
    /// # Errors
    /// If an option is left that nobody asked for, or that was given twice.
    pub fn finish<V>(self, value: V) -> Result<V, Invalid> {
        let Self { kind, name, options, asked } = self;
        match options.first() {
            None => Ok(value),
            Some((key, _)) if asked.contains(key) => {
                Err(Invalid(format!("{kind} {name}: {key} is given twice")))
            }
            Some((key, _)) if asked.is_empty() => {
                Err(Invalid(format!("{kind} {name} does not take {key} (it takes no options)")))
            }
            Some((key, _)) => {
                Err(Invalid(format!("{kind} {name} does not take {key} (it takes {})", asked.join(", "))))
            }
        }
    }

    /// The error for a name that is none of the `known` ones.
    pub fn unknown(&self, known: &[&str]) -> Invalid {
        Invalid(format!("unknown {} '{}' (known: {})", self.kind, self.name, known.join(", ")))
    }

    /// The error for an option that has to be given.
    pub fn missing(&self, key: &str, example: &str) -> Invalid {
        Invalid(format!("{} {} needs {key}, for example {example}", self.kind, self.name))
    }

    fn take(&mut self, key: &'static str) -> Option<&'a str> {
        self.asked.push(key);
        let at = self.options.iter().position(|(k, _)| *k == key)?;
        Some(self.options.remove(at).1)
    }

    fn wrong(&self, key: &str, text: &str, wanted: &str) -> Invalid {
        Invalid(format!("{} {}: {key}={text} must be {wanted}", self.kind, self.name))
    }
}
