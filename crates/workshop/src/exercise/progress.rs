//! How far a learner is: `yours/progress.json`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Bench, Error, Exercise};

/// The file may be no larger than this many bytes; nine exercises need one.
const LIMIT: u64 = 64 << 10;

/// What is remembered about all exercises.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// By the name of the exercise.
    exercises: BTreeMap<String, Standing>,
}

/// What is remembered about one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Hints that were shown.
    #[serde(default)]
    pub hints: usize,
    /// Its last check passed.
    #[serde(default)]
    pub passed: bool,
}

impl Progress {
    /// What is remembered; nothing yet, if there is no file.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn load(bench: &Bench) -> Result<Self, Error> {
        let path = Self::path(bench);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(Error::File { what: "read", path, source }),
        };
        let mut text = String::new();
        let read = file.take(LIMIT).read_to_string(&mut text).map_err(|error| error.to_string());
        let parsed = read.and_then(|_| serde_json::from_str(&text).map_err(|error| error.to_string()));
        parsed.map_err(|why| Error::BrokenProgress { path, why })
    }

    /// Remembers.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, bench: &Bench) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        bench.write(&Self::path(bench), &text)
    }

    fn path(bench: &Bench) -> PathBuf {
        bench.yours().join(Path::new("progress.json"))
    }

    /// What is remembered about an exercise.
    #[must_use]
    pub fn of(&self, exercise: &Exercise) -> Standing {
        self.exercises.get(exercise.name).copied().unwrap_or_default()
    }

    /// To change it.
    pub fn of_mut(&mut self, exercise: &Exercise) -> &mut Standing {
        self.exercises.entry(exercise.name.to_owned()).or_default()
    }

    /// The first exercise that has not passed; `None` when all have.
    #[must_use]
    pub fn next(&self) -> Option<&'static Exercise> {
        Exercise::ALL.iter().find(|exercise| !self.of(exercise).passed)
    }
}
