//! Tests of the goals, the looks and the reasons.

use std::convert::Infallible;
use std::path::Path;

use super::*;
use crate::record::CellRecord;
use crate::statistics::SAMPLES_BEYOND;
use crate::{Metric, Scenario, fixture};

mod coverage;

const METRIC: Metric = Metric::SocketBytesPerUpdate;

fn scenario(precision: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"precise\"\nfeed = {{ source = \"synthetic\", updates_per_s = 10 }}\n\
         clients = {{ count = 50 }}\nmeasure = {{ duration = \"1s\", {precision} }}\n\
         contender = [{{ transport = \"sse\" }}, {{ transport = \"websocket\" }}]\n"
    );
    Scenario::parse(&text, Path::new("precise.toml")).unwrap()
}

/// Cells of the first contender, in the order of their values.
fn cells(metric: Metric, values: &[f64]) -> Vec<CellRecord> {
    let cell = |(number, value): (u32, &f64)| {
        let cell = fixture::cell(number, &[(metric, *value)]);
        CellRecord { started_at: cell.started_at + u64::from(number), ..cell }
    };
    (1..).zip(values).map(cell).collect()
}

fn looked(scenario: &Scenario, cells: &[CellRecord], when: When) -> Vec<Look> {
    let precision = scenario.precision.as_ref().unwrap();
    look(scenario, precision, cells, when, |_| Ok::<_, Infallible>(fixture::histogram([]))).unwrap()
}

/// Twelve values that scatter by about 1%, without an order, times a factor.
fn steady(count: usize, scatter: f64) -> Vec<f64> {
    let order = [3.0, -5.0, 1.0, 6.0, -2.0, -6.0, 4.0, 0.0, -4.0, 5.0, 2.0, -3.0, -1.0];
    (0..count).map(|n| 1000.0 + scatter * order[n % order.len()]).collect()
}

fn kind(look: &Look) -> Option<Kind> {
    match &look.progress {
        Progress::Obstructed(obstacle) => Some(obstacle.kind),
        _ => None,
    }
}

const ASKED: &str = r#"precision = "socket_bytes_per_update ± 2 %", cap = "30m""#;

#[test]
fn a_narrow_interval_ends_a_point_after_enough_repetitions() {
    let scenario = scenario(ASKED);
    let at = |count| looked(&scenario, &cells(METRIC, &steady(count, 1.0)), When::Between).remove(0);
    assert!(matches!(at(11).progress, Progress::Open { .. }), "{:?}", at(11));
    let done = at(12);
    assert_eq!(done.progress, Progress::Narrow);
    assert!(done.share().unwrap() < 0.005, "{done:?}");
    assert!(next_round(&scenario, &[done]).is_empty());
}

#[test]
fn a_single_narrow_look_is_not_enough() {
    let scenario = scenario(ASKED);
    let mut values = steady(12, 4.0);
    let narrow = |values: &[f64]| looked(&scenario, &cells(METRIC, values), When::Between).remove(0);
    assert_eq!(narrow(&values).progress, Progress::Narrow);
    // With an outlier in the tenth, the looks before the last two were wide.
    values[9] = 1200.0;
    values.extend([1000.0; 60]);
    let first = (12..values.len()).find(|&count| {
        let estimate = crate::statistics::Sample::new(cells(METRIC, &values[..count]).iter().collect(), &[])
            .stopping_estimate(METRIC, scenario.seed)
            .unwrap();
        estimate.high.unwrap() - estimate.value <= 0.02 * estimate.value
    });
    let first = first.unwrap();
    let at = |count: usize| narrow(&values[..count]).progress;
    assert!(matches!(at(first), Progress::Open { .. }) && matches!(at(first + 1), Progress::Open { .. }));
    assert_eq!(at(first + 2), Progress::Narrow);
}

#[test]
fn an_open_point_is_repeated_and_says_how_often() {
    let scenario = scenario(ASKED);
    let looks = looked(&scenario, &cells(METRIC, &steady(12, 20.0)), When::Between);
    let Progress::Open { needed: Some(needed) } = looks[0].progress else { panic!("{looks:?}") };
    // Standard deviation 80 of 1000, so that 2% takes about (2 × 80 / 20)² = 64 repetitions.
    assert!((55..=95).contains(&needed), "{needed}");
    let round = next_round(&scenario, &looks);
    assert_eq!(round.iter().map(|cell| cell.id.as_str()).collect::<Vec<_>>(), ["01-sse-c50-r13"]);
    let text = widest(&looks).unwrap();
    assert!(
        text.starts_with("socket_bytes_per_update of SSE, 50 clients is ± ") && text.contains("(asked: ± 2 %)"),
        "{text}"
    );
}

#[test]
fn what_never_settles_is_named_with_its_figure_and_the_remedy() {
    let scenario = scenario(ASKED);
    let rising: Vec<f64> = steady(12, 1.0).iter().zip(0..).map(|(value, n)| value + 20.0 * f64::from(n)).collect();
    let waves: Vec<f64> =
        (0..24).map(|n| 1000.0 + 90.0 * (f64::from(n) * std::f64::consts::TAU / 12.0).sin()).collect();
    for (values, expected, figure) in
        [(&rising, Kind::Drift, "it rises by 19.7 % of its median over 12"), (&waves, Kind::Dependence, "lag 1: 0.")]
    {
        let looks = looked(&scenario, &cells(METRIC, values), When::Between);
        assert_eq!(kind(&looks[0]), Some(expected), "{looks:?}");
        assert!(next_round(&scenario, &looks).is_empty());
        let reason = reasons(&outcomes(looks)).remove(0);
        assert!(
            reason.what.contains("± 2 % cannot be measured here, because ") && reason.what.contains(figure),
            "{reason:?}"
        );
        assert!(reason.advice.contains("`measure."), "{reason:?}");
    }
}

#[test]
fn the_cap_and_an_interruption_are_reasons_too() {
    let scenario = scenario(ASKED);
    let wide = cells(METRIC, &steady(13, 20.0));
    for (when, expected, words) in [
        (When::AtCap, Kind::Cap, "the cap is reached, and it is ± "),
        (When::Stopped, Kind::Stopped, "the run was stopped"),
    ] {
        let outcomes = outcomes(looked(&scenario, &wide, when));
        let obstacle = outcomes[0].obstacle.clone().unwrap();
        assert_eq!(obstacle.kind, expected);
        assert!(obstacle.what.contains(words) && obstacle.what.contains("repetitions are needed"), "{obstacle:?}");
        assert!(lines(&outcomes)[0].contains("reached for 0 of 1"), "{:?}", lines(&outcomes));
    }
    let one = outcomes(looked(&scenario, &wide[..1], When::Stopped));
    assert_eq!(one[0].obstacle.as_ref().unwrap().what, "the run was stopped, and it has no interval");
}

#[test]
fn a_percentile_needs_enough_updates_and_a_metric_must_be_measured() {
    let few = scenario(r#"precision = "age_p999_us ± 5 %", cap = "20m""#);
    let metrics = [(Metric::UpdatesReceived, 20.0)];
    let cells: Vec<_> = (1..=12).map(|number| fixture::cell(number, &metrics)).collect();
    let looks = looked(&few, &cells, When::Between);
    let Progress::Obstructed(obstacle) = &looks[0].progress else { panic!("{looks:?}") };
    assert_eq!(obstacle.kind, Kind::FewEvents);
    assert!(obstacle.what.contains("only 240 updates, and it needs 10000"), "{obstacle:?} {SAMPLES_BEYOND}");
    let absent = scenario(r#"precision = "recovery_p50_us ± 5 %""#);
    assert_eq!(kind(&looked(&absent, &cells, When::Between)[0]), Some(Kind::NotMeasured));
}

#[test]
fn a_tail_that_is_mostly_the_generators_own_delay_is_not_measured() {
    let scenario = scenario(r#"precision = "age_p99_us ± 5 %""#);
    let with_lag = |lag: f64| -> Vec<CellRecord> {
        let metrics =
            [(Metric::ScheduleLagP99, lag), (Metric::PublishLagP99, 100.0), (Metric::UpdatesReceived, 2000.0)];
        (1..=12).map(|number| fixture::cell(number, &metrics)).collect()
    };
    let looks = |lag| {
        let precision = scenario.precision.as_ref().unwrap();
        let ages = |_: &CellRecord| Ok::<_, Infallible>(fixture::histogram(vec![10_000; 2000]));
        look(&scenario, precision, &with_lag(lag), When::Between, ages).unwrap()
    };
    assert_eq!(looks(4_000.0)[0].progress, Progress::Narrow);
    let Progress::Obstructed(obstacle) = &looks(9_000.0)[0].progress else { panic!("{:?}", looks(9_000.0)) };
    assert_eq!(obstacle.kind, Kind::Generator);
    assert!(obstacle.what.contains("schedule_lag_p99_us") && obstacle.what.contains("is 7.0 ms"), "{obstacle:?}");
}

#[test]
fn the_summary_shows_the_interval_that_may_be_looked_at_repeatedly() {
    let scenario = scenario(ASKED);
    let outcomes = outcomes(looked(&scenario, &cells(METRIC, &steady(12, 4.0)), When::AtCap));
    let plain = crate::summary::Estimate { value: 1000.0, low: Some(999.0), high: Some(1001.0) };
    let mut entries = vec![fixture::entry(&[(METRIC, 1000.0)])];
    entries[0].metrics.insert(METRIC, plain);
    outcomes[0].put_into(&mut entries);
    assert_eq!(Some(entries[0].metrics[&METRIC]), outcomes[0].estimate);
    let json = serde_json::to_value(&outcomes[0]).unwrap();
    assert_eq!((&json["metric"], &json["asked"]), (&"socket_bytes_per_update".into(), &0.02.into()));
    assert_eq!(serde_json::from_value::<Outcome>(json).unwrap(), outcomes[0]);
}

#[test]
fn a_scenario_names_its_goals_and_its_cap() {
    let one = scenario(r#"precision = "age_p99_us ± 5 %""#);
    let Precision { goals, cap } = one.precision.clone().unwrap();
    assert_eq!(goals, [Goal { metric: Metric::AgeP99, share: 0.05 }]);
    assert_eq!((one.measure.repetitions, cap), (FEWEST, USUAL_CAP));
    let two = scenario(r#"precision = ["age_p99_us +- 5%", "age_p50_us ± 1 %"], repetitions = 100"#);
    let Precision { goals, cap } = two.precision.clone().unwrap();
    assert_eq!((goals.len(), two.measure.repetitions), (2, 100));
    assert_eq!(cap, 3 * crate::plan::duration(&two), "the first repetitions alone take longer than a third");
    let json = serde_json::to_string(&two).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), two, "a manifest reads back");
    assert!(!serde_json::to_string(&fixture::scenario()).unwrap().contains("precision"));
}
