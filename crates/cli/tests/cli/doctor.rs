//! `feedlab doctor` on the machine of the tests: its output must be consistent, whatever the machine.

use serde_json::Value;

use super::scenario::{TINY, file};
use super::{Command, ends_with, err, feedlab, out};

const CHECKS: [&str; 23] = [
    "descriptors",
    "ports",
    "TCP accounts",
    "TCP timestamps",
    "congestion control",
    "loss recovery",
    "socket buffers",
    "network namespaces",
    "clock",
    "clock source",
    "timers",
    "cores",
    "load",
    "CPU governor",
    "memory",
    "swap",
    "kernel memory",
    "build",
    "calibration",
    "browser",
    "nginx",
    "nats-server",
    "tshark",
];

#[test]
fn every_check_has_a_line_and_the_worst_one_sets_the_status() {
    let output = feedlab(&["doctor", "--format", "json"]).output().expect("the binary starts");
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    let checks = findings["checks"].as_array().expect("checks");
    assert_eq!(checks.iter().map(|check| check["name"].as_str().unwrap()).collect::<Vec<_>>(), CHECKS);
    for check in checks {
        assert_eq!(check["mark"] == "ok", check["fix"].is_null(), "{check}");
    }
    let fails = checks.iter().any(|check| check["mark"] == "fail");
    assert_eq!(output.status.code(), Some(i32::from(fails)));
}

#[test]
fn a_program_that_answers_late_gets_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let nginx = folder.path().join("nginx");
    std::fs::write(&nginx, "#!/bin/sh\nexec sleep 60\n").expect("a file");
    std::fs::set_permissions(&nginx, std::fs::Permissions::from_mode(0o755)).expect("its owner may");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let output = feedlab(&["doctor", "--format", "json"]).env("PATH", path).output().expect("the binary starts");
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    let check =
        findings["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "nginx").expect("it");
    assert_eq!(check["mark"], "warn", "{check}");
    assert_eq!(check["found"], format!("{} did not answer within 5 s", nginx.display()), "{check}");
    assert!(check["fix"].as_str().is_some_and(|fix| fix.contains("whether the machine is busy")), "{check}");
}

#[test]
fn a_limit_that_is_too_low_for_any_run_fails_with_the_remedy() {
    let line = format!("ulimit -n 64; exec {} doctor", assert_cmd::cargo::cargo_bin!("feedlab").display());
    let output = ends_with(1, Command::new("sh").args(["-c", &line]).env("PATH", "/usr/bin:/bin").env_remove("CI"));
    let text = out(&output);
    let line = text.lines().next().unwrap_or_default();
    assert!(line.starts_with("fail  descriptors") && line.contains("0 clients → put `* hard nofile"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.ends_with("would make runs fail")), "{text}");
    assert!(!text.contains('\u{1b}'), "no color into a pipe: {text}");
    assert_eq!(text.lines().count(), CHECKS.len() + 2);
}

/// Writes a calibration of this machine, as `feedlab doctor --calibrate` does, for this version of feedlab or another.
fn calibrated(version: &str) -> tempfile::TempDir {
    let state = tempfile::tempdir().expect("a folder");
    let machine = feedlab_feed::process::Machine::this();
    let limit = |most: f64| serde_json::json!({ "most": most, "is_reached": true });
    let calibration = serde_json::json!({
        "schema": 1,
        "of": {
            "cpu": machine.cpu, "cores": machine.cores, "kernel": machine.kernel,
            "feedlab_version": version, "optimized": !cfg!(debug_assertions),
        },
        "measured": "2026-11-30T12:00:00Z",
        "other_cores": 0.1,
        "capacities": [{ "transport": "sse", "per_s": limit(4000.0), "clients": limit(500.0) }],
    });
    std::fs::create_dir(state.path().join("feedlab")).expect("a folder");
    std::fs::write(state.path().join("feedlab/calibration.json"), calibration.to_string()).expect("a file");
    state
}

fn with_state(arguments: &[&str], state: &tempfile::TempDir) -> Command {
    let mut command = feedlab(arguments);
    command.env("XDG_STATE_HOME", state.path());
    command
}

#[test]
fn a_cell_beyond_the_calibration_is_named_before_it_is_measured() {
    let state = calibrated(env!("CARGO_PKG_VERSION"));
    let (folder, _file) = file(TINY);
    let doctor = out(&with_state(&["doctor"], &state).output().expect("the binary starts"));
    assert!(doctor.contains("SSE: 4,000 updates/s to all clients, 500 clients at once"), "{doctor}");
    let validate = ["validate", "scenario.toml", "--only", "sse"];
    let quiet = err(&ends_with(0, with_state(&validate, &state).current_dir(&folder)));
    assert_eq!(quiet, "", "5 clients are well within it");
    let busy = ["--set", "feed.updates_per_s=700"];
    let warned = err(&ends_with(0, with_state(&validate, &state).args(busy).current_dir(&folder)));
    let expected = "warning: tiny: SSE, 5 clients: 3,500 updates per second to all clients are 88% of what";
    assert!(warned.starts_with(expected) && warned.contains("--agents"), "{warned}");
    assert_eq!(warned.lines().count(), 1, "once: {warned}");
}

#[test]
fn the_calibration_of_another_version_is_ignored_and_says_so() {
    let state = calibrated("0.0.1");
    let (folder, _file) = file(TINY);
    let validate = ["validate", "scenario.toml", "--set", "feed.updates_per_s=2000"];
    let said = err(&ends_with(0, with_state(&validate, &state).current_dir(&folder)));
    assert!(said.starts_with("note: the calibration is ignored, because it is of feedlab 0.0.1, not "), "{said}");
    let doctor = out(&with_state(&["doctor"], &state).output().expect("the binary starts"));
    assert!(doctor.contains("warn  calibration") && doctor.contains("→ feedlab doctor --calibrate"), "{doctor}");
}
