//! `feedlab doctor` on the machine of the tests: its output must be consistent, whatever the machine.

use serde_json::Value;

use super::{Command, ends_with, feedlab, out};

const CHECKS: [&str; 18] = [
    "descriptors",
    "ports",
    "TCP accounts",
    "TCP timestamps",
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
