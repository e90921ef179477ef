//! `feedlab predict`: a scenario in, a prediction out; nothing is measured.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::results::{CellFigures, run, sse};
use super::{Command, ends_with, err, error_line, feedlab, out};

const TICKER: &str = r#"
schema = 1
name = "ticker"
feed = { source = "synthetic", updates_per_s = 10 }
clients = { count = [5, 50] }
contender = [
    { transport = "short-polling" },
    { transport = "long-polling" },
    { transport = "sse" },
    { transport = "websocket" },
]
"#;

/// Returns a folder with a scenario in it.
fn folder(scenario: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("scenario.toml"), scenario).expect("space");
    folder
}

fn predict(folder: &TempDir, more: &[&str]) -> Command {
    let mut command = feedlab(&["predict", "scenario.toml"]);
    command.args(more).current_dir(folder);
    command
}

#[test]
fn a_prediction_shows_its_assumptions() {
    let output = ends_with(0, &mut predict(&folder(TICKER), &["--rtt", "100ms"]));
    insta::assert_snapshot!(out(&output));
    assert_eq!(err(&output), "");
}

#[test]
fn faults_are_predicted_over_the_network_of_the_scenario() {
    let broken = TICKER.replace(
        "contender = [",
        "network = { rtt = \"100ms\" }\nfault = [{ kind = \"cut\", at = \"3s\" }]\ncontender = [\n\
         { transport = \"sse\", history = 0, reconnect_after = \"1s\", jitter = false },",
    );
    let output = ends_with(0, &mut predict(&folder(&broken), &[]));
    let text = out(&output);
    for line in ["missed", "reported lost", "reconnects peak", "recovery p50"] {
        assert!(text.lines().any(|found| found.trim_start().starts_with(line)), "{line}: {text}");
    }
    assert!(text.contains("half of the 100ms round trip") && !text.contains("Try --rtt"), "{text}");
    let output = ends_with(0, &mut predict(&folder(&broken), &["--rtt", "7ms"]));
    assert!(out(&output).contains("half of the 7ms round trip"), "the flag overrides the scenario");
}

#[test]
fn a_prediction_for_loopback_has_a_note() {
    let output = ends_with(0, &mut predict(&folder(TICKER), &[]));
    assert!(out(&output).contains("try --rtt 100ms."), "{}", out(&output));
}

#[test]
fn json_is_only_data() {
    let output = ends_with(0, &mut predict(&folder(TICKER), &["--format", "json"]));
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!(value["predictions"].as_array().map(Vec::len), Some(8), "{value}");
    let first = &value["predictions"][0];
    assert_eq!(first["predicted"]["metrics"]["age_p50_us"], 500_000.0, "{first}");
    assert_eq!(first["predicted"]["metrics"]["requests"], 50.0, "five clients, ten seconds: {first}");
}

#[test]
fn an_unpredictable_feed_is_bad_input() {
    let silent = folder(&TICKER.replace("\"synthetic\", updates_per_s = 10", "\"replay\", file = \"silent.ndjson\""));
    // No update is due during the measurement.
    let recording = "{\"at_ms\":0,\"data\":1}\n{\"at_ms\":3600000,\"data\":2}\n";
    std::fs::write(silent.path().join("silent.ndjson"), recording).expect("space");
    let output = ends_with(2, &mut predict(&silent, &[]));
    assert!(error_line(&output).contains("cannot be known in advance"), "{}", error_line(&output));
    for wrong in [&["--clients", "0"], &["--clients", "many"], &["--rtt", "0s"], &["--chart", "x.svg"]] {
        ends_with(2, &mut predict(&folder(TICKER), wrong));
    }
}

#[test]
fn a_map_is_printed_as_text_or_json_and_drawn() {
    let folder = folder(TICKER);
    let output = ends_with(0, predict(&folder, &["--map", "rate,budget"]).args(["--chart", "map.svg"]));
    assert!(out(&output).contains("★  you are here") && out(&output).contains("SSE = WebSocket"), "{}", out(&output));
    let svg = std::fs::read_to_string(folder.path().join("map.svg")).expect("a chart");
    assert!(svg.starts_with("<svg") && svg.contains("you are here"));
    let output = ends_with(0, predict(&folder, &["--map", "budget,rate"]).args(["--format", "json"]));
    let map: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!((&map["x"]["input"], &map["size"]), (&json!("budget"), &json!([48, 32])));
    for (wrong, says) in [
        (["--map", "rate,rate"], "two different inputs"),
        (["--map", "pigeons,rate"], "poll_interval"),
        (["--budget", "1s"], "--map"),
    ] {
        let output = ends_with(2, &mut predict(&folder, &wrong));
        assert!(err(&output).contains(says), "{}", err(&output));
    }
}

/// Makes up a run of SSE with 5 clients, in which an update cost 10 µs and a connection 8 KiB.
fn measured(folder: &Path) -> String {
    let run = run(folder, &sse(1), &CellFigures::default());
    let file = run.join("summary.json");
    let mut summary: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("there")).expect("JSON");
    let estimate = |value: f64| json!({ "value": value, "low": null, "high": null });
    let metrics = &mut summary["contenders"][0]["metrics"];
    metrics["server_cpu_us_per_update"] = estimate(10.0);
    metrics["server_rss_bytes_per_connection"] = estimate(8192.0);
    metrics["server_fds_per_connection"] = estimate(1.0);
    std::fs::write(file, summary.to_string()).expect("space");
    run.to_string_lossy().into_owned()
}

#[test]
fn a_million_clients_are_extrapolated_from_the_costs_of_a_few() {
    let folder = folder(&sse(1));
    let results = folder.path().join("results");
    std::fs::create_dir(&results).expect("space");
    let run = measured(&results);
    // By default, the newest run in results/ is used.
    let output = ends_with(0, &mut predict(&folder, &["--clients", "1e6"]));
    // The run and the machine differ from test to test.
    let text = out(&output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("Costs were measured in")).collect();
    insta::assert_snapshot!(lines.join("\n"));
    let arguments =
        ["--clients", "1000000", "--from", &run, "--cores", "100", "--packets", "1e9", "--bandwidth", "1000"];
    let output = ends_with(0, predict(&folder, &arguments).args(["--format", "json", "--chart", "cost.svg"]));
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    let cores = value["needs"][0]["cores"].as_f64().expect("a number");
    assert!((cores - 100.0).abs() < 1e-6, "10 updates/s of 10 µs, a million times: {cores}");
    assert_eq!((&value["needs"][0]["servers"], &value["needs"][0]["bound_by"]), (&json!(2.0), &json!("cpu")));
    let svg = std::fs::read_to_string(folder.path().join("cost.svg")).expect("a chart");
    assert!(svg.starts_with("<svg") && err(&output).contains("chart: cost.svg"), "{}", err(&output));
}

#[test]
fn without_a_run_the_built_in_costs_are_used_and_a_run_must_have_all_costs() {
    let folder = folder(TICKER);
    let output = ends_with(0, &mut predict(&folder, &["--clients", "1000"]));
    assert!(out(&output).contains("-ticker"), "{}", out(&output));
    let run = measured(folder.path());
    let output = ends_with(2, &mut predict(&folder, &["--clients", "1000", "--from", &run]));
    let expected = "did not measure server_cpu_us_per_request of short polling, 1 s";
    assert!(error_line(&output).contains(expected), "{}", error_line(&output));
    let output = ends_with(2, &mut predict(&folder, &["--clients", "1000", "--from", "nowhere"]));
    assert!(error_line(&output).contains("nowhere is not a results folder"), "{}", error_line(&output));
}
