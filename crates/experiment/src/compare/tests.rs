use super::*;
use crate::Scenario;
use crate::fixture::{self, CellFixture};
use crate::plan::Cell;

const SECOND: u64 = 1_790_000_000_000_000;
const SOCKET: Metric = Metric::SocketBytesPerUpdate;

/// Creates a run of the fixture with a number of repetitions.
fn run(repetitions: u32, found: impl Fn(&Cell) -> Option<CellFixture>) -> (tempfile::TempDir, Results) {
    let out = tempfile::tempdir().unwrap();
    let mut scenario = fixture::scenario();
    scenario.measure.repetitions = repetitions;
    let results = fixture::run(out.path(), &scenario, SECOND, found);
    (out, results)
}

/// Returns socket bytes that vary around `center` from repetition to repetition.
fn scattered(center: f64) -> impl Fn(&Cell) -> Option<CellFixture> {
    move |cell| {
        let scatter = f64::from(cell.repetition % 3) - 1.0;
        let metrics = vec![(SOCKET, center + scatter), (Metric::UpdatesMissed, 2.0), (Metric::Requests, center)];
        Some(CellFixture { ages: vec![400; 100], metrics, ..CellFixture::default() })
    }
}

/// Returns the comparison of one metric at the first point.
fn row(a: &Results, b: &Results, metric: Metric) -> MetricComparison {
    let mut comparison = compare(a, b, &[metric], 0.05).unwrap();
    comparison.points.remove(0).rows.remove(0)
}

#[test]
fn a_run_shows_no_difference_to_itself() {
    let (_folder, run) = run(3, scattered(100.0));
    let comparison = compare(&run, &run, &[], 0.0).unwrap();
    assert_eq!((comparison.points.len(), comparison.environment.len()), (2, 0));
    assert_eq!(comparison.points[0].name, "SSE, 50 clients");
    let rows = &comparison.points[0].rows;
    assert_eq!(rows.iter().map(|row| row.metric).collect::<Vec<_>>(), [Metric::AgeP50, Metric::UpdatesMissed, SOCKET]);
    assert!(rows.iter().all(|row| row.finding == Finding::NoDifferenceShown), "{rows:?}");
    assert_eq!(comparison.regressions().count(), 0);
}

#[test]
fn worse_beyond_tolerance_and_chance_is_a_regression() {
    let (_a, a) = run(6, scattered(100.0));
    for (center, finding) in [
        (100.1, Finding::NoDifferenceShown), // within the scatter
        (103.0, Finding::WithinTolerance),
        (120.0, Finding::Regression),
        (80.0, Finding::Better),
    ] {
        let (_b, b) = run(6, scattered(center));
        let row = row(&a, &b, SOCKET);
        assert_eq!(row.finding, finding, "{row:?}");
        let (low, value, high) = (row.low.unwrap(), row.difference.unwrap(), row.high.unwrap());
        assert!(low <= value && value <= high && (value - (center - 100.0)).abs() < 1e-9, "{row:?}");
    }
    let (_b, b) = run(6, scattered(120.0));
    assert_eq!(row(&a, &b, Metric::Requests).finding, Finding::Changed, "asking more often is neither");
    let names: Vec<_> = compare(&a, &b, &[SOCKET], 0.05).unwrap().regressions().map(|r| r.0.name.clone()).collect();
    assert_eq!(names, ["SSE, 50 clients", "WebSocket, 50 clients"]);
    assert_eq!(compare(&a, &b, &[SOCKET], 0.25).unwrap().regressions().count(), 0, "as much is tolerated");
}

#[test]
fn a_large_random_difference_is_no_regression() {
    let one_bad = |cell: &Cell| {
        let missed = if cell.repetition == 3 { 9.0 } else { 0.0 };
        Some(CellFixture { metrics: vec![(Metric::UpdatesMissed, missed)], ..CellFixture::default() })
    };
    let none = |_: &Cell| Some(CellFixture { metrics: vec![(Metric::UpdatesMissed, 0.0)], ..CellFixture::default() });
    let ((_a, a), (_b, b)) = (run(3, none), run(3, one_bad));
    let row = row(&a, &b, Metric::UpdatesMissed);
    assert_eq!((row.difference, row.finding), (Some(9.0), Finding::NoDifferenceShown));
    assert!(row.low.is_some_and(|low| low < 0.0), "{row:?}");
}

#[test]
fn one_repetition_is_compared_by_its_value_alone() {
    let ((_a, a), (_b, b)) = (run(1, scattered(100.0)), run(1, scattered(110.0)));
    let row = row(&a, &b, SOCKET);
    assert_eq!((row.low, row.high, row.finding), (None, None, Finding::Regression));
    let (_c, c) = run(2, scattered(100.0));
    let fewest = |a, b| compare(a, b, &[], 0.05).unwrap().fewest_repetitions();
    assert_eq!([fewest(&a, &b), fewest(&a, &c), fewest(&c, &c)], [1, 1, 2], "both sides need two");
}

#[test]
fn from_zero_every_change_exceeds_the_tolerance() {
    let missed = |count: f64| {
        move |_: &Cell| Some(CellFixture { metrics: vec![(Metric::UpdatesMissed, count)], ..CellFixture::default() })
    };
    let ((_a, a), (_b, b)) = (run(2, missed(0.0)), run(2, missed(1.0)));
    assert_eq!(row(&a, &b, Metric::UpdatesMissed).finding, Finding::Regression);
    assert_eq!(row(&b, &a, Metric::UpdatesMissed).finding, Finding::Better);
}

#[test]
fn sums_of_different_numbers_of_repetitions_are_compared_by_their_means() {
    let ((_a, a), (_b, b)) = (run(2, scattered(100.0)), run(6, scattered(100.0)));
    let sum = row(&a, &b, Metric::UpdatesMissed);
    assert!(sum.per_repetition && sum.a == Some(2.0) && sum.b.is_some_and(|b| (b - 2.0).abs() < 1e-9), "{sum:?}");
    assert_eq!(sum.finding, Finding::NoDifferenceShown);
    let same = row(&a, &a, Metric::UpdatesMissed);
    assert_eq!((same.a, same.per_repetition), (Some(4.0), false), "as in summary.json");
    assert!(!row(&a, &b, SOCKET).per_repetition);
    let environment = compare(&a, &b, &[], 0.05).unwrap().environment;
    assert!(environment.iter().any(|setting| setting.name == "repetitions"), "{environment:?}");
}

#[test]
fn points_of_only_one_run_are_listed_and_the_rest_compared() {
    let cut_off = |cell: &Cell| scattered(100.0)(cell).filter(|_| cell.contender == 0);
    let ((_a, a), (_b, b)) = (run(1, scattered(100.0)), run(1, cut_off));
    let comparison = compare(&a, &b, &[], 0.05).unwrap();
    assert_eq!((comparison.points.len(), comparison.only_in_one), (1, vec!["WebSocket, 50 clients (A)".to_owned()]));
    let (_c, c) = run(1, |cell| scattered(100.0)(cell).filter(|_| cell.contender == 1));
    let error = compare(&b, &c, &[], 0.05).unwrap_err();
    assert!(error.to_string().contains("no cell in common"), "{error}");
}

#[test]
fn a_requested_but_unmeasured_metric_has_an_empty_row() {
    let (_folder, run) = run(1, scattered(100.0));
    let row = row(&run, &run, Metric::RecoveryP50);
    assert_eq!((row.a, row.b, row.difference, row.finding), (None, None, None, Finding::NotMeasured));
}

#[test]
fn different_scenarios_are_reported_with_their_differences() {
    let (_a, a) = run(1, scattered(100.0));
    let out = tempfile::tempdir().unwrap();
    let other = Scenario { contenders: fixture::scenario().contenders[..1].to_vec(), ..fixture::scenario() };
    let b = fixture::run(out.path(), &other, SECOND, scattered(100.0));
    let error = compare(&a, &b, &[], 0.05).unwrap_err().to_string();
    assert!(error.contains(r#"the list of contenders is "SSE", "WebSocket" in A and "SSE" in B; give two"#), "{error}");
}

#[test]
fn a_missing_histogram_is_named() {
    let (_folder, run) = run(1, scattered(100.0));
    let file = run.folder.join("histograms/01-sse-c50-r1.hlog");
    std::fs::remove_file(&file).unwrap();
    let error = compare(&run, &run, &[], 0.05).unwrap_err().to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
}
