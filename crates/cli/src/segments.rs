//! The results of a segment of a run, for `feedlab merge`: the results of each cell, not yet judged, and the ages.
//! `feedlab run --segment` writes them; a folder without `segment.json` is unfinished.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context as _;
use feedlab_experiment::{Scenario, Segment};
use feedlab_feed::{bounded, process::Machine};
use feedlab_loadgen::{Job, Portion};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of the folder's format.
const SCHEMA: u32 = 1;
const ABOUT: &str = "segment.json";
const SCENARIO: &str = "scenario.toml";

/// The description of a segment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    schema: u32,
    /// The segment, which selects its clients.
    pub(crate) segment: Segment,
    /// When the clients of the first cell started to connect, µs of Unix time.
    pub(crate) start_us: u64,
    /// The version of feedlab, and what it was built from.
    pub(crate) feedlab: String,
    /// The resolved scenario.
    pub(crate) scenario: Scenario,
    /// The machine that it ran on.
    pub(crate) machine: Machine,
}

impl About {
    pub(crate) fn new(segment: Segment, start_us: u64, scenario: &Scenario) -> Self {
        let (feedlab, machine) = (crate::build::ALL.to_owned(), Machine::this());
        Self { schema: SCHEMA, segment, start_us, feedlab, scenario: scenario.clone(), machine }
    }

    /// Returns the folder's name, which no other segment and no other run has.
    fn name(&self) -> String {
        let start = std::time::UNIX_EPOCH + std::time::Duration::from_micros(self.start_us);
        let start = humantime::format_rfc3339_seconds(start).to_string().replace(['-', ':'], "");
        let (index, of) = (self.segment.index(), self.segment.of());
        format!("{start}-{}.segment-{index}-of-{of}", self.scenario.name)
    }
}

/// The part of a cell that a segment measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CellPart {
    /// The job of the load generator. Only that of the leading segment has the servers' control addresses.
    pub(crate) job: Job,
    /// The result of the load generator.
    pub(crate) portion: Portion,
}

/// A segment's folder.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates the folder.
    pub(crate) fn create(out: &Path, about: &About, scenario: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
        let folder = out.join(about.name());
        fs::create_dir(&folder).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => anyhow::anyhow!(
                "{} already exists: this segment of this run was started before; start a new run at another time",
                folder.display()
            ),
            _ => anyhow::Error::new(error).context(format!("cannot create {}", folder.display())),
        })?;
        write(&folder.join(SCENARIO), scenario.as_bytes())?;
        Ok(Self(folder))
    }

    /// Opens a finished folder; returns `None` if the path is not one.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        path.join(ABOUT).is_file().then(|| Self(path.to_owned()))
    }

    /// Returns the folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path of a cell's log of ages.
    pub(crate) fn hlog(&self, cell: &str) -> PathBuf {
        self.0.join(format!("{cell}.hlog"))
    }

    /// Writes the part of a cell.
    pub(crate) fn keep(&self, cell: &str, part: &CellPart) -> anyhow::Result<()> {
        write(&self.cell(cell), &serde_json::to_vec(part)?)
    }

    /// Marks the segment as finished.
    pub(crate) fn finish(&self, about: &About) -> anyhow::Result<()> {
        write(&self.0.join(ABOUT), &serde_json::to_vec_pretty(about)?)
    }

    /// Reads the description of the segment.
    pub(crate) fn about(&self) -> anyhow::Result<About> {
        let about: About = self.read(&self.0.join(ABOUT))?;
        anyhow::ensure!(about.schema == SCHEMA, "{} was written by another version of feedlab", self.0.display());
        Ok(about)
    }

    /// Reads the text of the scenario's file.
    pub(crate) fn scenario(&self) -> anyhow::Result<String> {
        let file = self.0.join(SCENARIO);
        bounded::read_text(&file, bounded::TEXT_BYTES).with_context(|| format!("cannot read {}", file.display()))
    }

    /// Reads the part of a cell, and its log of ages.
    pub(crate) fn part(&self, cell: &str) -> anyhow::Result<(CellPart, Vec<u8>)> {
        let (part, hlog) = (self.read(&self.cell(cell))?, self.hlog(cell));
        let ages = bounded::read(&hlog, bounded::RESULTS_BYTES);
        Ok((part, ages.with_context(|| format!("cannot read {}", hlog.display()))?))
    }

    fn cell(&self, cell: &str) -> PathBuf {
        self.0.join(format!("{cell}.json"))
    }

    fn read<T: DeserializeOwned>(&self, file: &Path) -> anyhow::Result<T> {
        let bytes = bounded::read(file, bounded::RESULTS_BYTES);
        let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not a file of a segment", file.display()))
    }
}

fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
