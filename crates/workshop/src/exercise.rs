//! The coding exercises: their list and files, a learner's progress, and the check whether an exercise passes.
//!
//! The exercises themselves are the crate `feedlab-exercises`, which is compiled in a clone of the repository; only
//! their hints are part of this crate. The command line calls this module, and prints.

use std::io;
use std::path::PathBuf;

mod bench;
mod check;
mod progress;
mod saves;
mod verdict;

pub use bench::Bench;
pub use check::{build_libraries, check};
pub use progress::{ExerciseProgress, Progress};
pub use saves::Saves;
pub use verdict::{Failure, Outcome};

/// An exercise.
#[derive(Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Identifies the exercise on the command line and in chapters.
    pub name: &'static str,
    /// What you build, as a phrase.
    pub title: &'static str,
    /// How long it takes someone who knows some Rust, minutes.
    pub minutes: u32,
    hints: &'static str,
}

macro_rules! exercise {
    ($name:literal, $minutes:literal, $title:literal, $hints:literal) => {
        Exercise {
            name: $name,
            title: $title,
            minutes: $minutes,
            hints: include_str!(concat!("../../exercises/hints/", $hints, ".md")),
        }
    };
}

impl Exercise {
    /// All exercises, in the order in which they are meant to be done.
    pub const ALL: &'static [Self] = &[
        exercise!("sse-parser", 30, "read an event stream", "sse_parser"),
        exercise!("poll-cursor", 20, "a poll client that loses nothing silently", "poll_cursor"),
        exercise!("long-poll-handler", 20, "respond as soon as there is news, and miss none", "long_poll_handler"),
        exercise!("ids-and-replay", 20, "what a reconnecting client gets", "ids_and_replay"),
        exercise!("keepalive", 15, "a stream that no proxy mistakes for dead", "keepalive"),
        exercise!("reconnect", 20, "reconnect without overrunning a server that has just restarted", "reconnect"),
        exercise!("bounded-queue", 20, "what to do with a client that reads too slowly", "bounded_queue"),
        exercise!("clean-up", 15, "a closed connection leaves nothing behind", "clean_up"),
        exercise!("fallback-ladder", 30, "a client that gets its updates through any proxy", "fallback_ladder"),
    ];

    /// Returns the exercise with this name.
    ///
    /// # Errors
    /// When there is no such exercise.
    pub fn find(name: &str) -> Result<&'static Self, Error> {
        Self::ALL.iter().find(|exercise| exercise.name == name).ok_or_else(|| Error::Unknown { name: name.to_owned() })
    }

    /// Returns its position among all exercises, starting at 1.
    #[must_use]
    pub fn number(&self) -> usize {
        1 + Self::ALL.iter().position(|other| other.name == self.name).unwrap_or_default()
    }

    /// Returns its hints: each says more than the previous one.
    #[must_use]
    pub fn hints(&self) -> Vec<&'static str> {
        let sections = self.hints.split("\n## Hint ").skip(1);
        sections.map(|section| section.split_once('\n').map_or(section, |(_, text)| text).trim()).collect()
    }

    /// Returns the name of its modules and of its test.
    #[must_use]
    pub fn module(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// Why an exercise could not be shown, checked or saved. An exercise that does not pass yet is not an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The current folder is not in a clone of the repository.
    #[error(
        "{} is not in a clone of feedlab, which is needed to compile the exercises: change to your clone (the folder \
         with crates/exercises/Cargo.toml)", from.display()
    )]
    NoClone {
        /// The folder in which the search started, upwards.
        from: PathBuf,
    },
    /// There is no such exercise.
    #[error("unknown exercise `{name}`; the exercises are {}", names())]
    Unknown {
        /// The name that was given.
        name: String,
    },
    /// The progress file cannot be parsed.
    #[error("{} is not valid ({why}): delete it; this resets only the hints and passes, and keeps your files", path.display())]
    BrokenProgress {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {what} {}", path.display())]
    File {
        /// The operation: `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Cargo cannot be started.
    #[error("cannot start {program}: install Rust (https://rustup.rs), or set CARGO to the path of cargo")]
    NoCargo {
        /// The program.
        program: String,
        /// The cause.
        source: io::Error,
    },
    /// The test of an exercise cannot be built, for a reason that is not in the learner's file.
    #[error("cargo cannot build the test: {why}. If a package is missing, run `cargo fetch` while you are online")]
    Build {
        /// The error from cargo.
        why: String,
    },
    /// A test that was built cannot be run.
    #[error("cannot run the test {}", path.display())]
    Run {
        /// The test.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

fn names() -> String {
    let names: Vec<_> = Exercise::ALL.iter().map(|exercise| exercise.name).collect();
    names.join(", ")
}

impl Error {
    /// Whether the cause is how the command was used: in which folder, with which name, or with which files.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::NoClone { .. } | Self::Unknown { .. } | Self::BrokenProgress { .. } | Self::NoCargo { .. })
    }
}

#[cfg(test)]
mod tests;
