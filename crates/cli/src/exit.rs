//! How a command ends: the documented exit statuses, and one line for an error.

use std::fmt;
use std::process::ExitCode;

use feedlab_feed::text::visible;

use crate::output::{self, ClosedPipe};

/// The exit statuses; no others are returned. With several runs, the largest is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done, and every threshold met.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// Wrong usage, or an input that cannot be read.
    BadInput = 2,
    /// A threshold was missed, a run is worse than the baseline of a comparison, or a server breaks a rule.
    ThresholdMissed = 3,
    /// The measurement is invalid.
    Invalid = 4,
    /// Interrupted; partial results are kept.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error caused by the user's input: a file, a folder, a flag.
#[derive(Debug)]
struct BadInput(anyhow::Error);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BadInput {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Marks an error as bad input, which exits with status 2.
pub(crate) fn bad_input(error: impl Into<anyhow::Error>) -> anyhow::Error {
    BadInput(error.into()).into()
}

/// Prints an error as one line on standard error, and returns the exit status.
pub(crate) fn report(result: anyhow::Result<Exit>) -> Exit {
    match result {
        Ok(exit) => exit,
        // The reader has read enough, as in `feedlab schema | head`, which is not a failure.
        Err(error) if error.is::<ClosedPipe>() => Exit::Done,
        Err(error) => {
            output::advice(&describe(&error));
            if error.is::<BadInput>() { Exit::BadInput } else { Exit::Failed }
        }
    }
}

/// Formats an error as `error: what failed: why`, on one line, with control characters escaped.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("error: {}", visible(&line))
}

/// Prints the message of the command line's parser. Help and version go to standard output, with status 0.
pub(crate) fn usage(message: &clap::Error) -> Exit {
    let printed = message.print();
    // If the message about wrong usage cannot be printed, neither can an error about that.
    if message.use_stderr() { Exit::BadInput } else { report(output::printed(printed).map(|()| Exit::Done)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_error_is_one_line_with_its_causes() {
        let error = anyhow::anyhow!("no space\n  left").context("cannot write cells.ndjson");
        assert_eq!(describe(&error), "error: cannot write cells.ndjson: no space left");
        assert_eq!(describe(&anyhow::anyhow!("red\u{1b}[31m")), "error: red\\u{1b}[31m");
    }

    #[test]
    fn bad_input_survives_a_context_and_does_not_change_the_message() {
        let error = Err::<(), _>(bad_input(anyhow::anyhow!("zero clients"))).context("quick.toml").unwrap_err();
        assert_eq!(describe(&error), "error: quick.toml: zero clients");
        assert_eq!(report(Err(error)), Exit::BadInput);
    }

    #[test]
    fn the_worst_status_of_several_runs_wins() {
        let worst = [Exit::ThresholdMissed, Exit::Done, Exit::Invalid].into_iter().max();
        assert_eq!(worst, Some(Exit::Invalid));
    }
}
