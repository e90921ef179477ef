//! A clone of the repository, with the learner's files in `crates/exercises/yours/`.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Error, Exercise};

/// The folder of the exercises, from the root of the clone.
const EXERCISES: &str = "crates/exercises";
/// The folder of the chapters.
const CHAPTERS: &str = "docs/workshop";

/// A clone of the repository.
#[derive(Clone, Debug)]
pub struct Bench {
    root: PathBuf,
}

impl Bench {
    /// Returns the clone that contains a folder.
    ///
    /// # Errors
    /// When the folder is not in a clone.
    pub fn find(from: &Path) -> Result<Self, Error> {
        let is_root = |folder: &&Path| folder.join(EXERCISES).join("Cargo.toml").is_file();
        let root = from.ancestors().find(is_root).ok_or_else(|| Error::NoClone { from: from.to_owned() })?;
        Ok(Self { root: root.to_owned() })
    }

    /// Returns the root of the clone.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the folder of the exercises' crate.
    #[must_use]
    pub fn package(&self) -> PathBuf {
        self.root.join(EXERCISES)
    }

    /// Returns the learner's folder, which is not under version control.
    #[must_use]
    pub fn yours(&self) -> PathBuf {
        self.package().join("yours")
    }

    /// Returns the path of the learner's file, from the root of the clone.
    #[must_use]
    pub fn file(&self, exercise: &Exercise) -> PathBuf {
        Path::new(EXERCISES).join("yours").join(exercise.module() + ".rs")
    }

    /// Returns the path of the solution, from the root of the clone.
    #[must_use]
    pub fn solution(&self, exercise: &Exercise) -> PathBuf {
        Path::new(EXERCISES).join("src/solution").join(exercise.module() + ".rs")
    }

    /// Returns the path of the test, from the root of the clone.
    #[must_use]
    pub fn test(&self, exercise: &Exercise) -> PathBuf {
        Path::new(EXERCISES).join("tests").join(exercise.module() + ".rs")
    }

    /// Returns the path of the text to read first, from the root of the clone: the chapter with the marker of the
    /// exercise, or else the page of all exercises.
    #[must_use]
    pub fn reading(&self, exercise: &Exercise) -> PathBuf {
        let mark = format!("<!-- exercise: {} -->", exercise.name);
        let entries = fs::read_dir(self.root.join(CHAPTERS)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| Path::new(CHAPTERS).join(entry.file_name())).collect();
        names.sort();
        let marked = |path: &PathBuf| fs::read_to_string(self.root.join(path)).is_ok_and(|text| text.contains(&mark));
        let page = Path::new(CHAPTERS).join("exercises.md");
        names.into_iter().filter(|name| *name != page).find(marked).unwrap_or(page)
    }

    /// Whether the learner has a file for the exercise.
    #[must_use]
    pub fn has_started(&self, exercise: &Exercise) -> bool {
        self.root.join(self.file(exercise)).exists()
    }

    /// Copies the start to the learner's folder, unless the learner already has a file. Returns whether it did.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn start(&self, exercise: &Exercise) -> Result<bool, Error> {
        let file = self.file(exercise);
        let failed = |source| Error::File { what: "write", path: file.clone(), source };
        fs::create_dir_all(self.yours()).map_err(failed)?;
        match create(&self.root.join(&file), self.start_of(exercise)?.as_bytes()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            created => created.map(|()| true).map_err(failed),
        }
    }

    /// Starts the exercise over. Unless the learner's file is still the start, first keeps a copy beside it, as
    /// `NAME.1.rs`, `NAME.2.rs` …, and returns the path of the copy. No copy is ever overwritten.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn reset(&self, exercise: &Exercise) -> Result<Option<PathBuf>, Error> {
        let (file, start) = (self.file(exercise), self.start_of(exercise)?);
        let kept = match fs::read(self.root.join(&file)) {
            Ok(written) if written == start.as_bytes() => None,
            Ok(written) => Some(self.keep(&file, &written)?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(Error::File { what: "read", path: file, source }),
        };
        self.write(&file, &start)?;
        Ok(kept)
    }

    fn start_of(&self, exercise: &Exercise) -> Result<String, Error> {
        self.read(&Path::new(EXERCISES).join("src/start").join(exercise.module() + ".rs"))
    }

    /// Writes a copy of a file to the first number that is free.
    fn keep(&self, file: &Path, written: &[u8]) -> Result<PathBuf, Error> {
        let mut number = 1_u32;
        loop {
            let copy = file.with_extension(format!("{number}.rs"));
            match create(&self.root.join(&copy), written) {
                Ok(()) => return Ok(copy),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(Error::File { what: "write", path: copy, source }),
            }
        }
    }

    /// Reads a text file of the clone.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, path: &Path) -> Result<String, Error> {
        let failed = |source| Error::File { what: "read", path: path.to_owned(), source };
        fs::read_to_string(self.root.join(path)).map_err(failed)
    }

    /// Writes a file of the clone atomically, and creates its folder.
    pub(super) fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        let whole = self.root.join(path);
        let partial = whole.with_extension("partial");
        let write = || {
            fs::create_dir_all(self.yours())?;
            fs::write(&partial, text)?;
            fs::rename(&partial, &whole)
        };
        write().map_err(|source| Error::File { what: "write", path: path.to_owned(), source })
    }
}

/// Writes a new file, and fails if there already is one: the system checks that, so that no other program can create it
/// in between.
fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
