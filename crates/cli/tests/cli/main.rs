//! The command line as users see it: the real binary, real processes, real sockets.

mod agents;
mod changes;
mod check;
mod choose;
mod class;
mod compare;
mod descriptors;
mod doctor;
mod epoch;
mod exercises;
mod help;
mod input;
mod interrupt;
mod link;
mod link_run;
mod namespaces;
mod nats;
mod nginx;
mod nodes;
mod own_server;
mod precision;
mod predict;
mod prefix;
mod processes;
mod proxy;
mod report;
mod results;
mod resume;
mod run;
mod scenario;
mod segments;
mod serve;
mod target;
mod watch;
mod workshop;

use std::process::Output;

use assert_cmd::Command;
use feedlab_testkit::Feedlab;

/// Returns `feedlab ARGUMENTS…`, without the developer's environment variables for it, and without their calibration.
fn feedlab(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("feedlab").expect("cargo builds the binary for its tests");
    command.args(arguments).env_remove("FEEDLAB_TOKEN").env_remove("COLUMNS").env("NO_COLOR", "1");
    command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Starts a server in the background, on a free port unless the arguments name one.
#[track_caller]
fn listening(arguments: &[&str]) -> Feedlab {
    Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), arguments)
}

/// Runs a command, which must exit with this status.
fn ends_with(status: i32, command: &mut Command) -> Output {
    let output = command.output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(status), "{command:?}\n{}\n{}", out(&output), err(&output));
    output
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Returns the single line of an error.
fn error_line(output: &Output) -> String {
    let text = err(output);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 1, "one line of error, here:\n{text}");
    lines[0].to_owned()
}
