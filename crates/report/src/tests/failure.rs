//! What the report says about failure and recovery.

use feedlab_experiment::scenario::{FaultKind, LinkFault, ProcessFault};

use super::*;
use crate::failure::{self, Failure};

fn failing(change: impl Fn(&Contender, CellFixture) -> CellFixture) -> Option<Failure> {
    let folder = tempfile::tempdir().unwrap();
    let fixture = |contender: &Contender, cell: &Cell| change(contender, failing::fixture(contender, cell));
    failure::of(&run::results_of(folder.path(), failing::scenario(failing::REPETITIONS), None, fixture))
}

#[test]
fn a_failing_run_has_its_figures_and_what_they_show() {
    let failure = failing(|_, fixture| fixture).unwrap();
    insta::assert_snapshot!(format!(
        "{}\n---\n{}\n---\n{}",
        failure.sentences.join("\n"),
        text(&failure.table),
        text(&failure.seen)
    ));
}

#[test]
fn a_run_without_failures_has_no_failure_section() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), known);
    assert!(failure::of(&results).is_none() && failure::findings(&results).is_empty());
    let html = render(&results).unwrap().html;
    assert!(!html.contains("Failure and recovery"));
}

#[test]
fn connections_that_broke_without_a_fault_are_reported_too() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 1), |contender, cell| {
        let mut fixture = known(contender, cell);
        fixture.metrics.extend([(Metric::Reconnects, 4.0), (Metric::UpdatesReplayed, 1.0)]);
        fixture
    });
    let failure = failure::of(&results).unwrap();
    assert_eq!(
        failure.sentences,
        ["No update was missed or duplicated, although clients lost connections: 4 updates that were due while \
             clients had no connection were replayed."]
    );
    assert!(failure.seen.rows.is_empty(), "no errors are listed");
}

#[test]
fn faults_without_an_effect_are_reported_as_such() {
    let failure = failing(|_, mut fixture| {
        fixture.metrics.retain(|metric, _| *metric == Metric::UpdatesMissed);
        fixture.metrics.insert(Metric::UpdatesMissed, 0.0);
        fixture.failures.clear();
        fixture
    });
    assert_eq!(failure.unwrap().sentences, ["No client lost a connection."]);
}

#[test]
fn a_feed_that_restarted_is_counted_and_not_reported_as_lossless() {
    let reset = |contender: &Contender, mut fixture: CellFixture| {
        if contender.transport() == Transport::WebSocket {
            fixture.failures.insert(feedlab_experiment::record::Failure::Reset, 4);
        }
        fixture
    };
    let failure = failing(reset).unwrap();
    let column =
        failure.seen.columns.iter().position(|column| column.label == "feed that started over").expect("a column");
    let seen: Vec<&str> = failure.seen.rows.iter().map(|row| &*row[column]).collect();
    assert!(seen.contains(&"12") && seen.contains(&"0"), "{seen:?}");
    let kept = failure.sentences.iter().find(|text| text.contains("No update was missed"));
    assert!(kept.is_none_or(|text| !text.contains("WebSocket") && !text.contains("although")), "{kept:?}");
}

#[test]
fn duplicated_updates_do_not_count_as_lossless() {
    let failure = failing(|_, mut fixture| {
        fixture.metrics.insert(Metric::UpdatesDuplicated, 2.0);
        fixture
    });
    let sentences = failure.unwrap().sentences;
    assert!(!sentences.iter().any(|text| text.contains("No update was missed")), "{sentences:?}");
    assert!(sentences.contains(&"Long polling received 6 updates more than once.".to_owned()), "{sentences:?}");
}

#[test]
fn the_response_that_ended_an_event_stream_is_named_only_if_it_is_unambiguous() {
    let first = |kinds: &[FaultKind]| {
        let mut scenario = failing::scenario(1);
        let first = scenario.faults[0];
        scenario.faults = kinds.iter().map(|&kind| feedlab_experiment::scenario::Fault { kind, ..first }).collect();
        let folder = tempfile::tempdir().unwrap();
        let results = run::results_of(folder.path(), scenario, None, failing::fixture);
        failure::findings(&results).swap_remove(0)
    };
    let one = "3 clients of SSE closed permanently, as the HTML standard requires of an EventSource after a response \
               with status 503";
    assert_eq!(first(&[FaultKind::Link(LinkFault::Status503), FaultKind::Link(LinkFault::Cut)]), one);
    let any = "any response other than an event stream with status 200";
    assert!(first(&[FaultKind::Link(LinkFault::Status503), FaultKind::Link(LinkFault::Status204)]).contains(any));
    assert!(
        first(&[FaultKind::Link(LinkFault::Status503), FaultKind::Process(ProcessFault::Kill)]).contains(any),
        "nginx may have answered for it"
    );
    assert!(first(&[FaultKind::Link(LinkFault::Cut)]).contains(any));
}

#[test]
fn a_ladder_and_slow_readers_are_reported() {
    let failure = failing(|contender, mut fixture| {
        if contender.transport() == Transport::Sse {
            fixture.metrics.extend([(Metric::Fallbacks, 12.0), (Metric::Climbs, 1.0)]);
        }
        fixture
    });
    let failure = failure.unwrap();
    let stepped = "Clients of SSE stepped down the fallback ladder 36 times and returned to its first rung 3 times.";
    assert!(failure.sentences.iter().any(|text| text == stepped), "{:?}", failure.sentences);
    let labels: Vec<&str> = failure.table.columns.iter().map(|column| column.label.as_str()).collect();
    assert!(labels.contains(&"fallbacks") && labels.contains(&"climbs") && labels.contains(&"slow disconnected"));
}

#[test]
fn an_invalid_run_shows_its_figures_and_draws_no_conclusion() {
    let failure = failing(|_, fixture| CellFixture { verdict: invalid(), ..fixture }).unwrap();
    assert!(failure.sentences.is_empty() && failure.table.rows.len() == 4);
}
