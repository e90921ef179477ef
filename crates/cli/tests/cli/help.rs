//! What a newcomer reads: help, versions, completions, the schema.

use std::process::Stdio;

use super::{ends_with, err, feedlab, out};

/// Every subcommand that a user is to know.
const COMMANDS: [&str; 14] = [
    "run",
    "serve",
    "watch",
    "proxy",
    "nginx",
    "predict",
    "compare",
    "merge",
    "report",
    "validate",
    "schema",
    "workshop",
    "doctor",
    "completions",
];

fn help(arguments: &[&str]) -> String {
    out(&ends_with(0, &mut feedlab(arguments)))
}

#[test]
fn every_help_is_as_it_was_reviewed() {
    insta::assert_snapshot!("feedlab", help(&["--help"]));
    for command in COMMANDS {
        insta::assert_snapshot!(command, help(&[command, "--help"]));
    }
}

#[test]
fn help_lines_fit_a_terminal() {
    for command in COMMANDS {
        for line in help(&[command, "--help"]).lines() {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
    }
}

#[test]
fn without_a_subcommand_the_help_comes_as_an_error() {
    let output = ends_with(2, &mut feedlab(&[]));
    assert!(out(&output).is_empty() && err(&output).contains("Start here:"));
}

#[test]
fn a_flag_that_is_not_known_is_wrong_usage() {
    let output = ends_with(2, &mut feedlab(&["run", "quick.toml", "--outt", "x"]));
    assert!(err(&output).contains("--out"), "{}", err(&output));
}

#[test]
fn the_version_says_what_it_was_built_from() {
    let version = help(&["--version"]);
    assert!(version.starts_with(concat!("feedlab ", env!("CARGO_PKG_VERSION"), " (")), "{version}");
    assert!(version.contains("rustc 1."), "{version}");
    assert_eq!(help(&["-V"]).lines().count(), 1);
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        assert!(script.contains("validate") && script.contains("raw-events"), "{shell}");
    }
}

#[test]
fn the_schema_is_as_it_was_reviewed() {
    let schema: serde_json::Value = serde_json::from_str(&help(&["schema"])).expect("JSON");
    insta::assert_json_snapshot!(schema);
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let binary = assert_cmd::cargo::cargo_bin!("feedlab");
    let mut child = std::process::Command::new(binary)
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), err(&output)), (Some(0), String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let binary = assert_cmd::cargo::cargo_bin!("feedlab");
    let output = std::process::Command::new(binary).arg("schema").stdout(full).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).starts_with("error: cannot write to standard output: No space left"), "{}", err(&output));
}
