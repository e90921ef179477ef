//! `feedlab report` on two runs, and as Markdown.

use std::path::Path;

use tempfile::TempDir;

use super::results::{CellFigures, run, sse};
use super::{Command, ends_with, err, error_line, feedlab, out};

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
    for more in [&[][..], &["--format", "markdown"]] {
        let output = ends_with(2, &mut report(&folder, &[&[a.as_str(), b.as_str()], more].concat()));
        assert!(
            error_line(&output).contains("different scenarios: clients.count is 5 in A and 7 in B"),
            "{}",
            err(&output)
        );
        assert_eq!(out(&output), "");
    }
    assert!(!folder.path().join(b).join(format!("report-with-{a}.html")).exists());
}

#[test]
fn a_summary_is_printed_and_nothing_is_written() {
    let text = sse(3);
    let (folder, [a, b]) = two([&text, &text]);
    let one = out(&ends_with(0, &mut report(&folder, &[&a, "--format", "markdown"])));
    assert!(one.starts_with("### ") && one.contains("| SSE | 5 | 400 µs"), "{one}");
    assert!(one.contains("feedlab run scenario.toml") && one.lines().count() < 45, "{one}");
    let both = out(&ends_with(0, &mut report(&folder, &[&a, &b, "--format", "markdown"])));
    assert!(both.contains("| SSE, 5 clients | socket bytes per update | 302 B | 402 B | B is 100 B higher"), "{both}");
    for run in [a, b] {
        assert!(!folder.path().join(run).join("report.html").exists());
    }
}
