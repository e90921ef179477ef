use feedlab_experiment::Metric;
use feedlab_experiment::compare::Finding;
use feedlab_experiment::verdict::{Reason, Verdict};

use super::*;

fn row(metric: Metric, a: f64, b: f64, interval: Option<(f64, f64)>, finding: Finding) -> MetricComparison {
    let (low, high) = interval.unzip();
    let difference = Some(b - a);
    MetricComparison { metric, a: Some(a), b: Some(b), difference, low, high, per_repetition: false, finding }
}

fn rows() -> Vec<MetricComparison> {
    use Finding::{Better, Changed, NoDifferenceShown, NotMeasured, Regression, WithinTolerance};
    let absent = row(Metric::RecoveryP50, 1.0, 1.0, None, NotMeasured);
    vec![
        row(Metric::AgeP50, 470.0, 470.0, Some((0.0, 0.0)), NoDifferenceShown),
        row(Metric::AgeP99, 5_000.0, 5_300.0, Some((-400.0, 1_000.0)), NoDifferenceShown),
        row(Metric::UpdatesMissed, 0.0, 3.0, Some((1.0, 5.0)), Regression),
        MetricComparison { per_repetition: true, ..row(Metric::Requests, 20.0, 25.0, Some((4.0, 6.0)), Changed) },
        row(Metric::SocketBytesPerUpdate, 294.0, 300.0, Some((5.0, 7.0)), WithinTolerance),
        row(Metric::WireBytesPerUpdate, 400.0, 500.0, Some((90.0, 110.0)), Regression),
        row(Metric::ServerCpuPerUpdate, 20.0, 16.0, Some((-5.0, -3.0)), Better),
        row(Metric::OpenP50, 500.0, 600.0, None, Regression),
        MetricComparison { a: None, difference: None, ..absent.clone() },
        MetricComparison { b: None, difference: None, ..absent },
    ]
}

fn comparison() -> Comparison {
    let side = |run: &str| Side { run: run.to_owned(), verdict: Verdict::default() };
    let point = Point {
        name: "SSE, 50 clients".to_owned(),
        label: "SSE".to_owned(),
        clients: 50,
        payload_bytes: None,
        repetitions: (5, 3),
        rows: rows(),
    };
    let setting = |name: &str, a: &str, b: &str| Setting { name: name.to_owned(), a: a.to_owned(), b: b.to_owned() };
    Comparison {
        schema: 1,
        scenario: "ticker".to_owned(),
        a: side("20261121T120030Z-ticker"),
        b: side("20261122T093011Z-ticker"),
        tolerance: 0.05,
        environment: vec![setting("git revision", "0123abc", "4567def"), setting("cores", "2", "not known")],
        only_in_one: vec!["WebSocket, 50 clients (A)".to_owned()],
        points: vec![point],
    }
}

#[test]
fn a_comparison_ends_with_the_regressions() {
    insta::assert_snapshot!(text(&comparison()));
}

#[test]
fn an_invalid_run_is_reported_first_and_last() {
    let mut void = comparison();
    void.points[0].rows.truncate(1);
    void.points[0].repetitions = (1, 1);
    (void.environment, void.only_in_one) = (Vec::new(), Vec::new());
    void.b.verdict.add(Reason::new(Status::Invalid, "timers were up to 300 ms late", "use fewer clients"));
    insta::assert_snapshot!(text(&void));
}

#[test]
fn the_json_has_the_figures_and_the_sentence_of_each() {
    let value = json(&comparison()).unwrap();
    assert_eq!(
        value["points"][0]["rows"][1],
        json!({
            "metric": "age_p99_us", "a": 5000.0, "b": 5300.0, "difference": 300.0, "low": -400.0, "high": 1000.0,
            "per_repetition": false, "finding": "no_difference_shown",
            "sentence": "SSE, 50 clients: age_p99_us: no difference shown, B is 0.3 ms slower (−0.4 … 1)",
        })
    );
    assert_eq!(value["environment"][0], json!({ "name": "git revision", "a": "0123abc", "b": "4567def" }));
}

#[test]
fn a_decrease_is_a_positive_figure_with_a_mirrored_interval() {
    let fell = row(Metric::AgeP99, 1_000.0, 700.0, Some((-400.0, 100.0)), Finding::NoDifferenceShown);
    assert_eq!(reading(&fell, 0.05), "no difference shown, B is 300 µs faster (−100 … 400)");
}
