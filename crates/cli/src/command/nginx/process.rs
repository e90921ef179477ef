//! The nginx process and its configuration, which can change while it runs.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use rustix::process::Signal;

use super::config::Config;
use crate::command::daemon::{Daemon, Program};

const NGINX: Program =
    Program { name: "nginx", remedy: "`apt-get install -y nginx` (Debian, Ubuntu), `brew install nginx` (macOS)" };
const FILE: &str = "nginx.conf";

/// A running nginx.
pub(super) struct Nginx(Daemon);

impl Nginx {
    /// Starts nginx and waits until it listens. Port 0 picks a free one.
    pub(super) async fn start(listen: SocketAddr, config: impl Fn(SocketAddr) -> Config) -> anyhow::Result<Self> {
        let arguments = |address, folder: &Path| {
            write(folder, &config(address))?;
            let file = folder.join(FILE);
            Ok(vec!["-p".into(), folder.into(), "-c".into(), file.into(), "-e".into(), "stderr".into()])
        };
        Daemon::start(NGINX, listen, arguments).await.map(Self)
    }

    /// Returns the process id of its master; `None` once it has exited.
    pub(super) fn pid(&self) -> Option<u32> {
        self.0.pid()
    }

    /// Returns the address that it listens on.
    pub(super) const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Waits until nginx exits unexpectedly, and returns its last message.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.0.died().await
    }

    /// Makes it reload its configuration and replace its workers.
    pub(super) fn reload(&self) {
        self.0.signal(Signal::HUP);
    }

    /// Writes another configuration and reloads it.
    pub(super) fn reconfigure(&self, config: &Config) -> anyhow::Result<()> {
        write(self.0.folder(), config)?;
        self.reload();
        Ok(())
    }

    /// Stops it and its workers, and reaps it.
    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}

fn write(folder: &Path, config: &Config) -> anyhow::Result<()> {
    std::fs::write(folder.join(FILE), config.text()).context("cannot write nginx's configuration")
}
