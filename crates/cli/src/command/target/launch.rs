//! The server of a target: started by its command, in a process group of its own, or running already. Whatever a command
//! has started ends with it, also what has left its group.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::scenario::{PORT, Target};
use feedlab_feed::process::{Descendant, adopt_orphans, descendants};
use feedlab_feed::text;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::request::causes;
use super::{OUTPUT_BYTES, START};
use crate::command::daemon;

/// How long a server that is running already may take to answer.
const ANSWER: Duration = Duration::from_secs(3);
/// The time between two attempts to reach a server that is starting.
const RETRY: Duration = Duration::from_millis(25);
/// How long the processes of a command may take to exit, before and after they are killed.
const PATIENCE: Duration = Duration::from_secs(3);
/// The time between two looks at which of them are left.
const LOOK: Duration = Duration::from_millis(20);
/// How long the last output of a command that has ended may take to arrive.
const LAST_OUTPUT: Duration = Duration::from_millis(200);

/// A target's server.
#[derive(Debug)]
pub(super) struct Server {
    url: Url,
    /// The path that it answers when it is ready.
    ready: Option<String>,
    /// Its processes; `None` if it was running already.
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    /// Its process group, which it leads.
    group: Option<Pid>,
    /// The end of what it has printed.
    output: Output,
}

type Output = Arc<Mutex<Vec<u8>>>;

impl Server {
    /// Starts a target's command, if it has one, in the current folder. Must be called inside a runtime.
    pub(super) fn start(target: &Target) -> anyhow::Result<Self> {
        let port = target.url.contains(PORT).then(free_port).transpose()?;
        let text = port.map_or_else(|| target.url.clone(), |port| target.url.replace(PORT, &port.to_string()));
        let url: Url = text.parse().with_context(|| format!("`{text}` is not a URL"))?;
        let port = url.port_or_known_default().context("its URL has no port")?;
        let process = target.command.as_ref().map(|command| Process::start(command, port)).transpose()?;
        Ok(Self { url, ready: target.ready.clone(), process })
    }

    /// Returns its URL, with its port.
    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// Whether its command was started here, so that its processes are known.
    pub(super) const fn is_started_here(&self) -> bool {
        self.process.is_some()
    }

    /// Waits until it is ready, and returns its address.
    pub(super) async fn until_ready(&mut self) -> anyhow::Result<SocketAddr> {
        let Self { url, ready, process } = self;
        let mut last = String::from("nothing was tried");
        let patience = if process.is_some() { START } else { ANSWER };
        let attempts = async {
            loop {
                match attempt(url, ready.as_deref()).await {
                    Ok(address) => return address,
                    Err(why) => last = why,
                }
                sleep(RETRY).await;
            }
        };
        let result = tokio::select! {
            biased;
            error = died(process.as_mut()) => return Err(error),
            result = timeout(patience, attempts) => result,
        };
        result.map_err(|_| {
            let remedy = match process {
                Some(process) => last_output(&process.output),
                None => "start it first, or give it a `command`".to_owned(),
            };
            anyhow::anyhow!("{url} was not ready within {} s ({last}): {remedy}", patience.as_secs())
        })
    }

    /// Waits until its command ends, and returns how. Never returns for a server that was running already.
    pub(super) async fn died(&mut self) -> anyhow::Error {
        died(self.process.as_mut()).await
    }

    /// Says what its command printed last, if it has one.
    pub(super) fn last_output(&self) -> Option<String> {
        self.process.as_ref().map(|process| last_output(&process.output))
    }

    /// Ends everything that its command has started.
    pub(super) async fn stop(self) {
        if let Some(process) = self.process {
            process.stop().await;
        }
    }
}

fn free_port() -> anyhow::Result<u16> {
    daemon::free((Ipv4Addr::LOCALHOST, 0).into()).map(|address| address.port())
}

/// Returns the address of a server that is ready, or why it is not.
async fn attempt(url: &Url, ready: Option<&str>) -> Result<SocketAddr, String> {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    let mut why = format!("{host} has no address");
    let addresses = lookup_host((host.trim_matches(['[', ']']), port)).await.map_err(|error| error.to_string())?;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(_) => return answers(url, ready).await.map(|()| address),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// Checks the response at the path that a ready server answers.
async fn answers(url: &Url, ready: Option<&str>) -> Result<(), String> {
    let Some(path) = ready else { return Ok(()) };
    let url = format!("{}{path}", url.as_str().trim_end_matches('/'));
    let client = Client::builder().no_proxy().http1_only().redirect(Policy::none()).timeout(ANSWER).build();
    let client = client.map_err(|error| causes(&error))?;
    let response = client.get(&url).send().await.map_err(|error| causes(&error.without_url()))?;
    if response.status().as_u16() < 400 { Ok(()) } else { Err(format!("GET {url}: {}", response.status())) }
}

async fn died(process: Option<&mut Process>) -> anyhow::Error {
    match process {
        Some(process) => process.died().await,
        None => std::future::pending().await,
    }
}

/// Says what a command printed last.
fn last_output(output: &Output) -> String {
    let kept = output.lock().unwrap_or_else(PoisonError::into_inner);
    let said = String::from_utf8_lossy(&kept);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match &lines[lines.len().saturating_sub(3)..] {
        [] => "it printed nothing".to_owned(),
        last => format!("it printed `{}`", text::visible(&last.join(" / "))),
    }
}

impl Process {
    fn start(command: &str, port: u16) -> anyhow::Result<Self> {
        anyhow::ensure!(
            std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(),
            "something listens on port {port} already: stop it, or let the run choose a port with {PORT}"
        );
        // What leaves its parent stays a descendant, which is measured and stopped with the others.
        adopt_orphans();
        let mut child = Command::new("sh")
            .args(["-c", command])
            .env("PORT", port.to_string())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start `{command}`"))?;
        let output = Output::default();
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(keep(stdout, output.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(keep(stderr, output.clone()));
        }
        let group = child.id().and_then(pid);
        Ok(Self { child, group, output })
    }

    async fn died(&mut self) -> anyhow::Error {
        let status = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        // Its output may still be on its way.
        sleep(LAST_OUTPUT).await;
        anyhow::anyhow!("its command ended ({status}): {}", last_output(&self.output))
    }

    /// Asks the group to end, and what has left it; kills what does not.
    async fn stop(mut self) {
        self.signal(Signal::TERM);
        if timeout(PATIENCE, self.gone()).await.is_err() {
            self.signal(Signal::KILL);
            let _ = timeout(PATIENCE, self.gone()).await;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
        let is_outside = |process: &Descendant| pid(process.group) != self.group;
        for process in descendants(std::process::id()).into_iter().filter(is_outside) {
            let _ = pid(process.pid).map(|pid| kill_process(pid, signal));
        }
    }

    async fn gone(&mut self) {
        let _ = self.child.wait().await;
        while !descendants(std::process::id()).is_empty() {
            sleep(LOOK).await;
        }
    }
}

fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

/// Reads a stream to its end, so that the command never waits for a reader, and keeps the end of it.
async fn keep(mut stream: impl AsyncRead + Unpin, output: Output) {
    let mut chunk = [0; 1024];
    while let Ok(len @ 1..) = stream.read(&mut chunk).await {
        let mut kept = output.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&chunk[..len]);
        let surplus = kept.len().saturating_sub(OUTPUT_BYTES);
        kept.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(command: &str, url: &str) -> Target {
        let text = format!(
            "schema = 1\n[target.it]\ncommand = {command:?}\nurl = {url:?}\nsse = \"/\"\npublish = {{ path = \"/pub\" }}\n"
        );
        Target::parse(&text, "it.toml".as_ref()).unwrap()
    }

    #[tokio::test]
    async fn a_command_that_ends_is_reported_with_its_output() {
        for (command, needle) in [
            ("echo one; echo two >&2; exit 3", "its command ended (exit status: 3): it printed `"),
            ("true", "its command ended (exit status: 0): it printed nothing"),
        ] {
            let mut server = Server::start(&target(command, "http://127.0.0.1:$PORT")).unwrap();
            let error = server.until_ready().await.unwrap_err().to_string();
            assert!(error.starts_with(needle), "{error}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_refused() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", taken.local_addr().unwrap());
        let error = Server::start(&target("true", &url)).unwrap_err().to_string();
        assert!(error.starts_with("something listens on port "), "{error}");
    }
}
