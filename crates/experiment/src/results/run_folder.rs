//! The folder of a run in progress: every cell is written when it ends, so an interrupted run keeps its results.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::{CELLS, HISTOGRAMS, MANIFEST, ResultsError, SCENARIO, SECONDS, SUMMARY, hlog_path};
use crate::Scenario;
use crate::record::{CellRecord, Manifest, Second};
use crate::summary::Summary;

/// The end of the name of an unfinished run's folder.
pub(super) const PARTIAL: &str = ".partial";

/// A results folder that is being written. As long as it is open, the file of its cells is locked.
#[derive(Debug)]
pub struct RunFolder {
    id: String,
    path: PathBuf,
    finished_path: PathBuf,
    /// The folder for runs, if it was created for this run.
    made: Option<PathBuf>,
    cells: File,
    seconds: File,
}

impl RunFolder {
    /// Creates `<out>/<UTC time>-<scenario name>.partial/` and opens its files, before anything is measured.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be created.
    pub fn create(out: &Path, scenario: &Scenario, started: SystemTime) -> Result<Self, ResultsError> {
        let made = (!out.exists()).then(|| out.to_owned());
        fs::create_dir_all(out).map_err(|error| ResultsError::write(out, error))?;
        let time = humantime::format_rfc3339_seconds(started).to_string().replace(['-', ':'], "");
        let (id, path) = claim(out, &format!("{time}-{}", sanitized(&scenario.name)))?;
        let histograms = path.join(HISTOGRAMS);
        fs::create_dir(&histograms).map_err(|error| ResultsError::write(&histograms, error))?;
        let finished_path = out.join(&id);
        let (cells, seconds) = (open_new(&path.join(CELLS))?, open_new(&path.join(SECONDS))?);
        // A file system without locks is no reason not to measure.
        let _ = cells.try_lock();
        Ok(Self { id, path, finished_path, made, cells, seconds })
    }

    /// Opens the folder of an unfinished run, at this path, for further cells; `None` if a process is measuring into it.
    pub(super) fn open_again(path: &Path) -> Result<Option<Self>, ResultsError> {
        let again = |file: PathBuf| {
            let opened = File::options().append(true).create(true).open(&file);
            opened.map_err(|error| ResultsError::write(&file, error))
        };
        let (cells, seconds) = (again(path.join(CELLS))?, again(path.join(SECONDS))?);
        if matches!(cells.try_lock(), Err(TryLockError::WouldBlock)) {
            return Ok(None);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let id = name.strip_suffix(PARTIAL).unwrap_or(&name).to_owned();
        let finished_path = path.with_file_name(&id);
        Ok(Some(Self { id, path: path.to_owned(), finished_path, made: None, cells, seconds }))
    }

    /// Cuts off a cell that was not written to its end, and keeps only these seconds; `cells` is the length of the lines
    /// that are complete, bytes.
    pub(super) fn keep_only(&mut self, cells: u64, seconds: &[Second]) -> Result<(), ResultsError> {
        self.cells.set_len(cells).map_err(|error| ResultsError::write(&self.path.join(CELLS), error))?;
        // The old file stays until the new one is complete.
        let (file, new) = (self.path.join(SECONDS), self.path.join(format!("{SECONDS}.new")));
        let written = File::create(&new).and_then(|mut file| append(&mut file, seconds).map(|()| file));
        self.seconds = written.map_err(|error| ResultsError::write(&new, error))?;
        fs::rename(&new, &file).map_err(|error| ResultsError::write(&file, error))
    }

    /// Returns the run's id, which is the final name of the folder.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the current path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path for a cell's ages.
    #[must_use]
    pub fn hlog_path(&self, cell_id: &str) -> PathBuf {
        hlog_path(&self.path, cell_id)
    }

    /// Adds a cell and its seconds; both have been written when this returns.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn add_cell(&mut self, cell: &CellRecord, seconds: &[Second]) -> Result<(), ResultsError> {
        append(&mut self.seconds, seconds).map_err(|error| ResultsError::write(&self.path.join(SECONDS), error))?;
        append(&mut self.cells, &[cell]).map_err(|error| ResultsError::write(&self.path.join(CELLS), error))
    }

    /// Writes `scenario.toml`: the scenario file, byte for byte. The manifest contains its meaning.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep_scenario(&self, text: &str) -> Result<(), ResultsError> {
        let file = self.path.join(SCENARIO);
        fs::write(&file, text).map_err(|error| ResultsError::write(&file, error))
    }

    /// Writes `manifest.json`, replacing an earlier one of this run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), ResultsError> {
        write_json(&self.path.join(MANIFEST), manifest)
    }

    /// Writes `summary.json`, replacing an earlier one of this run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), ResultsError> {
        write_json(&self.path.join(SUMMARY), summary)
    }

    /// Removes `.partial` from the name and returns the folder's final path.
    ///
    /// # Errors
    /// If the folder cannot be renamed.
    pub fn finish(self) -> Result<PathBuf, ResultsError> {
        fs::rename(&self.path, &self.finished_path).map_err(|error| ResultsError::write(&self.finished_path, error))?;
        Ok(self.finished_path)
    }

    /// Removes the folder, and the folder for runs if it was created for this run: nothing was measured.
    ///
    /// # Errors
    /// If the folder cannot be removed.
    pub fn discard(self) -> Result<(), ResultsError> {
        fs::remove_dir_all(&self.path).map_err(|error| ResultsError::write(&self.path, error))?;
        if let Some(made) = &self.made {
            // This fails if the folder is no longer empty.
            let _ = fs::remove_dir(made);
        }
        Ok(())
    }
}

/// Creates the folder under the first free name: `name`, `name-2`, `name-3` …
fn claim(out: &Path, name: &str) -> Result<(String, PathBuf), ResultsError> {
    for attempt in 1u32.. {
        let id = if attempt == 1 { name.to_owned() } else { format!("{name}-{attempt}") };
        let path = out.join(format!("{id}{PARTIAL}"));
        if out.join(&id).exists() {
            continue;
        }
        match fs::create_dir(&path) {
            Ok(()) => return Ok((id, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ResultsError::write(&path, error)),
        }
    }
    unreachable!("a folder holds fewer names than a u32 counts")
}

/// A scenario's name is validated when it is read; a name from elsewhere must not lead outside the folder either.
fn sanitized(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

fn open_new(file: &Path) -> Result<File, ResultsError> {
    File::create_new(file).map_err(|error| ResultsError::write(file, error))
}

/// Writes all lines at once: a run that is killed leaves complete lines.
fn append<T: Serialize>(file: &mut File, items: &[T]) -> io::Result<()> {
    let mut lines = Vec::new();
    for item in items {
        serde_json::to_writer(&mut lines, item)?;
        lines.push(b'\n');
    }
    file.write_all(&lines)
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), ResultsError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| ResultsError::write(path, error.into()))?;
    fs::write(path, text + "\n").map_err(|error| ResultsError::write(path, error))
}
