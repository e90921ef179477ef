//! The scenarios that ship with feedlab: each is valid, states what it expects, and takes the documented time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use feedlab_experiment::scenario::Source;
use feedlab_experiment::{Scenario, plan};
use feedlab_feed::source::Recording;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

fn load(name: &str) -> Scenario {
    Scenario::load(&folder().join(format!("{name}.toml"))).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_scenario_is_valid_and_starts_with_its_hypothesis() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        count += 1;
        let scenario = Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(path.file_stem().unwrap(), scenario.name.as_str());
        assert!(scenario.question.ends_with('?'), "{}", scenario.name);
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("# Hypothesis: "), "{}", scenario.name);
    }
    assert!(count >= 7, "only {count} scenarios found");
}

/// Claims, failures, use-case cards and servers behind one address: each states its expectation in a comment, and
/// checks it.
#[test]
fn every_claim_failure_and_card_is_valid_and_has_checks() {
    for (kind, at_least) in [("claims", 20), ("failures", 8), ("cards", 9), ("balance", 10), ("peers", 3)] {
        let entries = std::fs::read_dir(folder().join(kind)).unwrap().map(|entry| entry.unwrap().path());
        let paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
        assert!(paths.len() >= at_least, "only {} {kind}", paths.len());
        for path in paths {
            let scenario = Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(path.file_stem().unwrap(), scenario.name.as_str());
            assert!(scenario.question.ends_with('?') && !scenario.thresholds.is_empty(), "{}", scenario.name);
            assert!(std::fs::read_to_string(&path).unwrap().starts_with("# "), "{}", scenario.name);
        }
    }
}

#[test]
fn runs_take_the_documented_time() {
    for (name, promised_s) in [("quick", 45), ("ticker", 360), ("earthquakes", 300)] {
        let scenario = load(name);
        assert!(plan::duration(&scenario) < Duration::from_secs(promised_s), "{name}");
    }
}

#[test]
fn the_week_of_earthquakes_is_complete_and_measured_once() {
    let scenario = load("earthquakes");
    let Source::Replay { file, speed } = &scenario.feed.source else { panic!("{:?}", scenario.feed.source) };
    let recording = Recording::read(file).unwrap();
    assert_eq!(recording.updates.len(), 1707);
    let last = recording.span().div_f64(*speed);
    let next_round = last + last / 1706;
    assert_eq!(scenario.measure.warm_up, Duration::ZERO);
    assert!(last < scenario.measure.duration && scenario.measure.duration < next_round);
}
