//! A run as test cases: the requirements of its scenario for each contender, and the verdict of the run.

use std::path::Path;

use feedlab_experiment::Scenario;
use feedlab_experiment::results::Results;
use feedlab_experiment::threshold::{self, Check};
use feedlab_experiment::verdict::{Reason, Status};

use super::{Case, Junit, Outcome, Suite};
use crate::exit::{self, Exit};

impl Junit {
    /// Adds a run of a scenario: the results in its folder, and the error that ended it, if any.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn add_run(
        &mut self,
        scenario: &Scenario,
        folder: &Path,
        end: &anyhow::Result<Exit>,
    ) -> anyhow::Result<()> {
        let mut suite = match Results::read(folder) {
            Ok(results) => suite(&results),
            Err(_) => Suite { name: scenario.name.clone(), timestamp: None, cases: Vec::new(), output: Vec::new() },
        };
        suite.cases.extend(not_whole(scenario, end));
        self.add(suite)
    }
}

fn suite(results: &Results) -> Suite {
    let manifest = &results.manifest;
    let mut cases = vec![verdict(results)];
    let checks = threshold::checks(&manifest.scenario, &results.summary.contenders);
    cases.extend(checks.iter().map(|check| case(&manifest.scenario, check)));
    Suite {
        name: manifest.scenario.name.clone(),
        timestamp: Some(manifest.started.clone()),
        cases,
        output: manifest.verdict.reasons.iter().map(reason).collect(),
    }
}

/// Returns the case of one requirement for one contender at one client count and payload size.
fn case(scenario: &Scenario, check: &Check) -> Case {
    Case {
        class: scenario.name.clone(),
        name: format!("{}: {} {}", check.name, check.metric, check.requirement),
        // The verdict's case has the time of all cells; do not count it again for each requirement.
        time_us: 0,
        outcome: if check.met { Outcome::Passed } else { Outcome::Failed(check.to_string()) },
    }
}

/// Returns the case of the verdict. An invalid run is an error: whether the transports meet the requirements is
/// unknown.
fn verdict(results: &Results) -> Case {
    let verdict = &results.manifest.verdict;
    let outcome = match verdict.status {
        Status::Valid | Status::Suspect => Outcome::Passed,
        Status::Invalid => Outcome::Error(verdict.reasons.iter().map(reason).collect::<Vec<_>>().join("; ")),
    };
    let class = results.manifest.scenario.name.clone();
    let time_us = results.cells.iter().map(|cell| cell.duration_us).sum();
    Case { class, name: "the run measures the transports".to_owned(), time_us, outcome }
}

fn reason(reason: &Reason) -> String {
    format!("{}: {}: {}", reason.status, reason.what, reason.advice)
}

/// Returns a case for a run that was interrupted or failed; `None` if it is complete.
fn not_whole(scenario: &Scenario, end: &anyhow::Result<Exit>) -> Option<Case> {
    let why = match end {
        Ok(Exit::Interrupted) => "interrupted".to_owned(),
        Ok(_) => return None,
        Err(error) => exit::describe(error),
    };
    let (class, name) = (scenario.name.clone(), "the run is complete".to_owned());
    Some(Case { class, name, time_us: 0, outcome: Outcome::Error(why) })
}
