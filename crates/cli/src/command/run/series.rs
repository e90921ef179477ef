//! The cells of one scenario, measured one after the other, and the manifest, which records the scenario, the version,
//! the machine and the time.

use std::path::Path;
use std::time::{Duration, SystemTime};

use feedlab_experiment::plan::{self, Cell};
use feedlab_experiment::precision;
use feedlab_experiment::record::{CellRecord, Manifest, SCHEMA};
use feedlab_experiment::results::{RunFolder, Unfinished};
use feedlab_experiment::verdict::{Reason, judge_run};
use feedlab_experiment::{Scenario, Verdict};
use feedlab_feed::clock;
use feedlab_feed::process::Machine;
use feedlab_loadgen::Outcome;
use tokio_util::sync::CancellationToken;

use super::keys::Keys;
use super::neighbors::Neighbors;
use super::progress::Progress;
use super::{AgentSetup, cell, trial};
use crate::build;
use crate::command::changes::Changed;
use crate::exit::bad_input;

/// A run in progress.
#[derive(Debug)]
pub(in crate::command) struct Series<'a> {
    /// The scenario of the run.
    pub(in crate::command) scenario: &'a Scenario,
    /// When the run started.
    pub(in crate::command) started: SystemTime,
    /// The results folder.
    pub(in crate::command) folder: RunFolder,
    /// The cells, in the order in which they are measured.
    pub(in crate::command) plan: Vec<Cell>,
    /// The records of the finished cells.
    pub(in crate::command) records: Vec<CellRecord>,
    /// How precisely each metric was measured for which the scenario asks for a precision.
    pub(in crate::command) precision: Vec<precision::Outcome>,
    /// What the command line changed in the scenario.
    changes: Vec<String>,
    /// When the run was resumed, RFC 3339.
    resumed: Vec<String>,
    /// What makes the whole run doubtful, apart from its cells.
    doubts: Vec<Reason>,
    /// The other runs on this machine.
    neighbors: Neighbors,
    /// The names of the agents or segments that drive the clients; empty if one load generator does.
    pub(in crate::command) agents: Vec<String>,
    /// Certificate and key, if any contender uses TLS.
    keys: Option<Keys>,
    pub(super) progress: Progress,
}

/// How a series ended.
#[derive(Debug)]
pub(in crate::command) enum End {
    /// Every cell is done.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// A cell could not be measured or kept.
    Failed(anyhow::Error),
}

impl<'a> Series<'a> {
    /// Creates everything that the run will write, before anything is measured. `cell_time` is the planned time of a cell, and `later` that of the scenarios after this one.
    pub(in crate::command) fn open(
        Changed { scenario, text, changes }: &'a Changed,
        out: &Path,
        (cell_time, later): (Duration, Duration),
    ) -> anyhow::Result<Self> {
        let started = clock::wall();
        let folder = RunFolder::create(out, scenario, started)?;
        let keys = Keys::for_scenario(scenario)?;
        let progress = Progress::new(scenario, (0, plan::cells(scenario).len()), cell_time, later);
        let neighbors = Neighbors::announce(folder.id());
        let series =
            Self { changes: changes.clone(), keys, ..Self::new(scenario, started, folder, progress, neighbors) };
        series.with_files(text)
    }

    /// Opens the folder of an unfinished run, to measure the cells that are missing.
    pub(in crate::command) fn resume(
        scenario: &'a Scenario,
        unfinished: &Unfinished,
        cell_time: Duration,
    ) -> anyhow::Result<Self> {
        let now = humantime::format_rfc3339_seconds(clock::wall()).to_string();
        let Unfinished { manifest, cells, .. } = unfinished;
        let started = humantime::parse_rfc3339(&manifest.started).unwrap_or_else(|_| clock::wall());
        let keys = Keys::for_scenario(scenario)?;
        let folder = unfinished.open().map_err(bad_input)?;
        let plan = unfinished.plan();
        let progress = Progress::new(scenario, (cells.len(), plan.len()), cell_time, Duration::ZERO);
        let neighbors = Neighbors::announce(folder.id());
        let mut series = Self {
            plan,
            records: cells.clone(),
            changes: manifest.changes.clone(),
            resumed: manifest.resumed.iter().cloned().chain([now]).collect(),
            keys,
            ..Self::new(scenario, started, folder, progress, neighbors)
        };
        series.doubts = unfinished.doubts(&series.manifest());
        series.folder.write_manifest(&series.manifest())?;
        Ok(series)
    }

    fn new(
        scenario: &'a Scenario,
        started: SystemTime,
        folder: RunFolder,
        progress: Progress,
        neighbors: Neighbors,
    ) -> Self {
        Self {
            scenario,
            started,
            folder,
            plan: plan::cells(scenario),
            records: Vec::new(),
            precision: Vec::new(),
            changes: Vec::new(),
            resumed: Vec::new(),
            doubts: Vec::new(),
            neighbors,
            agents: Vec::new(),
            keys: None,
            progress,
        }
    }

    /// Returns a series for parts that were measured elsewhere, to be merged as if measured here. `started` is when
    /// those measurements started.
    pub(in crate::command) fn of_parts(
        scenario: &'a Scenario,
        text: &str,
        out: &Path,
        started: SystemTime,
    ) -> anyhow::Result<Self> {
        let folder = RunFolder::create(out, scenario, started)?;
        Self::new(scenario, started, folder, Progress::silent(), Neighbors::none()).with_files(text)
    }

    /// Adds a finished cell.
    pub(in crate::command) fn add(&mut self, outcome: Outcome) -> anyhow::Result<()> {
        self.folder.add_cell(&outcome.record, &outcome.seconds)?;
        self.records.push(outcome.record);
        Ok(())
    }

    /// Writes the scenario and the first manifest into the folder.
    fn with_files(self, text: &str) -> anyhow::Result<Self> {
        let series = self;
        let written = series.folder.keep_scenario(text).and_then(|()| series.folder.write_manifest(&series.manifest()));
        match written {
            Ok(()) => Ok(series),
            Err(error) => {
                series.folder.discard()?;
                Err(error.into())
            }
        }
    }

    /// Returns the current manifest, which is written when the run starts and again when it ends.
    pub(in crate::command) fn manifest(&self) -> Manifest {
        Manifest {
            schema: SCHEMA,
            run: self.folder.id().to_owned(),
            scenario: self.scenario.clone(),
            changes: self.changes.clone(),
            seed: self.scenario.seed,
            feedlab_version: build::VERSION.to_owned(),
            rustc_version: build::RUSTC.to_owned(),
            git_revision: build::REVISION.map(str::to_owned),
            merged_from: Vec::new(),
            agents: self.agents.clone(),
            started: humantime::format_rfc3339(self.started).to_string(),
            resumed: self.resumed.clone(),
            machine: Machine::this(),
            cells_planned: self.plan.len(),
            cells_measured: self.records.len(),
            verdict: self.verdict(),
        }
    }

    fn verdict(&self) -> Verdict {
        let mut verdict = judge_run(&self.records, self.plan.len());
        precision::reasons(&self.precision).into_iter().for_each(|reason| verdict.add(reason));
        self.doubts.iter().for_each(|doubt| verdict.add(doubt.clone()));
        verdict.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.status));
        verdict
    }

    /// Measures the cells until one of the [`End`]s.
    pub(super) async fn measure(&mut self, stop: &CancellationToken, setup: Option<&mut AgentSetup>) -> End {
        self.agents = setup.as_ref().map(|setup| setup.agents.names()).unwrap_or_default();
        let end = match self.try_targets(stop).await {
            Some(end) => end,
            None => self.measure_rounds(stop, setup).await,
        };
        self.progress.end();
        end
    }

    /// Tries the targets, if there are any. Returns `None` if the cells can be measured.
    async fn try_targets(&self, stop: &CancellationToken) -> Option<End> {
        let hlog = self.folder.hlog_path("trial");
        match trial::of_targets(self.scenario, &self.plan, &hlog, &self.progress, stop).await {
            Ok(true) => None,
            Ok(false) => Some(End::Interrupted),
            Err(error) => Some(End::Failed(error)),
        }
    }

    /// Measures the cells of the plan that are missing.
    pub(super) async fn measure_cells(&mut self, stop: &CancellationToken, mut setup: Option<&mut AgentSetup>) -> End {
        for cell in &self.left() {
            self.progress.cell(self.scenario, cell);
            self.neighbors.tell_of_others(&self.progress);
            let hlog = self.folder.hlog_path(&cell.id);
            let keys = self.keys.as_ref();
            match cell::measure(self.scenario, cell, keys, &hlog, &mut self.progress, stop, setup.as_deref_mut()).await
            {
                Ok(Some(mut outcome)) => {
                    self.neighbors.doubt(&mut outcome.record.verdict);
                    if let Err(error) = self.add(outcome) {
                        return End::Failed(error);
                    }
                    // After an agent is lost, no further cell would be what was asked for.
                    if setup.as_ref().is_some_and(|setup| !setup.agents.lost().is_empty()) {
                        return End::Complete;
                    }
                }
                Ok(None) => return self.drop_cell(&hlog, End::Interrupted),
                Err(error) => {
                    let error = error.context(format!("cell {}", cell.id));
                    return self.drop_cell(&hlog, End::Failed(error));
                }
            }
        }
        End::Complete
    }

    /// Returns the cells that are still to be measured.
    fn left(&self) -> Vec<Cell> {
        let is_done = |cell: &Cell| self.records.iter().any(|done| done.cell == cell.id);
        self.plan.iter().filter(|cell| !is_done(cell)).cloned().collect()
    }

    /// Deletes the log of an unfinished cell.
    fn drop_cell(&self, hlog: &Path, end: End) -> End {
        // The file may not exist yet.
        let _ = std::fs::remove_file(hlog);
        end
    }
}
