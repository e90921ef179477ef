//! The run whose measured costs are extrapolated: one that the user names, the newest that fits, or the built-in one.

use std::path::Path;

use feedlab_feed::process::Machine;
use serde::{Deserialize, Serialize};

use crate::results::Results;
use crate::scenario::Contender;
use crate::summary::Entry;
use crate::verdict::Status;
use crate::{Metric, Scenario};

/// A run that ships with feedlab as a [`Reference`], for users without measurements. It was measured with
/// `feedlab run scenarios/ticker.toml` at the time in its `run`, on its `machine`; from its `summary.json` the file
/// keeps the values of the five metrics that [`costs`](super::costs) reads.
const BUILT_IN: &str = include_str!("reference.json");
/// The maximum number of folders that are searched for the newest run that fits.
const MOST_FOLDERS: usize = 200;

/// The results of a run, and where it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The run's id.
    pub run: String,
    /// The machine on which it was measured.
    pub machine: Machine,
    /// The measured results.
    pub contenders: Vec<Entry>,
}

impl Reference {
    /// Creates a reference from the results of a run.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        Self {
            run: results.manifest.run.clone(),
            machine: results.manifest.machine.clone(),
            contenders: results.summary.contenders.clone(),
        }
    }

    /// Returns the newest run of a scenario in a folder of runs that has the cost of every contender and is not
    /// invalid.
    #[must_use]
    pub fn newest(folder: &Path, scenario: &Scenario) -> Option<Self> {
        let entries = std::fs::read_dir(folder).ok()?;
        let mut runs: Vec<_> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
        // The names start with the time.
        runs.sort_unstable_by(|a, b| b.cmp(a));
        let usable = |path: &std::path::PathBuf| {
            let results = Results::read(path).ok()?;
            let fits =
                results.summary.verdict.status != Status::Invalid && results.manifest.scenario.name == scenario.name;
            Some(Self::of(&results)).filter(|reference| fits && reference.knows_all(scenario))
        };
        runs.iter().take(MOST_FOLDERS).find_map(usable)
    }

    /// Returns the run that ships with feedlab.
    #[must_use]
    pub fn built_in() -> Option<Self> {
        serde_json::from_str(BUILT_IN).ok()
    }

    /// Whether it has the cost of every contender of a scenario.
    #[must_use]
    pub fn knows_all(&self, scenario: &Scenario) -> bool {
        scenario
            .contenders
            .iter()
            .filter(|contender| contender.target.is_none())
            .all(|contender| self.entries(contender).any(|entry| entry.metrics.contains_key(&cpu_metric(contender))))
    }

    /// Returns the entries of a contender: those with the same label, or else those of the first contender with the
    /// same transport. The costs of a target are not those of feedlab's server.
    pub(super) fn entries(&self, contender: &Contender) -> impl Iterator<Item = &Entry> {
        let alike = || {
            self.contenders.iter().filter(|entry| entry.target.is_none() && entry.transport == contender.transport())
        };
        let like = alike().find(|entry| entry.label == contender.label).or_else(|| alike().next());
        let label = like.map(|entry| entry.label.as_str());
        self.contenders.iter().filter(move |entry| Some(entry.label.as_str()) == label)
    }

    /// Returns a short description of the machine.
    #[must_use]
    pub fn machine_in_words(&self) -> String {
        let Machine { cpu, cores, memory_bytes, kernel, .. } = &self.machine;
        let cpu = cpu.clone().unwrap_or_else(|| "an unknown processor".to_owned());
        let cores = cores.map(|cores| format!("{cores} cores"));
        let memory = memory_bytes.map(|bytes| format!("{:.0} GiB", bytes as f64 / f64::from(1 << 30)));
        [Some(cpu), cores, memory, Some(kernel.clone())].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Returns the metric of a contender's CPU cost: a poll costs the same with or without updates, a stream costs only
/// with updates.
pub(super) fn cpu_metric(contender: &Contender) -> Metric {
    if contender.transport().is_push() { Metric::ServerCpuPerUpdate } else { Metric::ServerCpuPerRequest }
}
