//! The recorded runs that the binary carries, for those who have no time, or no machine, for one of their own. Each is put
//! into a folder when somebody first asks for it, and its report is drawn there from its figures.
//!
//! Called by the evidence, from threads that may block. Knows nothing of questions or requests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use feedlab_experiment::results::{Results, ResultsError};
use feedlab_report::ReportError;

use crate::chapter::library;

/// Where the binary has them, a folder each.
const CARRIED: &str = "docs/workshop/recorded/";

/// The page of a report.
const PAGE: &str = "report.html";

/// Recorded runs, drawn as they are asked for.
#[derive(Debug)]
pub(crate) struct Recorded {
    place: PathBuf,
    /// Held while a report is drawn: one at a time, and each once.
    drawing: Mutex<()>,
}

impl Recorded {
    /// Puts what is asked for into `place`, a folder of its own each.
    pub(crate) const fn new(place: PathBuf) -> Self {
        Self { place, drawing: Mutex::new(()) }
    }

    /// The folder of a run with its report in it; `None` if no run of this name is recorded, or it cannot be drawn.
    pub(crate) fn folder(&self, name: &str) -> Option<PathBuf> {
        let carried = library::listing(&format!("{CARRIED}{name}"));
        if carried.is_empty() {
            return None;
        }
        let folder = self.place.join(name);
        let _alone = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        if !folder.join(PAGE).exists() {
            let drawn = put(&carried, &self.place).and_then(|()| draw(&folder));
            drawn.inspect_err(|error| tracing::error!(name, %error, "a recorded run cannot be drawn")).ok()?;
        }
        Some(folder)
    }
}

/// Writes files that the binary carries where they belong below `place`.
fn put(carried: &[String], place: &Path) -> Result<(), ReportError> {
    for path in carried {
        let file = place.join(path.strip_prefix(CARRIED).unwrap_or(path));
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        let written = made.and_then(|()| fs::write(&file, library::file(path).unwrap_or_default()));
        written.map_err(|error| ResultsError::write(&file, error))?;
    }
    Ok(())
}

/// Draws a folder's report, unless it was recorded with one. The page is written last: where it is, the rest is.
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
    fn what_was_recorded_is_put_down_once_and_read_as_it_was_kept() {
        let place = tempfile::tempdir().unwrap();
        let recorded = Recorded::new(place.path().to_owned());
        let folder = recorded.folder("how-old").unwrap();
        assert!(folder.join(PAGE).is_file());
        for name in ["summary.json", "manifest.json", "scenario.toml"] {
            let kept = library::file(&format!("{CARRIED}how-old/{name}")).unwrap();
            assert_eq!(fs::read(folder.join(name)).unwrap(), *kept, "{name}");
        }
        fs::write(folder.join(PAGE), "drawn").unwrap();
        assert_eq!(fs::read(recorded.folder("how-old").unwrap().join(PAGE)).unwrap(), b"drawn");
        assert!(recorded.folder("nothing").is_none() && recorded.folder("").is_none());
    }

    #[test]
    fn a_report_is_drawn_from_the_figures_alone() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/20261123T205900Z-quick");
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
