//! What the report says of failure and recovery.

use feedlab_experiment::scenario::{FaultKind, LinkFault, ProcessFault};

use super::*;
use crate::failure::{self, Failure};

fn failing(change: impl Fn(&Contender, Found) -> Found) -> Option<Failure> {
    let folder = tempfile::tempdir().unwrap();
    let found = |contender: &Contender, cell: &Cell| change(contender, failing::found(contender, cell));
    failure::of(&run::results_of(folder.path(), failing::scenario(failing::REPETITIONS), None, found))
}

#[test]
fn a_failing_run_has_its_figures_and_what_they_show() {
    let failure = failing(|_, found| found).unwrap();
    insta::assert_snapshot!(format!(
        "{}\n---\n{}\n---\n{}",
        failure.sentences.join("\n"),
        text(&failure.table),
        text(&failure.seen)
    ));
}

#[test]
fn a_run_in_which_nothing_breaks_has_no_word_of_it() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), known);
    assert!(failure::of(&results).is_none() && failure::findings(&results).is_empty());
    let html = render(&results).unwrap().html;
    assert!(!html.contains("Failure and recovery"));
}

#[test]
fn connections_that_broke_unasked_are_told_all_the_same() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), |contender, cell| {
        let mut found = known(contender, cell);
        found.metrics.extend([(Metric::Reconnects, 4.0), (Metric::UpdatesReplayed, 1.0)]);
        found
    });
    let failure = failure::of(&results).unwrap();
    assert_eq!(
        failure.sentences,
        [
            "Nothing was missed and nothing came twice, whoever was cut off: 4 updates that fell due while clients had no \
          connection were replayed."
        ]
    );
    assert!(failure.seen.rows.is_empty(), "nothing is said to have gone wrong");
}

#[test]
fn faults_that_nobody_felt_are_said_to_be_so() {
    let failure = failing(|_, mut found| {
        found.metrics.retain(|metric, _| *metric == Metric::UpdatesMissed);
        found.metrics.insert(Metric::UpdatesMissed, 0.0);
        found.failures.clear();
        found
    });
    assert_eq!(failure.unwrap().sentences, ["No client lost a connection."]);
}

#[test]
fn d1_a_feed_that_began_anew_is_seen_and_nobody_is_said_to_have_missed_nothing() {
    let reset = |contender: &Contender, mut found: Found| {
        if contender.transport() == Transport::WebSocket {
            found.failures.insert(feedlab_experiment::record::Failure::Reset, 4);
        }
        found
    };
    let failure = failing(reset).unwrap();
    let column =
        failure.seen.columns.iter().position(|column| column.label == "feed that began again").expect("a column");
    let seen: Vec<&str> = failure.seen.rows.iter().map(|row| &*row[column]).collect();
    assert!(seen.contains(&"12") && seen.contains(&"0"), "{seen:?}");
    let kept = failure.sentences.iter().find(|text| text.contains("Nothing was missed"));
    assert!(kept.is_none_or(|text| !text.contains("WebSocket") && !text.contains("whoever")), "{kept:?}");
}

#[test]
fn what_came_twice_is_not_called_kept() {
    let failure = failing(|_, mut found| {
        found.metrics.insert(Metric::UpdatesDuplicated, 2.0);
        found
    });
    let sentences = failure.unwrap().sentences;
    assert!(!sentences.iter().any(|text| text.contains("Nothing was missed")), "{sentences:?}");
    assert!(sentences.contains(&"Long polling: 6 came twice.".to_owned()), "{sentences:?}");
}

#[test]
fn why_an_event_stream_ended_is_told_only_where_the_scenario_leaves_one_answer() {
    let told = |kinds: &[FaultKind]| {
        let mut scenario = failing::scenario(1);
        let first = scenario.faults[0];
        scenario.faults = kinds.iter().map(|&kind| feedlab_experiment::scenario::Fault { kind, ..first }).collect();
        let folder = tempfile::tempdir().unwrap();
        let results = run::results_of(folder.path(), scenario, None, failing::found);
        failure::findings(&results).swap_remove(0)
    };
    let one = "3 clients of SSE closed permanently, as a status of 503 requires of an EventSource";
    assert_eq!(told(&[FaultKind::Link(LinkFault::Status503), FaultKind::Link(LinkFault::Cut)]), one);
    let any = "any answer but an event stream with status 200";
    assert!(told(&[FaultKind::Link(LinkFault::Status503), FaultKind::Link(LinkFault::Status204)]).contains(any));
    assert!(
        told(&[FaultKind::Link(LinkFault::Status503), FaultKind::Process(ProcessFault::Kill)]).contains(any),
        "nginx may have answered for it"
    );
    assert!(told(&[FaultKind::Link(LinkFault::Cut)]).contains(any));
}

#[test]
fn a_ladder_and_slow_readers_are_told() {
    let failure = failing(|contender, mut found| {
        if contender.transport() == Transport::Sse {
            found.metrics.extend([(Metric::Fallbacks, 12.0), (Metric::Climbs, 1.0)]);
        }
        found
    });
    let failure = failure.unwrap();
    let stepped = "Clients of SSE stepped down their ladder 36 times, and came back to its first rung 3 times.";
    assert!(failure.sentences.iter().any(|text| text == stepped), "{:?}", failure.sentences);
    let labels: Vec<&str> = failure.table.columns.iter().map(|column| column.label.as_str()).collect();
    assert!(labels.contains(&"fallbacks") && labels.contains(&"climbs") && labels.contains(&"slow disconnected"));
}

#[test]
fn a_void_run_shows_its_figures_and_draws_no_conclusion() {
    let failure = failing(|_, found| Found { verdict: invalid(), ..found }).unwrap();
    assert!(failure.sentences.is_empty() && failure.table.rows.len() == 4);
}
