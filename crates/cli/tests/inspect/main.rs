//! `feedlab inspect` as users run it: the real binary against real servers, alone and behind a real nginx.
//!
//! `ways` breaks a stream in eight ways and repairs each with what the finding says; `healthy` is where it must find
//! nothing; `input` is wrong usage. `application` has what is inspected.

mod application;
mod healthy;
mod input;
mod nginx;
mod ways;

use std::process::Output;
use std::thread::JoinHandle;

use assert_cmd::Command;
use serde_json::Value;

/// Returns `feedlab ARGUMENTS…`, without the developer's environment variables for it.
fn feedlab(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("feedlab").expect("cargo builds the binary for its tests");
    command.args(arguments).env_remove("FEEDLAB_TOKEN").env_remove("COLUMNS").env("NO_COLOR", "1");
    command
}

/// A name, and what it stands for.
type Job = (&'static str, Box<dyn FnOnce() + Send>);

/// Runs each on a thread of its own, since all they do is wait, and fails with the names of those that failed.
fn all_at_once(jobs: Vec<Job>) {
    let start = |(name, job): Job| {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(job);
        (name, thread.expect("a thread"))
    };
    let threads: Vec<(&str, JoinHandle<()>)> = jobs.into_iter().map(start).collect();
    let failed: Vec<_> = threads.into_iter().filter_map(|(name, thread)| thread.join().err().map(|_| name)).collect();
    assert!(failed.is_empty(), "these failed, for the reasons above: {failed:?}");
}

/// What an inspection found.
struct Inspected {
    status: Option<i32>,
    report: Value,
    output: Output,
}

/// Inspects a stream.
fn inspect(url: &str, more: &[&str]) -> Inspected {
    let output = feedlab(&[&["inspect", url, "--format", "json"], more].concat()).output().expect("the binary starts");
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Inspected { status: output.status.code(), report, output }
}

impl Inspected {
    fn findings(&self) -> impl Iterator<Item = &Value> {
        self.report["findings"].as_array().into_iter().flatten()
    }

    #[track_caller]
    fn finding(&self, id: &str) -> &Value {
        let found = self.findings().find(|finding| finding["id"] == id);
        found.unwrap_or_else(|| panic!("no finding `{id}`: {self}"))
    }

    /// The lines of what to change.
    #[track_caller]
    fn fix(&self, id: &str) -> String {
        let lines = self.finding(id)["fix"].as_array().into_iter().flatten();
        lines.filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Fails unless a finding has this mark, and this in its evidence.
    #[track_caller]
    fn expect(&self, id: &str, mark: &str, evidence: &str) {
        let finding = self.finding(id);
        let is_it = finding["mark"] == mark && finding["evidence"].as_str().unwrap_or_default().contains(evidence);
        assert!(is_it, "{id} is not {mark} with `{evidence}`: {self}");
    }

    /// The ids of the findings that are not as they should be.
    fn alarms(&self) -> Vec<&str> {
        let alarms = self.findings().filter(|finding| matches!(finding["mark"].as_str(), Some("bad" | "warn")));
        alarms.filter_map(|finding| finding["id"].as_str()).collect()
    }
}

impl std::fmt::Display for Inspected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {:?}, {}", self.status, String::from_utf8_lossy(&self.output.stderr))?;
        writeln!(f, "{} {}", self.report["url"], self.report["pictures"])?;
        self.findings().try_for_each(|finding| {
            writeln!(f, "{:<12} {} {} {}", finding["mark"], finding["id"], finding["evidence"], finding["fix"])
        })
    }
}
