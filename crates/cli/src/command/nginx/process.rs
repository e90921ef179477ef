//! The nginx process and its configuration, which can be another while it runs.

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
    /// Starts nginx and waits until it listens. Port 0 becomes a free one.
    pub(super) async fn start(listen: SocketAddr, config: impl Fn(SocketAddr) -> Config) -> anyhow::Result<Self> {
        let arguments = |address, folder: &Path| {
            write(folder, &config(address))?;
            let file = folder.join(FILE);
            Ok(vec!["-p".into(), folder.into(), "-c".into(), file.into(), "-e".into(), "stderr".into()])
        };
        Daemon::start(NGINX, listen, arguments).await.map(Self)
    }

    /// The process id of its master; `None` once it has ended.
    pub(super) fn pid(&self) -> Option<u32> {
        self.0.pid()
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Waits for an end that nobody asked for, and says what nginx said.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        self.0.died().await
    }

    /// Makes it read its configuration again and replace its workers.
    pub(super) fn reload(&self) {
        self.0.signal(Signal::HUP);
    }

    /// The same with another configuration.
    pub(super) fn reconfigure(&self, config: &Config) -> anyhow::Result<()> {
        write(self.0.folder(), config)?;
        self.reload();
        Ok(())
    }

    /// Ends it and its workers, and reaps it.
    pub(super) async fn stop(self) {
        self.0.stop().await;
    }
}

fn write(folder: &Path, config: &Config) -> anyhow::Result<()> {
    std::fs::write(folder.join(FILE), config.text()).context("cannot write nginx's configuration")
}
