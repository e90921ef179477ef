//! `feedlab serve`, `proxy`, `workshop` and `nginx` as processes that say where they listen.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A process that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Feedlab {
    child: Child,
    ready: Value,
}

impl Feedlab {
    /// `feedlab ARGUMENTS…`, without the environment that a developer may have set for it. `binary` is
    /// `assert_cmd::cargo::cargo_bin!("feedlab")`, which only the tests of its own package know.
    pub fn command(binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(arguments).env_remove("FEEDLAB_TOKEN");
        command
    }

    /// Starts a command, on a free port of this machine unless it names one, and waits until it says where it listens.
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
        assert!(feedlab.ready["listening"].is_string(), "{command:?} said {line:?}");
        feedlab
    }

    /// Starts `feedlab ARGUMENTS…`.
    #[track_caller]
    pub fn run(binary: &Path, arguments: &[&str]) -> Self {
        Self::start(Self::command(binary, arguments))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.addressed("listening")
    }

    /// Where it is asked and ordered about; not every process has such an address.
    pub fn control(&self) -> SocketAddr {
        self.addressed("control")
    }

    fn addressed(&self, name: &str) -> SocketAddr {
        let address = self.ready[name].as_str().and_then(|address| address.parse().ok());
        address.unwrap_or_else(|| panic!("no address `{name}` in {}", self.ready))
    }

    /// The line of JSON in which it said where it listens.
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

    /// Ends it by a signal; its exit status.
    pub fn terminate(self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.close()
    }

    /// Closes its standard input, with which it ends if it was ready to; its exit status.
    pub fn close(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Feedlab {
    fn drop(&mut self) {
        // Its id is its own as long as nobody has waited for it.
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let _ = self.child.wait();
        }
    }
}
