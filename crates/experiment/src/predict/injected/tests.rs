//! Each pathology, computed by hand.

use std::path::Path;

use crate::predict;
use crate::{Metric, Scenario};

/// Predicts p50, p99 and max of the ages in ms over each transport, for an update every 10 ms over 20 s, on a path of
/// 10 ms each way.
fn ages(more: &str, feed: &str) -> Vec<[f64; 3]> {
    let text = format!(
        "schema = 1\nname = \"t\"\nclients = {{ count = 10 }}\nmeasure = {{ warm_up = \"1s\", duration = \"20s\" }}\n\
         contender = [{{ transport = \"sse\" }}, {{ transport = \"websocket\" }}, {{ transport = \"long-polling\" }}, \
         {{ transport = \"short-polling\", interval = \"100ms\" }}]\n\
         feed = {{ source = \"synthetic\", {feed} }}\n{more}"
    );
    let scenario = Scenario::parse(&text, Path::new("t.toml")).unwrap();
    let metrics = [Metric::AgeP50, Metric::AgeP99, Metric::AgeMax];
    let figures = |of: &predict::Prediction| metrics.map(|metric| of.predicted.metrics[&metric] / 1000.0);
    predict::of(&scenario).iter().map(figures).collect()
}

const FAR: &str = "network = { rtt = \"20ms\" }";
const STEADY: &str = "updates_per_s = 100, schedule = \"constant\", payload_bytes = 100";

fn near(found: [f64; 3], expected: [f64; 3], within: f64) {
    let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= within);
    assert!(is_near, "{found:?} instead of {expected:?}");
}

#[test]
fn a_stall_of_a_second_ages_what_falls_due_in_it() {
    // 100 of 2,000 updates, by 1,000, 990, ... 10 ms more: the oldest 20 are 1% of all.
    let stall = format!("{STEADY}, stall = {{ after = \"5s\", for = \"1s\" }}");
    let found = ages(FAR, &stall);
    near(found[0], [10.0, 810.0, 1010.0], 1e-3);
    assert_eq!(found[0], found[1]);
    near(found[2], [20.0, 820.0, 1010.0], 15.0);
    near(found[3], [65.0, 860.0, 1110.0], 10.0);
}

#[test]
fn a_black_hole_every_ten_seconds_is_as_old_as_it_is_long() {
    // Twice 21 of 2,000 updates: 205 ms, also for the one in flight, then 195, 185, ... 15 ms. The eleventh oldest of
    // each hole is at the 99th percentile.
    let hole =
        format!("{FAR}\nfault = [{{ kind = \"black-hole\", at = \"4005ms\", for = \"200ms\", every = \"10s\" }}]");
    let found = ages(&hole, STEADY);
    near(found[0], [10.0, 115.0, 205.0], 1e-3);
    assert_eq!(found[0], found[1]);
    // The poll before the hole was at the server 90 ms before it; what fell due just after that arrives with the first
    // answer after the hole, 20 ms later.
    near([found[3][2]; 3], [310.0; 3], 1.0);
}

#[test]
fn a_ramp_spreads_the_ages_evenly() {
    let ramp = format!("{FAR}\nfault = [{{ kind = \"ramp\", at = \"0s\", for = \"20s\" }}]");
    let found = ages(&ramp, STEADY);
    near(found[0], [55.0, 99.1, 100.0], 0.2);
    assert_eq!(found[0], found[1]);
    // A long poll's update waits for up to a round trip more: 1.5 round trips at most (RFC 6202, section 2.2).
    near([found[2][2]; 3], [300.0; 3], 10.0);
    // A poll that takes longer than the interval skips a slot: up to 200 ms until the next one, and a transit.
    near([found[3][2]; 3], [300.0; 3], 5.0);
}

#[test]
fn on_a_saturated_link_a_burst_arrives_in_the_time_that_its_bytes_take() {
    // A burst of 200 updates every 5 s; the link carries a burst in about 2 s.
    let burst = "updates_per_s = 40, schedule = \"burst\", burst_size = 200, payload_bytes = 2000";
    let slow = "network = { rtt = \"20ms\", bandwidth_bytes_per_s = 210000 }";
    let found = ages(slow, burst);
    for [p50, p99, max] in found[..2].iter().copied() {
        near([p50, p99, max], [(max - 10.0) / 2.0 + 10.0, (max - 10.0) * 0.99 + 10.0, 1980.0], 20.0);
    }
    // A poll's answer is read when it is complete, so all updates in it are as old as the last.
    near(found[2], [found[2][2]; 3], 1e-3);
    near(found[2], [found[0][2]; 3], 60.0);
    near(found[3], [found[2][2] + 50.0; 3], 60.0);
}

#[test]
fn other_faults_and_chance_leave_the_ages_unknown() {
    for more in [
        "fault = [{ kind = \"black-hole\", at = \"4s\", for = \"1s\", share = 0.5 }]",
        "fault = [{ kind = \"ramp\", at = \"4s\", for = \"1s\" }, { kind = \"cut\", at = \"9s\" }]",
        "fault = [{ kind = \"ramp\", at = \"4s\", for = \"1s\" }]\nnetwork = { rtt = \"20ms\", jitter = \"5ms\" }",
    ] {
        let text = format!(
            "schema = 1\nname = \"t\"\nclients = {{ count = 10 }}\ncontender = [{{ transport = \"sse\" }}]\n\
             feed = {{ source = \"synthetic\", {STEADY} }}\n{more}"
        );
        let scenario = Scenario::parse(&text, Path::new("t.toml")).unwrap();
        let predicted = &predict::of(&scenario)[0].predicted;
        assert!(!predicted.metrics.contains_key(&Metric::AgeP50) && predicted.ages.is_empty(), "{more}");
    }
}
