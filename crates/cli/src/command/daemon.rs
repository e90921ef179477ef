//! A program of somebody else's that serves (nginx, nats-server): found, started on a free port with a folder of its own, and
//! ended whatever happens. What it is told is its caller's business.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::exit::bad_input;

/// How long it may take until it listens, and to end.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often a port that somebody else was quicker to take is replaced by another.
const TRIES: u32 = 3;

/// A program and how a machine without it gets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) remedy: &'static str,
}

impl Program {
    /// Debian has some where only root's path leads.
    pub(super) fn find(self) -> anyhow::Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let more = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
        let found = std::env::split_paths(&path).chain(more).map(|folder| folder.join(self.name));
        let found = found.into_iter().find(|program| program.is_file());
        found.ok_or_else(|| bad_input(anyhow::anyhow!("{} is not installed: {}", self.name, self.remedy)))
    }
}

/// A program that runs.
pub(super) struct Daemon {
    name: &'static str,
    process: Child,
    address: SocketAddr,
    /// The last lines that it said.
    said: Option<JoinHandle<Vec<String>>>,
    /// Its files; gone with it.
    folder: TempDir,
}

impl Daemon {
    /// Starts it and waits until it listens. Port 0 becomes a free one. Where it listens and its folder make its arguments.
    pub(super) async fn start(
        program: Program,
        listen: SocketAddr,
        arguments: impl Fn(SocketAddr, &Path) -> anyhow::Result<Vec<OsString>>,
    ) -> anyhow::Result<Self> {
        let path = program.find()?;
        let mut tries = if listen.port() == 0 { TRIES } else { 1 };
        loop {
            let address = free(listen)?;
            let folder = folder(program.name)?;
            let arguments = arguments(address, folder.path())?;
            let mut daemon = Self::spawn((program.name, &path), address, folder, &arguments)?;
            match daemon.until_it_listens().await {
                Ok(()) => return Ok(daemon),
                Err(error) => {
                    daemon.stop().await;
                    tries -= 1;
                    if tries == 0 {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn spawn(
        (name, program): (&'static str, &Path),
        address: SocketAddr,
        folder: TempDir,
        arguments: &[OsString],
    ) -> anyhow::Result<Self> {
        let mut process = Command::new(program)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let said = process.stderr.take().map(|stderr| tokio::spawn(last_lines(stderr)));
        Ok(Self { name, process, address, said, folder })
    }

    /// Its process id; `None` once it has ended.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its files are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    async fn until_it_listens(&mut self) -> anyhow::Result<()> {
        let listens = async {
            while TcpStream::connect(self.address).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            result = timeout(PATIENCE, listens) => return result.with_context(|| format!("{} does not listen", self.name)),
            _ = self.process.wait() => {}
        }
        Err(self.died().await)
    }

    /// Waits for an end that nobody asked for, and says what it said.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let said = match self.said.take() {
            Some(said) => timeout(PATIENCE, said).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => Vec::new(),
        };
        anyhow::anyhow!("{} ended ({status}): {}", self.name, said.last().map_or("it said nothing", String::as_str))
    }

    /// Ends it and its workers, and reaps it.
    pub(super) async fn stop(mut self) {
        self.signal(Signal::TERM);
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            // Dropping kills what does not listen.
            let _ = self.process.kill().await;
        }
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            // One that has ended by itself hears no signal.
            let _ = kill_process(pid, signal);
        }
    }
}

fn folder(name: &str) -> anyhow::Result<TempDir> {
    let prefix = format!("feedlab-{name}-");
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir().context("cannot make a folder")?;
    // Workers of an nginx that root started are another user, and must get at their temporary files.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// The address, with a free port where none is asked for. It is given back at once: a program takes no listener from others.
pub(super) fn free(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(listen)
        .with_context(|| format!("cannot listen on {listen}; port 0 takes a free one"))?;
    Ok(listener.local_addr()?)
}

/// Reads the log to its end, so that the program never waits for a reader, and keeps the last of it.
async fn last_lines(log: impl AsyncRead + Unpin) -> Vec<String> {
    const KEPT: usize = 20;
    let (mut lines, mut kept) = (BufReader::new(log).lines(), Vec::new());
    while let Ok(Some(line)) = lines.next_line().await {
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(line);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named_with_the_remedy() {
        let program = Program { name: "feedlab-no-such-program", remedy: "`apt-get install -y it`" };
        let error = program.find().unwrap_err().to_string();
        assert_eq!(error, "feedlab-no-such-program is not installed: `apt-get install -y it`");
    }
}
