//! Who lost updates or clients is told first, and ranked by age beside nobody.

use super::*;
use crate::{failure, finding};

/// Of the event streams 19 of 20 clients closed permanently and took most of the updates with them: the ages of the one that
/// is left are the smallest of all.
fn survivors(contender: &Contender, cell: &Cell) -> Found {
    let mut found = known(contender, cell);
    if contender.transport() == Transport::Sse {
        found.ages = vec![vec![100; 5]; 6];
        found.metrics.extend([
            (Metric::UpdatesReceived, 30.0),
            (Metric::UpdatesMissed, 570.0),
            (Metric::ClientsGaveUp, 19.0),
            (Metric::RecoveryP50, 1.0),
        ]);
    } else {
        found.metrics.insert(Metric::RecoveryP50, 500.0);
    }
    found
}

fn survived() -> (tempfile::TempDir, Results) {
    run(&scenario("[20]", "[256]", 1), survivors)
}

#[test]
fn h4_the_first_sentence_says_who_lost_updates_and_who_gave_up() {
    let (_folder, results) = survived();
    let headline = render(&results).unwrap().headline;
    let first = headline.split_once(". ").expect("more than one sentence").0;
    assert_eq!(first, "SSE missed 570 of 600 updates: 19 of 20 clients gave up");
}

#[test]
fn h4_whoever_lost_updates_is_ranked_by_age_beside_nobody() {
    let (_folder, results) = survived();
    let data = Dataset::new(&results).unwrap();
    let finding = finding::of(&results, &data);
    assert!(finding.headline.contains("SSE is not ranked by age, for not everything arrived"), "{}", finding.headline);
    let all = format!("{}\n{}", finding.headline, finding.more.join("\n"));
    assert!(!all.contains("100 µs") && !all.contains("0.1 ms"), "the survivor's age: {all}");
    assert!(!all.contains("1 µs"), "the survivor's recovery: {all}");
    let failure = failure::of(&results).unwrap();
    assert!(!failure.sentences.iter().any(|sentence| sentence.contains("took") && sentence.contains("SSE")));
    let report = render(&results).unwrap();
    let age = &report.charts.iter().find(|(name, _)| name == "age-ecdf.svg").unwrap().1;
    assert!(age.contains("its line shows only what"), "the picture says so, too");
}

#[test]
fn h4_the_table_has_a_row_for_those_who_gave_up() {
    let (_folder, results) = survived();
    let table = table::rows(&results.summary);
    let column = table.columns.iter().position(|column| column.label == "gave up").expect("it has a place");
    assert_eq!(table.rows.iter().map(|row| &*row[column]).collect::<Vec<_>>(), ["—", "—", "19", "—"]);
}

#[test]
fn h4_where_everybody_lost_something_nobody_is_ranked() {
    let (_folder, results) = run(&scenario("[20]", "[256]", 1), |contender, cell| {
        let mut found = known(contender, cell);
        found.metrics.insert(Metric::UpdatesMissed, 1.0);
        found
    });
    let headline = render(&results).unwrap().headline;
    assert!(
        headline.ends_with("Nobody is ranked by age, for not everything arrived over any transport."),
        "{headline}"
    );
}
