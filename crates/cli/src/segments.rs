//! What a segment of a run leaves behind, for `feedlab merge` to put together: what was found of each cell, not yet judged, and
//! the ages. Written by `feedlab run --segment`; a folder without `segment.json` was not finished.

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

/// What was asked, and of whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    schema: u32,
    /// Which of the clients.
    pub(crate) segment: Segment,
    /// When the clients of the first cell began to connect, µs of Unix time.
    pub(crate) start_us: u64,
    /// The binary: its version and what it was built from.
    pub(crate) feedlab: String,
    /// The scenario as resolved.
    pub(crate) scenario: Scenario,
    /// Where it ran.
    pub(crate) machine: Machine,
}

impl About {
    pub(crate) fn new(segment: Segment, start_us: u64, scenario: &Scenario) -> Self {
        let (feedlab, machine) = (crate::build::ALL.to_owned(), Machine::this());
        Self { schema: SCHEMA, segment, start_us, feedlab, scenario: scenario.clone(), machine }
    }

    /// The folder's name: that of no other segment, and of no other run.
    fn name(&self) -> String {
        let start = std::time::UNIX_EPOCH + std::time::Duration::from_micros(self.start_us);
        let start = humantime::format_rfc3339_seconds(start).to_string().replace(['-', ':'], "");
        let (index, of) = (self.segment.index(), self.segment.of());
        format!("{start}-{}.segment-{index}-of-{of}", self.scenario.name)
    }
}

/// What was found of a cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    /// As it was told to the process that led; the others' knows the servers by their endpoint alone.
    pub(crate) job: Job,
    /// What it found of it.
    pub(crate) portion: Portion,
}

/// A segment's folder.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes it.
    pub(crate) fn create(out: &Path, about: &About, scenario: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        let folder = out.join(about.name());
        fs::create_dir(&folder).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => anyhow::anyhow!(
                "{} is there already: this segment of this run was started before; begin another run at another time",
                folder.display()
            ),
            _ => anyhow::Error::new(error).context(format!("cannot make {}", folder.display())),
        })?;
        write(&folder.join(SCENARIO), scenario.as_bytes())?;
        Ok(Self(folder))
    }

    /// One that is there.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        path.join(ABOUT).is_file().then(|| Self(path.to_owned()))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the ages of a cell belong.
    pub(crate) fn hlog(&self, cell: &str) -> PathBuf {
        self.0.join(format!("{cell}.hlog"))
    }

    /// Keeps what was found of a cell.
    pub(crate) fn keep(&self, cell: &str, found: &Found) -> anyhow::Result<()> {
        write(&self.cell(cell), &serde_json::to_vec(found)?)
    }

    /// Says that the segment is whole.
    pub(crate) fn finish(&self, about: &About) -> anyhow::Result<()> {
        write(&self.0.join(ABOUT), &serde_json::to_vec_pretty(about)?)
    }

    /// What was asked.
    pub(crate) fn about(&self) -> anyhow::Result<About> {
        let about: About = self.read(&self.0.join(ABOUT))?;
        anyhow::ensure!(about.schema == SCHEMA, "{} was written by another version of feedlab", self.0.display());
        Ok(about)
    }

    /// The scenario's file.
    pub(crate) fn scenario(&self) -> anyhow::Result<String> {
        let file = self.0.join(SCENARIO);
        bounded::read_text(&file, bounded::TEXT_BYTES).with_context(|| format!("cannot read {}", file.display()))
    }

    /// What was found of a cell, with the log of its ages.
    pub(crate) fn found(&self, cell: &str) -> anyhow::Result<(Found, Vec<u8>)> {
        let (found, hlog) = (self.read(&self.cell(cell))?, self.hlog(cell));
        let ages = bounded::read(&hlog, bounded::RESULTS_BYTES);
        Ok((found, ages.with_context(|| format!("cannot read {}", hlog.display()))?))
    }

    fn cell(&self, cell: &str) -> PathBuf {
        self.0.join(format!("{cell}.json"))
    }

    fn read<T: DeserializeOwned>(&self, file: &Path) -> anyhow::Result<T> {
        let bytes = bounded::read(file, bounded::RESULTS_BYTES);
        let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not what a segment leaves", file.display()))
    }
}

fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
