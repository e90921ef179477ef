//! `feedlab run`, from the scenario to the report.

use std::path::Path;

use serde_json::Value;

use super::processes::alone;
use super::scenario::{TINY, file, one_contender, tiny_with};
use super::{Command, ends_with, err, error_line, feedlab, out};

const TRANSPORTS: [&str; 4] = ["short-polling", "long-polling", "sse", "websocket"];

fn json(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(name)).expect(name);
    serde_json::from_str(&text).expect(name)
}

#[test]
fn a_tiny_run_loses_nothing_over_any_transport_and_leaves_a_report() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    // A token in the environment is for `serve` and `watch`; a run's own server must not require it.
    let mut command = feedlab(&["run", "scenario.toml"]);
    let output = ends_with(0, command.env("FEEDLAB_TOKEN", "secret").current_dir(&folder));
    let (said, stderr) = (out(&output), err(&output));
    let page = said.lines().find_map(|line| line.strip_prefix("report: ")).expect("the path of the report");
    assert!(page.starts_with("results/2") && page.ends_with("-tiny/report.html"), "{page}");
    assert!(stderr.contains("4 cells, about 12 s") && stderr.contains("] SSE, 5 clients: measuring, 1 s"), "{stderr}");

    let run = folder.path().join(page).parent().expect("the run's folder").to_owned();
    let summary = json(&run, "summary.json");
    let contenders = summary["contenders"].as_array().expect("contenders");
    assert_eq!(contenders.iter().map(|entry| entry["transport"].as_str().unwrap()).collect::<Vec<_>>(), TRANSPORTS);
    for entry in contenders {
        for metric in ["updates_missed", "updates_duplicated", "updates_reordered"] {
            assert_eq!(entry["metrics"][metric]["value"], 0.0, "{metric} of {}", entry["label"]);
        }
        assert!(said.contains(entry["label"].as_str().unwrap()), "{said}");
    }
    assert_eq!(std::fs::read_to_string(run.join("scenario.toml")).expect("the scenario"), TINY);
    let manifest = json(&run, "manifest.json");
    assert_eq!((&manifest["cells_measured"], &manifest["schema"]), (&4.into(), &1.into()));
    assert!(manifest["rustc_version"].as_str().unwrap().starts_with("rustc "));
    assert_eq!(manifest["run"].as_str(), run.file_name().and_then(|name| name.to_str()));
}

#[test]
fn several_scenarios_get_a_folder_each_and_standard_output_is_only_json() {
    let _alone = alone();
    let (folder, _file) = file(&one_contender(TINY));
    std::fs::copy(folder.path().join("scenario.toml"), folder.path().join("other.toml")).expect("a copy");
    let arguments =
        ["run", "scenario.toml", "other.toml", "--format", "json", "--out", "kept/here", "--junit", "junit.xml"];
    let output = ends_with(0, feedlab(&arguments).current_dir(&folder));
    let summaries: Vec<Value> =
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect::<Result<_, _>>().expect("JSON alone");
    assert_eq!(summaries.len(), 2);
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).expect("a report");
    assert_eq!(junit.matches("<testsuite name=\"tiny\" tests=\"2\" failures=\"0\"").count(), 2, "{junit}");
    for summary in summaries {
        let run = folder.path().join("kept/here").join(summary["run"].as_str().expect("the run"));
        assert_eq!(json(&run, "summary.json"), summary);
    }
}

/// Four updates are too few on any machine.
#[test]
fn h6_a_suspect_run_says_why_and_fails_only_if_requested() {
    let _alone = alone();
    let text = one_contender(&tiny_with("updates_per_s = 20", "updates_per_s = 4"));
    let (folder, _file) = file(&text);
    for (more, status) in [(&[][..], 0), (&["--fail-on", "invalid"], 0), (&["--fail-on", "suspect"], 4)] {
        let line = [&["run", "scenario.toml"][..], more].concat();
        let output = ends_with(status, feedlab(&line).current_dir(&folder));
        let said = out(&output);
        assert!(said.contains("verdict: suspect\n") && said.contains("4 updates"), "{said}");
    }
    let wrong = ends_with(2, feedlab(&["run", "scenario.toml", "--fail-on", "doubt"]).current_dir(&folder));
    assert!(error_line(&wrong).contains("--fail-on"), "{}", err(&wrong));
}

#[test]
fn a_missed_threshold_is_reported_and_has_its_own_status() {
    let _alone = alone();
    let text = one_contender(&tiny_with("expect = \"== 0\"", "expect = \"> 0\""));
    let (folder, _file) = file(&text);
    let output = ends_with(3, feedlab(&["run", "scenario.toml", "--junit", "junit.xml"]).current_dir(&folder));
    let missed = "threshold missed: WebSocket, 5 clients: updates_missed is 0, expected > 0";
    assert!(out(&output).lines().any(|line| line == missed), "{}", out(&output));
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).expect("a report");
    let case = "<testcase classname=\"tiny\" name=\"WebSocket, 5 clients: updates_missed &gt; 0\" time=\"0.000\">";
    let whole = "name=\"the run measures the transports\" time=\"1.000\"";
    assert!(
        junit.contains(whole) && junit.contains("errors=\"0\" time=\"1.000\""),
        "measured once, reported once: {junit}"
    );
    assert!(
        junit.contains(case) && junit.contains("<failure message=\"WebSocket, 5 clients: updates_missed is 0"),
        "{junit}"
    );
}

#[test]
fn a_junit_report_that_cannot_be_written_fails_before_anything_is_measured() {
    let (folder, _file) = file(TINY);
    let output = ends_with(2, feedlab(&["run", "scenario.toml", "--junit", "nowhere/x.xml"]).current_dir(&folder));
    assert!(error_line(&output).contains("cannot write nowhere/x.xml; give --junit a file"), "{}", err(&output));
    assert!(!folder.path().join("results").exists());
}

/// Skips a test if the machine cannot run it, with a message that bypasses the capture of the test's output. In CI, the
/// test fails with what is missing.
#[cfg(target_os = "linux")]
#[track_caller]
fn skip(why: &str) {
    use std::io::Write as _;
    assert!(std::env::var_os("CI").is_none(), "{why}");
    let _ = writeln!(std::io::stderr(), "skipped a_full_disk_stops_the_run_and_keeps_the_finished_cells: {why}");
}

/// The disk has six pages, one of which is the scenario; it is full in the third cell.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_run_and_keeps_the_finished_cells() {
    let _alone = alone();
    let (folder, _file) = file(TINY);
    let binary = assert_cmd::cargo::cargo_bin!("feedlab").display().to_string();
    let line = format!(
        "mkdir disk && mount -t tmpfs -o size=24k none disk || exit 77
         {binary} run scenario.toml --out disk; status=$?
         cat disk/*.partial/cells.ndjson; exit $status"
    );
    let mut command = Command::new("unshare");
    let output =
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &line]).current_dir(&folder).output();
    let Ok(output) = output else { return skip("no `unshare` here: apt-get install -y util-linux") };
    if output.status.code() == Some(77) || err(&output).contains("unshare") {
        return skip(
            "no user namespaces here: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root",
        );
    }
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let line = error_line(&output);
    assert!(line.to_lowercase().contains("no space left") && line.contains(".partial"), "{line}");
    assert_eq!(out(&output).lines().count(), 2, "the cells that were measured are kept:\n{}", out(&output));
}
