//! Processes that a test starts: found again by a mark in their environment, which their children inherit.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Runs measure one at a time: they would see each other's load.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static MEASURING: Mutex<()> = Mutex::new(());
    MEASURING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run in the background.
pub(crate) struct Run {
    child: Child,
    mark: String,
}

impl Run {
    /// Starts `feedlab run scenario.toml --out results` in a folder, with signals as in a terminal: the tests may
    /// themselves have been started by `nohup`.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_by(folder, &["env", "--default-signal"])
    }

    /// The same by a program that becomes the run: `nohup`.
    pub(crate) fn start_by(folder: &Path, program: &[&str]) -> Self {
        let mark = format!("FEEDLAB_TEST={}", folder.display());
        let child = Command::new(program[0])
            .args(&program[1..])
            .arg(assert_cmd::cargo::cargo_bin!("feedlab"))
            .args(["run", "scenario.toml", "--out", "results"])
            .env("FEEDLAB_TEST", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        Self { child, mark }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is still there");
    }

    /// Waits for the run's own end: its status, and what it said on standard error.
    pub(crate) fn end(self) -> (Option<i32>, String) {
        let output = self.child.wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The processes of this run, itself included.
    pub(crate) fn processes(&self) -> usize {
        marked(&self.mark).len()
    }

    /// The process of this run that does `feedlab SUBCOMMAND`.
    pub(crate) fn child(&self, subcommand: &str) -> Option<Pid> {
        let does = |process: &PathBuf| {
            let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).nth(1) == Some(subcommand.as_bytes())
        };
        let process = marked(&self.mark).into_iter().find(does)?;
        process.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw)
    }

    pub(crate) fn mark(&self) -> String {
        self.mark.clone()
    }
}

/// The `/proc` folders of the processes that have this in their environment. One that has ended and is not reaped yet
/// has none.
pub(crate) fn marked(mark: &str) -> Vec<PathBuf> {
    let has_mark = |process: &PathBuf| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten().map(|entry| entry.path());
    entries.filter(has_mark).collect()
}

/// Waits until something is so, and fails if it never is.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}
