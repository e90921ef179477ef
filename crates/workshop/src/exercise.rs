//! The coding exercises: which there are, where they lie, how far a learner is, and whether an exercise passes.
//!
//! The exercises themselves are the crate `feedlab-exercises`, which is compiled in a clone of the repository; nothing of
//! it is linked here but the hints. The command line calls this, and prints.

mod bench;
mod check;
mod error;
mod progress;
mod verdict;

pub use bench::Bench;
pub use check::check;
pub use error::Error;
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
        exercise!("poll-cursor", 20, "a poll client that loses nothing, and says what it lost", "poll_cursor"),
        exercise!("long-poll-handler", 20, "answer when there is news, and never miss it", "long_poll_handler"),
        exercise!("ids-and-replay", 20, "what a client gets that comes back", "ids_and_replay"),
        exercise!("keepalive", 15, "a stream that nothing on the way takes for dead", "keepalive"),
        exercise!("reconnect", 20, "come back without trampling the server that has just come back", "reconnect"),
        exercise!("bounded-queue", 20, "what becomes of a client that reads too slowly", "bounded_queue"),
        exercise!("clean-up", 15, "a connection that is gone has left nothing behind", "clean_up"),
        exercise!(
            "fallback-ladder",
            30,
            "a client that gets its updates whatever stands in the way",
            "fallback_ladder"
        ),
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

#[cfg(test)]
mod tests;
