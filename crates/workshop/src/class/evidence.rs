//! What is known about a question's answer: predicted by the arithmetic, measured by the newest run, or by a recorded one.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feedlab_experiment::Scenario;
use feedlab_experiment::class::{Measured, Question, right_choice};
use feedlab_experiment::predict::{self, Prediction};
use feedlab_experiment::record::Manifest;
use feedlab_experiment::scenario::Source;
use feedlab_experiment::summary::Summary;
use feedlab_experiment::verdict::Status;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::ClassError;
use super::recorded::Recorded;
use crate::chapter::library;

/// Where the scenarios are that a class may measure.
const FOLDER: &str = "scenarios/workshop/";
/// The folders of results that are looked into for the newest run of a scenario.
const LOOKED_INTO: usize = 64;
/// The largest file of a run that is read, bytes.
const MOST: u64 = 8 << 20;
/// The name of a results folder begins with a time of this form.
const TIME: &str = "20261121T120030Z-";

/// A scenario that the binary carries.
#[derive(Debug)]
pub(crate) struct Known {
    /// Where it can be run from.
    pub(crate) file: PathBuf,
    pub(crate) scenario: Scenario,
    predictions: Vec<Prediction>,
    /// The name of its file, without `.toml`.
    stem: String,
}

/// A run of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    summary: Arc<Summary>,
    /// Where it comes from, for people.
    pub(crate) from: String,
    /// Names it in addresses.
    pub(crate) id: String,
}

/// What a results folder says.
#[derive(Clone, Debug)]
struct Seen {
    scenario: Arc<Scenario>,
    summary: Arc<Summary>,
}

/// What is known about a question's answer, as pages are told it.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    /// By the arithmetic, in the question's unit.
    pub(crate) predicted: Option<f64>,
    /// By a run.
    pub(crate) measured: Option<f64>,
    /// Which run that was.
    pub(crate) from: Option<String>,
    /// Its [`report`].
    report: Option<String>,
    /// The right choice.
    right: Option<String>,
    because: String,
}

/// Reads and keeps what is known.
#[derive(Debug)]
pub(crate) struct Evidence {
    out: PathBuf,
    /// The scenarios as files, for the program that measures them and for the recordings that they name.
    files: TempDir,
    recorded: Recorded,
    known: Mutex<HashMap<String, Arc<Known>>>,
    /// Results folders that were looked into; `None` is one that cannot be read.
    seen: Mutex<HashMap<String, Option<Seen>>>,
}

impl Evidence {
    /// Puts the scenarios where they can be run from.
    pub(crate) fn new(out: PathBuf) -> Result<Self, ClassError> {
        let fail =
            |error: std::io::Error| ClassError::Scenarios { path: std::env::temp_dir(), problem: error.to_string() };
        let files = tempfile::Builder::new().prefix("feedlab-workshop-").tempdir().map_err(fail)?;
        for path in library::listing("scenarios") {
            let place = files.path().join(&path);
            std::fs::create_dir_all(place.parent().unwrap_or(files.path())).map_err(fail)?;
            std::fs::write(place, library::file(&path).unwrap_or_default()).map_err(fail)?;
        }
        let recorded = Recorded::new(files.path().join("recorded"));
        Ok(Self { out, files, recorded, known: Mutex::default(), seen: Mutex::default() })
    }

    /// A scenario by its path from the root of the repository; the error says why it is none.
    pub(crate) fn known(&self, path: &str) -> Result<Arc<Known>, String> {
        if let Some(known) = locked(&self.known).get(path) {
            return Ok(known.clone());
        }
        let stem = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".toml"));
        let stem = stem.filter(|_| library::file(path).is_some()).ok_or_else(|| {
            let there = library::listing(FOLDER).join(", ");
            format!("{path:?} is no scenario of the workshop; there are: {there}")
        })?;
        let file = self.files.path().join(path);
        let scenario = Scenario::load(&file).map_err(|error| error.to_string())?;
        let predictions = predict::of(&scenario);
        let known = Arc::new(Known { file, scenario, predictions, stem: stem.to_owned() });
        locked(&self.known).insert(path.to_owned(), known.clone());
        Ok(known)
    }

    /// The newest run of a scenario as it stands, or the recorded one.
    pub(crate) fn run(&self, known: &Known) -> Option<Run> {
        self.newest(known).or_else(|| recorded(known))
    }

    /// The folder of a recorded run, with its report.
    pub(crate) fn recorded(&self, name: &str) -> Option<PathBuf> {
        self.recorded.folder(name)
    }

    /// What is known about a question's answer.
    pub(crate) fn of(&self, question: &Question) -> Found {
        let asked = question.measured.as_ref();
        let scenario = asked.and_then(|measured| self.known(&measured.scenario).ok());
        let run = scenario.as_ref().and_then(|scenario| self.run(scenario));
        let predicted = scenario.as_ref().zip(asked).and_then(|(scenario, asked)| scenario.predicted(asked));
        let measured = run.as_ref().zip(asked).and_then(|(run, asked)| run.measured(asked));
        Found {
            predicted,
            measured,
            from: run.as_ref().filter(|_| measured.is_some()).map(|run| run.from.clone()),
            report: run.map(|run| report(&run.id)),
            right: right_choice(question, measured.or(predicted)).map(|choice| choice.id.clone()),
            because: question.because.clone(),
        }
    }

    fn newest(&self, known: &Known) -> Option<Run> {
        let folders = std::fs::read_dir(&self.out).ok()?.flatten();
        let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| is_run_of(name, &known.scenario.name)).collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.into_iter().take(LOOKED_INTO).find_map(|name| {
            let found = self.read(&name)?;
            let counts = found.summary.verdict.status != Status::Invalid && alike(&found.scenario, &known.scenario);
            let from = format!("measured here on {}, run {name}", day(&name));
            counts.then_some(Run { summary: found.summary, from, id: name })
        })
    }

    fn read(&self, name: &str) -> Option<Seen> {
        let mut seen = locked(&self.seen);
        if seen.len() > 16 * LOOKED_INTO {
            seen.clear();
        }
        let read = || {
            let folder = self.out.join(name);
            let manifest: Manifest = json(&folder.join("manifest.json"))?;
            Some(Seen {
                scenario: manifest.scenario.into(),
                summary: json::<Summary>(&folder.join("summary.json"))?.into(),
            })
        };
        seen.entry(name.to_owned()).or_insert_with(read).clone()
    }
}

impl Known {
    /// What the arithmetic says, in the question's unit.
    pub(crate) fn predicted(&self, measured: &Measured) -> Option<f64> {
        let prediction = self.predictions.iter().find(|prediction| prediction.label == measured.contender)?;
        measured.in_unit(*prediction.predicted.metrics.get(&measured.metric)?)
    }
}

impl Run {
    /// What it found, in the question's unit.
    pub(crate) fn measured(&self, measured: &Measured) -> Option<f64> {
        let entry = self.summary.contenders.iter().find(|entry| entry.label == measured.contender)?;
        measured.in_unit(entry.metrics.get(&measured.metric)?.value)
    }
}

/// Where a run's report is, below `/workshop/`, which a proxy may have put anywhere.
pub(crate) fn report(id: &str) -> String {
    format!("runs/{id}/report.html")
}

/// The run that the binary carries for those who have no time, or no machine, for one of their own.
fn recorded(known: &Known) -> Option<Run> {
    let text = library::text(&format!("docs/workshop/recorded/{}/summary.json", known.stem))?;
    let summary: Summary = serde_json::from_str(&text).ok()?;
    let from = format!("recorded on {}", day(&summary.run));
    Some(Run { summary: Arc::new(summary), from, id: format!("recorded-{}", known.stem) })
}

/// Whether a folder of this name is a finished run of a scenario of that name.
fn is_run_of(folder: &str, scenario: &str) -> bool {
    let name = folder.get(TIME.len()..).and_then(|name| name.strip_prefix(scenario));
    let again = |name: &str| name.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok());
    name.is_some_and(|rest| rest.is_empty() || again(rest)) && folder.as_bytes().get(15) == Some(&b'Z')
}

/// `2026-11-21` of `20261121T120030Z-far`.
fn day(run: &str) -> String {
    match (run.get(..4), run.get(4..6), run.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => "an unknown day".to_owned(),
    }
}

/// Whether two scenarios ask the same, wherever the recordings lie that they play.
fn alike(a: &Scenario, b: &Scenario) -> bool {
    let bare = |scenario: &Scenario| {
        let mut scenario = scenario.clone();
        if let Source::Replay { file, .. } = &mut scenario.feed.source {
            *file = file.file_name().map(PathBuf::from).unwrap_or_default();
        }
        scenario
    };
    bare(a) == bare(b)
}

fn json<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let mut text = String::new();
    std::fs::File::open(file).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_folders_name() {
        assert!(is_run_of("20261121T120030Z-far", "far") && is_run_of("20261121T120030Z-far-2", "far"));
        for other in ["20261121T120030Z-far.partial", "20261121T120030Z-farther", "far", "20261121T120030Z-far-x", "é"]
        {
            assert!(!is_run_of(other, "far"), "{other}");
        }
        assert_eq!(day("20261121T120030Z-far"), "2026-11-21");
    }

    #[test]
    fn only_scenarios_of_the_workshop_are_known() {
        let out = tempfile::tempdir().unwrap();
        let evidence = Evidence::new(out.path().to_owned()).unwrap();
        for path in ["", "scenarios/quick.toml", "scenarios/workshop/../quick.toml", "/etc/passwd"] {
            let error = evidence.known(path).unwrap_err();
            assert!(error.contains("no scenario of the workshop"), "{error}");
        }
    }
}
