//! What is known about a question's answer: the arithmetic's prediction, and the measurement of the newest or a
//! recorded run.

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

/// The folder of the scenarios that a class may measure.
const FOLDER: &str = "scenarios/workshop/";
/// How many results folders are searched for the newest run of a scenario.
const MAX_SEARCHED: usize = 64;
/// The largest file of a run that is read, bytes.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// The name of a results folder starts with a time of this form.
const TIME: &str = "20261121T120030Z-";

/// A scenario that is part of the binary.
#[derive(Debug)]
pub(crate) struct BundledScenario {
    /// The file from which it can be run.
    pub(crate) file: PathBuf,
    pub(crate) scenario: Scenario,
    predictions: Vec<Prediction>,
    /// The name of its file, without `.toml`.
    stem: String,
}

/// The results of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunResults {
    summary: Arc<Summary>,
    /// Where and when it was measured, for display.
    pub(crate) from: String,
    /// Identifies the run in URLs.
    pub(crate) id: String,
}

/// What was read from a results folder.
#[derive(Clone, Debug)]
struct CachedResults {
    scenario: Arc<Scenario>,
    summary: Arc<Summary>,
}

/// What is known about a question's answer, as pages show it.
#[derive(Debug, Serialize)]
pub(crate) struct KnownAnswer {
    /// The prediction of the arithmetic, in the question's unit.
    pub(crate) predicted: Option<f64>,
    /// The measurement of a run, in the question's unit.
    pub(crate) measured: Option<f64>,
    /// Which run measured it.
    pub(crate) from: Option<String>,
    /// The URL of the run's [`report`]; absent while it would answer another question of the class.
    pub(crate) report: Option<String>,
    /// The id of the right choice.
    right: Option<String>,
    /// The explanation of the answer.
    because: String,
}

/// Finds and caches what is known about answers.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// The folder of the results folders.
    out: PathBuf,
    /// The scenarios as files, for the program that measures them, along with the recordings that they name.
    files: TempDir,
    recorded: Recorded,
    scenarios: Mutex<HashMap<String, Arc<BundledScenario>>>,
    /// The results folders that were read; `None` for one that cannot be read.
    results: Mutex<HashMap<String, Option<CachedResults>>>,
}

impl Evidence {
    /// Writes the scenarios to files from which they can be run.
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
        Ok(Self { out, files, recorded, scenarios: Mutex::default(), results: Mutex::default() })
    }

    /// Returns a scenario by its path from the root of the repository.
    ///
    /// # Errors
    /// When it is not a scenario of the workshop, or cannot be loaded.
    pub(crate) fn scenario(&self, path: &str) -> Result<Arc<BundledScenario>, String> {
        if let Some(scenario) = locked(&self.scenarios).get(path) {
            return Ok(scenario.clone());
        }
        let stem = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".toml"));
        let stem = stem.filter(|_| library::file(path).is_some()).ok_or_else(|| {
            let paths = library::listing(FOLDER).join(", ");
            format!("{path:?} is not a scenario of the workshop; the scenarios are: {paths}")
        })?;
        let file = self.files.path().join(path);
        let scenario = Scenario::load(&file).map_err(|error| error.to_string())?;
        let predictions = predict::of(&scenario);
        let bundled = Arc::new(BundledScenario { file, scenario, predictions, stem: stem.to_owned() });
        locked(&self.scenarios).insert(path.to_owned(), bundled.clone());
        Ok(bundled)
    }

    /// Returns the results of the newest run of the scenario in its present form, or of the recorded run.
    pub(crate) fn results(&self, scenario: &BundledScenario) -> Option<RunResults> {
        self.newest(scenario).or_else(|| recorded(scenario))
    }

    /// Whether a run may be one of this scenario, by its id, its scenario or the name of its folder. A folder can be
    /// renamed, so any name that contains the scenario's counts.
    pub(crate) fn may_be_run_of(&self, run: &str, scenario: &str) -> bool {
        self.scenario(scenario)
            .is_ok_and(|scenario| run.contains(&scenario.stem) || run.contains(&scenario.scenario.name))
    }

    /// Returns the folder of a recorded run, with its report.
    pub(crate) fn recorded(&self, name: &str) -> Option<PathBuf> {
        self.recorded.folder(name)
    }

    /// Returns what is known about a question's answer.
    pub(crate) fn answer_to(&self, question: &Question) -> KnownAnswer {
        let figure = question.measured.as_ref();
        let scenario = figure.and_then(|measured| self.scenario(&measured.scenario).ok());
        let run = scenario.as_ref().and_then(|scenario| self.results(scenario));
        let predicted = scenario.as_ref().zip(figure).and_then(|(scenario, figure)| scenario.predicted(figure));
        let measured = run.as_ref().zip(figure).and_then(|(run, figure)| run.measured(figure));
        KnownAnswer {
            predicted,
            measured,
            from: run.as_ref().filter(|_| measured.is_some()).map(|run| run.from.clone()),
            report: run.map(|run| report(&run.id)),
            right: right_choice(question, measured.or(predicted)).map(|choice| choice.id.clone()),
            because: question.because.clone(),
        }
    }

    fn newest(&self, wanted: &BundledScenario) -> Option<RunResults> {
        let folders = std::fs::read_dir(&self.out).ok()?.flatten();
        let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| is_run_of(name, &wanted.scenario.name)).collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.into_iter().take(MAX_SEARCHED).find_map(|name| {
            let results = self.read(&name)?;
            let counts =
                results.summary.verdict.status != Status::Invalid && is_same(&results.scenario, &wanted.scenario);
            let from = format!("measured here on {}, run {name}", day(&name));
            counts.then_some(RunResults { summary: results.summary, from, id: name })
        })
    }

    fn read(&self, name: &str) -> Option<CachedResults> {
        let mut cache = locked(&self.results);
        if cache.len() > 16 * MAX_SEARCHED {
            cache.clear();
        }
        let read = || {
            let folder = self.out.join(name);
            let manifest: Manifest = json(&folder.join("manifest.json"))?;
            Some(CachedResults {
                scenario: manifest.scenario.into(),
                summary: json::<Summary>(&folder.join("summary.json"))?.into(),
            })
        };
        cache.entry(name.to_owned()).or_insert_with(read).clone()
    }
}

impl BundledScenario {
    /// Returns the arithmetic's prediction, in the question's unit.
    pub(crate) fn predicted(&self, measured: &Measured) -> Option<f64> {
        let prediction = self.predictions.iter().find(|prediction| prediction.label == measured.contender)?;
        measured.in_unit(*prediction.predicted.metrics.get(&measured.metric)?)
    }
}

impl RunResults {
    /// Returns the run's measurement, in the question's unit.
    pub(crate) fn measured(&self, measured: &Measured) -> Option<f64> {
        let entry = self.summary.contenders.iter().find(|entry| entry.label == measured.contender)?;
        measured.in_unit(entry.metrics.get(&measured.metric)?.value)
    }
}

/// Returns the URL of a run's report, relative to `/workshop/`, because a reverse proxy may serve that under another
/// path.
pub(crate) fn report(id: &str) -> String {
    format!("runs/{id}/report.html")
}

/// Returns the results of the recorded run in the binary, for users who cannot measure it themselves.
fn recorded(scenario: &BundledScenario) -> Option<RunResults> {
    let text = library::text(&format!("docs/workshop/recorded/{}/summary.json", scenario.stem))?;
    let summary: Summary = serde_json::from_str(&text).ok()?;
    let from = format!("recorded on {}", day(&summary.run));
    Some(RunResults { summary: Arc::new(summary), from, id: format!("recorded-{}", scenario.stem) })
}

/// Whether a folder with this name is a finished run of the scenario with that name.
fn is_run_of(folder: &str, scenario: &str) -> bool {
    let name = folder.get(TIME.len()..).and_then(|name| name.strip_prefix(scenario));
    let is_number = |name: &str| name.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok());
    name.is_some_and(|rest| rest.is_empty() || is_number(rest)) && folder.as_bytes().get(15) == Some(&b'Z')
}

/// Returns the date of a run: `2026-11-21` for `20261121T120030Z-far`.
fn day(run: &str) -> String {
    match (run.get(..4), run.get(4..6), run.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => "an unknown date".to_owned(),
    }
}

/// Whether two scenarios are the same, apart from the folder of the recording that they replay.
fn is_same(a: &Scenario, b: &Scenario) -> bool {
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
    std::fs::File::open(file).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_recognized_by_the_name_of_its_folder() {
        assert!(is_run_of("20261121T120030Z-far", "far") && is_run_of("20261121T120030Z-far-2", "far"));
        for other in ["20261121T120030Z-far.partial", "20261121T120030Z-farther", "far", "20261121T120030Z-far-x", "é"]
        {
            assert!(!is_run_of(other, "far"), "{other}");
        }
        assert_eq!(day("20261121T120030Z-far"), "2026-11-21");
    }

    #[test]
    fn only_scenarios_of_the_workshop_are_found() {
        let out = tempfile::tempdir().unwrap();
        let evidence = Evidence::new(out.path().to_owned()).unwrap();
        for path in ["", "scenarios/quick.toml", "scenarios/workshop/../quick.toml", "/etc/passwd"] {
            let error = evidence.scenario(path).unwrap_err();
            assert!(error.contains("not a scenario of the workshop"), "{error}");
        }
    }
}
