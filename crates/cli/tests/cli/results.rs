//! Results folders for the tests, made up instantly instead of measured in minutes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use feedlab_experiment::metric::Metric;
use feedlab_experiment::plan::{self, Cell};
use feedlab_experiment::record::{CellRecord, Manifest, SCHEMA, Second};
use feedlab_experiment::results::RunFolder;
use feedlab_experiment::summary::Summary;
use feedlab_experiment::verdict::{Reason, Status, Verdict, judge_run};
use feedlab_experiment::{Scenario, hlog, statistics};
use feedlab_feed::process::Machine;

/// The figures of every cell of a made-up run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellFigures {
    /// The age of every update, µs.
    pub(crate) age_us: u64,
    /// The socket bytes per update; each repetition has one more than the previous one.
    pub(crate) bytes: f64,
    /// Whether the cells are valid.
    pub(crate) is_valid: bool,
    /// The day of November on which the run started.
    pub(crate) day: u32,
}

impl Default for CellFigures {
    fn default() -> Self {
        Self { age_us: 400, bytes: 300.0, is_valid: true, day: 21 }
    }
}

/// Returns a scenario with SSE only and a number of repetitions.
pub(crate) fn sse(repetitions: u32) -> String {
    format!(
        r#"
schema = 1
name = "made-up"
feed = {{ source = "synthetic", updates_per_s = 10 }}
clients = {{ count = 5 }}
measure = {{ duration = "5s", repetitions = {repetitions} }}
contender = [{{ transport = "sse" }}]
threshold = [{{ metric = "updates_missed", expect = "== 0" }}]
"#
    )
}

/// Makes up a run of a scenario in `out`, and returns its folder.
pub(crate) fn run(out: &Path, scenario: &str, found: &CellFigures) -> PathBuf {
    let scenario = Scenario::parse(scenario, &out.join("scenario.toml")).expect("a scenario");
    let started = humantime::parse_rfc3339(&format!("2026-11-{}T12:00:30Z", found.day)).expect("a time");
    let mut folder = RunFolder::create(out, &scenario, started).expect("a folder");
    let plan = plan::cells(&scenario);
    let mut cells = Vec::new();
    for cell in &plan {
        let (record, second) = measured(&scenario, cell, found, &folder);
        folder.add_cell(&record, &[second]).expect("space");
        cells.push(record);
    }
    let verdict = judge_run(&cells, plan.len());
    let contenders = statistics::pool(&scenario, &cells, |cell| hlog::read(&folder.hlog_path(&cell.cell)));
    let run = folder.id().to_owned();
    let contenders = contenders.expect("histograms");
    let summary =
        Summary { schema: SCHEMA, run: run.clone(), verdict: verdict.clone(), contenders, precision: Vec::new() };
    folder.write_summary(&summary).expect("space");
    folder
        .write_manifest(&manifest(scenario, run, humantime::format_rfc3339(started).to_string(), cells.len(), verdict))
        .expect("space");
    folder.finish().expect("a free name")
}

fn measured(scenario: &Scenario, cell: &Cell, found: &CellFigures, folder: &RunFolder) -> (CellRecord, Second) {
    let started_at = 1_795_000_000_000_000 + u64::from(found.day * 1_000 + cell.repetition);
    let mut ages = hlog::new_histogram();
    ages.record_n(found.age_us, 2_000).expect("within bounds");
    let mut log = hlog::Writer::create(&folder.hlog_path(&cell.id), started_at).expect("a file");
    log.second(0, &ages).expect("space");
    log.finish().expect("space");
    let contender = &scenario.contenders[cell.contender];
    let bytes = found.bytes + f64::from(cell.repetition);
    let mut metrics: BTreeMap<Metric, f64> = statistics::age_metrics(&ages);
    metrics.extend([(Metric::UpdatesMissed, 0.0), (Metric::SocketBytesPerUpdate, bytes)]);
    let mut verdict = Verdict::default();
    if !found.is_valid {
        verdict.add(Reason::new(Status::Invalid, "the generator <was> starved", "use fewer clients"));
    }
    let record = CellRecord {
        cell: cell.id.clone(),
        label: contender.label.clone(),
        transport: contender.transport(),
        clients: cell.clients,
        payload_bytes: cell.payload_bytes,
        repetition: cell.repetition,
        started_at,
        duration_us: 5_000_000,
        metrics,
        failures: BTreeMap::new(),
        nodes: Vec::new(),
        verdict,
    };
    let second = Second {
        cell: cell.id.clone(),
        second: 0,
        updates: ages.len(),
        age_mean_us: Some(ages.mean()),
        age_p50_us: Some(found.age_us),
        age_p99_us: Some(found.age_us),
        age_max_us: Some(found.age_us),
    };
    (record, second)
}

fn manifest(scenario: Scenario, run: String, started: String, cells: usize, verdict: Verdict) -> Manifest {
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
        started,
        machine: Machine { kernel: "6.1.0".to_owned(), platform: "linux-x86_64".to_owned(), ..Machine::default() },
        cells_planned: cells,
        cells_measured: cells,
        verdict,
    }
}
