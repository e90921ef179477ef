//! What a new user reads: help, versions, completions, the schema.

use std::process::Stdio;

use super::{ends_with, err, feedlab, out};

/// Every subcommand that is not hidden.
const COMMANDS: [&str; 20] = [
    "run",
    "serve",
    "watch",
    "publish",
    "check",
    "inspect",
    "agent",
    "proxy",
    "link",
    "nginx",
    "choose",
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
fn every_help_matches_its_snapshot() {
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
fn without_a_subcommand_the_help_is_an_error() {
    let output = ends_with(2, &mut feedlab(&[]));
    assert!(out(&output).is_empty() && err(&output).contains("Start here:"));
}

#[test]
fn an_unknown_flag_is_wrong_usage() {
    let output = ends_with(2, &mut feedlab(&["run", "quick.toml", "--outt", "x"]));
    assert!(err(&output).contains("--out"), "{}", err(&output));
}

#[test]
fn the_version_includes_what_it_was_built_from() {
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

/// Hidden flags are those that one process of feedlab passes to another; users do not type them.
#[test]
fn completions_offer_every_flag_of_the_help_and_no_hidden_one() {
    let hidden = ["--exit-with-stdin", "--settings-from-stdin", "--began-at", "--epoch"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        for flag in hidden {
            let name = if shell == "fish" { &flag[2..] } else { flag };
            assert!(!script.contains(name), "{shell} offers {flag}");
        }
        for command in COMMANDS {
            let shown = help(&["help", command]);
            let flags =
                shown.lines().filter_map(|line| line.trim_start().trim_start_matches("-h, ").strip_prefix("--"));
            for flag in flags.map(|rest| rest.split([' ', '[', '=']).next().unwrap_or_default()) {
                assert!(script.contains(flag), "{shell} does not know --{flag} of {command}");
            }
        }
    }
}

/// A script that the shell cannot read would complete nothing.
#[test]
fn bash_can_read_its_completions() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("feedlab.bash");
    std::fs::write(&script, help(&["completions", "bash"])).expect("a file");
    let completed = "source \"$0\"; COMP_WORDS=(feedlab serve --ra); COMP_CWORD=2; _feedlab feedlab --ra serve; echo \"${COMPREPLY[*]}\"";
    let output =
        std::process::Command::new("bash").args(["-c", completed]).arg(&script).output().expect("bash is there");
    assert_eq!((out(&output).trim(), err(&output)), ("--rate", String::new()));
}

#[test]
fn the_schema_matches_its_snapshot() {
    let schema: serde_json::Value = serde_json::from_str(&help(&["schema"])).expect("JSON");
    insta::assert_json_snapshot!(schema);
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
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
fn f18_output_that_cannot_be_written_is_a_failure() {
    let (folder, _) = super::scenario::file(super::scenario::TINY);
    let mut lines =
        vec!["--help", "help run", "--version", "-V", "schema", "completions bash", "doctor", "doctor --format json"];
    lines.extend(["validate scenario.toml", "predict scenario.toml", "predict scenario.toml --format json"]);
    lines.push("serve --listen 127.0.0.1:0 --format json");
    let help: Vec<_> = COMMANDS.map(|command| format!("{command} --help")).into();
    for line in lines.into_iter().chain(help.iter().map(String::as_str)) {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("feedlab"));
        command.args(line.split(' ')).current_dir(&folder).stdout(full);
        let output = command.output().expect("the binary starts");
        assert_eq!(output.status.code(), Some(1), "{line}: {}", err(&output));
        let stderr = err(&output);
        assert!(stderr.contains("error: cannot write to standard output: No space left"), "{line}: {stderr}");
    }
}
