//! The nginx process: found, started with a folder of its own, and ended whatever happens.

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

use super::config::Config;
use super::refused;

/// How long it may take until it listens, and to end.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often a port that somebody else was quicker to take is replaced by another.
const TRIES: u32 = 3;

/// A running nginx.
pub(super) struct Nginx {
    process: Child,
    address: SocketAddr,
    /// The last lines of its error log.
    said: Option<JoinHandle<Vec<String>>>,
    /// Its configuration, process id and temporary files; gone with it.
    _folder: TempDir,
}

impl Nginx {
    /// Starts nginx and waits until it listens. Port 0 becomes a free one.
    pub(super) async fn start(listen: SocketAddr, config: impl Fn(SocketAddr) -> Config) -> anyhow::Result<Self> {
        let program = find().ok_or_else(|| {
            refused(
                "nginx is not installed: `apt-get install -y nginx` (Debian, Ubuntu), `brew install nginx` (macOS)"
                    .to_owned(),
            )
        })?;
        let mut tries = if listen.port() == 0 { TRIES } else { 1 };
        loop {
            let address = free(listen)?;
            let mut nginx = Self::spawn(&program, address, &config(address).text())?;
            match nginx.until_it_listens().await {
                Ok(()) => return Ok(nginx),
                Err(error) => {
                    nginx.stop().await;
                    tries -= 1;
                    if tries == 0 {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn spawn(program: &Path, address: SocketAddr, config: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("feedlab-nginx-").tempdir().context("cannot make a folder")?;
        // Workers of an nginx that root started are another user, and must get at their temporary files.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).context("cannot write nginx's configuration")?;
        let mut process = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let said = process.stderr.take().map(|stderr| tokio::spawn(last_lines(stderr)));
        Ok(Self { process, address, said, _folder: folder })
    }

    /// The process id of its master; `None` once it has ended.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    async fn until_it_listens(&mut self) -> anyhow::Result<()> {
        let listens = async {
            while TcpStream::connect(self.address).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            result = timeout(PATIENCE, listens) => return result.context("nginx does not listen"),
            _ = self.process.wait() => {}
        }
        Err(self.died().await)
    }

    /// Waits for an end that nobody asked for, and says what nginx said.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let said = match self.said.take() {
            Some(said) => timeout(PATIENCE, said).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => Vec::new(),
        };
        anyhow::anyhow!("nginx ended ({status}): {}", said.last().map_or("it said nothing", String::as_str))
    }

    /// Makes it read its configuration again and replace its workers.
    pub(super) fn reload(&self) {
        self.signal(Signal::HUP);
    }

    /// Ends it and its workers, and reaps it.
    pub(super) async fn stop(mut self) {
        self.signal(Signal::TERM);
        if timeout(PATIENCE, self.process.wait()).await.is_err() {
            // Dropping kills what does not listen.
            let _ = self.process.kill().await;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            // One that has ended by itself hears no signal.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Debian has it where only root's path leads.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
    let folders = std::env::split_paths(&path).chain(more);
    folders.map(|folder| folder.join("nginx")).find(|program| program.is_file())
}

/// The address, with a free port where none is asked for. It is given back at once: nginx takes no listener from others.
pub(super) fn free(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(listen)
        .with_context(|| format!("cannot listen on {listen}; port 0 takes a free one"))?;
    Ok(listener.local_addr()?)
}

/// Reads the log to its end, so that nginx never waits for a reader, and keeps the last of it.
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
