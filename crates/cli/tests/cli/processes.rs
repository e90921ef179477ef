//! Processes that a test starts. It finds them by a mark in their environment, which their children inherit.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Makes runs measure one at a time; otherwise they would measure each other's load.
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
    /// Starts `feedlab run scenario.toml --out results` in a folder, with default signals as in a terminal: the tests
    /// themselves may run under `nohup`.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_by(folder, &["env", "--default-signal"])
    }

    /// Starts it through a program that executes it, such as `nohup`.
    pub(crate) fn start_by(folder: &Path, program: &[&str]) -> Self {
        let mark = format!("FEEDLAB_TEST={}", folder.display());
        let child = Command::new(program[0])
            .args(&program[1..])
            .arg(assert_cmd::cargo::cargo_bin!("feedlab"))
            .args(["run", "scenario.toml", "--out", "results"])
            .env("FEEDLAB_TEST", folder)
            // Only runs of one test are neighbors.
            .env("XDG_RUNTIME_DIR", folder)
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

    /// Waits until the run exits, and returns its status and standard error.
    pub(crate) fn end(self) -> (Option<i32>, String) {
        let output = self.child.wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Returns the number of processes of this run, including itself.
    pub(crate) fn processes(&self) -> usize {
        marked(&self.mark).len()
    }

    /// Returns the process of this run that executes `feedlab SUBCOMMAND`.
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

/// Returns the `/proc` folders of the processes with this mark in their environment. A process that has exited but is
/// not reaped yet has no environment.
pub(crate) fn marked(mark: &str) -> Vec<PathBuf> {
    let has_mark = |process: &PathBuf| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten().map(|entry| entry.path());
    entries.filter(has_mark).collect()
}

/// Waits until a condition holds, and fails if it never does.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}
