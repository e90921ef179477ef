//! Compares dropped connections with a simulation of one stream, and tests which streams are not dropped.

use std::path::Path;

use feedlab_feed::schedule::Schedule;

use super::super::super::tests::feed;
use super::super::super::transport;
use super::*;
use crate::Scenario;

fn scenario(network: &str, contender: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"t\"\nfeed = {{ source = \"synthetic\", updates_per_s = 0.25 }}\nclients = {{ count = 10 }}\n\
         measure = {{ duration = \"60s\" }}\nnetwork = {{ {network} }}\ncontender = [{{ {contender} }}]"
    );
    Scenario::parse(&text, Path::new("t.toml")).unwrap()
}

fn ends_of(scenario: &Scenario) -> IdleEffect {
    let contender = &scenario.contenders[0];
    IdleEffect::of(&Case::new(scenario, contender, 1), &*transport::of(&contender.options))
}

fn ends(contender: &str) -> IdleEffect {
    let scenario = scenario("idle_timeout = \"2s\"", contender);
    ends_of(&scenario)
}

#[test]
fn a_keepalive_shorter_than_the_timeout_keeps_a_stream_open() {
    assert_eq!(ends("transport = \"sse\", keepalive = \"1s\""), IdleEffect::Never);
    assert_eq!(ends("transport = \"sse\", keepalive = \"15s\""), IdleEffect::WhenIdle);
    assert_eq!(ends("transport = \"websocket\", keepalive = \"1m\""), IdleEffect::WhenIdle);
    assert_eq!(
        ends("transport = \"websocket\", keepalive = \"15s\""),
        IdleEffect::Perhaps,
        "a ping is in some silences"
    );
    assert_eq!(ends("transport = \"sse\", keepalive = \"2s\""), IdleEffect::Perhaps, "they race");
    assert_eq!(ends("transport = \"long-polling\", hold = \"1s\""), IdleEffect::Never);
    assert_eq!(ends("transport = \"long-polling\", hold = \"25s\""), IdleEffect::Perhaps);
    assert_eq!(ends("transport = \"short-polling\", interval = \"1s\""), IdleEffect::Never);
    let often = scenario("idle_timeout = \"5s\"", "transport = \"sse\"");
    assert_eq!(ends_of(&often), IdleEffect::BeforeTheFeed, "an update each 4 s");
}

/// Simulates how many connections of one client end per second, if it is disconnected for `away` s each time.
fn simulated(due: &[f64], timeout: f64, away: f64, end: f64) -> f64 {
    let (mut last, mut drops, mut index) = (0.0, 0.0, 0);
    while last < end {
        match due.get(index) {
            Some(due) if *due <= last + timeout => (last, index) = (last.max(*due), index + 1),
            _ => (last, drops) = (last + timeout + away, drops + 1.0),
        }
    }
    drops / end
}

#[test]
fn an_idle_stream_ends_as_often_as_in_the_simulation() {
    let wait = Wait { least: 1.0, spread: 0.0, more: 0.0 };
    let path = NetworkPath::default();
    for (rate, timeout) in [(0.25, 2.0), (1.0, 2.0), (0.05, 2.0)] {
        let feed = feed(Arrivals::Poisson(rate), 101.0);
        let found = drops(timeout, &wait, &feed, &path).unwrap() / 100.0;
        let due: Vec<f64> =
            Schedule::Poisson { seed: 2 }.due_times(rate).take(50_000).map(|due| due.as_secs_f64()).collect();
        let expected = simulated(&due, timeout, 1.0, due[due.len() - 1]);
        assert!((found / expected - 1.0).abs() < 0.03, "λ={rate}: {found} {expected}");
    }
    for (period, timeout) in [(4.0, 2.0), (10.0, 2.0), (7.0, 2.0)] {
        let feed = feed(Arrivals::Constant(period), 101.0);
        let found = drops(timeout, &wait, &feed, &path).unwrap() / 100.0;
        let due: Vec<f64> = (0..10_000).map(|i| f64::from(i) * period).collect();
        let expected = simulated(&due, timeout, 1.0, due[due.len() - 1]);
        assert!((found / expected - 1.0).abs() < 0.01, "p={period}: {found} {expected}");
    }
    assert_eq!(
        drops(2.0, &wait, &feed(Arrivals::Constant(8.0), 101.0), &path),
        Err(NotPredicted::Chance),
        "just when it is back"
    );
}
