use std::path::Path;
use std::time::Duration;

use super::model::{Arrivals, Sizes, Span};
use super::*;
use crate::fixture;
use crate::scenario::{Fault, FaultKind, LinkFault, Network, Options, Source};

mod churn;
mod lab;
mod link;

/// Returns a feed with a measured time from 1 s to `end`, and 30 s after it.
pub(super) fn feed(arrivals: Arrivals, end: f64) -> FeedModel {
    let measured = Span { from: 1.0, to: end };
    let whole = Span { from: 0.0, to: end + 30.0 };
    FeedModel {
        arrivals,
        measured,
        scale: 1.0,
        whole,
        whole_updates: 1000.0,
        due: Vec::new(),
        updates: 1000.0,
        sizes: Sizes::default(),
    }
}

/// Returns a contender with these options.
pub(super) fn contender(options: Options) -> Contender {
    Contender::new("contender", options)
}

fn scenario(feed: &str, contenders: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"t\"\nfeed = {{ {feed} }}\nclients = {{ count = [10, 100] }}\n\
         measure = {{ warm_up = \"1s\", duration = \"20s\", repetitions = 3 }}\ncontender = [{contenders}]"
    );
    Scenario::parse(&text, Path::new("t.toml")).unwrap()
}

const ALL: &str = "{ transport = \"short-polling\" }, { transport = \"long-polling\" }, { transport = \"sse\" }, \
                   { transport = \"websocket\" }";

fn value(predictions: &[Prediction], index: usize, metric: Metric) -> f64 {
    predictions[index].predicted.metrics[&metric]
}

#[test]
fn nothing_is_predicted_for_a_target() {
    let text = "schema = 1\nname = \"t\"\nfeed = { source = \"synthetic\", updates_per_s = 10 }\nclients = { count = 10 }\n\
                contender = [{ transport = \"sse\" }, { transport = \"sse\", target = \"a\" }]\n[target.a]\n\
                url = \"http://127.0.0.1:1\"\nsse = \"/sse\"\npublish = { path = \"/pub\" }";
    let scenario = Scenario::parse(text, Path::new("t.toml")).unwrap();
    let labels: Vec<_> = of(&scenario).into_iter().map(|prediction| prediction.label).collect();
    assert_eq!(labels, ["SSE"]);
    let mut entries = [fixture::entry(&[]), Entry { label: "SSE, a".to_owned(), ..fixture::entry(&[]) }];
    entries.iter_mut().for_each(|entry| entry.clients = 10);
    fill(&scenario, &mut entries);
    assert!(entries[0].predicted.is_some() && entries[1].predicted.is_none());
}

#[test]
fn every_result_of_a_scenario_is_predicted_and_sums_grow_with_clients_and_repetitions() {
    let scenario = scenario("source = \"synthetic\", updates_per_s = 10, payload_bytes = [64, 1024]", ALL);
    let all = of(&scenario);
    assert_eq!(all.len(), 4 * 2 * 2);
    assert_eq!((all[0].clients, all[0].payload_bytes), (10, Some(64)));
    assert_eq!(value(&all, 0, Metric::UpdatesPublished), 3.0 * 200.0);
    assert_eq!(value(&all, 0, Metric::Requests), 3.0 * 20.0 * 10.0);
    assert_eq!(value(&all, 2, Metric::Requests), 3.0 * 20.0 * 100.0);
    assert_eq!(value(&all, 4, Metric::Requests), 3.0 * 200.0 * 10.0, "long polling: each update is an answer");
    assert_eq!(value(&all, 8, Metric::Requests), 0.0, "streams send no requests");
    assert_eq!(value(&all, 8, Metric::ConnectionsOpened), 3.0 * 10.0);
    for prediction in &all {
        let metrics = &prediction.predicted.metrics;
        let parts = [
            Metric::PayloadBytesPerUpdate,
            Metric::HeaderBytesPerUpdate,
            Metric::FramingBytesPerUpdate,
            Metric::KeepaliveBytesPerUpdate,
        ];
        let sum: f64 = parts.iter().map(|part| metrics[part]).sum();
        assert!((sum - metrics[&Metric::SocketBytesPerUpdate]).abs() < 1e-6, "{prediction:?}");
        assert!(metrics[&Metric::WireBytesPerUpdate] > sum);
        assert!(!prediction.predicted.assumptions.is_empty());
    }
}

#[test]
fn predictions_are_set_in_their_entries() {
    let scenario = fixture::scenario();
    let mut entries = [fixture::entry(&[])];
    fill(&scenario, &mut entries);
    let whole = entries[0].predicted.clone().unwrap();
    assert_eq!(whole.metrics[&Metric::UpdatesPublished], 200.0);
    fill_measured(&scenario, &[fixture::cell(1, &[])], &mut entries);
    let half = entries[0].predicted.clone().unwrap();
    assert_eq!(half.metrics[&Metric::UpdatesPublished], 100.0, "one of two repetitions was measured");
    assert_eq!(half.metrics[&Metric::PacketsPerUpdate], whole.metrics[&Metric::PacketsPerUpdate]);
    entries[0].clients = 7;
    fill(&scenario, &mut entries);
    assert_eq!(entries[0].predicted, Some(half), "another point is left alone");
}

#[test]
fn an_unknown_feed_is_not_predicted() {
    let mut missing = scenario("source = \"host\"", ALL);
    assert_eq!(of(&missing).len(), 8);
    missing.feed.source = Source::Replay { file: "no/such/file.ndjson".into(), speed: 1.0 };
    assert_eq!(of(&missing), []);
}

#[test]
fn a_poisson_feed_has_the_updates_of_its_seed() {
    let scenario = scenario("source = \"synthetic\", updates_per_s = 10, schedule = \"poisson\"", ALL);
    let all = of(&scenario);
    let due = |seed| {
        let times = feedlab_feed::schedule::Schedule::Poisson { seed }.due_times(10.0).map(|due| due.as_secs_f64());
        times.take_while(|time| *time < 21.0).filter(|time| *time >= 1.0).count() as f64
    };
    let expected: f64 = (scenario.seed..scenario.seed + 3).map(due).sum();
    assert!((value(&all, 0, Metric::UpdatesPublished) - expected).abs() < 1e-6);
    assert!(
        (value(&all, 2, Metric::Requests) / 10.0 - expected).abs() < 1e-3,
        "long polling sends one request per update"
    );
}

#[test]
fn no_scenario_is_too_large_or_too_small() {
    for feed in [
        "source = \"synthetic\", updates_per_s = 1e300",
        "source = \"synthetic\", updates_per_s = 1e18",
        "source = \"synthetic\", updates_per_s = 1e-300",
        "source = \"synthetic\", updates_per_s = 1e-9, schedule = \"poisson\"",
        "source = \"synthetic\", updates_per_s = 1e9, schedule = \"poisson\"",
        "source = \"synthetic\", updates_per_s = 1e9, schedule = \"burst\", burst_size = 100000",
        "source = \"synthetic\", updates_per_s = 1e-9, schedule = \"burst\"",
    ] {
        for (rtt, lab) in [0, 1, 10_000].into_iter().flat_map(|rtt| [(rtt, false), (rtt, true)]) {
            let rtt = Duration::from_millis(rtt);
            let mut scenario = scenario(feed, ALL);
            scenario.network = Some(Network { rtt, ..Network::default() });
            if lab {
                let at = Duration::from_secs(1);
                scenario.network = Some(Network { rtt, jitter: rtt / 7, ..Network::default() });
                scenario.faults = vec![Fault {
                    kind: FaultKind::Link(LinkFault::Cut),
                    at,
                    every: Some(at / 2),
                    length: Duration::ZERO,
                    share: 0.5,
                    node: 1,
                }];
                scenario.contenders.iter_mut().for_each(|contender| contender.reconnect.with_cursor = rtt.is_zero());
            }
            for prediction in of(&scenario) {
                let figures =
                    prediction.predicted.metrics.values().chain(prediction.predicted.ages.iter().map(|(_, age)| age));
                assert!(figures.clone().all(|value| value.is_finite() && *value >= 0.0), "{feed} {prediction:?}");
            }
        }
    }
}

#[test]
fn a_stall_ages_updates_unless_ages_count_from_publication() {
    let mut scenario = scenario("source = \"synthetic\", updates_per_s = 100", "{ transport = \"sse\" }");
    scenario.feed.stall =
        Some(crate::scenario::Stall { after: Duration::from_secs(5), length: Duration::from_secs(2) });
    let due = of(&scenario);
    // A tenth of the updates waits for up to 2 s: the 99th percentile is nine tenths of that.
    assert_eq!(value(&due, 0, Metric::AgeP50), 0.0);
    assert!((value(&due, 0, Metric::AgeP99) / 1.8e6 - 1.0).abs() < 0.01, "{}", value(&due, 0, Metric::AgeP99));
    scenario.contenders[0].age_from = AgeFrom::Publication;
    assert_eq!(value(&of(&scenario), 0, Metric::AgeP99), 0.0);
}
