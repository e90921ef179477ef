//! What can go wrong around an exercise. That it does not pass yet is not among it.

use std::io;
use std::path::PathBuf;

use super::Exercise;

/// Why an exercise could not be shown, checked or put down.
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
