//! `feedlab compare` and `feedlab merge`: results folders in, a verdict or a folder out.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::results::{CellFigures, run, sse};
use super::{Command, ends_with, err, error_line, feedlab, out};

/// Returns a folder with two runs in it.
fn two(scenarios: [&str; 2], found: [CellFigures; 2]) -> (TempDir, [String; 2]) {
    let folder = tempfile::tempdir().expect("a folder");
    let [a, b] = [0, 1].map(|index| {
        let run = run(folder.path(), scenarios[index], &found[index]);
        run.file_name().and_then(|name| name.to_str()).expect("a name").to_owned()
    });
    (folder, [a, b])
}

/// Returns two runs of one scenario with three repetitions, a day apart.
fn alike(a: CellFigures, b: CellFigures) -> (TempDir, [String; 2]) {
    let text = sse(3);
    two([&text, &text], [a, CellFigures { day: 22, ..b }])
}

fn compare(folder: &TempDir, runs: &[String; 2], more: &[&str]) -> Command {
    let mut command = feedlab(&["compare", &runs[0], &runs[1]]);
    command.args(more).current_dir(folder);
    command
}

#[test]
fn a_run_shows_no_difference_to_itself() {
    let (folder, [a, _b]) = alike(CellFigures::default(), CellFigures::default());
    let output = ends_with(0, &mut compare(&folder, &[a.clone(), a], &["--tolerance", "0"]));
    insta::assert_snapshot!(out(&output));
    assert_eq!(err(&output), "");
}

#[test]
fn a_regression_has_its_own_status_and_sentence() {
    let (folder, runs) =
        alike(CellFigures::default(), CellFigures { bytes: 400.0, age_us: 300, ..CellFigures::default() });
    let output = ends_with(3, &mut compare(&folder, &runs, &[]));
    let sentence = "SSE, 5 clients: socket_bytes_per_update: B is 100 B higher (";
    assert!(out(&output).lines().any(|line| line.starts_with(sentence)), "{}", out(&output));
    assert!(out(&output).contains("B is 100 µs faster"), "{}", out(&output));
    ends_with(0, &mut compare(&folder, &runs, &["--tolerance", "40%"]));
    ends_with(0, &mut compare(&folder, &runs, &["--metric", "age_p50_us,age_p99_us", "--metric", "updates_missed"]));
}

#[test]
fn json_is_only_data() {
    let (folder, runs) = alike(CellFigures::default(), CellFigures { bytes: 400.0, ..CellFigures::default() });
    let output = ends_with(0, &mut compare(&folder, &runs, &["--format", "json", "--metric", "recovery_p50_us"]));
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!(value["points"][0]["rows"][0]["finding"], "not_measured", "{value}");
    let output = ends_with(3, &mut compare(&folder, &runs, &["--format", "json"]));
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    let rows = value["points"][0]["rows"].as_array().expect("rows");
    let bytes = rows.iter().find(|row| row["metric"] == "socket_bytes_per_update").expect("a row");
    assert_eq!((&bytes["finding"], &bytes["difference"]), (&"regression".into(), &100.0.into()));
    assert!(bytes["sentence"].as_str().expect("text").contains("REGRESSION, 33 %"), "{bytes}");
}

#[test]
fn an_invalid_run_is_reported_first_and_has_its_own_status() {
    let (folder, runs) =
        alike(CellFigures::default(), CellFigures { is_valid: false, bytes: 400.0, ..CellFigures::default() });
    let output = ends_with(4, &mut compare(&folder, &runs, &["--junit", "junit.xml"]));
    let second = out(&output).lines().nth(1).unwrap_or_default().to_owned();
    assert!(second.starts_with("B  20261122T120030Z-made-up  invalid; its figures do not measure"), "{second}");
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).expect("a report");
    assert!(
        junit.contains("failures=\"1\" errors=\"1\"") && junit.contains("the generator &lt;was&gt; starved"),
        "{junit}"
    );
    assert!(junit.contains("name=\"SSE, 5 clients: socket_bytes_per_update\""), "{junit}");
}

#[test]
fn ambiguous_and_wrong_flags_are_rejected() {
    let (folder, runs) = alike(CellFigures::default(), CellFigures::default());
    for (flags, needle) in [
        (&["--metric", "age_p95_us"][..], "no metric is called `age_p95_us`; the nearest is `age_p90_us`"),
        (&["--tolerance", "5"], "is that 5% or 500%?"),
        (&["--tolerance=-5%"], "as in 5% or 0.05"),
        (&["--junit", "nowhere/junit.xml"], "cannot write nowhere/junit.xml"),
    ] {
        let output = ends_with(2, &mut compare(&folder, &runs, flags));
        assert!(err(&output).contains(needle), "{}", err(&output));
        assert!(out(&output).is_empty());
    }
}

#[test]
fn the_error_about_different_scenarios_says_what_differs() {
    let other = sse(3).replace("updates_per_s = 10", "updates_per_s = 50");
    let (folder, runs) =
        two([&sse(3), &other], [CellFigures::default(), CellFigures { day: 22, ..CellFigures::default() }]);
    for command in ["compare", "merge"] {
        let output = ends_with(2, feedlab(&[command, &runs[0], &runs[1]]).current_dir(&folder));
        let line = error_line(&output);
        assert!(line.contains("different scenarios: feed.updates_per_s is 10 in A and 50 in B; "), "{line}");
    }
    assert!(!folder.path().join("results").exists(), "an error leaves nothing");
}

/// Damages a file of the second of two runs, and returns the error of each command that reads it.
fn damaged(damage: impl Fn(&Path)) -> [String; 2] {
    let (folder, runs) = alike(CellFigures::default(), CellFigures::default());
    damage(&folder.path().join(&runs[1]));
    ["compare", "merge"].map(|command| {
        let output = ends_with(2, feedlab(&[command, &runs[0], &runs[1]]).current_dir(&folder));
        let left = std::fs::read_dir(folder.path().join("results")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{command} leaves nothing");
        error_line(&output)
    })
}

#[test]
fn damaged_folders_are_reported_with_the_location_and_the_remedy() {
    let cut = |folder: &Path| {
        let file = folder.join("cells.ndjson");
        let text = std::fs::read_to_string(&file).expect("cells");
        std::fs::write(&file, &text[..text.len() - 40]).expect("a file");
    };
    let newer = |folder: &Path| {
        let file = folder.join("manifest.json");
        let text = std::fs::read_to_string(&file).expect("a manifest");
        std::fs::write(&file, text.replace("\"schema\": 1", "\"schema\": 7")).expect("a file");
    };
    let histogram = |folder: &Path| {
        std::fs::remove_file(folder.join("histograms/01-sse-c5-r2.hlog")).expect("a histogram");
    };
    for (lines, needles) in [
        (damaged(cut), ["made-up/cells.ndjson, line 3: EOF while parsing", "remove the line, or repeat the run"]),
        (
            damaged(newer),
            [
                "made-up/manifest.json has schema 7, but this version of feedlab reads schema 1",
                "use the version that wrote it",
            ],
        ),
        (
            damaged(histogram),
            ["cannot read 20261122T120030Z-made-up/histograms/01-sse-c5-r2.hlog", "the complete folder"],
        ),
    ] {
        for line in lines {
            assert!(needles.iter().all(|needle| line.contains(needle)), "{line}");
        }
    }
}

#[test]
fn a_merged_run_has_a_report_and_all_repetitions() {
    let (folder, runs) = alike(CellFigures::default(), CellFigures { bytes: 310.0, ..CellFigures::default() });
    let output = ends_with(0, feedlab(&["merge", &runs[0], &runs[1], "--out", "merged"]).current_dir(&folder));
    let page = out(&output).lines().find_map(|line| Some(line.strip_prefix("report: ")?.to_owned())).expect("a page");
    let merged = folder.path().join(&page).parent().expect("a folder").to_owned();
    assert!(folder.path().join(&page).is_file() && page.ends_with("-made-up/report.html"), "{page}");
    let read = |name: &str| std::fs::read_to_string(merged.join(name)).expect("a file");
    let manifest: Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    assert_eq!(manifest["merged_from"], serde_json::json!(runs));
    assert_eq!(manifest["scenario"]["measure"]["repetitions"], 6);
    assert_eq!(read("cells.ndjson").lines().count(), 6);
    // A merged run can be compared like any run, and its sources do not change.
    let name = merged.to_str().expect("UTF-8");
    ends_with(0, &mut compare(&folder, &[runs[0].clone(), name.to_owned()], &[]));
    ends_with(0, &mut compare(&folder, &runs, &[]));
}

#[test]
fn runs_that_cannot_be_merged_are_rejected() {
    let (folder, runs) = alike(CellFigures::default(), CellFigures::default());
    let output = ends_with(2, feedlab(&["merge", &runs[0]]).current_dir(&folder));
    assert!(err(&output).contains("2 values required"), "{}", err(&output));
    let output = ends_with(2, feedlab(&["merge", &runs[0], &runs[1], &runs[0]]).current_dir(&folder));
    assert!(error_line(&output).contains("give each run once"), "{}", err(&output));
    let output = ends_with(1, feedlab(&["merge", &runs[0], &runs[1], "--out", "/proc/here"]).current_dir(&folder));
    assert!(error_line(&output).contains("--out"), "{}", err(&output));
}
