//! One check: its grade, its finding, and the remedy.

use serde::Serialize;

/// The result of a check, a line of the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What was checked.
    pub(super) name: &'static str,
    /// The grade.
    pub(super) mark: Mark,
    /// The finding, with its figure.
    pub(super) found: String,
    /// The remedy, if one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

/// The grade of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// No problem.
    Ok,
    /// Runs work, but something is missing or less exact.
    Warn,
    /// Runs fail or are invalid.
    Fail,
}

/// The finding of a check for which the system has no figure.
pub(super) const NOT_REPORTED: &str = "not reported by this system";

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, mark: Mark::Ok, found: found.into(), fix: None }
    }

    pub(super) fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, mark: Mark::Warn, found: found.into(), fix: Some(fix.into()) }
    }

    pub(super) fn fail(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { mark: Mark::Fail, ..Self::warn(name, found, fix) }
    }

    /// Returns a check with the given grade. One that is ok needs no remedy.
    pub(super) fn graded(name: &'static str, mark: Mark, found: impl Into<String>, fix: impl Into<String>) -> Self {
        match mark {
            Mark::Ok => Self::ok(name, found),
            Mark::Warn => Self::warn(name, found, fix),
            Mark::Fail => Self::fail(name, found, fix),
        }
    }
}

impl Mark {
    /// Grades a figure that should be small.
    pub(super) fn above(value: f64, warn: f64, fail: f64) -> Self {
        match value {
            value if value > fail => Self::Fail,
            value if value > warn => Self::Warn,
            _ => Self::Ok,
        }
    }

    /// Grades a figure that should be large.
    pub(super) fn below(value: f64, warn: f64, fail: f64) -> Self {
        Self::above(-value, -warn, -fail)
    }

    /// Returns the word, padded to the width of its column; color codes have no width.
    pub(super) fn padded(self, colored: bool) -> String {
        let (word, code) = match self {
            Self::Ok => ("ok  ", 32),
            Self::Warn => ("warn", 33),
            Self::Fail => ("fail", 31),
        };
        if colored { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_graded_by_its_limits() {
        let marks = |values: [f64; 3], grade: fn(f64) -> Mark| values.map(grade);
        let (ok, warn, fail) = (Mark::Ok, Mark::Warn, Mark::Fail);
        assert_eq!(marks([1.0, 1.1, 10.1], |value| Mark::above(value, 1.0, 10.0)), [ok, warn, fail]);
        assert_eq!(marks([10.0, 9.9, 0.9], |value| Mark::below(value, 10.0, 1.0)), [ok, warn, fail]);
    }
}
