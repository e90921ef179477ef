//! `feedlab workshop list|next|check|hint|reset`: the coding exercises.

use crate::exit::Exit;

/// A step of the exercises.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Step {
    /// List the exercises and how far you are
    List,
    /// Begin the next exercise that does not pass yet
    Next,
    /// Run an exercise's tests on what you wrote
    Check {
        /// The exercise; the one that you are at, if none is named
        exercise: Option<String>,
    },
    /// Give the next hint of an exercise
    Hint {
        /// The exercise; the one that you are at, if none is named
        exercise: Option<String>,
    },
    /// Put an exercise back to its start
    Reset {
        /// The exercise
        exercise: String,
    },
}

/// Does the step.
pub(crate) fn execute(step: &Step) -> anyhow::Result<Exit> {
    anyhow::bail!("{step:?}: this build has no exercises yet")
}
