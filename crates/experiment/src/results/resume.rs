//! Opening the folder of an unfinished run again, so that the cells that are missing can be measured: `feedlab run
//! --resume`.
//!
//! What an ended process left of an unfinished cell (its seconds, its log, half a line) is deleted first. Cells that are
//! done stay as they are.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::reading::{parse_lines, read_json, read_scenario, read_text};
use super::run_folder::PARTIAL;
use super::{CELLS, HISTOGRAMS, MANIFEST, ResultsError, RunFolder, SCENARIO, SECONDS, SUMMARY, hlog_path};
use crate::compare::{Setting, machine_differences, scenario_differences};
use crate::plan::{self, Cell};
use crate::record::{CellRecord, Manifest, Second};
use crate::scenario::{Change, ChangeError, Source, with_changes};
use crate::verdict::{Reason, Status};
use crate::{Scenario, hlog};

const RESUME_ALIKE: &str = "resume a run on its own machine and with its own version, or measure all of it again";

/// Why a run cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// Every cell is there.
    #[error("{} is complete: all of its {cells} cells were measured; `feedlab run` starts another run", .folder.display())]
    Complete {
        /// The folder.
        folder: PathBuf,
        /// The number of its cells.
        cells: usize,
    },
    /// A process still measures into it.
    #[error("{} is still being measured by another process; wait for it, or stop it with Ctrl-C first", .folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A merged run has no cells of its own to measure.
    #[error("{} was merged from other runs; resume those, and merge them again", .folder.display())]
    Merged {
        /// The folder.
        folder: PathBuf,
    },
    /// Agents or segments drove the clients.
    #[error(
        "{} was measured by {agents} load generators ({names}), which this process cannot call back; measure it again \
         with them, or give `feedlab merge` what there is and another run", .folder.display()
    )]
    Spread {
        /// The folder.
        folder: PathBuf,
        /// The number of load generators.
        agents: usize,
        /// Their names.
        names: String,
    },
    /// The scenario is not the one of the cells that are done.
    #[error(
        "{} is not the scenario of the cells in {}: {}; give the scenario as it was, or start another run",
        .scenario.display(), .folder.display(), .differences.join("; ")
    )]
    Changed {
        /// The scenario file.
        scenario: PathBuf,
        /// The folder.
        folder: PathBuf,
        /// The differences, one phrase each: the file is A, the folder's cells are B.
        differences: Vec<String>,
    },
    /// The folder's scenario file cannot be understood.
    #[error(transparent)]
    Scenario(#[from] ChangeError),
    /// The folder's manifest and cells do not belong together.
    #[error("{} has a cell twice, or one that is not in its scenario's plan: {cell}; repeat the run", .folder.display())]
    Unplanned {
        /// The folder.
        folder: PathBuf,
        /// The cell's id.
        cell: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Results(#[from] ResultsError),
}

/// What is known of an unfinished run, before anything of it is touched.
#[derive(Debug)]
pub struct Unfinished {
    /// The folder.
    pub folder: PathBuf,
    /// The manifest.
    pub manifest: Manifest,
    /// The text of its scenario; `None` in an older folder that does not have it.
    pub text: Option<String>,
    /// The cells that are done, in the order in which they were measured.
    pub cells: Vec<CellRecord>,
    /// The length of their lines, bytes.
    cells_bytes: u64,
}

impl Unfinished {
    /// Reads the folder of a run that was interrupted, failed or killed.
    ///
    /// # Errors
    /// If the folder cannot be read, its run is complete, merged or of several load generators, its scenario file has been
    /// changed, or a cell of it is not in the plan.
    pub fn read(folder: &Path) -> Result<Self, ResumeError> {
        let manifest: Manifest = read_json(folder, MANIFEST)?;
        let lines = read_text(folder, CELLS)?;
        let lines = whole_lines(&lines);
        let (cells, cells_bytes) = (parse_lines(folder, CELLS, lines)?, lines.len() as u64);
        let found = Self { folder: folder.to_owned(), manifest, text: read_scenario(folder)?, cells, cells_bytes };
        found.check_kind()?;
        found.check_cells()?;
        found.check_text()?;
        Ok(found)
    }

    fn check_kind(&self) -> Result<(), ResumeError> {
        let (folder, manifest) = (self.folder.clone(), &self.manifest);
        if !manifest.merged_from.is_empty() {
            return Err(ResumeError::Merged { folder });
        }
        if !manifest.agents.is_empty() {
            let (agents, names) = (manifest.agents.len(), manifest.agents.join(", "));
            return Err(ResumeError::Spread { folder, agents, names });
        }
        Ok(())
    }

    /// Checks that each cell is planned and has its log, and that the run did not end by itself.
    fn check_cells(&self) -> Result<(), ResumeError> {
        let folder = &self.folder;
        for cell in &self.cells {
            let count = self.cells.iter().filter(|other| other.cell == cell.cell).count();
            if count > 1 || self.planned(cell).is_none() {
                return Err(ResumeError::Unplanned { folder: folder.clone(), cell: cell.cell.clone() });
            }
            hlog::read(&hlog_path(folder, &cell.cell))?;
        }
        // A process that was killed after the last cell did not finish the folder.
        let is_finished = !folder.to_string_lossy().trim_end_matches('/').ends_with(PARTIAL);
        match is_finished && self.cells.len() >= self.manifest.cells_planned {
            true => Err(ResumeError::Complete { folder: folder.clone(), cells: self.cells.len() }),
            false => Ok(()),
        }
    }

    /// Returns the cell of the plan that a record is of. A run with a precision may measure more repetitions than planned.
    fn planned(&self, record: &CellRecord) -> Option<Cell> {
        let scenario = &self.manifest.scenario;
        let last = if scenario.precision.is_some() { plan::MOST_REPETITIONS } else { scenario.measure.repetitions };
        let point = plan::points(scenario).into_iter().find(|point| point.is_of(scenario, record))?;
        let cell = plan::cell(scenario, point, record.repetition);
        (cell.id == record.cell && (1..=last).contains(&record.repetition)).then_some(cell)
    }

    /// Checks that the folder's scenario file still is the scenario of the manifest.
    fn check_text(&self) -> Result<(), ResumeError> {
        let Some(text) = &self.text else { return Ok(()) };
        let file = self.folder.join(SCENARIO);
        // A relative path of a recording started at the folder of the original file.
        let recording = match &self.manifest.scenario.feed.source {
            Source::Replay { file, .. } => vec![Change::text("feed.file", &file.to_string_lossy())],
            _ => Vec::new(),
        };
        let text = with_changes(text, &recording)?;
        let mut written = Scenario::parse(&text, &file).map_err(ChangeError::from)?;
        // The folder's file has all contenders, and none of a target that the command line named.
        let measured = &self.manifest.scenario;
        written.contenders.retain(|one| measured.contenders.iter().any(|kept| kept.label == one.label));
        if !measured.targets.is_empty() {
            written.targets.clone_from(&measured.targets);
            written.contenders.clone_from(&measured.contenders);
        }
        self.check(&written, &file)
    }

    /// Checks that a scenario is that of the cells that are done.
    ///
    /// # Errors
    /// If it differs in anything that a cell depends on; all differences are named.
    pub fn check(&self, scenario: &Scenario, file: &Path) -> Result<(), ResumeError> {
        let measured = &self.manifest.scenario;
        let mut found = scenario_differences(scenario, measured);
        let mut differing = |name: &str, a: String, b: String| {
            if a != b {
                found.push(Setting { name: name.to_owned(), a, b });
            }
        };
        differing("seed", scenario.seed.to_string(), measured.seed.to_string());
        let repetitions = |scenario: &Scenario| scenario.measure.repetitions.to_string();
        differing("measure.repetitions", repetitions(scenario), repetitions(measured));
        if found.is_empty() {
            return Ok(());
        }
        let differences = found.iter().map(|setting| setting.between("the file", "the folder")).collect();
        Err(ResumeError::Changed { scenario: file.to_owned(), folder: self.folder.clone(), differences })
    }

    /// Returns all cells of the run as far as they are planned, including those that are done.
    #[must_use]
    pub fn plan(&self) -> Vec<Cell> {
        let mut plan = plan::cells(&self.manifest.scenario);
        for cell in self.cells.iter().filter_map(|record| self.planned(record)) {
            if !plan.contains(&cell) {
                plan.push(cell);
            }
        }
        plan
    }

    /// Returns why the figures of the whole run are in doubt if `now` is the manifest of its rest: cells that were measured
    /// on another machine or by another version.
    #[must_use]
    pub fn doubts(&self, now: &Manifest) -> Vec<Reason> {
        let earlier = self.manifest.verdict.reasons.iter().filter(|reason| reason.advice == RESUME_ALIKE).cloned();
        let differences = machine_differences(&self.manifest, now);
        let between = |setting: &Setting| setting.between("its first part", "its last");
        let described = differences.iter().map(between).collect::<Vec<_>>().join("; ");
        let new = (!differences.is_empty()).then(|| {
            let what = format!("the run was resumed under different conditions: {described}");
            Reason::new(Status::Suspect, what, RESUME_ALIKE)
        });
        earlier.chain(new).collect()
    }

    /// Opens the folder for further cells: its name ends in `.partial` again, and what belongs to no finished cell is
    /// deleted, as are the summary and the report of the interrupted run.
    ///
    /// # Errors
    /// If another process is measuring into it, or a file cannot be read or written.
    pub fn open(&self) -> Result<RunFolder, ResumeError> {
        let path = partial(&self.folder)?;
        let Some(folder) = RunFolder::open_again(&path)? else { return Err(ResumeError::Busy { folder: path }) };
        self.clean(folder)
    }

    fn clean(&self, mut folder: RunFolder) -> Result<RunFolder, ResumeError> {
        let path = folder.path().to_owned();
        let seconds: Vec<Second> = parse_lines(&path, SECONDS, whole_lines(&read_text(&path, SECONDS)?))?;
        let is_done = |cell: &str| self.cells.iter().any(|done| done.cell == cell);
        let kept: Vec<Second> = seconds.into_iter().filter(|second| is_done(&second.cell)).collect();
        folder.keep_only(self.cells_bytes, &kept)?;
        let histograms = path.join(HISTOGRAMS);
        let entries = fs::read_dir(&histograms).map_err(|error| ResultsError::read(&histograms, error))?;
        for log in entries.flatten().map(|entry| entry.path()) {
            let name = log.file_stem().unwrap_or_default().to_string_lossy();
            if !is_done(&name) {
                remove(&log)?;
            }
        }
        [SUMMARY, "report.html"].iter().try_for_each(|name| remove(&path.join(name)))?;
        Ok(folder)
    }
}

/// Returns the folder under the name of an unfinished run.
fn partial(folder: &Path) -> Result<PathBuf, ResultsError> {
    // A path such as `results/run/..` has no name of its own.
    let folder = folder.canonicalize().map_err(|error| ResultsError::read(folder, error))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.ends_with(PARTIAL) {
        return Ok(folder);
    }
    let path = folder.with_file_name(name + PARTIAL);
    // On Unix, a rename would replace an empty folder.
    if path.exists() {
        let taken = Error::new(ErrorKind::AlreadyExists, "it exists");
        return Err(ResultsError::Write { file: path, error: taken });
    }
    fs::rename(&folder, &path).map_err(|error| ResultsError::write(&path, error))?;
    Ok(path)
}

fn remove(file: &Path) -> Result<(), ResultsError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(ResultsError::write(file, error)),
        _ => Ok(()),
    }
}

/// Returns the text up to its last line ending: what follows is a line that was not written to its end.
fn whole_lines(text: &str) -> &str {
    &text[..text.rfind('\n').map_or(0, |end| end + 1)]
}

#[cfg(test)]
mod tests;
