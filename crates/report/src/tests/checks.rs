//! The checks of thresholds.

use std::fmt::Write as _;

use super::*;
use crate::check::{self, CheckRow, Checks};

fn rows(rows: &[CheckRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let CheckRow { outcome, name, metric, required, readable, reference, band, measured } = row;
        let _ = write!(text, "{} | {name} | {metric} | {required}", outcome.text());
        let _ = write!(text, "{}", readable.as_ref().map_or(String::new(), |figure| format!(" ({figure})")));
        let _ = write!(text, " | {reference}{}", band.as_ref().map_or(String::new(), |band| format!(" ({band})")));
        let _ = writeln!(text, " | {measured}");
    }
    text
}

#[test]
fn every_threshold_has_a_row_per_contender_and_failed_ones_come_first() {
    let Checks { total, open, folded, folded_as } = check::of(&failing::results().1).unwrap();
    insta::assert_snapshot!(format!("{total}\n{}---\n{folded_as}\n{}", rows(&open), rows(&folded)));
}

/// The checks of the run with [`known`] figures and another threshold.
fn required(threshold: &str, repetitions: u32) -> Option<Checks> {
    let scenario = scenario("[10]", "[256]", repetitions);
    let scenario = scenario.replace("{ metric = \"updates_missed\", expect = \"== 0\" }", threshold);
    check::of(&run(&scenario, known).1)
}

#[test]
fn a_short_list_of_checks_is_not_folded() {
    let checks = required("{ metric = \"updates_missed\", expect = \"== 0\" }", 1).unwrap();
    assert_eq!((checks.total.as_str(), checks.open.len(), checks.folded.len()), ("All 4 checks passed.", 4, 0));
    let one = required("{ metric = \"requests\", expect = \"> 0\", transport = \"sse\" }", 1).unwrap();
    assert_eq!(one.total, "The one check failed.");
    assert!(required("", 1).is_none(), "no thresholds, no section");
}

#[test]
fn missing_measurements_and_predictions_are_stated() {
    let first = |threshold| rows(&required(threshold, 1).unwrap().open[..1]);
    assert_eq!(
        first("{ metric = \"recovery_p50_us\", expect = \"<= 2000\", transport = \"sse\" }"),
        "✗ failed | SSE | recovery p50 | <= 2000 (2 ms) | — | not measured\n"
    );
    assert_eq!(
        first("{ metric = \"age_p50_us\", expect = \"within 5% of predicted\", transport = \"sse\" }"),
        "✗ failed | SSE | age p50 | within 5% of predicted | no prediction | 400 µs\n"
    );
    assert_eq!(
        first("{ metric = \"age_p50_us\", expect = \"<= 1.5 x SSE\", transport = \"websocket\" }"),
        "✓ passed | WebSocket | age p50 | <= 1.5 x SSE | SSE: 400 µs | 500 µs\n"
    );
    assert_eq!(
        first("{ metric = \"recovery_p50_us\", expect = \"within 5% of SSE\", transport = \"websocket\" }"),
        "✗ failed | WebSocket | recovery p50 | within 5% of SSE | SSE: not measured | not measured\n"
    );
}

#[test]
fn an_invalid_run_is_not_judged() {
    let invalid_run = |contender: &Contender, cell: &Cell| CellFixture { verdict: invalid(), ..known(contender, cell) };
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), invalid_run);
    let checks = check::of(&results).unwrap();
    assert_eq!(checks.total, "The measurement is invalid, so none of its 4 checks is judged.");
    assert!(rows(&checks.open).lines().all(|line| line.starts_with("– not judged")));
}

#[test]
fn a_strip_places_a_figure_in_its_band() {
    let data = Dataset::new(&failing::results().1).unwrap();
    let text = data.strips.iter().map(|strip| {
        let place = strip.measured.map(|value| strip.place(value));
        format!(
            "{} {}, {}: {:.1?} at {place:.2?}",
            if strip.met { "✓" } else { "✗" },
            strip.name,
            strip.what(),
            strip.band
        )
    });
    insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"));
}

#[test]
fn strips_appear_only_where_a_threshold_sets_a_distance() {
    let report = render(&failing::results().1).unwrap();
    let (name, svg) = &report.charts[0];
    assert_eq!(name, "checks.svg");
    assert!(svg.contains("✗ failed") && svg.contains("✓ passed"), "results are words");
    assert!(svg.contains(">5 of 6 measured figures lie in their required bands: all except requests of long polling<"));
    assert_eq!(report.html.matches("<figure").count(), 6);
    let plain = super::report(&scenario("[10]", "[256]", 1), known);
    assert!(plain.charts.iter().all(|(name, _)| name != "checks.svg"));
    assert!(plain.html.contains("All 4 checks passed."));
}

/// The title and the SVG of the strips of a run in which each age is `age`, compared with a predicted one of 500 ms.
fn strip(age: u64) -> (String, String) {
    let scenario = scenario("[10, 20]", "[256]", 1);
    let threshold = "{ metric = \"age_p50_us\", expect = \"within 10% of predicted\", transport = \"sse\" }";
    let scenario = scenario.replace("{ metric = \"updates_missed\", expect = \"== 0\" }", threshold);
    let report = report(&scenario, |contender, cell| {
        let metrics = [(Metric::AgeP50, 500_000.0)].into();
        let predicted = Some(Predicted { metrics, ..Predicted::default() });
        CellFixture { ages: vec![vec![age; 100]; 6], predicted, ..known(contender, cell) }
    });
    let svg = &report.charts[0].1;
    let title = svg.split_once("-t\">").unwrap().1.split_once('<').unwrap().0.to_owned();
    (title, svg.clone())
}

#[test]
fn a_figure_far_outside_its_band_is_still_drawn_and_a_sweep_names_its_points() {
    let (title, svg) = strip(5_000_000);
    assert_eq!(title, "No measured figure lies in its required band");
    assert!(svg.contains("SSE, 10 clients · age p50") && svg.contains("SSE, 20 clients · age p50"));
    assert!(svg.contains("band 450 … 550 ms") && svg.contains("✗ failed"));
    assert_eq!(strip(510_000).0, "Both measured figures lie in their required bands");
}
