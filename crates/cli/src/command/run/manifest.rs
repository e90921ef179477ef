//! The manifest of a run: what was asked, with what, where and when.

use feedlab_experiment::record::{Manifest, SCHEMA};
use feedlab_experiment::verdict::judge_run;
use feedlab_feed::process::Machine;

use super::series::Series;
use crate::build;

/// The manifest as things stand: written when the run begins, and again at its end.
pub(super) fn manifest(series: &Series<'_>) -> Manifest {
    Manifest {
        schema: SCHEMA,
        run: series.folder.id().to_owned(),
        scenario: series.scenario.clone(),
        seed: series.scenario.seed,
        feedlab_version: build::VERSION.to_owned(),
        rustc_version: build::RUSTC.to_owned(),
        git_revision: build::REVISION.map(str::to_owned),
        merged_from: Vec::new(),
        started: series.started.to_string(),
        machine: Machine::this(),
        cells_planned: series.plan.len(),
        cells_measured: series.records.len(),
        verdict: judge_run(&series.records, series.plan.len()),
    }
}
