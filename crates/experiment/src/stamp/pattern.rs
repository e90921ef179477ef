//! Updates in any text: each match of a regular expression, whose groups have the number and the time.

use feedlab_feed::text::visible;
use feedlab_feed::wire::Stamp;
use regex::bytes::{Captures, Regex, RegexBuilder};

use super::finder::{FinderError, micros, unit};
use crate::scenario::TimeUnit;

/// The longest pattern, bytes.
pub const MOST_PATTERN_BYTES: usize = 1024;
/// The most memory of a compiled pattern, bytes: a short pattern can have large repetitions.
const MOST_COMPILED_BYTES: usize = 1 << 20;
/// The groups that a pattern has.
const GROUPS: [&str; 2] = ["seq", "at"];

/// A regular expression with the groups `seq` and `at`.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    unit: TimeUnit,
}

impl Pattern {
    pub(super) fn new(pattern: &str, unit: TimeUnit) -> Result<Self, FinderError> {
        if pattern.len() > MOST_PATTERN_BYTES {
            return Err(FinderError::Large);
        }
        let regex =
            RegexBuilder::new(pattern).size_limit(MOST_COMPILED_BYTES).build().map_err(|error| plain(&error))?;
        let has = |group: &&str| regex.capture_names().flatten().any(|name| name == *group);
        match GROUPS.into_iter().find(|group| !has(group)) {
            Some(missing) => Err(FinderError::Group(missing)),
            None => Ok(Self { regex, unit }),
        }
    }

    pub(super) fn find(&self, message: &[u8], each: &mut dyn FnMut(Stamp)) {
        self.regex.captures_iter(message).filter_map(|captures| self.stamp(&captures)).for_each(each);
    }

    fn stamp(&self, captures: &Captures<'_>) -> Option<Stamp> {
        let [seq, at] = GROUPS.map(|group| std::str::from_utf8(captures.name(group)?.as_bytes()).ok());
        Some(Stamp { epoch: None, seq: seq?.parse().ok()?, at: micros(at?, self.unit)? })
    }

    pub(super) fn in_words(&self) -> String {
        let pattern = visible(self.regex.as_str());
        format!("a match of the pattern `{pattern}`, with a number as `seq` and a time in {} as `at`", unit(self.unit))
    }
}

/// Returns the last line of a syntax error: those before it draw the pattern.
fn plain(error: &regex::Error) -> FinderError {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return FinderError::Large;
    }
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    FinderError::Syntax(last.trim().trim_start_matches("error: ").to_owned())
}
