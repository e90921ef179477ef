//! The coding exercises: which there are, where they lie, how far a learner is, and whether an exercise passes.
//!
//! The exercises themselves are the crate `feedlab-exercises`, which is compiled in a clone of the repository; nothing of
//! it is linked here but the hints. The command line calls this, and prints.

use std::io;
use std::path::PathBuf;

mod bench;
mod check;
mod progress;
mod verdict;

pub use bench::Bench;
pub use check::check;
pub use progress::{Progress, Standing};
pub use verdict::{Failure, Outcome};

/// An exercise.
#[derive(Debug, PartialEq, Eq)]
pub struct Exercise {
    /// Names it on the command line and in chapters.
    pub name: &'static str,
    /// What is built, as a fragment.
    pub title: &'static str,
    /// How long it takes somebody who knows some Rust, minutes.
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
    /// All of them, in the order in which they are done.
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

    /// The exercise of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(name: &str) -> Result<&'static Self, Error> {
        Self::ALL.iter().find(|exercise| exercise.name == name).ok_or_else(|| Error::Unknown { name: name.to_owned() })
    }

    /// Its place among all, from 1 on.
    #[must_use]
    pub fn number(&self) -> usize {
        1 + Self::ALL.iter().position(|other| other.name == self.name).unwrap_or_default()
    }

    /// Its hints: each says more than the one before.
    #[must_use]
    pub fn hints(&self) -> Vec<&'static str> {
        let sections = self.hints.split("\n## Hint ").skip(1);
        sections.map(|section| section.split_once('\n').map_or(section, |(_, text)| text).trim()).collect()
    }

    /// The name of its modules and of its test.
    #[must_use]
    pub fn module(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// Why an exercise could not be shown, checked or put down. That it does not pass yet is not among it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No clone here.
    #[error(
        "{} is not in a clone of feedlab, and the exercises are compiled there: change into yours (it has \
         crates/exercises/Cargo.toml)", from.display()
    )]
    NoClone {
        /// The folder from which it was looked for, upwards.
        from: PathBuf,
    },
    /// No such exercise.
    #[error("there is no exercise `{name}`; there are {}", names())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// What is remembered about the exercises cannot be read.
    #[error("{} is broken ({why}): delete it; your files stay, only hints and passes are forgotten", path.display())]
    BrokenProgress {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {what} {}", path.display())]
    File {
        /// Read, write.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program does not start.
    #[error("cannot start {program}: install Rust (https://rustup.rs), or set CARGO to the cargo that is to be used")]
    NoCargo {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The test of an exercise cannot be built, for a reason that is not in the learner's file.
    #[error(
        "cargo cannot build the test: {why}. If a package is missing, `cargo fetch` gets it while there is a network"
    )]
    Build {
        /// What cargo said.
        why: String,
    },
    /// A test that was built does not run.
    #[error("cannot run the test {}", path.display())]
    Run {
        /// The test.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn names() -> String {
    let names: Vec<_> = Exercise::ALL.iter().map(|exercise| exercise.name).collect();
    names.join(", ")
}

impl Error {
    /// Whether it is a matter of how the command was called: where, with which name, with which files.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::NoClone { .. } | Self::Unknown { .. } | Self::BrokenProgress { .. } | Self::NoCargo { .. })
    }
}

#[cfg(test)]
mod tests;
