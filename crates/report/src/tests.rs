//! From a results folder to the page, with made-up runs whose figures are known.

use std::collections::BTreeMap;
use std::path::Path;

use feedlab_experiment::Metric;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::results::Results;
use feedlab_experiment::scenario::{Contender, Source};
use feedlab_experiment::summary::Predicted;
use feedlab_experiment::verdict::{Reason, Status, Verdict};
use feedlab_feed::Transport;

use crate::dataset::Dataset;
use crate::{Report, render, table};

mod chart_data;
mod checks;
mod class;
mod completeness;
mod conditions;
mod failing;
mod failure;
mod page;
mod pair;
mod prediction;
mod realistic;
mod run;
mod target;
mod words;

use run::CellFixture;

/// A scenario with four contenders, and the given client counts, payloads and repetitions.
fn scenario(clients: &str, payload: &str, repetitions: u32) -> String {
    format!(
        r#"
schema = 1
name = "known"
question = "What does it cost, <b>really</b>?"
feed = {{ source = "synthetic", updates_per_s = 10, payload_bytes = {payload} }}
clients = {{ count = {clients} }}
measure = {{ duration = "6s", repetitions = {repetitions} }}
contender = [
    {{ transport = "short-polling" }},
    {{ transport = "long-polling" }},
    {{ transport = "sse" }},
    {{ transport = "websocket" }},
]
threshold = [{{ metric = "updates_missed", expect = "== 0" }}]
"#
    )
}

/// Ages and costs that can be checked in the head: 600 updates in six seconds, all of them received.
fn known(contender: &Contender, cell: &Cell) -> CellFixture {
    let transport = contender.transport();
    let second: Vec<u64> = match transport {
        Transport::ShortPolling => (1..=100).map(|step| step * 10_000).collect(),
        Transport::LongPolling => vec![1_000; 100],
        Transport::Sse => [vec![400; 50], vec![600; 50]].concat(),
        Transport::WebSocket => vec![500; 100],
    };
    let minutes = f64::from(cell.clients) / 10.0;
    let (requests, empty) = match transport {
        Transport::ShortPolling => (60.0 * minutes, 15.0 * minutes),
        Transport::LongPolling => (600.0 * minutes, 0.0),
        Transport::Sse | Transport::WebSocket => (0.0, 0.0),
    };
    let socket = match transport {
        Transport::ShortPolling => 400.0,
        Transport::LongPolling => 700.0,
        Transport::Sse => 310.0,
        Transport::WebSocket => 300.0,
    };
    let payload = cell.payload_bytes.unwrap_or(256) as f64;
    let metrics = [
        (Metric::UpdatesPublished, 60.0),
        (Metric::UpdatesExpected, 600.0),
        (Metric::UpdatesReceived, 600.0),
        (Metric::UpdatesMissed, 0.0),
        (Metric::UpdatesDuplicated, 0.0),
        (Metric::UpdatesReordered, 0.0),
        (Metric::Requests, requests),
        (Metric::RequestsEmpty, empty),
        (Metric::PayloadBytesPerUpdate, payload),
        (Metric::SocketBytesPerUpdate, socket - 256.0 + payload),
        (Metric::ServerRssBytesPerConnection, 10.0 * 1024.0),
        (Metric::ClientRssBytesPerConnection, 30.0 * 1024.0),
        (Metric::ServerFdsPerConnection, 1.0),
        (Metric::ConnectP50, 70.0),
        (Metric::ServerCpuPerUpdate, 12.5),
    ];
    CellFixture { ages: vec![second; 6], metrics: metrics.into(), ..CellFixture::default() }
}

/// The same figures, changed a little by each repetition, so that there are intervals.
fn varied(contender: &Contender, cell: &Cell) -> CellFixture {
    let factor = 1.0 + f64::from(cell.repetition) / 100.0;
    let CellFixture { ages, metrics, .. } = known(contender, cell);
    let age = |age: u64| (age as f64 * factor) as u64;
    CellFixture {
        ages: ages.into_iter().map(|second| second.into_iter().map(age).collect()).collect(),
        metrics: metrics.into_iter().map(|(metric, value)| (metric, value * factor)).collect(),
        ..CellFixture::default()
    }
}

/// A contender that received nothing: no ages, and no figure per update.
fn silent() -> CellFixture {
    let metrics = [
        (Metric::UpdatesPublished, 60.0),
        (Metric::UpdatesExpected, 600.0),
        (Metric::UpdatesReceived, 0.0),
        (Metric::UpdatesMissed, 600.0),
        (Metric::UpdatesDuplicated, 0.0),
        (Metric::UpdatesReordered, 0.0),
    ];
    CellFixture { ages: vec![Vec::new(); 6], metrics: metrics.into(), ..CellFixture::default() }
}

fn invalid() -> Verdict {
    let mut verdict = Verdict::default();
    let reason =
        Reason { status: Status::Invalid, what: "timers were <late>".into(), advice: "use fewer clients".into() };
    verdict.add(reason);
    verdict
}

/// A run in a folder that is deleted when the returned guard is dropped.
fn run(scenario: &str, fixture: impl Fn(&Contender, &Cell) -> CellFixture) -> (tempfile::TempDir, Results) {
    let folder = tempfile::tempdir().unwrap();
    let results = run::results(folder.path(), scenario, fixture);
    (folder, results)
}

fn report(scenario: &str, fixture: impl Fn(&Contender, &Cell) -> CellFixture) -> Report {
    let (_folder, results) = run(scenario, fixture);
    render(&results).unwrap()
}

fn dataset(scenario: &str, fixture: impl Fn(&Contender, &Cell) -> CellFixture) -> Dataset {
    let (_folder, results) = run(scenario, fixture);
    Dataset::new(&results).unwrap()
}

#[test]
fn a_report_is_written_into_the_folder_of_its_run() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), known);
    let page = render(&results).unwrap().write(&results.folder).unwrap();
    assert_eq!(page, results.folder.join("report.html"));
    let charts = ["age-ecdf", "bytes", "requests", "connection-cost"];
    for chart in charts {
        let svg = std::fs::read_to_string(results.folder.join(format!("charts/{chart}.svg"))).unwrap();
        assert!(svg.starts_with("<svg xmlns") && svg.trim_end().ends_with("</svg>"), "{chart}");
    }
    let again = render(&results).unwrap().write(&results.folder).unwrap();
    assert_eq!(again, page, "a report can be rendered again");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (folder, results) = run(&scenario("[10]", "[256]", 1), known);
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file").unwrap();
    let error = render(&results).unwrap().write(Path::new(&taken)).unwrap_err().to_string();
    assert!(error.contains("taken") && error.contains("cannot write"), "{error}");
}

#[test]
fn the_table_has_every_figure_in_human_units() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 3), varied);
    insta::assert_snapshot!(text(&table::rows(&results.summary)));
}

#[test]
fn a_sweep_has_a_row_for_each_point_and_a_column_for_the_payload() {
    let (_folder, results) = run(&scenario("[10, 20]", "[64, 4096]", 1), known);
    let table = table::rows(&results.summary);
    assert_eq!(table.columns[2].label, "payload");
    let points: Vec<String> = table.rows[..4].iter().map(|row| row[..3].join(" ")).collect();
    assert_eq!(
        points,
        [
            "short polling, 1 s 10 64 B",
            "short polling, 1 s 10 4 KiB",
            "short polling, 1 s 20 64 B",
            "short polling, 1 s 20 4 KiB"
        ]
    );
}

#[test]
fn what_was_not_measured_is_an_em_dash() {
    let scenario = scenario("[10]", "[256]", 1);
    let (_folder, results) = run(&scenario, |_, _| CellFixture { metrics: BTreeMap::new(), ..CellFixture::default() });
    for row in table::rows(&results.summary).rows {
        assert!(row[2..].iter().all(|cell| cell == "—"), "{row:?}");
    }
    let html = render(&results).unwrap().html;
    assert!(html.contains("<span>—</span>"));
}

fn text(table: &table::Table) -> String {
    let head: Vec<String> = table.columns.iter().map(|column| format!("{} {}", column.label, column.unit)).collect();
    let lines = std::iter::once(&head).chain(&table.rows).map(|row| row.join(" | "));
    lines.collect::<Vec<_>>().join("\n")
}

/// The report of a realistic run with few ages per second.
fn realistic_report(clients: &[u32], change: impl Fn(CellFixture) -> CellFixture) -> Report {
    report(&realistic::scenario(clients, 6), |contender, cell| change(realistic::fixture(contender, cell, 6, 60)))
}

#[test]
fn a_report_of_a_hundred_cells_stays_small() {
    let clients = [50, 100, 200, 500, 1000];
    let scenario = realistic::scenario(&clients, 30);
    let (_folder, results) = run(&scenario, |contender, cell| realistic::fixture(contender, cell, 30, 20));
    assert_eq!(results.cells.len(), 100);
    let html = render(&results).unwrap().html;
    assert!((100_000..2_000_000).contains(&html.len()), "{}", html.len());
}

#[test]
fn an_optional_column_appears_only_where_it_is_not_zero() {
    let heads = |metrics: &[(Metric, f64)]| {
        let (_folder, results) = run(&scenario("[10]", "[256]", 1), |contender, cell| {
            let mut fixture = known(contender, cell);
            fixture.metrics.extend(metrics.iter().copied());
            fixture
        });
        let columns = table::rows(&results.summary).columns;
        columns.into_iter().map(|column| column.label).collect::<Vec<_>>()
    };
    let plain = heads(&[(Metric::Reconnects, 0.0), (Metric::Publications, 0.0)]);
    assert_eq!(plain, heads(&[]));
    let chat = heads(&[(Metric::Publications, 50.0), (Metric::AckP50, 900.0), (Metric::RecoveryP50, 5e5)]);
    let added: Vec<&String> = chat.iter().filter(|label| !plain.contains(label)).collect();
    assert_eq!(added, ["recovery p50", "publications", "ack p50"]);
}
