//! The cells of one scenario, measured one after the other, and the manifest that says what was asked, with what, where
//! and when.

use std::path::Path;
use std::time::{Duration, SystemTime};

use feedlab_experiment::Scenario;
use feedlab_experiment::plan::{self, Cell};
use feedlab_experiment::record::{CellRecord, Manifest, SCHEMA};
use feedlab_experiment::results::RunFolder;
use feedlab_experiment::verdict::judge_run;
use feedlab_feed::clock;
use feedlab_feed::process::Machine;
use feedlab_loadgen::Outcome;
use tokio_util::sync::CancellationToken;

use super::keys::Keys;
use super::progress::Progress;
use super::{Hands, cell};
use crate::build;

/// A run in progress.
#[derive(Debug)]
pub(in crate::command) struct Series<'a> {
    /// What is asked.
    pub(in crate::command) scenario: &'a Scenario,
    /// When the run began.
    pub(in crate::command) started: SystemTime,
    /// Where it is written.
    pub(in crate::command) folder: RunFolder,
    /// The cells, in the order in which they are measured.
    pub(in crate::command) plan: Vec<Cell>,
    /// Those that are done.
    pub(in crate::command) records: Vec<CellRecord>,
    /// Who drives the clients, if several do.
    pub(in crate::command) agents: Vec<String>,
    /// Certificate and key, if any contender speaks TLS.
    keys: Option<Keys>,
    progress: Progress,
}

/// Why a series is over.
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
    /// Opens everything that the run will write, before anything is measured. `text` is that of the scenario's file.
    /// It is told how long a cell takes, and the scenarios behind it.
    pub(in crate::command) fn open(
        scenario: &'a Scenario,
        text: &str,
        out: &Path,
        (cell_time, later): (Duration, Duration),
    ) -> anyhow::Result<Self> {
        let started = clock::wall();
        let folder = RunFolder::create(out, scenario, started)?;
        let plan = plan::cells(scenario);
        let keys = Keys::for_scenario(scenario)?;
        let progress = Progress::new(scenario, plan.len(), cell_time, later);
        let series = Self { scenario, started, folder, plan, records: Vec::new(), agents: Vec::new(), keys, progress };
        series.kept(text)
    }

    /// What others have measured, to be put together as if it had been measured here. `started` is when they did.
    pub(in crate::command) fn of_parts(
        scenario: &'a Scenario,
        text: &str,
        out: &Path,
        started: SystemTime,
    ) -> anyhow::Result<Self> {
        let folder = RunFolder::create(out, scenario, started)?;
        let (plan, progress) = (plan::cells(scenario), Progress::silent());
        Self { scenario, started, folder, plan, records: Vec::new(), agents: Vec::new(), keys: None, progress }
            .kept(text)
    }

    /// Adds a cell that is done.
    pub(in crate::command) fn add(&mut self, outcome: Outcome) -> anyhow::Result<()> {
        self.folder.add_cell(&outcome.record, &outcome.seconds)?;
        self.records.push(outcome.record);
        Ok(())
    }

    /// With what is known before anything is measured in its folder.
    fn kept(self, text: &str) -> anyhow::Result<Self> {
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

    /// The manifest as things stand: written when the run begins, and again at its end.
    pub(in crate::command) fn manifest(&self) -> Manifest {
        Manifest {
            schema: SCHEMA,
            run: self.folder.id().to_owned(),
            scenario: self.scenario.clone(),
            seed: self.scenario.seed,
            feedlab_version: build::VERSION.to_owned(),
            rustc_version: build::RUSTC.to_owned(),
            git_revision: build::REVISION.map(str::to_owned),
            merged_from: Vec::new(),
            agents: self.agents.clone(),
            started: humantime::format_rfc3339(self.started).to_string(),
            machine: Machine::this(),
            cells_planned: self.plan.len(),
            cells_measured: self.records.len(),
            verdict: judge_run(&self.records, self.plan.len()),
        }
    }

    /// Measures until the end, whichever it is.
    pub(super) async fn measure(&mut self, stop: &CancellationToken, hands: Option<&mut Hands>) -> End {
        self.agents = hands.as_ref().map(|hands| hands.crew.names()).unwrap_or_default();
        let end = self.measure_cells(stop, hands).await;
        self.progress.end();
        end
    }

    async fn measure_cells(&mut self, stop: &CancellationToken, mut hands: Option<&mut Hands>) -> End {
        for cell in &self.plan.clone() {
            self.progress.cell(self.scenario, cell);
            let hlog = self.folder.hlog_path(&cell.id);
            let keys = self.keys.as_ref();
            match cell::measure(self.scenario, cell, keys, &hlog, &mut self.progress, stop, hands.as_deref_mut()).await
            {
                Ok(Some(outcome)) => {
                    if let Err(error) = self.add(outcome) {
                        return End::Failed(error);
                    }
                    // Of a crew that is no longer whole, no further cell would be what was asked for.
                    if hands.as_ref().is_some_and(|hands| !hands.crew.lost().is_empty()) {
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

    /// A cell that is not done leaves nothing behind.
    fn drop_cell(&self, hlog: &Path, end: End) -> End {
        // It may not have been begun.
        let _ = std::fs::remove_file(hlog);
        end
    }
}
