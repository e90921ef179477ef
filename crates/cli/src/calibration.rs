//! The calibration of the load generator: what it can drive on this machine before its own delay shows. `feedlab doctor
//! --calibrate` measures and writes it, `doctor` shows it, and `run` and `validate` compare each cell with it before they
//! begin.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use feedlab_feed::Transport;
use feedlab_feed::bounded;
use feedlab_feed::process::Machine;
use serde::{Deserialize, Serialize};

use crate::build;

mod load;

pub(crate) use load::overload;

/// The version of the file.
const SCHEMA: u32 = 1;
/// The cores that other programs may use during a calibration; the verdict of a run allows as many.
const QUIET_CORES: f64 = 0.3;

/// A calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    schema: u32,
    /// What was calibrated.
    pub(crate) of: Identity,
    /// When, RFC 3339 in UTC.
    pub(crate) measured: String,
    /// How many cores other programs used meanwhile: if many, the limits are those of a busy machine.
    other_cores: f64,
    /// The limits, one per transport.
    pub(crate) capacities: Vec<Capacity>,
}

/// The machine and the build that were calibrated: the limits of another one say nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    cpu: Option<String>,
    cores: Option<usize>,
    kernel: String,
    feedlab_version: String,
    /// Whether feedlab was built with optimization.
    optimized: bool,
}

/// What the load generator can drive over one transport.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Capacity {
    pub(crate) transport: Transport,
    /// Updates that arrive at all clients per second; for short polling, requests per second.
    pub(crate) per_s: Limit,
    /// Clients that all receive an update at the same moment; absent for short polling, whose clients do not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) clients: Option<Limit>,
}

/// The largest load without a delay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Limit {
    /// The load.
    pub(crate) most: f64,
    /// Whether a larger one was delayed; if not, there was no time or no descriptors for a larger one.
    pub(crate) is_reached: bool,
}

/// What was found in the user's state folder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// No calibration.
    Nothing,
    /// One of this machine and this feedlab.
    Own(Calibration),
    /// One that says nothing about this machine, and why.
    Foreign(String),
}

impl Identity {
    /// Describes this machine and this binary.
    pub(crate) fn this() -> Self {
        let Machine { cpu, cores, kernel, .. } = Machine::this();
        let (feedlab_version, optimized) = (build::VERSION.to_owned(), !cfg!(debug_assertions));
        Self { cpu, cores, kernel, feedlab_version, optimized }
    }

    /// Returns the first difference; `None` if both are the same.
    fn difference(&self, other: &Self) -> Option<String> {
        let named = |name: &str, a: String, b: String| (a != b).then(|| format!("{name} {a}, not {b}"));
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
        let kind = |optimized| if optimized { "optimized" } else { "unoptimized" }.to_owned();
        let count = |cores: Option<usize>| or_unknown(cores.map(|cores| cores.to_string()));
        named("CPU", or_unknown(self.cpu.clone()), or_unknown(other.cpu.clone()))
            .or_else(|| named("cores", count(self.cores), count(other.cores)))
            .or_else(|| named("kernel", self.kernel.clone(), other.kernel.clone()))
            .or_else(|| named("feedlab", self.feedlab_version.clone(), other.feedlab_version.clone()))
            .or_else(|| named("build", kind(self.optimized), kind(other.optimized)))
    }
}

impl Calibration {
    /// Creates the calibration of this machine.
    pub(crate) fn new(measured: String, other_cores: f64, capacities: Vec<Capacity>) -> Self {
        Self { schema: SCHEMA, of: Identity::this(), measured, other_cores, capacities }
    }

    /// Returns how many cores other programs used, if that is more than a quiet machine's.
    pub(crate) fn disturbed(&self) -> Option<f64> {
        Some(self.other_cores).filter(|cores| *cores > QUIET_CORES)
    }

    /// Returns the limits of a transport.
    fn of_transport(&self, transport: Transport) -> Option<&Capacity> {
        self.capacities.iter().find(|capacity| capacity.transport == transport)
    }

    /// Writes it to the user's state folder, and returns the path.
    ///
    /// # Errors
    /// If there is no such folder, or the file cannot be written.
    pub(crate) fn write(&self) -> anyhow::Result<PathBuf> {
        let path = path().context("cannot keep the calibration: set HOME, or XDG_STATE_HOME to an absolute path")?;
        let failed = || format!("cannot write {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(failed)?;
        }
        // Renamed when it is complete, so that a run that starts meanwhile reads the old one or the new one.
        let partial = path.with_extension("json.partial");
        std::fs::write(&partial, serde_json::to_string_pretty(self)? + "\n").with_context(failed)?;
        std::fs::rename(&partial, &path).with_context(failed)?;
        Ok(path)
    }
}

/// Reads the calibration of this user. One that cannot be read is ignored with its reason, because a run does not need it.
pub(crate) fn read() -> Found {
    path().map_or(Found::Nothing, |path| read_from(&path, &Identity::this()))
}

fn read_from(path: &Path, this: &Identity) -> Found {
    let text = match bounded::read_text(path, bounded::TEXT_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Found::Nothing,
        Err(error) => return Found::Foreign(format!("{} cannot be read: {error}", path.display())),
    };
    match serde_json::from_str::<Calibration>(&text) {
        Ok(found) if found.schema != SCHEMA => Found::Foreign("it has the form of another version".to_owned()),
        Ok(found) => match found.of.difference(this) {
            Some(difference) => Found::Foreign(format!("it is of {difference}")),
            None => Found::Own(found),
        },
        Err(error) => Found::Foreign(format!("{} is damaged: {error}", path.display())),
    }
}

/// Returns where the calibration is kept (XDG Base Directory Specification 0.8: a path that is not absolute is ignored).
fn path() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("feedlab/calibration.json"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn calibration() -> Calibration {
        let limit = |most| Limit { most, is_reached: true };
        let capacity = |transport, clients: Option<f64>| Capacity {
            transport,
            per_s: limit(20_000.0),
            clients: clients.map(limit),
        };
        let capacities = vec![capacity(Transport::ShortPolling, None), capacity(Transport::Sse, Some(2_000.0))];
        Calibration::new("2026-11-30T12:00:00Z".to_owned(), 0.1, capacities)
    }

    #[test]
    fn a_calibration_reads_back_and_one_of_another_machine_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        assert_eq!(read_from(&path, &Identity::this()), Found::Nothing);
        let own = calibration();
        std::fs::write(&path, serde_json::to_string(&own).unwrap()).unwrap();
        assert_eq!(read_from(&path, &Identity::this()), Found::Own(own));
        let other = Identity { cores: Some(96), ..Identity::this() };
        let Found::Foreign(why) = read_from(&path, &other) else { panic!("it is not of this machine") };
        assert!(why.starts_with("it is of cores ") && why.ends_with(", not 96"), "{why}");
        let newer = Identity { feedlab_version: "9.9.9".to_owned(), ..Identity::this() };
        assert!(matches!(read_from(&path, &newer), Found::Foreign(why) if why.ends_with(", not 9.9.9")));
    }

    #[test]
    fn a_damaged_file_is_ignored_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        for text in ["", "{", "[]", "{\"schema\": 1}"] {
            std::fs::write(&path, text).unwrap();
            assert!(
                matches!(read_from(&path, &Identity::this()), Found::Foreign(why) if why.contains("is damaged")),
                "{text}"
            );
        }
    }
}
