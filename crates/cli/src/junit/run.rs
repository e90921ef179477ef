//! A run as test cases: what its scenario requires of each contender, and what the run may claim at all.

use std::path::Path;

use feedlab_experiment::Scenario;
use feedlab_experiment::results::Results;
use feedlab_experiment::threshold::{self, Check};
use feedlab_experiment::verdict::{Reason, Status};

use super::{Case, Junit, Outcome, Suite};
use crate::exit::{self, Exit};

impl Junit {
    /// Adds the run of a scenario that ended so: what is in its folder, and the error that ended it.
    ///
    /// # Errors
    /// When the file cannot be written.
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

/// One demand on one contender at one client count and payload size.
fn case(scenario: &Scenario, check: &Check) -> Case {
    Case {
        class: scenario.name.clone(),
        name: format!("{}: {} {}", check.name, check.metric, check.demand),
        // What was measured once is not counted again for each demand on it: the verdict's case has the time of all.
        time_us: 0,
        outcome: if check.met { Outcome::Passed } else { Outcome::Failed(check.to_string()) },
    }
}

/// Invalid is an error: whether the transports would have met the requires is not known.
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

/// A case for a run that was cut off or failed; nothing for one that came to its end.
fn not_whole(scenario: &Scenario, end: &anyhow::Result<Exit>) -> Option<Case> {
    let why = match end {
        Ok(Exit::Interrupted) => "interrupted".to_owned(),
        Ok(_) => return None,
        Err(error) => exit::describe(error),
    };
    let (class, name) = (scenario.name.clone(), "the run came to its end".to_owned());
    Some(Case { class, name, time_us: 0, outcome: Outcome::Error(why) })
}
