//! `feedlab serve`, `proxy`, `workshop` and `nginx` as processes that print the address they listen on.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A listening process. Dropping it ends it.
#[derive(Debug)]
pub struct Feedlab {
    child: Child,
    ready: Value,
}

impl Feedlab {
    /// Returns the command `feedlab ARGUMENTS…`, without environment variables that a developer may have set for it.
    /// `binary` is `assert_cmd::cargo::cargo_bin!("feedlab")`, which is available only to the tests of its own package.
    pub fn command(binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(arguments).env_remove("FEEDLAB_TOKEN");
        command
    }

    /// Starts a command, on a free port of this machine unless it names one, and waits until it prints its address.
    #[track_caller]
    pub fn start(mut command: Command) -> Self {
        if !command.get_args().any(|argument| argument == OsStr::new("--listen")) {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(["--format", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let feedlab = Self { child, ready: serde_json::from_str(&line).unwrap_or_default() };
        assert!(feedlab.ready["listening"].is_string(), "{command:?} printed {line:?}");
        feedlab
    }

    /// Starts `feedlab ARGUMENTS…`.
    #[track_caller]
    pub fn run(binary: &Path, arguments: &[&str]) -> Self {
        Self::start(Self::command(binary, arguments))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.addressed("listening")
    }

    /// The control address; not every process has one.
    pub fn control(&self) -> SocketAddr {
        self.addressed("control")
    }

    fn addressed(&self, name: &str) -> SocketAddr {
        let address = self.ready[name].as_str().and_then(|address| address.parse().ok());
        address.unwrap_or_else(|| panic!("no address `{name}` in {}", self.ready))
    }

    /// The line of JSON that it printed with its address.
    pub const fn ready(&self) -> &Value {
        &self.ready
    }

    /// Writes a line on its standard input.
    pub fn write_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").expect("it reads");
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is still there");
    }

    /// Ends it with SIGTERM, and returns its exit status.
    pub fn terminate(self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.close()
    }

    /// Closes its standard input, waits for it to end, and returns its exit status.
    pub fn close(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Feedlab {
    fn drop(&mut self) {
        // The process id stays reserved until the process has been waited for.
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let _ = self.child.wait();
        }
    }
}
