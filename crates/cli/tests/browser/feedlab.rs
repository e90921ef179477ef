//! `feedlab serve` and `feedlab workshop` as processes of their own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A process that says in a line of JSON where it listens.
pub(crate) struct Feedlab {
    child: Child,
    pub(crate) url: String,
    /// Removed when the process has ended.
    _votes: Option<TempDir>,
}

impl Feedlab {
    /// `feedlab serve` with an even feed of so many updates a second.
    pub(crate) fn serve(rate: &str, more: &[&str]) -> Self {
        Self::start(&[&["serve", "--feed", "synthetic", "--rate", rate, "--exit-with-stdin"], more].concat())
    }

    /// `feedlab workshop`, with a class's votes and results in a folder that is forgotten.
    pub(crate) fn workshop() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [votes, results] = ["class.ndjson", "results"].map(|name| folder.path().join(name));
        let places = ["--class", votes.to_str().unwrap(), "--out", results.to_str().unwrap()];
        let mut workshop = Self::start(&[&["workshop", "--exit-with-stdin"][..], &places].concat());
        workshop._votes = Some(folder);
        workshop
    }

    /// `feedlab SUBCOMMAND …` on a free port of this machine.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"))
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--format", "json"])
            .env_remove("FEEDLAB_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let listening: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self { child, url: format!("http://{}", listening["listening"].as_str().unwrap()), _votes: None }
    }
}

impl Drop for Feedlab {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
