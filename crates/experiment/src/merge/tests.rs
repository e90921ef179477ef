use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::Metric;
use crate::fixture::{self, CellFixture};
use crate::plan::Cell;

const SECOND: u64 = 1_790_000_000_000_000;
const HOUR: u64 = 3_600_000_000;

/// Creates a run of the fixture that started in this hour.
fn run(out: &Path, hour: u64, repetitions: u32, found: impl Fn(&Cell) -> Option<CellFixture>) -> Results {
    let mut scenario = fixture::scenario();
    scenario.measure.repetitions = repetitions;
    fixture::run(out, &scenario, SECOND + hour * HOUR, found)
}

fn whole(cell: &Cell) -> Option<CellFixture> {
    let missed = f64::from(cell.repetition) / 3.0;
    let ages = vec![100 * u64::from(cell.repetition); 30];
    Some(CellFixture { ages, metrics: vec![(Metric::UpdatesMissed, missed)], ..CellFixture::default() })
}

fn now() -> SystemTime {
    humantime::parse_rfc3339("2026-12-24T18:00:00Z").unwrap()
}

/// Merges, finishes and reads back.
fn merged(out: &Path, first: &Results, others: &[Results]) -> Results {
    Results::read(&merge(first, others, out, now()).unwrap().finish().unwrap()).unwrap()
}

/// Returns the original run of a cell of a merged run, and the original cell.
fn origin<'a>(merged: &CellRecord, runs: &'a [&Results]) -> (&'a Results, &'a CellRecord) {
    let mut cells = runs.iter().flat_map(|run| run.cells.iter().map(move |cell| (*run, cell)));
    cells.find(|(_, cell)| cell.started_at == merged.started_at && cell.label == merged.label).unwrap()
}

#[test]
fn cells_seconds_and_histograms_are_copied_completely() {
    let out = tempfile::tempdir().unwrap();
    let (a, b) = (run(out.path(), 0, 2, whole), run(out.path(), 1, 3, whole));
    let all = merged(out.path(), &a, std::slice::from_ref(&b));
    assert_eq!(all.manifest.run, "20261224T180000Z-fixture");
    assert_eq!(all.manifest.merged_from, [a.manifest.run.clone(), b.manifest.run.clone()]);
    assert_eq!((all.manifest.cells_planned, all.manifest.cells_measured), (10, 10));
    assert_eq!(all.manifest.scenario.measure.repetitions, 5);
    assert_eq!(all.manifest.verdict, Verdict::default());
    assert_eq!(all.manifest.started, a.manifest.started);
    let ids: BTreeSet<&str> = all.cells.iter().map(|cell| cell.cell.as_str()).collect();
    let planned = plan::cells(&all.manifest.scenario);
    let sources = [&a, &b];
    assert_eq!(ids, planned.iter().map(|cell| cell.id.as_str()).collect(), "as if it had been planned");
    for cell in &all.cells {
        let (source, original) = origin(cell, &sources);
        let renumbered = CellRecord { cell: original.cell.clone(), repetition: original.repetition, ..cell.clone() };
        assert_eq!(&renumbered, original);
        assert_eq!(fs::read(all.hlog_path(cell)).unwrap(), fs::read(source.hlog_path(original)).unwrap());
        let seconds = |run: &Results, id: &str| run.seconds.iter().filter(|second| second.cell == id).count();
        assert_eq!((seconds(&all, &cell.cell), seconds(source, &original.cell)), (1, 1));
    }
    assert_eq!(all.seconds.len(), a.seconds.len() + b.seconds.len());
}

#[test]
fn the_scenario_file_is_that_of_the_first_run() {
    let out = tempfile::tempdir().unwrap();
    let (mut a, b) = (run(out.path(), 0, 1, whole), run(out.path(), 1, 1, whole));
    assert_eq!(merged(out.path(), &a, std::slice::from_ref(&b)).scenario_file, None, "made before it was kept");
    a.scenario_file = Some("schema = 1 # why\n".to_owned());
    assert_eq!(merged(out.path(), &a, &[b]).scenario_file, a.scenario_file);
}

#[test]
fn the_pooled_result_is_that_of_all_cells() {
    let out = tempfile::tempdir().unwrap();
    let (a, b) = (run(out.path(), 0, 1, whole), run(out.path(), 1, 2, whole));
    let all = merged(out.path(), &a, &[b]);
    let entry = &all.summary.contenders[0];
    let missed = entry.metrics[&Metric::UpdatesMissed];
    assert!((missed.value - (1.0 + 1.0 + 2.0) / 3.0).abs() < 1e-12, "{missed:?}");
    assert!(missed.low.is_some(), "what was one repetition has an interval now");
    assert_eq!(entry.metrics[&Metric::AgeP50].value, 100.0, "60 of 90 ages");
    assert_eq!(all.summary.verdict, all.manifest.verdict);
}

#[test]
fn a_merged_run_can_be_merged_again_and_names_the_measured_runs() {
    let out = tempfile::tempdir().unwrap();
    let (a, b, c) = (run(out.path(), 0, 1, whole), run(out.path(), 1, 1, whole), run(out.path(), 2, 1, whole));
    let ab = merged(out.path(), &a, std::slice::from_ref(&b));
    let all = merged(out.path(), &ab, std::slice::from_ref(&c));
    assert_eq!(all.manifest.run, "20261224T180000Z-fixture-2", "nothing is overwritten");
    assert_eq!(all.manifest.merged_from, [&a, &b, &c].map(|run| run.manifest.run.clone()));
    assert_eq!((all.cells.len(), all.manifest.scenario.measure.repetitions), (6, 3));
    let error = merge(&ab, &[b], out.path(), now()).unwrap_err();
    assert!(matches!(error, MergeError::Twice { .. }), "{error}");
}

#[test]
fn a_run_cannot_be_given_twice_and_an_error_leaves_no_folder() {
    let out = tempfile::tempdir().unwrap();
    let a = run(out.path(), 0, 1, whole);
    let other = Scenario { contenders: fixture::scenario().contenders[1..].to_vec(), ..fixture::scenario() };
    let other = fixture::run(out.path(), &other, SECOND + HOUR, whole);
    let mut unplanned = run(out.path(), 2, 1, whole);
    unplanned.cells[0].label = "carrier pigeon".to_owned();
    let mut out_of_bounds = run(out.path(), 3, 1, whole);
    out_of_bounds.cells[0].repetition = u32::MAX;
    let lossy = run(out.path(), 4, 1, whole);
    fs::remove_file(lossy.hlog_path(&lossy.cells[1])).unwrap();
    let folders = fs::read_dir(out.path()).unwrap().count();
    for (second, needle) in [
        (a.clone(), "give each run once"),
        (other, r#"the list of contenders is "SSE", "WebSocket" in A and "WebSocket" in B; merge runs of the same"#),
        (unplanned, "has a cell that is not in its scenario's plan"),
        (out_of_bounds, "has a cell that is not in its scenario's plan"),
        (lossy, "cannot read"),
    ] {
        let error = merge(&a, &[second], out.path(), now()).unwrap_err().to_string();
        assert!(error.contains(needle), "{error}");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), folders, "{needle}");
    }
}

#[test]
fn another_machine_makes_the_merged_run_suspect_and_keeps_it_so() {
    let out = tempfile::tempdir().unwrap();
    let (a, c) = (run(out.path(), 0, 1, whole), run(out.path(), 2, 1, whole));
    let mut b = run(out.path(), 1, 1, whole);
    b.manifest.machine.kernel = "6.1.0".to_owned();
    let suspect = merged(out.path(), &a, &[b]);
    assert_eq!(suspect.manifest.verdict.status, Status::Suspect);
    let what = &suspect.manifest.verdict.reasons[0].what;
    assert!(what.contains("kernel is ") && what.contains(&a.manifest.run) && what.contains("6.1.0 in 2"), "{what}");
    assert_eq!(merged(out.path(), &suspect, &[c]).manifest.verdict.status, Status::Suspect);
}

#[test]
fn an_interrupted_run_stays_incomplete_and_seeds_may_differ() {
    let out = tempfile::tempdir().unwrap();
    let a = run(out.path(), 0, 2, |cell| whole(cell).filter(|_| cell.repetition == 1));
    let seeded = Scenario { seed: 9, ..fixture::scenario() };
    let b = fixture::run(out.path(), &seeded, SECOND + HOUR, whole);
    let all = merged(out.path(), &a, &[b]);
    assert_eq!(all.manifest.verdict.reasons[0].what, "only 6 of 8 cells were measured");
    let repetitions: BTreeSet<u32> = all.cells.iter().map(|cell| cell.repetition).collect();
    assert_eq!(repetitions, [1, 3, 4].into(), "the gap of the run that was cut off stays");
}

/// With a precision, a run measures more repetitions than the scenario's fewest.
#[test]
fn a_run_with_a_precision_keeps_all_its_repetitions() {
    let out = tempfile::tempdir().unwrap();
    let (mut a, b) = (run(out.path(), 0, 3, whole), run(out.path(), 1, 2, whole));
    let scenario = &mut a.manifest.scenario;
    scenario.measure.repetitions = 2;
    scenario.precision = Some(crate::precision::Precision {
        goals: vec!["age_p50_us ± 5 %".parse().unwrap()],
        cap: std::time::Duration::from_secs(600),
    });
    let all = merged(out.path(), &a, std::slice::from_ref(&b));
    assert_eq!((all.cells.len(), all.manifest.scenario.measure.repetitions), (10, 5));
    assert_eq!(all.manifest.scenario.precision, None, "together they were not repeated until they were so precise");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn counts_and_ages_are_the_sums_of_the_parts(
        parts in prop::collection::vec((prop::collection::vec(0u64..10_000_000, 0..40), 0f64..1e9), 2..4)
    ) {
        let out = tempfile::tempdir().unwrap();
        let runs: Vec<Results> = (0..).zip(&parts).map(|(hour, (ages, missed))| {
            let metrics = vec![(Metric::UpdatesMissed, *missed)];
            run(out.path(), hour, 1, |_| Some(CellFixture { ages: ages.clone(), metrics: metrics.clone(), ..CellFixture::default() }))
        }).collect();
        let all = merged(out.path(), &runs[0], &runs[1..]);
        let of_sse = |run: &Results| run.cells.iter().filter(|c| c.label == "SSE").cloned().collect::<Vec<_>>();
        let mut sum = hlog::new_histogram();
        of_sse(&all).iter().for_each(|cell| sum.add(all.histogram(cell).unwrap()).unwrap());
        prop_assert_eq!(sum, fixture::histogram(parts.iter().flat_map(|part| part.0.iter().copied())));
        let figures: Vec<f64> = of_sse(&all).iter().map(|cell| cell.metrics[&Metric::UpdatesMissed]).collect();
        prop_assert_eq!(figures, parts.iter().map(|part| part.1).collect::<Vec<_>>(), "to the last digit");
    }
}
