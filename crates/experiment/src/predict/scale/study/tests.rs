use std::path::Path;
use std::time::Duration;

use super::*;
use crate::predict::scale::{Deploy, RateComparison, Storm};
use crate::scenario::Network;
use crate::scenario::Source;
use crate::summary::{Entry, Estimate};

fn scenario(feed: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"t\"\nfeed = {{ {feed} }}\nclients = {{ count = 50 }}\n\
         contender = [{{ transport = \"short-polling\" }}, {{ transport = \"sse\" }}]"
    );
    Scenario::parse(&text, Path::new("t.toml")).unwrap()
}

fn constant(rate: f64) -> Scenario {
    scenario(&format!("source = \"synthetic\", updates_per_s = {rate}"))
}

/// A poll costs 100 µs; an update costs 40 µs with 10 clients and 4 µs with 1,000.
fn reference() -> Reference {
    let entry = |label: &str, transport, clients, metrics: &[(Metric, f64)]| Entry {
        label: label.to_owned(),
        transport,
        target: None,
        clients,
        payload_bytes: None,
        metrics: metrics.iter().map(|&(metric, value)| (metric, Estimate { value, low: None, high: None })).collect(),
        predicted: None,
    };
    let memory = (Metric::ServerRssBytesPerConnection, 8192.0);
    let files = (Metric::ServerFdsPerConnection, 1.0);
    Reference {
        run: "20261121T120030Z-reference".to_owned(),
        machine: feedlab_feed::process::Machine::default(),
        contenders: vec![
            entry("polls", Transport::ShortPolling, 10, &[(Metric::ServerCpuPerRequest, 100.0), memory, files]),
            entry("SSE", Transport::Sse, 10, &[(Metric::ServerCpuPerUpdate, 40.0), memory, files]),
            entry("SSE", Transport::Sse, 1000, &[(Metric::ServerCpuPerUpdate, 4.0), memory]),
        ],
    }
}

fn study(scenario: &Scenario) -> Study {
    Study::new(scenario, &reference()).unwrap()
}

#[test]
fn needs_are_costs_times_traffic_and_the_scarcest_resource_sets_the_servers() {
    let study = study(&constant(10.0));
    let needs = study.needs(1e6, &Limits::default());
    let [polls, events] = &needs[..] else { panic!("{needs:?}") };
    assert!((polls.cores.unwrap() - 100.0).abs() < 1e-6, "a poll a second: {polls:?}");
    assert!((events.cores.unwrap() - 40.0).abs() < 1e-6, "as with 1,000 clients: {events:?}");
    assert_eq!((polls.requests_per_s, events.requests_per_s, events.updates_per_s), (1e6, 0.0, 1e7));
    assert_eq!(events.memory_bytes, Some(8192e6));
    assert_eq!(events.packets_per_s, 2e7, "an update and its acknowledgement");
    assert_eq!((events.servers, events.bound_by), ((2e7f64 / 3e5).ceil(), Resource::Packets));
    let roomy = Limits { packets_per_s: 1e12, bits_per_s: 1e15, ..Limits::default() };
    let events = &study.needs(1e6, &roomy)[1];
    assert_eq!((events.servers, events.bound_by), ((40.0f64 / 2.4).ceil(), Resource::Cpu));
    assert_eq!(study.needs(1.0, &Limits::default())[1].servers, 1.0);
}

#[test]
fn the_costs_of_a_target_are_not_those_of_feedlabs_server() {
    let target = "schema = 1\n[target.a]\nurl = \"http://127.0.0.1:1\"\nsse = \"/sse\"\npublish = { path = \"/pub\" }";
    let target = crate::scenario::Target::parse(target, Path::new("a.toml")).unwrap();
    let (of_target, _) = constant(10.0).with_target(target).unwrap();
    let error = Study::new(&of_target, &reference()).unwrap_err().to_string();
    assert!(error.starts_with("every contender of t measures a target"), "{error}");
    let mut foreign = reference();
    foreign.contenders.iter_mut().for_each(|entry| entry.target = Some("a".to_owned()));
    assert!(matches!(Study::new(&constant(10.0), &foreign), Err(ScaleError::NotMeasured { .. })));
}

#[test]
fn a_connection_takes_a_whole_descriptor() {
    let mut noisy = reference();
    let slope = Estimate { value: 0.9997, low: None, high: None };
    noisy.contenders[0].metrics.insert(Metric::ServerFdsPerConnection, slope);
    let needs = Study::new(&constant(10.0), &noisy).unwrap().needs(3_000.0, &Limits::default());
    assert_eq!(needs[0].descriptors, Some(3_000.0));
}

#[test]
fn clients_reconnect_within_their_jitter_or_at_their_next_poll() {
    let mut measured = reference();
    let cost = Estimate { value: 240.0, low: None, high: None };
    measured.contenders[1].metrics.insert(Metric::ServerCpuPerConnection, cost);
    let study = Study::new(&constant(10.0), &measured).unwrap();
    let limits = Limits { packets_per_s: 1e12, bits_per_s: 1e15, ..Limits::default() };
    let fleets = study.fleets(&study.needs(96_000.0, &limits), &limits);
    let [polls, events] = &fleets[..] else { panic!("{fleets:?}") };
    // 9.6 cores for the polls and 3.84 for the pushes: with 2.4 cores each, 4 and 2 servers.
    assert_eq!((polls.servers, events.servers), (4.0, 2.0));
    assert_eq!(polls.failover, Some(Storm { connections: 8_000.0, within_s: 1.0 }), "24,000 to three others");
    assert_eq!(events.all_at_once, Storm { connections: 48_000.0, within_s: 1.0 }, "2 s, and half of it as jitter");
    assert!((events.connects_per_s.unwrap() - 10_000.0).abs() < 1e-6, "2.4 cores at 240 µs");
    assert_eq!(polls.connects_per_s, None, "it was not measured");
    assert_eq!(events.deploy, Some(Deploy { in_place: 144_000.0, beside: 96_000.0 }));
    assert_eq!(events.broker.unwrap().messages_per_s, 20.0);
    let one = &study.fleets(&study.needs(10.0, &limits), &limits)[1];
    assert_eq!((one.broker, one.failover, one.deploy.unwrap().in_place), (None, None, 10.0));
}

#[test]
fn costs_are_interpolated_between_counts_and_cross_where_they_are_equal() {
    // A poll per second costs 100 µs; ten updates cost 400 µs with 10 clients and 40 µs with 1,000: the costs are equal
    // in between.
    let panels = study(&constant(10.0)).panels(1e5);
    assert_eq!(
        panels.iter().map(|panel| panel.unit).collect::<Vec<_>>(),
        [Unit::Cores, Unit::Bytes, Unit::BitsPerSecond]
    );
    let [crossing] = &panels[0].crossings[..] else { panic!("{:?}", panels[0].crossings) };
    assert!((10.0..1000.0).contains(&crossing.clients), "{crossing:?}");
    assert!((crossing.cost / (crossing.clients * 1e-4) - 1.0).abs() < 0.01, "{crossing:?}");
    assert_eq!(crossing.labels, ("short polling, 1 s".to_owned(), "SSE".to_owned()));
    for curve in panels.iter().flat_map(|panel| &panel.curves) {
        assert!(curve.points.windows(2).all(|pair| pair[0].0 < pair[1].0), "{curve:?}");
        assert_eq!((curve.points[0].0, curve.points.last().unwrap().0), (1.0, 1e5));
    }
    assert_eq!(panels[1].crossings, [], "the same memory");
}

#[test]
fn above_some_rate_polling_is_cheaper_than_a_push() {
    // CPU: a poll per second costs 100 µs, a push 4 µs: equal at 25 updates/s.
    let comparisons = study(&constant(10.0)).rate_comparisons(1e6).unwrap();
    let [RateComparison { crossings: cpu, .. }, RateComparison { crossings: wire, .. }] = &comparisons[..] else {
        panic!("{comparisons:?}")
    };
    assert_eq!(cpu.len(), 1, "{cpu:?}");
    assert!((cpu[0].updates_per_s - 25.0).abs() < 0.01, "{cpu:?}");
    assert_eq!(cpu[0].labels, ("SSE".to_owned(), "short polling, 1 s".to_owned()));
    assert_eq!(wire.len(), 1);
    assert!((1.0..10.0).contains(&wire[0].updates_per_s), "E03: {wire:?}");
}

/// Returns the rate at which a poll per second costs as much CPU as a push at 4 µs per update.
#[track_caller]
fn equal_at(scenario: &Scenario) -> f64 {
    let comparisons = study(scenario).rate_comparisons(1e6).expect("it is computed");
    assert!(comparisons.iter().all(|comparison| comparison.contenders == 2), "{comparisons:?}");
    let [crossing] = &comparisons[0].crossings[..] else { panic!("{comparisons:?}") };
    crossing.updates_per_s
}

#[test]
fn h2_bursts_and_recordings_have_crossings_too() {
    let burst = scenario("source = \"synthetic\", updates_per_s = 10, schedule = \"burst\", burst_size = 5");
    assert!((equal_at(&burst) - 25.0).abs() < 0.1, "{}", equal_at(&burst));
    let (_folder, recording) = recording();
    assert!((equal_at(&recording) - 25.0).abs() < 0.1, "{}", equal_at(&recording));
}

#[test]
fn h2_a_comparison_that_is_not_computed_is_none() {
    let published = scenario("source = \"clients\", updates_per_s = 10");
    let published = Study::new(&published, &reference()).unwrap();
    assert_eq!(published.rate_comparisons(1e6), None);
}

/// A recording with twenty updates within 2 s, and then none for 18 s.
fn recording() -> (tempfile::TempDir, Scenario) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feed.ndjson");
    let line = |index: u64| format!("{{\"at_ms\":{},\"data\":\"x\"}}\n", if index < 20 { index * 100 } else { 20_000 });
    std::fs::write(&file, (0..21).map(line).collect::<String>()).unwrap();
    let mut recorded = constant(10.0);
    recorded.feed.source = Source::Replay { file, speed: 1.0 };
    (folder, recorded)
}

#[test]
fn h3_every_contender_delivers_the_feeds_own_rate() {
    let text = "schema = 1\nname = \"t\"\nclients = { count = 50 }\nmeasure = { warm_up = \"1s\", duration = \"30s\" }\n\
                feed = { source = \"synthetic\", updates_per_s = 0.2, schedule = \"burst\", burst_size = 5 }\n\
                contender = [{ transport = \"short-polling\", interval = \"2s\" }, { transport = \"sse\" },\n\
                { transport = \"short-polling\", interval = \"5s\" }]";
    let mut bursts = Scenario::parse(text, Path::new("t.toml")).unwrap();
    let delivered = |scenario: &Scenario| -> Vec<f64> {
        study(scenario).needs(3_000.0, &Limits::default()).iter().map(|need| need.updates_per_s.round()).collect()
    };
    assert_eq!(delivered(&bursts), [600.0, 600.0, 600.0]);
    for seconds in [1, 7, 26, 49] {
        bursts.measure.duration = Duration::from_secs(seconds);
        assert_eq!(delivered(&bursts), [600.0, 600.0, 600.0], "{seconds} s");
    }
    let (_folder, recorded) = recording();
    bursts.feed.source = recorded.feed.source;
    assert_eq!(delivered(&bursts), [3_000.0, 3_000.0, 3_000.0], "21 updates, 20 intervals in 20 s");
}

#[test]
fn a_run_without_costs_of_a_contender_is_named() {
    let mut less = reference();
    less.contenders.truncate(1);
    let error = Study::new(&constant(10.0), &less).unwrap_err().to_string();
    assert!(error.starts_with("20261121T120030Z-reference did not measure server_cpu_us_per_update of SSE"), "{error}");
    assert!(!less.knows_all(&constant(10.0)));
    let mut missing = constant(10.0);
    missing.feed.source = Source::Replay { file: "no/such/file.ndjson".into(), speed: 1.0 };
    let error = Study::new(&missing, &reference());
    assert!(error.unwrap_err().to_string().contains("cannot be predicted"));
}

#[test]
fn every_assumption_is_listed() {
    let study = study(&constant(10.0));
    let all = study.assumptions().join("\n");
    for word in [
        "20261121T120030Z-reference",
        "10 and 1000 clients",
        "straight line",
        "loopback",
        "kernel's memory",
        "cost of a new connection was not",
        "NATS",
    ] {
        assert!(all.contains(word), "{word}: {all}");
    }
    let far = Some(Network { rtt: Duration::from_millis(100), ..Network::default() });
    assert!(Study::new(&Scenario { network: far, ..constant(10.0) }, &reference()).is_ok());
}

#[test]
fn the_newest_run_that_fits_is_found() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Reference::newest(folder.path(), &constant(10.0)), None);
    assert_eq!(Reference::newest(Path::new("no/such/folder"), &constant(10.0)), None);
    let text = serde_json::to_string(&reference()).unwrap();
    assert_eq!(serde_json::from_str::<Reference>(&text).unwrap(), reference());
}
