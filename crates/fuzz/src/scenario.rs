//! The text of a scenario file: a scenario that reads back from a manifest as it was, with a plan; or errors that each
//! name a place.

use std::path::Path;

use feedlab_experiment::scenario::ScenarioError;
use feedlab_experiment::{Scenario, plan};

use crate::assert_plain;

/// A file in the folder of the repository's scenarios, so that what they name is found.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/fuzzed.toml");

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Scenario::parse(text, Path::new(FILE)) {
        Ok(scenario) => look_at(&scenario),
        Err(error) => error.each().into_iter().for_each(|error| check(error, text)),
    }
}

fn look_at(scenario: &Scenario) {
    let manifest = serde_json::to_string(scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&manifest).unwrap(), *scenario, "{manifest}");
    let cells = plan::cells(scenario);
    assert!(!cells.is_empty() && !plan::duration(scenario).is_zero());
    let _ = cells[0].settings(scenario);
}

fn check(error: &ScenarioError, text: &str) {
    assert_plain(&error.to_string());
    if let ScenarioError::Invalid { line, column, .. } = error {
        let is_there = *line <= text.lines().count() + 1 && *column <= text.len() + 1;
        assert!(*line > 0 && *column > 0 && is_there, "line {line}, column {column} is not in {text:?}");
    }
}
