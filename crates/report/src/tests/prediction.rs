//! Predictions compared with measurements.

use super::*;
use crate::prediction::{self, PredictionCell};

/// The figures of one contender of a [`varied`] run with the given predictions.
fn figures(predicted: &[(Metric, f64)], verdict: &Verdict) -> Vec<PredictionCell> {
    let metrics: BTreeMap<Metric, f64> = predicted.iter().copied().collect();
    let (_folder, results) = run(&scenario("[10]", "[256]", 2), |contender, cell| {
        let predicted = Predicted { metrics: metrics.clone(), ..Predicted::default() };
        CellFixture { predicted: Some(predicted), verdict: verdict.clone(), ..varied(contender, cell) }
    });
    let tables = prediction::of(&results.summary).unwrap().tables;
    tables.into_iter().flat_map(|mut table| table.rows.swap_remove(0).cells).collect()
}

fn texts(figure: &PredictionCell) -> (&str, &str, Option<&str>) {
    (&figure.measured, &figure.predicted, figure.deviation.as_deref())
}

#[test]
fn a_figure_shows_its_deviation_from_the_prediction() {
    let found = figures(
        &[
            (Metric::AgeP50, 500_000.0),
            (Metric::AgeP99, 40.0),
            (Metric::Requests, 121.0),
            (Metric::RequestsEmpty, 0.0),
            (Metric::SocketBytesPerUpdate, 300.0),
            (Metric::WireBytesPerUpdate, 90.0),
        ],
        &Verdict::default(),
    );
    let found: Vec<_> = found.iter().map(texts).collect();
    assert_eq!(
        found,
        [
            ("510 ms", "predicted 500 ms", Some("+2 %")),
            ("1.01 s", "predicted 40 µs", Some("the machine's own time")),
            ("122", "predicted 121", Some("differs by less than 1")),
            ("30.5", "predicted 0", Some("outside 2 %")),
            ("406 B", "predicted 300 B", Some("+35 %, outside 2 %")),
            ("—", "predicted 90 B", None),
        ]
    );
}

#[test]
fn what_is_invalid_is_not_judged() {
    let far = [(Metric::SocketBytesPerUpdate, 300.0)];
    assert!(figures(&far, &Verdict::default())[0].is_outside);
    let invalid_run = &figures(&far, &invalid())[0];
    assert_eq!((invalid_run.is_outside, invalid_run.deviation.as_deref()), (false, Some("+35 %")));
}

#[test]
fn a_prediction_inside_a_wide_interval_is_labeled_so() {
    let found = figures(&[(Metric::AgeMean, 509_000.0), (Metric::SocketBytesPerUpdate, 396.5)], &Verdict::default());
    assert!(!found[0].is_outside);
    let wide = run(&scenario("[10]", "[256]", 2), |contender, cell| {
        let mut found = known(contender, cell);
        found.metrics.insert(Metric::SocketBytesPerUpdate, if cell.repetition == 1 { 280.0 } else { 340.0 });
        let metrics = [(Metric::SocketBytesPerUpdate, 300.0)].into();
        CellFixture { predicted: Some(Predicted { metrics, ..Predicted::default() }), ..found }
    });
    let tables = prediction::of(&wide.1.summary).unwrap().tables;
    let deviation = tables[0].rows[0].cells[0].deviation.as_deref();
    assert_eq!(deviation, Some("+3.3 %, outside 2 % but inside the interval"));
}

#[test]
fn a_run_without_predictions_does_not_mention_them() {
    let report = report(&scenario("[10]", "[256]", 1), known);
    assert!(!report.html.contains("redicted and measured") && !report.html.contains("predicted by arithmetic"));
    assert!(!report.html.contains("arithmetic of the transports"));
}

#[test]
fn each_assumption_is_listed_once() {
    let html = realistic_report(&[10, 20], |found| found).html.replace('\u{a0}', " ");
    assert_eq!(html.matches("independent of the polls").count(), 1);
    assert!(html.matches("machine&#39;s own time").count() > 10, "{}", html.matches("machine").count());
    assert!(html.contains("<code>idle_bytes_per_client_min</code>"), "the glossary has what the tables have");
    assert!(html.contains("long polling, hold 25 s, 20 clients"), "rows of a sweep have distinct names");
}

#[test]
fn the_sentence_names_the_worst_figure_and_its_contender() {
    let sentence = |scale: f64| {
        let (_folder, results) = run(&scenario("[10]", "[256]", 2), |contender, cell| {
            let mut found = varied(contender, cell);
            let metrics = found.metrics.iter().map(|(&metric, &value)| (metric, value)).collect();
            let mut predicted = Predicted { metrics, ..Predicted::default() };
            let (age, scale) = match contender.transport() {
                Transport::ShortPolling => (500_000.0, scale),
                _ => (0.0, 1.0),
            };
            predicted.metrics.entry(Metric::SocketBytesPerUpdate).and_modify(|bytes| *bytes *= scale);
            predicted.metrics.insert(Metric::AgeP50, age);
            predicted.metrics.retain(|metric, _| *metric != Metric::Requests && *metric != Metric::RequestsEmpty);
            found.predicted = Some(predicted);
            found
        });
        prediction::sentence(&results.summary.contenders).unwrap()
    };
    assert_eq!(
        sentence(1.0),
        "the arithmetic of the transports predicts ages within 2.1 %, bytes and packets within 0.5 % and memory within \
         0.5 %"
    );
    assert_eq!(
        sentence(2.0),
        "the arithmetic of the transports predicts ages within 2.1 % and memory within 0.5 %; for bytes and \
         packets, 1 of 8 figures is more than 2 % off (worst: socket bytes per update of short polling, −50 %)"
    );
}

#[test]
fn failures_and_connections_have_separate_tables() {
    let tables = prediction::of(&failing::results().1.summary).unwrap().tables;
    let titles: Vec<_> = tables.iter().map(|table| (table.title, table.columns.join(", "))).collect();
    assert_eq!(
        titles,
        [
            ("Ages, requests and connections", "age p50, requests".to_owned()),
            ("Connections", "connect p50, open p50".to_owned()),
            ("Failure and recovery", "missed, recovery p50".to_owned()),
        ]
    );
    let opened: Vec<_> = tables[1].rows.iter().map(|row| texts(&row.cells[1])).collect();
    assert_eq!(opened[0], ("101 ms", "predicted 100 ms", Some("+0.7 %")));
    assert_eq!(opened[3], ("152 ms", "predicted 100 ms", Some("+52 %, outside 5 %")), "TLS is not predicted");
    let quiet = run(&scenario("[10]", "[256]", 1), |contender, cell| {
        let metrics = [(Metric::UpdatesMissed, 0.0), (Metric::UpdatesReplayed, 0.0)].into();
        CellFixture { predicted: Some(Predicted { metrics, ..Predicted::default() }), ..known(contender, cell) }
    });
    assert!(prediction::of(&quiet.1.summary).is_none(), "predictions that nothing breaks are not shown");
    assert_eq!(prediction::sentence(&quiet.1.summary.contenders), None);
}

#[test]
fn figures_in_one_clause_share_a_tolerance() {
    let metrics: Vec<(Metric, f64)> =
        [Metric::Requests, Metric::AckP50, Metric::SocketBytesUpPerPublication].map(|metric| (metric, 1e6)).to_vec();
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), |contender, cell| {
        let mut found = known(contender, cell);
        found.metrics.extend(metrics.iter().map(|(metric, value)| (*metric, value * 1.03)));
        let predicted = Predicted { metrics: metrics.iter().copied().collect(), ..Predicted::default() };
        CellFixture { predicted: Some(predicted), ..found }
    });
    let sentence = prediction::sentence(&results.summary.contenders).unwrap();
    let expected = "predicts acknowledgements within 3 %; for requests, 4 of 4 figures are more than 2 % off";
    assert!(sentence.contains(expected), "{sentence}");
}
