//! `feedlab run` of scenarios whose network is a link: the kernel's TCP over emulated packets, in namespaces of its own.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::processes::alone;
use super::scenario::{file, one_contender, tiny_with};
use super::{ends_with, err, error_line, feedlab, out};

/// Returns whether this user may create network namespaces. If not, the test is skipped visibly, and fails in CI.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[track_caller]
fn has_namespaces() -> bool {
    let unshare = Command::new("unshare").args(["--user", "--map-root-user", "--net", "--", "ip", "link"]).output();
    let has = unshare.as_ref().is_ok_and(|output| output.status.success());
    assert!(has || std::env::var_os("CI").is_none(), "{unshare:?}");
    if !has {
        eprintln!("SKIPPED: no network namespaces for this user: {unshare:?}");
    }
    has
}

/// Returns the tiny scenario on a link with these keys.
fn over_link(keys: &str) -> String {
    tiny_with("[clients]", &format!("[network]\nmodel = \"link\"\n{keys}\n[clients]"))
}

fn run(folder: &Path) -> Output {
    feedlab(&["run", "scenario.toml", "--out", "results", "--format", "json"]).current_dir(folder).output().unwrap()
}

/// Returns a metric of each contender, by its transport.
fn metrics(summary: &Value, metric: &str) -> Vec<(String, f64)> {
    let value = |one: &Value| one["metrics"][metric]["value"].as_f64().unwrap_or(f64::NAN);
    let all = summary["contenders"].as_array().unwrap();
    all.iter().map(|one| (one["transport"].as_str().unwrap().to_owned(), value(one))).collect()
}

fn summary(output: &Output) -> Value {
    serde_json::from_str(&out(output)).unwrap_or_else(|error| panic!("{error}: {}", err(output)))
}

/// A busy machine may make the figures doubtful, which these tests do not read.
#[track_caller]
fn is_measured(output: &Output) {
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", err(output));
}

/// The distance is that of a real path: the connect itself takes a round trip, also to nginx with TLS, which is at the
/// server's end of the link.
#[test]
fn ages_and_handshakes_over_a_link_are_those_of_its_distance() {
    let _alone = alone();
    if !has_namespaces() {
        return;
    }
    // Five clients would be too few for a median of the connects.
    let (home, _file) = file(
        &over_link("rtt = \"20ms\"")
            .replace("count = 5", "count = 20")
            .replace("\"sse\"", "\"sse\"\ntls = true\nhttp = \"2\"\nvia = \"nginx\""),
    );
    let output = run(home.path());
    let summary = summary(&output);
    is_measured(&output);
    for (metric, least) in [("connect_p50_us", 20e3), ("open_p50_us", 40e3), ("age_p50_us", 10e3)] {
        for (transport, value) in metrics(&summary, metric) {
            // Slow machines add, but nothing is faster than the distance. A poll each 200 ms waits for the next one.
            assert!(value >= least && value < least + 1e6, "{transport} {metric} {value}\n{summary}");
        }
    }
    for (transport, value) in metrics(&summary, "link_packets_lost") {
        assert!(value == 0.0, "{transport} {value}");
    }
    assert!(metrics(&summary, "lab_proxy_cpu_cores").iter().all(|(_, value)| value.is_nan()), "{summary}");
    assert!(metrics(&summary, "link_cpu_cores").iter().all(|(_, value)| *value >= 0.0), "{summary}");
    assert!(metrics(&summary, "updates_missed").iter().all(|(_, missed)| *missed == 0.0), "{summary}");
}

/// TCP sends again what is lost, so nothing is missing.
#[test]
fn lost_packets_are_sent_again_and_no_update_is_lost() {
    let _alone = alone();
    if !has_namespaces() {
        return;
    }
    let scenario = one_contender(&over_link("rtt = \"10ms\"\nloss = \"5%\"\ncongestion = \"reno\""))
        .replace("count = 5", "count = 20")
        .replace("drain = \"500ms\"", "drain = \"2s\"");
    let (home, _file) = file(&scenario);
    let output = run(home.path());
    let summary = summary(&output);
    is_measured(&output);
    for (metric, least) in [("link_packets_lost", 1.0), ("updates_received", 100.0)] {
        let found = metrics(&summary, metric);
        assert!(found.iter().all(|(_, value)| *value >= least), "{metric} {found:?}");
    }
    assert!(metrics(&summary, "retransmits")[0].1 > 0.0, "{summary}");
    assert!(metrics(&summary, "updates_missed").iter().all(|(_, missed)| *missed == 0.0), "{summary}");
}

/// Nothing passes for half a second, and then the kernels send it again.
#[test]
fn an_outage_delays_updates_and_loses_none() {
    let _alone = alone();
    if !has_namespaces() {
        return;
    }
    let outage = "[[fault]]\nkind = \"black-hole\"\nat = \"200ms\"\nfor = \"500ms\"\n[[contender]]";
    let scenario = one_contender(&over_link("rtt = \"10ms\"")).replacen("[[contender]]", outage, 1);
    let (home, _file) = file(&scenario.replace("drain = \"500ms\"", "drain = \"1500ms\""));
    let output = run(home.path());
    let summary = summary(&output);
    is_measured(&output);
    assert!(metrics(&summary, "age_max_us")[0].1 > 300e3, "{summary}");
    assert_eq!(metrics(&summary, "updates_missed")[0].1, 0.0, "{summary}");
}

#[test]
fn what_a_link_cannot_do_is_said_before_anything_is_measured() {
    let (home, _file) = file(&over_link("rtt = \"40ms\""));
    let refused = |arguments: &[&str]| {
        let mut command = feedlab(&["run", "scenario.toml"]);
        error_line(&ends_with(2, command.args(arguments).current_dir(home.path())))
    };
    let agents = refused(&["--nats", "nats://127.0.0.1:1", "--agents", "1"]);
    assert!(agents.contains("tiny: a link joins servers and clients of one process"), "{agents}");
    assert!(agents.contains("omit --nats and --segment"), "{agents}");
    let target = refused(&["--target", "http://127.0.0.1:1"]);
    assert!(target.contains("cannot be measured over a link") && target.contains("model = \"proxy\""), "{target}");
    let unknown = refused(&["--set", "network.congestion=vegas"]);
    assert!(unknown.contains("allowed here: cubic, bbr, reno"), "{unknown}");
}

/// Users who may not create namespaces learn what to do, and can still check and predict.
#[test]
fn without_namespaces_a_run_says_so_and_a_prediction_works() {
    let (home, _file) = file(&over_link("rtt = \"40ms\"\nloss = \"1%\""));
    // Without unshare in PATH there are none. The folders that are always searched have it, but it finds no `true`.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/bin/false", folder.path().join("unshare")).unwrap();
    let mut command = feedlab(&["run", "scenario.toml"]);
    command.current_dir(home.path()).env("PATH", folder.path());
    let line = error_line(&ends_with(2, &mut command));
    assert!(line.contains("no network namespaces") && line.contains("kernel.unprivileged_userns_clone"), "{line}");
    assert!(!home.path().join("results").exists(), "nothing is written");
    let predicted = ends_with(0, feedlab(&["predict", "scenario.toml"]).current_dir(home.path()));
    assert!(out(&predicted).contains("Packets are lost"), "{}", out(&predicted));
    ends_with(0, feedlab(&["validate", "scenario.toml"]).current_dir(home.path()));
}
