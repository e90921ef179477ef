//! A learner's progress: `yours/progress.json`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Bench, Error, Exercise};

/// The largest size of the file, bytes; nine exercises need about one kilobyte.
const LIMIT: u64 = 64 << 10;

/// The progress in all exercises.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The progress by the name of the exercise.
    exercises: BTreeMap<String, ExerciseProgress>,
}

/// The progress in one exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExerciseProgress {
    /// The number of hints that were shown.
    #[serde(default)]
    pub hints: usize,
    /// Whether its last check passed.
    #[serde(default)]
    pub passed: bool,
}

impl Progress {
    /// Reads the file. Without a file, the progress is empty.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
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

    /// Writes the file.
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

    /// Returns the progress in an exercise.
    #[must_use]
    pub fn of(&self, exercise: &Exercise) -> ExerciseProgress {
        self.exercises.get(exercise.name).copied().unwrap_or_default()
    }

    /// Returns the progress in an exercise, to change it.
    pub fn of_mut(&mut self, exercise: &Exercise) -> &mut ExerciseProgress {
        self.exercises.entry(exercise.name.to_owned()).or_default()
    }

    /// Returns the first exercise that has not passed; `None` if all have.
    #[must_use]
    pub fn next(&self) -> Option<&'static Exercise> {
        Exercise::ALL.iter().find(|exercise| !self.of(exercise).passed)
    }
}
