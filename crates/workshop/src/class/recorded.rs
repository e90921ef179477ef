//! The recorded runs in the binary, for users who cannot measure themselves. Each is written to a folder when it is
//! first requested, and its report is drawn there from its figures.
//!
//! Called by `evidence`, from threads that may block. Knows nothing of questions or requests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use feedlab_experiment::results::{Results, ResultsError};
use feedlab_report::ReportError;

use crate::chapter::library;

/// Where they are in the binary, one folder each.
const RECORDED: &str = "docs/workshop/recorded/";

/// The file name of a report.
const PAGE: &str = "report.html";

/// The recorded runs, drawn on request.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The folder in which their folders are created.
    root: PathBuf,
    /// Held while a report is drawn, so that reports are drawn one at a time, and each only once.
    drawing: Mutex<()>,
}

impl Recorded {
    /// Writes the runs that are requested to folders in `root`.
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root, drawing: Mutex::new(()) }
    }

    /// Returns the folder of a run, with its report; `None` if no run of this name is recorded, or its report cannot be
    /// drawn.
    pub(crate) fn folder(&self, name: &str) -> Option<PathBuf> {
        let files = library::listing(&format!("{RECORDED}{name}"));
        if files.is_empty() {
            return None;
        }
        let folder = self.root.join(name);
        let _guard = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        if !folder.join(PAGE).exists() {
            let drawn = write(&files, &self.root).and_then(|()| draw(&folder));
            drawn
                .inspect_err(|error| tracing::error!(name, %error, "cannot draw the report of a recorded run"))
                .ok()?;
        }
        Some(folder)
    }
}

/// Writes files of the binary to their folders in `root`.
fn write(files: &[String], root: &Path) -> Result<(), ReportError> {
    for path in files {
        let file = root.join(path.strip_prefix(RECORDED).unwrap_or(path));
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        let written = made.and_then(|()| fs::write(&file, library::file(path).unwrap_or_default()));
        written.map_err(|error| ResultsError::write(&file, error))?;
    }
    Ok(())
}

/// Draws a folder's report, unless it was recorded with one. The page is written last: if it exists, so does the rest.
fn draw(folder: &Path) -> Result<(), ReportError> {
    if !folder.join(PAGE).exists() {
        feedlab_report::render(&Results::read(folder)?)?.write(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_run_is_written_once_and_unchanged() {
        let place = tempfile::tempdir().unwrap();
        let recorded = Recorded::new(place.path().to_owned());
        let folder = recorded.folder("how-old").unwrap();
        assert!(folder.join(PAGE).is_file());
        for name in ["summary.json", "manifest.json", "scenario.toml"] {
            let kept = library::file(&format!("{RECORDED}how-old/{name}")).unwrap();
            assert_eq!(fs::read(folder.join(name)).unwrap(), *kept, "{name}");
        }
        fs::write(folder.join(PAGE), "drawn").unwrap();
        assert_eq!(fs::read(recorded.folder("how-old").unwrap().join(PAGE)).unwrap(), b"drawn");
        assert!(recorded.folder("nothing").is_none() && recorded.folder("").is_none());
    }

    #[test]
    fn a_report_is_drawn_from_the_figures_only() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/20261129T141715Z-quick");
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("histograms")).unwrap();
        for name in ["manifest.json", "summary.json", "cells.ndjson", "timeseries.ndjson"] {
            fs::copy(sample.join(name), place.path().join(name)).unwrap();
        }
        for file in fs::read_dir(sample.join("histograms")).unwrap().flatten() {
            fs::copy(file.path(), place.path().join("histograms").join(file.file_name())).unwrap();
        }
        draw(place.path()).unwrap();
        assert!(fs::read_to_string(place.path().join(PAGE)).unwrap().contains("<figure id=\"age-ecdf\""));
    }
}
