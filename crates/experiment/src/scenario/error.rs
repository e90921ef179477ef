//! Errors of scenario files: one line with the place, the problem and the remedy.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use feedlab_feed::text::is_hidden;

use super::written::At;
use crate::nearest::near;

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error(
        "cannot read the scenario {}: {error}; give the path of a TOML file, such as scenarios/quick.toml",
        .file.display()
    )]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file of a target cannot be read.
    #[error(
        "cannot read the target {}: {error}; give the path of a TOML file with a [target.NAME]",
        .file.display()
    )]
    ReadTarget {
        /// The file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The scenario cannot measure a target that was chosen for it.
    #[error("the scenario {scenario} cannot measure the target {target}: {problem}")]
    Target {
        /// The scenario's name.
        scenario: String,
        /// The target's name.
        target: String,
        /// The problem, and after a semicolon the remedy.
        problem: String,
    },
    /// The file contains something that cannot be parsed or measured.
    #[error("{}:{line}:{column}: {problem}", .file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
        /// The problem, and after a semicolon the remedy.
        problem: String,
    },
    /// The file has several errors.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" · "))]
    Several(Vec<ScenarioError>),
}

impl ScenarioError {
    /// Returns each of several errors in file order, or this error if it is a single one.
    #[must_use]
    pub fn each(&self) -> Vec<&Self> {
        match self {
            Self::Several(all) => all.iter().collect(),
            one => vec![one],
        }
    }

    pub(super) fn read(file: &Path, error: io::Error) -> Self {
        Self::Read { file: file.to_owned(), error }
    }
}

/// An error at a position of the text: a [`ScenarioError`] without the file name.
#[derive(Debug)]
pub(super) struct FieldError {
    span: Range<usize>,
    problem: String,
}

impl FieldError {
    pub(super) fn new(span: Range<usize>, problem: impl Into<String>) -> Self {
        Self { span, problem: problem.into() }
    }

    /// Creates an error at a value's position.
    pub(super) fn at<T>(value: &At<T>, problem: impl Into<String>) -> Self {
        Self::new(value.span(), problem)
    }

    pub(super) fn locate(self, text: &str, file: &Path) -> ScenarioError {
        let (line, column) = position(text, self.span.start);
        let problem = self.problem.replace(is_hidden, " ");
        ScenarioError::Invalid { file: file.to_owned(), line, column, problem }
    }
}

/// The errors in the parts of a scenario that have been validated so far.
#[derive(Debug, Default)]
pub(super) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Stores an error, or returns the value.
    pub(super) fn take<T>(&mut self, part: Result<T, FieldError>) -> Option<T> {
        part.map_err(|error| self.0.push(error)).ok()
    }

    /// Returns all errors as one, in file order.
    pub(super) fn locate(mut self, text: &str, file: &Path) -> ScenarioError {
        self.0.sort_by_key(|error| error.span.start);
        let mut all: Vec<_> = self.0.into_iter().map(|error| error.locate(text, file)).collect();
        if all.len() == 1 { all.remove(0) } else { ScenarioError::Several(all) }
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self(vec![error])
    }
}

impl From<toml::de::Error> for FieldErrors {
    fn from(error: toml::de::Error) -> Self {
        FieldError::from(error).into()
    }
}

impl From<toml::de::Error> for FieldError {
    fn from(error: toml::de::Error) -> Self {
        Self::new(error.span().unwrap_or_default(), plain_message(error.message()))
    }
}

/// Returns line and column of a byte offset, both counted from 1, the column in characters.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The hint for standard input, which only `feedlab serve` can publish: in a scenario, every cell needs the feed from
/// its start.
const STDIN_ELSEWHERE: &str = "; standard input can be read only once and works only with `feedlab serve --feed \
                               stdin`: record it to a file and use `source = \"replay\"`";

/// Rewrites a message of serde for people. Serde's messages contain the key or value first and then what is allowed,
/// each in backticks (`serde::de::Error::unknown_field`, `unknown_variant`, `missing_field`).
pub(crate) fn plain_message(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let name = names.next().unwrap_or_default();
    let allowed: Vec<&str> = names.collect();
    let list = allowed.join(", ");
    let guess = near(name, allowed.iter().copied()).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    if message.starts_with("unknown field") {
        format!("unknown key `{name}`; {guess}allowed here: {list}")
    } else if message.starts_with("unknown variant") {
        let elsewhere = if name == "stdin" { STDIN_ELSEWHERE } else { "" };
        format!("unknown value `{name}`; {guess}allowed here: {list}{elsewhere}")
    } else if message.starts_with("missing field") {
        format!("the key `{name}` is missing; add it")
    } else if message == "wanted string or table" {
        "this value is one of a fixed set of words; put it in quotes".to_owned()
    } else {
        let words = [("expected i64", "expected a whole number"), ("expected f64", "expected a number")];
        words.into_iter().fold(message.to_owned(), |text, (rust, plain)| text.replace(rust, plain))
    }
}
