//! Precision instead of a number of repetitions: the run goes on until the interval is narrow, or says why it is not.

use serde_json::Value;

use super::processes::alone;
use super::scenario::{TINY, file, one_contender};
use super::{ends_with, err, feedlab, out};

/// One contender and cells as short as they can be.
fn short() -> String {
    one_contender(TINY)
        .replace("duration = \"1s\"", "duration = \"200ms\"")
        .replace("drain = \"500ms\"", "drain = \"100ms\"")
}

fn measured(precision: &str, cap: &str) -> (Value, String) {
    let _alone = alone();
    let (folder, _file) = file(&short());
    let changes =
        ["--set", &format!("measure.precision={precision}"), "--set", &format!("measure.cap={cap}")].map(str::to_owned);
    let arguments = ["run", "scenario.toml", "--format", "json"];
    let output = ends_with(0, feedlab(&arguments).args(changes).current_dir(&folder));
    (serde_json::from_slice(&output.stdout).expect("the summary"), err(&output))
}

#[test]
fn a_steady_metric_is_precise_after_the_fewest_repetitions() {
    let (summary, said) = measured("socket_bytes_per_update ± 10 %", "5m");
    let outcome = &summary["precision"][0];
    assert_eq!((&outcome["label"], &outcome["asked"]), (&"WebSocket".into(), &0.1.into()), "{outcome}");
    assert!(
        outcome["obstacle"].is_null() && outcome["reached"].as_f64().is_some_and(|share| share <= 0.1),
        "{outcome}"
    );
    assert_eq!(outcome["estimate"], summary["contenders"][0]["metrics"]["socket_bytes_per_update"]);
    assert!(said.contains("at least 12 cells, about "), "{said}");
    assert!(said.contains("precision: socket_bytes_per_update ± 10 %: reached for 1 of 1, the widest is ± "), "{said}");
}

/// Ages of so few updates on loopback differ by more than a tenth of a percent from repetition to repetition.
#[test]
fn what_cannot_be_so_precise_is_suspect_and_says_why() {
    let (summary, said) = measured("age_mean_us ± 0.1 %", "30s");
    let obstacle = &summary["precision"][0]["obstacle"];
    assert!(!obstacle["kind"].is_null() && obstacle["advice"].is_string(), "{obstacle}");
    assert!(said.contains("WebSocket, 5 clients: age_mean_us ± 0.1 % cannot be measured here, because "), "{said}");
    assert!(said.contains("precision: age_mean_us of WebSocket, 5 clients is ± "), "the progress: {said}");
    assert_ne!(summary["verdict"]["status"], "valid");
}

#[test]
fn validate_says_the_least_number_of_cells_and_the_cap() {
    let (folder, _file) = file(TINY);
    let arguments = ["validate", "scenario.toml", "--set", "measure.precision=age_p99_us ± 5 %"];
    let said = out(&ends_with(0, feedlab(&arguments).current_dir(&folder)));
    assert!(
        said.contains("ok, at least 48 cells, about ") && said.contains("; at most 10 min, until age_p99_us ± 5 %"),
        "{said}"
    );
    let arguments = ["run", "scenario.toml", "--set", "measure.precision=age_p95_us ± 5 %"];
    let said = err(&ends_with(2, feedlab(&arguments).current_dir(&folder)));
    assert!(said.contains("no metric is called `age_p95_us`; the nearest is `age_p90_us`"), "{said}");
}

#[test]
fn segments_cannot_agree_on_further_repetitions() {
    let (folder, _file) = file(TINY);
    let arguments = ["run", "scenario.toml", "--set", "measure.precision=age_p99_us ± 5 %"];
    let segment = ["--segment", "1/2", "--start-at", "4000000000", "--listen", "127.0.0.1:4567"];
    let said = err(&ends_with(2, feedlab(&arguments).args(segment).current_dir(&folder)));
    assert!(said.contains("segments do not communicate") && said.contains("--agents"), "{said}");
}
