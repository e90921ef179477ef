//! How a command ended: the documented exit statuses, and the one line that an error gets.

use std::fmt;
use std::process::ExitCode;

use feedlab_feed::text::visible;

use crate::output::{self, ClosedPipe};

/// The exit statuses; nothing else is ever returned. Of several runs, the largest is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done, and every threshold met.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// Wrong usage, or an input that cannot be read.
    BadInput = 2,
    /// A threshold was missed, or a run is worse than the one that it is compared with.
    ThresholdMissed = 3,
    /// The measurement is invalid.
    Invalid = 4,
    /// Interrupted; what was measured is kept.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error whose cause is what the user handed in: a file, a folder, a flag.
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

/// Marks an error as one of the input, so that it ends with status 2.
pub(crate) fn bad_input(error: impl Into<anyhow::Error>) -> anyhow::Error {
    BadInput(error.into()).into()
}

/// Tells of an error, in one line on standard error, and names the status to end with.
pub(crate) fn report(result: anyhow::Result<Exit>) -> Exit {
    match result {
        Ok(exit) => exit,
        // The reader had enough, as in `feedlab schema | head`: that is no failure, and there is nobody to tell.
        Err(error) if error.is::<ClosedPipe>() => Exit::Done,
        Err(error) => {
            output::advice(&describe(&error));
            if error.is::<BadInput>() { Exit::BadInput } else { Exit::Failed }
        }
    }
}

/// `error: what failed: why`, on one line and harmless whatever the causes contain.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("error: {}", visible(&line))
}

/// Prints what the parser of the command line has to say: help and version on standard output, with status 0.
pub(crate) fn usage(message: &clap::Error) -> Exit {
    let printed = message.print();
    // Who cannot be told of wrong usage cannot be told of that either.
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
    fn the_mark_of_bad_input_survives_a_context_and_changes_no_word() {
        let error = Err::<(), _>(bad_input(anyhow::anyhow!("zero clients"))).context("quick.toml").unwrap_err();
        assert_eq!(describe(&error), "error: quick.toml: zero clients");
        assert_eq!(report(Err(error)), Exit::BadInput);
    }

    #[test]
    fn of_several_runs_the_worst_is_told() {
        let worst = [Exit::ThresholdMissed, Exit::Done, Exit::Invalid].into_iter().max();
        assert_eq!(worst, Some(Exit::Invalid));
    }
}
