//! Contenders that lost updates or clients are named first and not ranked by age.

use super::*;
use crate::{failure, finding};

/// 19 of 20 clients of the event streams closed permanently and missed most of the updates: the ages of the remaining
/// client are the smallest of all.
fn survivors(contender: &Contender, cell: &Cell) -> CellFixture {
    let mut fixture = known(contender, cell);
    if contender.transport() == Transport::Sse {
        fixture.ages = vec![vec![100; 5]; 6];
        fixture.metrics.extend([
            (Metric::UpdatesReceived, 30.0),
            (Metric::UpdatesMissed, 570.0),
            (Metric::ClientsGaveUp, 19.0),
            (Metric::RecoveryP50, 1.0),
        ]);
    } else {
        fixture.metrics.insert(Metric::RecoveryP50, 500.0);
    }
    fixture
}

fn survived() -> (tempfile::TempDir, Results) {
    run(&scenario("[20]", "[256]", 1), survivors)
}

#[test]
fn the_first_sentence_names_contenders_that_lost_updates_or_clients() {
    let (_folder, results) = survived();
    let headline = render(&results).unwrap().headline;
    let first = headline.split_once(". ").expect("more than one sentence").0;
    assert_eq!(first, "SSE missed 570 of 600 updates, and 19 of 20 clients gave up");
}

#[test]
fn a_contender_that_lost_updates_is_not_ranked_by_age() {
    let (_folder, results) = survived();
    let data = Dataset::new(&results).unwrap();
    let finding = finding::of(&results, &data);
    assert!(
        finding.headline.contains("SSE is not ranked by age because it lost updates or clients"),
        "{}",
        finding.headline
    );
    let all = format!("{}\n{}", finding.headline, finding.more.join("\n"));
    assert!(!all.contains("100 µs") && !all.contains("0.1 ms"), "the survivor's age: {all}");
    assert!(!all.contains("1 µs"), "the survivor's recovery: {all}");
    let failure = failure::of(&results).unwrap();
    assert!(!failure.sentences.iter().any(|sentence| sentence.contains("median time") && sentence.contains("SSE")));
    let report = render(&results).unwrap();
    let age = &report.charts.iter().find(|(name, _)| name == "age-ecdf.svg").unwrap().1;
    assert!(age.contains("its line shows only the"), "the chart says so too");
}

#[test]
fn the_table_has_a_column_for_clients_that_gave_up() {
    let (_folder, results) = survived();
    let table = table::rows(&results.summary);
    let column = table.columns.iter().position(|column| column.label == "gave up").expect("it has a place");
    assert_eq!(table.rows.iter().map(|row| &*row[column]).collect::<Vec<_>>(), ["—", "—", "19", "—"]);
}

#[test]
fn no_contender_is_ranked_where_each_lost_updates() {
    let (_folder, results) = run(&scenario("[20]", "[256]", 1), |contender, cell| {
        let mut fixture = known(contender, cell);
        fixture.metrics.insert(Metric::UpdatesMissed, 1.0);
        fixture
    });
    let headline = render(&results).unwrap().headline;
    assert!(
        headline.ends_with("No contender is ranked by age: updates or clients were lost over every transport."),
        "{headline}"
    );
}
