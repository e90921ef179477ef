//! A small scenario and its cells, for the tests of this crate.

use std::collections::BTreeMap;
use std::path::Path;

use feedlab_feed::process::Machine;
use hdrhistogram::Histogram;

use crate::record::{CellRecord, Manifest, SCHEMA};
use crate::summary::{Entry, Estimate};
use crate::{Metric, Scenario, Verdict, hlog};

mod run;

pub(crate) use run::{CellFixture, run};

/// A scenario with SSE and WebSocket, 50 clients and two repetitions, in which nothing may be missed.
pub(crate) fn scenario() -> Scenario {
    let text = r#"
        schema = 1
        name = "fixture"
        feed = { source = "synthetic", updates_per_s = 10 }
        clients = { count = 50 }
        measure = { repetitions = 2 }
        contender = [{ transport = "sse" }, { transport = "websocket" }]
        threshold = [{ metric = "updates_missed", expect = "== 0" }]
    "#;
    Scenario::parse(text, Path::new("fixture.toml")).unwrap()
}

/// A cell of the first contender.
pub(crate) fn cell(repetition: u32, metrics: &[(Metric, f64)]) -> CellRecord {
    let scenario = scenario();
    let contender = &scenario.contenders[0];
    CellRecord {
        cell: format!("01-sse-c50-r{repetition}"),
        label: contender.label.clone(),
        transport: contender.transport(),
        clients: 50,
        payload_bytes: None,
        repetition,
        started_at: 1_790_000_000_000_000,
        duration_us: 10_000_000,
        metrics: metrics.iter().copied().collect(),
        failures: BTreeMap::new(),
        nodes: Vec::new(),
        verdict: Verdict::default(),
    }
}

pub(crate) fn entry(metrics: &[(Metric, f64)]) -> Entry {
    let estimate = |value| Estimate { value, low: None, high: None };
    let CellRecord { label, transport, clients, payload_bytes, .. } = cell(1, &[]);
    let metrics = metrics.iter().map(|&(metric, value)| (metric, estimate(value))).collect();
    Entry { label, transport, target: None, clients, payload_bytes, metrics, predicted: None }
}

pub(crate) fn manifest(run: &str) -> Manifest {
    let scenario = scenario();
    Manifest {
        schema: SCHEMA,
        run: run.to_owned(),
        seed: scenario.seed,
        scenario,
        changes: Vec::new(),
        feedlab_version: "0.1.0".to_owned(),
        rustc_version: "1.95.0".to_owned(),
        git_revision: None,
        merged_from: Vec::new(),
        agents: Vec::new(),
        started: "2026-11-21T12:00:30Z".to_owned(),
        resumed: Vec::new(),
        machine: Machine::default(),
        cells_planned: 4,
        cells_measured: 1,
        verdict: Verdict::default(),
    }
}

pub(crate) fn histogram(ages_us: impl IntoIterator<Item = u64>) -> Histogram<u64> {
    let mut histogram = hlog::new_histogram();
    ages_us.into_iter().for_each(|age| histogram.saturating_record(age));
    histogram
}
