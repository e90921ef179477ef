//! The question as a file.

use super::Question;
use crate::scenario::{plain_message, position};

/// Why a question cannot be read: where, what, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

impl Question {
    /// Reads a question from the text of a TOML file. What it does not say has its default.
    ///
    /// # Errors
    /// If the text is not TOML, or has a key or a value that a question does not have.
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let (line, column) = position(text, error.span().unwrap_or_default().start);
            ReadError { line, column, problem: plain_message(error.message()) }
        })
    }

    /// Returns the question as the text of a TOML file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_its_place_and_its_remedy() {
        let error = Question::parse("clients = 5\nbudgett = \"2s\"").unwrap_err().to_string();
        assert!(error.starts_with("line 2, column 1: unknown key `budgett`; did you mean `budget`?"), "{error}");
        let error = Question::parse("between = [\"pigeon\"]").unwrap_err().to_string();
        assert!(error.contains("corporate-proxy"), "{error}");
        let error = Question::parse("budget = 2").unwrap_err().to_string();
        assert!(error.starts_with("line 1, column 10"), "{error}");
    }
}
