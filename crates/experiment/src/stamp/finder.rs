//! Finds the updates in a message of a target, by the target's recipe. The clients of the load generator have one for
//! each target, compiled once; validation compiles one to see that the recipe is right.

use feedlab_feed::wire::Stamp;

use super::pattern::Pattern;
use super::pointer::Pointers;
use super::{MARK, find};
use crate::scenario::{StampRecipe, TimeUnit};

/// Why updates cannot be looked for in this way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinderError {
    /// The text is not a JSON pointer.
    #[error("{0:?} is not a JSON pointer (RFC 6901); start it with a slash, as in \"/id\" or \"/data/id\"")]
    Pointer(String),
    /// The pattern is too long, or would need too much memory.
    #[error("the pattern is too large; shorten it to at most 1 KiB, with smaller repetitions")]
    Large,
    /// The pattern is not a regular expression.
    #[error("this is not a regular expression: {0}; correct it, or look for JSON fields with `seq` and `at` instead")]
    Syntax(String),
    /// The pattern lacks one of the groups.
    #[error("the pattern has no group `{0}`; add it, as in \"seq=(?<seq>\\\\d+) at=(?<at>\\\\d+)\"")]
    Group(&'static str),
}

/// A compiled [`StampRecipe`].
#[derive(Clone, Debug)]
pub struct Finder(Recipe);

#[derive(Clone, Debug)]
enum Recipe {
    Text,
    Pointers(Pointers),
    Pattern(Pattern),
}

impl Finder {
    /// Compiles a recipe.
    ///
    /// # Errors
    /// If the recipe has a pointer that is none, or a pattern that does not compile or lacks a group.
    pub fn new(recipe: &StampRecipe) -> Result<Self, FinderError> {
        Ok(Self(match recipe {
            StampRecipe::Text => Recipe::Text,
            StampRecipe::Pointers { seq, at, unit } => Recipe::Pointers(Pointers::new(seq, at, *unit)?),
            StampRecipe::Pattern { pattern, unit } => Recipe::Pattern(Pattern::new(pattern, *unit)?),
        }))
    }

    /// Calls `each` with every update in a message, in the order in which they are in it. Only the text of feedlab
    /// names the epoch. Looking for it allocates nothing.
    pub fn find(&self, message: &[u8], each: &mut dyn FnMut(Stamp)) {
        match &self.0 {
            Recipe::Text => find(message).for_each(each),
            Recipe::Pointers(pointers) => pointers.find(message, each),
            Recipe::Pattern(pattern) => pattern.find(message, each),
        }
    }

    /// Returns what is looked for, in words, for the error if nothing is found.
    #[must_use]
    pub fn looked_for(&self) -> String {
        match &self.0 {
            Recipe::Text => format!("the text that was published for `$UPDATE`, `{MARK}EPOCH.SEQ:AT:…`"),
            Recipe::Pointers(pointers) => pointers.in_words(),
            Recipe::Pattern(pattern) => pattern.in_words(),
        }
    }
}

/// Returns a time as µs of Unix time, if it is one: a whole number, or one with decimals.
pub(super) fn micros(time: &str, unit: TimeUnit) -> Option<u64> {
    if let Ok(whole) = time.parse::<u64>() {
        return whole.checked_mul(unit.micros());
    }
    let micros = time.parse::<f64>().ok()? * unit.micros() as f64;
    (0.0..u64::MAX as f64).contains(&micros).then_some(micros.round() as u64)
}

/// Returns the unit of a time in words.
pub(super) fn unit(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Micros => "µs of Unix time",
        TimeUnit::Millis => "ms of Unix time",
        TimeUnit::Seconds => "s of Unix time",
    }
}

#[cfg(test)]
mod tests;
