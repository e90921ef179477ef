//! `feedlab report` on two runs.

use std::path::Path;

use tempfile::TempDir;

use super::results::{CellFigures, run, sse};
use super::{Command, ends_with, error_line, feedlab, out};

/// Returns a folder with two runs in it, the second with more bytes.
fn two(scenarios: [&str; 2]) -> (TempDir, [String; 2]) {
    let folder = tempfile::tempdir().expect("a folder");
    let found = [CellFigures::default(), CellFigures { day: 22, bytes: 400.0, ..CellFigures::default() }];
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let runs = [0, 1].map(|index| name(&run(folder.path(), scenarios[index], &found[index])));
    (folder, runs)
}

fn report(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = feedlab(&["report"]);
    command.args(arguments).current_dir(folder);
    command
}

#[test]
fn two_runs_are_one_page_in_the_folder_of_the_second() {
    let text = sse(3);
    let (folder, [a, b]) = two([&text, &text]);
    let output = ends_with(0, &mut report(&folder, &[&a, &b]));
    assert_eq!(out(&output), format!("{b}/report-with-{a}.html\n"));
    let page = std::fs::read_to_string(folder.path().join(out(&output).trim())).expect("the page");
    assert!(page.contains("B is worse than A in 1") && page.contains("B: SSE"), "{page:.3000}");
    assert!(!folder.path().join(&a).join("report.html").exists(), "the runs themselves do not change");

    let output = ends_with(0, &mut report(&folder, &[&a, &b, &a]));
    assert_eq!(out(&output), format!("{a}/report.html\n{b}/report.html\n{a}/report.html\n"), "three are redrawn");
}

#[test]
fn runs_of_different_scenarios_are_refused_with_the_reason() {
    let (folder, [a, b]) = two([&sse(1), &sse(1).replace("count = 5", "count = 7")]);
    let output = ends_with(2, &mut report(&folder, &[&a, &b]));
    let said = error_line(&output);
    assert!(said.contains("different scenarios: clients.count is 5 in A and 7 in B"), "{said}");
    assert_eq!(out(&output), "");
    assert!(!folder.path().join(b).join(format!("report-with-{a}.html")).exists());
}
