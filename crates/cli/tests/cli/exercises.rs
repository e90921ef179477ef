//! The coding exercises as a learner meets them. `scripts/check-exercises` compiles them for real; here a program
//! stands in for cargo.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{ends_with, err, error_line, feedlab, out};

#[cfg(unix)]
mod watch;

/// A clone with the files that the steps read.
struct Clone {
    folder: TempDir,
}

impl Clone {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let exercises = folder.path().join("crates/exercises");
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exercises");
        for part in ["src/start", "src/solution", "tests"] {
            fs::create_dir_all(exercises.join(part)).expect("a folder in it");
            for entry in fs::read_dir(original.join(part)).expect("the exercises").flatten() {
                fs::copy(entry.path(), exercises.join(part).join(entry.file_name())).expect("a copy");
            }
        }
        fs::write(exercises.join("Cargo.toml"), "").expect("a file in it");
        Self { folder }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("crates/exercises").join(path)
    }

    /// Returns a step, run in a subfolder of the clone.
    fn step(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = feedlab(&["workshop"]);
        command.args(arguments).current_dir(self.path("src"));
        command
    }

    fn says(&self, arguments: &[&str]) -> String {
        out(&ends_with(0, &mut self.step(arguments)))
    }
}

#[test]
fn the_steps_guide_a_learner_through_the_exercises() {
    let clone = Clone::new();
    assert!(clone.says(&["list"]).ends_with("0 of 9 passed; 190 minutes together\n"));
    let task = clone.says(&["next"]);
    assert!(task.starts_with("Exercise 1 of 9, sse-parser: read an event stream (30 min)\n"), "{task}");
    assert!(task.contains("read   docs/workshop/") && task.contains("feedlab workshop check sse-parser"), "{task}");
    let start = fs::read_to_string(clone.path("src/start/sse_parser.rs")).expect("the start");
    assert_eq!(fs::read_to_string(clone.path("yours/sse_parser.rs")).expect("a copy of it"), start);
    assert_eq!(clone.says(&["next"]), task, "until it passes, the next exercise is this one");
    let hints: Vec<String> = (0..4).map(|_| clone.says(&["hint"])).collect();
    let heads: Vec<&str> = hints.iter().map(|hint| hint.lines().next().unwrap_or_default()).collect();
    assert_eq!(heads, [1, 2, 3, 3].map(|number| format!("sse-parser, hint {number} of 3")));
    assert!(clone.says(&["hint", "keepalive"]).starts_with("keepalive, hint 1 of 3"), "each exercise has its own");
    let list = clone.says(&["list"]);
    assert!(list.contains("started, 3 hints") && list.contains("not started, 1 hint"), "{list}");
}

#[test]
fn w2_each_reset_keeps_a_copy_with_a_number_of_its_own() {
    let clone = Clone::new();
    clone.says(&["next"]);
    for (number, written) in [(1, "mine"), (2, "mine too")] {
        fs::write(clone.path("yours/sse_parser.rs"), written).expect("a learner's file");
        let said = clone.says(&["reset", "sse-parser"]);
        let copy = format!("yours/sse_parser.{number}.rs");
        assert!(said.starts_with(&format!("Your file is kept as crates/exercises/{copy}\n")), "{said}");
        assert_eq!(fs::read_to_string(clone.path(&copy)).expect("the copy"), written);
    }
    assert_eq!(fs::read_to_string(clone.path("yours/sse_parser.1.rs")).expect("the first copy"), "mine");
    assert!(!clone.says(&["reset", "sse-parser"]).contains("kept"), "a file that is still the start is not kept");
    assert!(!clone.says(&["reset", "keepalive"]).contains("kept"), "without a file, nothing is kept");
}

#[test]
fn wrong_usage_has_a_remedy() {
    let clone = Clone::new();
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let line = error_line(&ends_with(2, feedlab(&["workshop", "next"]).current_dir(elsewhere.path())));
    assert!(line.contains("is not in a clone of feedlab") && line.contains("change to your clone"), "{line}");
    for step in ["check", "watch", "hint", "reset"] {
        let line = error_line(&ends_with(2, &mut clone.step(&[step, "sse"])));
        assert!(line.contains("unknown exercise `sse`; the exercises are sse-parser, poll-cursor"), "{line}");
    }
    assert!(err(&ends_with(2, &mut clone.step(&["reset"]))).contains("<EXERCISE>"), "which one?");
    let line = error_line(&ends_with(2, clone.step(&["check"]).env("CARGO", "/no/cargo")));
    assert!(line.contains("cannot start /no/cargo: install Rust"), "{line}");
    fs::write(clone.path("yours/progress.json"), "{").expect("a broken file");
    let line = error_line(&ends_with(2, &mut clone.step(&["list"])));
    assert!(line.contains("progress.json is not valid (") && line.contains("delete it"), "{line}");
}

/// Creates a substitute for cargo that runs a shell script.
#[cfg(unix)]
fn stand_in(clone: &Clone, name: &str, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = clone.path(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("that can be run");
    path
}

#[cfg(unix)]
#[test]
fn a_check_distinguishes_the_causes_of_failure() {
    let clone = Clone::new();
    let check = |script: &str, status| {
        let cargo = stand_in(&clone, "cargo", script);
        ends_with(status, clone.step(&["check", "keepalive"]).env("CARGO", cargo))
    };
    let rendered = r#"{"message":{"level":"error","spans":[{}],"rendered":"error: expected one of\n --> crates/exercises/tests/../yours/keepalive.rs:9\n"}}"#;
    let said = out(&check(&format!("echo '{}'; exit 101", rendered.replace('\\', "\\\\")), 1));
    assert!(
        said.contains("keepalive does not compile yet:") && said.contains("--> crates/exercises/yours/keepalive.rs:9"),
        "{said}"
    );
    let line = error_line(&check("echo 'error: no matching package named `axum` found' >&2; exit 101", 1));
    assert!(
        line.contains("no matching package named `axum` found. If a package is missing, run `cargo fetch`"),
        "{line}"
    );

    let failing = stand_in(
        &clone,
        "failing",
        "printf 'test a_busy_stream_has_no_keepalives ... FAILED\\ntest other ... ok\\n\\n---- a_busy_stream_has_no_keepalives stdout ----\\n\\n\
         thread 1 panicked\\nthread '\"'\"'a'\"'\"' (1) panicked at tests/keepalive.rs:1:1:\\nassertion `left == right` failed: too many\\n  left: 3\\n right: 0\\n'",
    );
    let said = out(&check(&format!("echo '{{\"executable\":\"{}\"}}'", failing.display()), 1));
    assert!(said.contains("keepalive: 1 of 2 tests pass."), "{said}");
    assert!(said.contains("a busy stream has no keepalives") && said.contains("    too many\n"), "{said}");
    assert!(said.contains("    yours:    3\n    expected: 0\n"), "{said}");

    let passing = stand_in(&clone, "passing", "printf 'test a ... ok\\n\\ntest result: ok. 1 passed\\n'");
    let said = out(&check(&format!("echo '{{\"executable\":\"{}\"}}'", passing.display()), 0));
    assert!(
        said.contains("keepalive: all 1 tests pass.") && said.contains("The wait for the next update *is* the timer"),
        "{said}"
    );
    assert!(said.ends_with("  start  feedlab workshop next\n"), "{said}");
    assert!(clone.says(&["list"]).contains("keepalive          15 min  passed"));
    check("exit 101", 1);
    assert!(
        clone.says(&["list"]).contains("keepalive          15 min  passed"),
        "a check that was not possible changes nothing"
    );
}
