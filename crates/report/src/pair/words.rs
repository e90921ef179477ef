//! What the comparison of two runs shows, in sentences.

use feedlab_experiment::compare::{Comparison, Finding, MetricComparison, Point};
use feedlab_experiment::verdict::Status;

use super::{TOLERANCE, count, is_invalid};
use crate::{difference, human, wording};

/// With fewer repetitions than this, only large changes show.
const ENOUGH: usize = 5;

/// Returns the answer in one sentence.
pub(crate) fn headline(comparison: &Comparison) -> String {
    if is_invalid(comparison) {
        return "One of the two runs is invalid, so they show nothing about a change.".to_owned();
    }
    let answer = answer(comparison);
    let is_suspect = [&comparison.a, &comparison.b].iter().any(|side| side.verdict.status == Status::Suspect);
    if is_suspect { format!("{answer} However, a measurement is suspect: see the verdicts.") } else { answer }
}

/// Returns how many figures became better and worse.
fn answer(comparison: &Comparison) -> String {
    let figures = |finding| wording::counted(count(comparison, &[finding]) as f64, "figure", "figures");
    let beyond = human::percent(TOLERANCE);
    match (count(comparison, &[Finding::Regression]), count(comparison, &[Finding::Better])) {
        (0, 0) => format!("B is neither better nor worse than A by more than {beyond} and more than chance."),
        (0, _) => {
            format!("B is better than A in {}, by more than {beyond}, and worse in none.", figures(Finding::Better))
        }
        (_, 0) => format!("B is worse than A in {}, by more than {beyond}.", figures(Finding::Regression)),
        _ => format!(
            "B is worse than A in {} and better in {}, by more than {beyond}.",
            figures(Finding::Regression),
            figures(Finding::Better)
        ),
    }
}

/// Returns a sentence for each figure that changed beyond the tolerance, those for the worse first; none if a run is
/// invalid.
pub(crate) fn sentences(comparison: &Comparison) -> Vec<String> {
    let with = |finding| {
        let of = move |point| rows(point).filter(move |(_, row)| row.finding == finding);
        comparison.points.iter().flat_map(of).map(|(point, row)| sentence(point, row))
    };
    let all = [Finding::Regression, Finding::Better, Finding::Changed].into_iter().flat_map(with);
    if is_invalid(comparison) { Vec::new() } else { all.collect() }
}

fn rows(point: &Point) -> impl Iterator<Item = (&Point, &MetricComparison)> {
    point.rows.iter().map(move |row| (point, row))
}

fn sentence(point: &Point, row: &MetricComparison) -> String {
    let reading = difference::reading(row, TOLERANCE).replace("REGRESSION", "worse");
    format!("{}, {}: {reading}.", point.name, row.metric.row().label)
}

/// Returns what limits the comparison because of few repetitions.
pub(crate) fn certainty(comparison: &Comparison) -> Option<String> {
    match comparison.fewest_repetitions() {
        0 | 1 => Some(
            "One of the runs measured each cell once, so there is no interval: times, memory and CPU are shown but not \
             judged, and bytes and counts are judged by their values alone."
                .to_owned(),
        ),
        few if few < ENOUGH => Some(format!(
            "With {} repetitions the intervals are wide, and only large changes show.",
            human::word(few)
        )),
        _ => None,
    }
}
