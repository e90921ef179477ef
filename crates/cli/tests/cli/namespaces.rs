//! `feedlab run --namespaces` on a network of scripts/network: servers, agents and clocks as on separate machines.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::agents::clock_ahead;
use super::processes::alone;
use super::scenario::{TINY, file, one_contender};
use super::{ends_with, err, error_line, feedlab};

const MACHINES: &str = "node1,node2,ahead,behind";

/// The script that runs on the network, with `$FEEDLAB` and `$LIBRARY` set. The agent whose clock is behind reaches the
/// broker over a path with a round trip of 40 ms.
const WORK: &str = r#"
# Each of these replaces itself with what it starts, so that nothing is left.
trap 'kill $(jobs -p)' EXIT
nats-server --addr 10.77.0.1 --port 4222 --jetstream --store_dir "$PWD/nats" &> nats.log &
answers() { until "$@" bash -c "exec 3<> /dev/tcp/$at/4222" 2> /dev/null; do sleep 0.1; done; }
at=10.77.0.1 answers
ip netns exec behind "$FEEDLAB" proxy --listen 127.0.0.1:4222 --to 10.77.0.1:4222 --rtt 40ms &> proxy.log &
at=127.0.0.1 answers ip netns exec behind
ip netns exec ahead env LD_PRELOAD="$LIBRARY" DONT_FAKE_MONOTONIC=1 FAKETIME=+61.5 \
  "$FEEDLAB" agent --nats nats://10.77.0.1 --name ahead &> ahead.log &
ip netns exec behind env LD_PRELOAD="$LIBRARY" DONT_FAKE_MONOTONIC=1 FAKETIME=-61.5 \
  "$FEEDLAB" agent --nats nats://127.0.0.1 --name behind &> behind.log &
timeout 120 "$FEEDLAB" run scenario.toml --nats nats://10.77.0.1 --agents 2 --listen 10.77.0.1:0 \
  --namespaces node1,node2 --format json
"#;

fn network(folder: &Path) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/network"));
    command.current_dir(folder).env_remove("FEEDLAB_TOKEN").arg(MACHINES);
    command
}

/// Returns whether this user may create a network. If not, the test is skipped visibly, and fails in CI.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[track_caller]
fn has_networks() -> bool {
    let made = network(Path::new("/")).arg("true").output().unwrap();
    let has = made.status.success();
    assert!(has || std::env::var_os("CI").is_none(), "{}", err(&made));
    if !has {
        eprintln!("SKIPPED: {}", err(&made));
    }
    has
}

/// Returns the measured offset of an agent's clock, and its error bound, ms.
fn comparison(stderr: &str, agent: &str) -> (f64, f64) {
    let line = stderr.lines().find(|line| line.starts_with(&format!("agent {agent}: its clock is "))).expect(stderr);
    let number = |index: usize| line.split(' ').nth(index).unwrap().parse::<f64>().expect(line);
    let sign = if line.contains(" ms ahead of this one") { 1.0 } else { -1.0 };
    let within = line.split(' ').position(|word| word == "within").expect(line);
    (sign * number(5), number(within + 1))
}

/// The bound must hold over both paths; over the slow one, it cannot be below half of the round trip.
#[test]
fn servers_and_agents_with_different_clocks_and_addresses_lose_nothing() {
    let _alone = alone();
    let Some([(_, library), ..]) = clock_ahead("+61.5") else { return };
    if !has_networks() {
        return;
    }
    let polls = "transport = \"short-polling\"\ninterval = \"500ms\"";
    let scenario = one_contender(TINY)
        .replace("transport = \"websocket\"", polls)
        .replace("[clients]", "servers = 2\nbroker = \"nats\"\n[clients]")
        .replace("count = 5", "count = 24");
    let (home, _file) = file(&scenario);
    let mut command = network(home.path());
    command.args(["bash", "-eu", "-c", WORK]);
    command.env("FEEDLAB", assert_cmd::cargo::cargo_bin!("feedlab")).env("LIBRARY", library);
    let output = command.output().unwrap();
    let stderr = err(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    for (agent, off_ms, least_ms) in [("ahead", 61_500.0, 0.0), ("behind", -61_500.0, 20.0)] {
        let (found_ms, bound_ms) = comparison(&stderr, agent);
        // What is printed is rounded to hundredths.
        assert!(
            (found_ms - off_ms).abs() <= bound_ms + 0.02 && bound_ms >= least_ms,
            "{found_ms} ± {bound_ms}: {stderr}"
        );
    }
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let metric = |name: &str| summary["contenders"][0]["metrics"][name]["value"].as_f64().expect(name);
    assert_eq!((metric("updates_missed"), metric("updates_duplicated"), metric("updates_reordered")), (0.0, 0.0, 0.0));
    assert_eq!(metric("updates_received"), 24.0 * metric("updates_published"));
    assert!((20e3..=metric("age_max_us")).contains(&metric("clock_bound_us")), "{summary}");
}

#[test]
fn missing_or_too_few_namespaces_are_reported_before_anything_is_measured() {
    let (home, _file) = file(&TINY.replace("[clients]", "servers = 2\n[clients]"));
    let run = |namespaces: &str| {
        let mut command = feedlab(&["run", "scenario.toml", "--nats", "nats://127.0.0.1:1", "--agents", "1"]);
        command.args(["--listen", "127.0.0.1:0", "--namespaces", namespaces]).current_dir(home.path());
        error_line(&ends_with(2, &mut command))
    };
    let few = run("one");
    assert!(few.contains("tiny has 2 servers, but --namespaces has 1 name"), "{few}");
    let absent = run("feedlab-absent,feedlab-neither");
    assert!(absent.contains("feedlab-absent") && absent.contains("ip netns add feedlab-absent"), "{absent}");
    assert!(ends_with_usage(home.path()).contains("a network namespace, as `ip netns list` shows it"));
}

fn ends_with_usage(folder: &Path) -> String {
    let mut command = feedlab(&["run", "scenario.toml", "--nats", "nats://127.0.0.1:1", "--agents", "1"]);
    command.args(["--listen", "127.0.0.1:0", "--namespaces", "../a,b"]).current_dir(folder);
    err(&ends_with(2, &mut command))
}
