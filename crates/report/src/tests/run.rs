//! A made-up run with known figures, written and read back through the experiment's own results folder.

use std::collections::BTreeMap;
use std::path::Path;

use feedlab_experiment::metric::Metric;
use feedlab_experiment::plan::{self, Cell};
use feedlab_experiment::record::{CellRecord, Failure, Manifest, SCHEMA, Second};
use feedlab_experiment::results::{Results, RunFolder};
use feedlab_experiment::scenario::Contender;
use feedlab_experiment::summary::{Predicted, Summary};
use feedlab_experiment::verdict::{Verdict, judge_run};
use feedlab_experiment::{Scenario, hlog, statistics};
use feedlab_feed::process::Machine;

/// When every made-up run started.
const STARTED: &str = "2026-11-21T12:00:30Z";

/// The figures of a made-up cell.
#[derive(Default)]
pub(crate) struct CellFixture {
    /// The ages of each second, µs.
    pub(crate) ages: Vec<Vec<u64>>,
    /// Every metric except the ages.
    pub(crate) metrics: BTreeMap<Metric, f64>,
    /// The failures, by kind.
    pub(crate) failures: BTreeMap<Failure, u64>,
    /// The verdict on the cell.
    pub(crate) verdict: Verdict,
    /// The prediction for the cell's contender, client count and payload.
    pub(crate) predicted: Option<Predicted>,
}

/// Parses the scenario and keeps its text, plans it, takes the figures of every cell from `fixture`, and reads the
/// folder back from `out`.
pub(crate) fn results(out: &Path, scenario: &str, fixture: impl Fn(&Contender, &Cell) -> CellFixture) -> Results {
    let resolved = Scenario::parse(scenario, &out.join("scenario.toml")).unwrap();
    results_of(out, resolved, Some(scenario), fixture)
}

/// The same for a parsed scenario; its file is kept only if its `text` is given.
pub(crate) fn results_of(
    out: &Path,
    scenario: Scenario,
    text: Option<&str>,
    fixture: impl Fn(&Contender, &Cell) -> CellFixture,
) -> Results {
    let mut folder = RunFolder::create(out, &scenario, humantime::parse_rfc3339(STARTED).unwrap()).unwrap();
    text.into_iter().for_each(|text| folder.keep_scenario(text).unwrap());
    let plan = plan::cells(&scenario);
    let (mut cells, mut predictions) = (Vec::new(), Vec::new());
    for cell in &plan {
        let mut fixture = fixture(&scenario.contenders[cell.contender], cell);
        let predicted = fixture.predicted.take();
        let (record, seconds) = measured(&scenario, cell, &folder, fixture);
        folder.add_cell(&record, &seconds).unwrap();
        predictions.push((record.name(), predicted));
        cells.push(record);
    }
    let verdict = judge_run(&cells, plan.len());
    let mut pooled = statistics::pool(&scenario, &cells, |cell| hlog::read(&folder.hlog_path(&cell.cell))).unwrap();
    for entry in &mut pooled {
        let predicted = predictions.iter().find(|(name, _)| *name == entry.name());
        entry.predicted = predicted.and_then(|(_, predicted)| predicted.clone());
    }
    let run = folder.id().to_owned();
    folder
        .write_summary(&Summary {
            schema: SCHEMA,
            run: run.clone(),
            verdict: verdict.clone(),
            contenders: pooled,
            precision: Vec::new(),
        })
        .unwrap();
    folder.write_manifest(&manifest(scenario, run, plan.len(), verdict)).unwrap();
    Results::read(&folder.finish().unwrap()).unwrap()
}

fn measured(scenario: &Scenario, cell: &Cell, folder: &RunFolder, fixture: CellFixture) -> (CellRecord, Vec<Second>) {
    let mut merged = hlog::new_histogram();
    let mut log = hlog::Writer::create(&folder.hlog_path(&cell.id), 0).unwrap();
    let mut seconds = Vec::new();
    for (second, ages) in fixture.ages.iter().enumerate() {
        let second = u32::try_from(second).unwrap();
        let mut histogram = hlog::new_histogram();
        ages.iter().for_each(|&age| histogram.record(age).unwrap());
        log.second(second, &histogram).unwrap();
        merged.add(&histogram).unwrap();
        let quantile = |q: f64| (!ages.is_empty()).then(|| histogram.value_at_quantile(q));
        seconds.push(Second {
            cell: cell.id.clone(),
            second,
            updates: histogram.len(),
            age_mean_us: (!ages.is_empty()).then(|| histogram.mean()),
            age_p50_us: quantile(0.5),
            age_p99_us: quantile(0.99),
            age_max_us: quantile(1.0),
        });
    }
    log.finish().unwrap();
    let contender = &scenario.contenders[cell.contender];
    let mut metrics = fixture.metrics;
    metrics.extend(statistics::age_metrics(&merged));
    let record = CellRecord {
        cell: cell.id.clone(),
        label: contender.label.clone(),
        transport: contender.transport(),
        clients: cell.clients,
        payload_bytes: cell.payload_bytes,
        repetition: cell.repetition,
        started_at: 1_795_262_430_000_000,
        duration_us: u64::try_from(scenario.measure.duration.as_micros()).unwrap(),
        metrics,
        failures: fixture.failures,
        nodes: Vec::new(),
        verdict: fixture.verdict,
    };
    (record, seconds)
}

fn manifest(scenario: Scenario, run: String, cells: usize, verdict: Verdict) -> Manifest {
    Manifest {
        schema: SCHEMA,
        run,
        seed: scenario.seed,
        scenario,
        changes: Vec::new(),
        feedlab_version: "0.1.0".to_owned(),
        rustc_version: "rustc 1.95.0".to_owned(),
        git_revision: Some("0123abc".to_owned()),
        merged_from: Vec::new(),
        agents: Vec::new(),
        resumed: Vec::new(),
        started: STARTED.to_owned(),
        machine: Machine {
            cpu: Some("Example CPU @ 2.00GHz".to_owned()),
            cores: Some(2),
            memory_bytes: Some(8 << 30),
            kernel: "6.1.0".to_owned(),
            platform: "linux-x86_64".to_owned(),
            max_open_files: Some(1_048_576),
            tcp: None,
        },
        cells_planned: cells,
        cells_measured: cells,
        verdict,
    }
}
