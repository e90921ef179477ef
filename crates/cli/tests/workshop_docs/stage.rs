//! What the commands of a chapter talk to: a server and a lab proxy in front of it, on free ports.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::root;

/// The binary, in the root of the repository.
pub(crate) fn feedlab(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"));
    command.args(arguments).current_dir(root()).env_remove("FEEDLAB_TOKEN");
    command
}

/// A process that goes on until it is dropped.
pub(crate) struct Running {
    child: Child,
    /// The line of JSON in which it says where it is.
    pub(crate) place: String,
}

impl Running {
    /// Starts what goes on until it is stopped, and waits until it says where it is.
    #[track_caller]
    pub(crate) fn begin(arguments: &[&str]) -> Self {
        let mut command = feedlab(&[arguments, &["--format", "json"]].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut place = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut place).unwrap();
        let running = Self { child, place };
        assert!(running.place.contains("listening"), "feedlab {arguments:?}: {:?}", running.place);
        running
    }

    /// The `n`th address in that line, as `127.0.0.1:PORT`.
    pub(crate) fn address(&self, n: usize) -> String {
        let rest = self.place.split("127.0.0.1:").nth(n + 1).unwrap_or_else(|| panic!("{}", self.place));
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        format!("127.0.0.1:{port}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
