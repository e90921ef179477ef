//! A third-party server program (nginx, nats-server): found, started on a free port with a temporary folder, and
//! stopped whatever happens. Its arguments are up to the caller.

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

/// How long a program may take until it listens, and to exit.
const PATIENCE: Duration = Duration::from_secs(8);
/// How many free ports to try, in case another process takes one first.
const TRIES: u32 = 3;

/// A program, and how to install it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) remedy: &'static str,
}

impl Program {
    /// Finds the program. Debian installs some in folders that are only in root's `PATH`.
    pub(super) fn find(self) -> anyhow::Result<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let more = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
        let found = std::env::split_paths(&path).chain(more).map(|folder| folder.join(self.name));
        let found = found.into_iter().find(|program| program.is_file());
        found.ok_or_else(|| bad_input(anyhow::anyhow!("{} is not installed: {}", self.name, self.remedy)))
    }
}

/// A running program.
pub(super) struct Daemon {
    name: &'static str,
    process: Child,
    address: SocketAddr,
    /// The last lines of its standard error.
    said: Option<JoinHandle<Vec<String>>>,
    /// The folder of its files, deleted with it.
    folder: TempDir,
}

impl Daemon {
    /// Starts it and waits until it listens. Port 0 picks a free one. `arguments` makes its arguments from its address
    /// and folder.
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

    /// Returns its process id; `None` once it has exited.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Returns the address that it listens on.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the folder of its files.
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
            result = timeout(PATIENCE, listens) => return result.with_context(|| format!("{} did not start listening", self.name)),
            _ = self.process.wait() => {}
        }
        Err(self.died().await)
    }

    /// Waits until it exits unexpectedly, and returns its last message.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let said = match self.said.take() {
            Some(said) => timeout(PATIENCE, said).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => Vec::new(),
        };
        anyhow::anyhow!("{} exited ({status}): {}", self.name, said.last().map_or("it printed nothing", String::as_str))
    }

    /// Stops it and its workers, and reaps it.
    pub(super) async fn stop(mut self) {
        self.signal(Signal::TERM);
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            // If this fails, dropping kills it.
            let _ = self.process.kill().await;
        }
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            // It may have exited by itself.
            let _ = kill_process(pid, signal);
        }
    }
}

fn folder(name: &str) -> anyhow::Result<TempDir> {
    let prefix = format!("feedlab-{name}-");
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir().context("cannot create a folder")?;
    // The workers of an nginx that root started run as another user, and need access to their temporary files.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Returns the address, with a free port instead of port 0. The port is released immediately, because the program
/// cannot take over a listener.
pub(super) fn free(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(listen)
        .with_context(|| format!("cannot listen on {listen}; port 0 picks a free port"))?;
    Ok(listener.local_addr()?)
}

/// Reads the log to its end, so that the program never waits for a reader, and returns its last lines.
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
    fn a_missing_program_is_reported_with_the_remedy() {
        let program = Program { name: "feedlab-no-such-program", remedy: "`apt-get install -y it`" };
        let error = program.find().unwrap_err().to_string();
        assert_eq!(error, "feedlab-no-such-program is not installed: `apt-get install -y it`");
    }
}
