//! A `feedlab serve` that is killed, as by `kill -9`, and comes back on the same port as another process.

use std::net::SocketAddr;

use feedlab_testkit::Feedlab;
use rustix::process::Signal;

pub(crate) struct Killed {
    arguments: Vec<&'static str>,
    address: SocketAddr,
    /// `None` while no process listens.
    process: Option<Feedlab>,
}

impl Killed {
    /// Starts a server with a constant feed of 20 updates per second.
    pub(crate) fn start(more: &[&'static str]) -> Self {
        let arguments = [&["serve", "--feed", "synthetic", "--rate", "20", "--exit-with-stdin"], more].concat();
        let process = run(&arguments);
        Self { arguments, address: process.address(), process: Some(process) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal(Signal::KILL);
            process.close();
        }
    }

    /// Starts another process on the same port.
    pub(crate) fn restart(&mut self) {
        let address = self.address.to_string();
        self.process = Some(run(&[&self.arguments[..], &["--listen", &address]].concat()));
    }
}

fn run(arguments: &[&str]) -> Feedlab {
    Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), arguments)
}
