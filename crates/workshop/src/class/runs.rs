//! Measurements that the class asks for: one at a time, each a process of its own that ends with this one.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use feedlab_experiment::plan;
use feedlab_experiment::summary::Summary;
use feedlab_experiment::verdict::Status;
use feedlab_feed::clock;
use feedlab_server::Rejection;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::ClassSettings;
use super::evidence::Known;
use crate::limits::{MAX_RUN_OUTPUT_BYTES, MAX_RUN_STDERR_BYTES, MAX_RUNS};

/// A run may take so many times what it should …
const PATIENCE: u32 = 3;
/// … and this much longer.
const MORE: Duration = Duration::from_secs(60);
/// How long a run may take to end after it was asked to.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// It left this results folder.
    Done(String),
    Failed,
}

/// A run that somebody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) scenario: String,
    pub(crate) state: State,
    /// How far it is, in a sentence.
    pub(crate) message: String,
    who: String,
    began: Instant,
    takes: Duration,
}

impl Run {
    /// From 0 to 1, by the clock.
    pub(crate) fn progress(&self) -> f64 {
        match self.state {
            State::Running => (self.began.elapsed().as_secs_f64() / self.takes.as_secs_f64()).min(0.99),
            _ => 1.0,
        }
    }

    /// Who waits for what, for how long.
    fn in_the_way(&self) -> String {
        let left = self.takes.saturating_sub(self.began.elapsed()).as_secs() + 1;
        let (scenario, who) = (&self.scenario, &self.who);
        format!("{scenario} is being measured for {who}, about {left} s more; one measurement at a time, wait for it")
    }
}

/// All runs of this class.
#[derive(Debug)]
pub(crate) struct Runs {
    settings: ClassSettings,
    kept: Mutex<VecDeque<Run>>,
    tasks: TaskTracker,
}

impl Runs {
    pub(crate) fn new(settings: ClassSettings) -> Arc<Self> {
        Arc::new(Self { settings, kept: Mutex::default(), tasks: TaskTracker::new() })
    }

    /// The folder in which results folders are.
    pub(crate) const fn out(&self) -> &PathBuf {
        &self.settings.out
    }

    /// Begins a run, unless one goes on.
    pub(crate) fn start(self: &Arc<Self>, path: &str, known: &Known, who: &str) -> Result<u64, Rejection> {
        let mut kept = self.kept();
        if let Some(run) = kept.iter().find(|run| run.state == State::Running) {
            return Err(Rejection::conflict(run.in_the_way()));
        }
        let takes = plan::duration(&known.scenario);
        let child = self
            .spawn(known)
            .map_err(|error| Rejection::unavailable(format!("cannot start the measurement: {error}")))?;
        let id = kept.back().map_or(1, |run| run.id + 1);
        kept.push_back(Run {
            id,
            scenario: path.to_owned(),
            state: State::Running,
            message: format!("about {} s", takes.as_secs()),
            who: who.to_owned(),
            began: clock::now(),
            takes,
        });
        if kept.len() > MAX_RUNS {
            kept.pop_front();
        }
        self.tasks.spawn(self.clone().follow(id, child, takes * PATIENCE + MORE));
        Ok(id)
    }

    /// A run by its id.
    pub(crate) fn get(&self, id: u64) -> Option<Run> {
        self.kept().iter().find(|run| run.id == id).cloned()
    }

    /// The last run of a scenario.
    pub(crate) fn last_of(&self, scenario: &str) -> Option<Run> {
        self.kept().iter().rfind(|run| run.scenario == scenario).cloned()
    }

    /// Waits for the run that goes on.
    pub(crate) async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn spawn(&self, known: &Known) -> std::io::Result<Child> {
        Command::new(&self.settings.binary)
            .arg0("feedlab")
            .args(["run", "--format", "json", "--exit-with-stdin", "--out"])
            .arg(&self.settings.out)
            .arg(&known.file)
            // A terminal's Ctrl-C is for this process, which then ends the run gracefully.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    async fn follow(self: Arc<Self>, id: u64, mut child: Child, limit: Duration) {
        // Its end is the run's sign to stop; it comes even when this process is killed.
        let stdin = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let output = tokio::spawn(async move { printed(stdout).await });
        let told = self.clone();
        let words = tokio::spawn(async move { said(stderr, |line| told.tell(id, line)).await });
        let in_time = tokio::select! {
            status = child.wait() => Some(status),
            () = tokio::time::sleep(limit) => None,
            () = self.settings.stop.cancelled() => None,
        };
        drop(stdin);
        let is_whole = in_time.is_some();
        let ended = match in_time {
            Some(status) => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            None => self.end(&mut child, limit).await,
        };
        let words = timeout(LAST_WORDS, words).await.ok().and_then(Result::ok).unwrap_or_default();
        let output = timeout(LAST_WORDS, output).await.ok().and_then(Result::ok).unwrap_or_default();
        let (state, message) = match serde_json::from_slice::<Summary>(&output) {
            Ok(summary) if is_whole => found(summary),
            _ => (State::Failed, failure(&ended, &words)),
        };
        self.settle(id, state, message);
    }

    /// Asks a run that takes too long, or for which there is no time any more, to end; kills it if it does not.
    async fn end(&self, child: &mut Child, limit: Duration) -> String {
        if timeout(LAST_WORDS, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        if self.settings.stop.is_cancelled() {
            "the server was stopped".to_owned()
        } else {
            format!("it was not done after {} s", limit.as_secs())
        }
    }

    fn tell(&self, id: u64, line: &str) {
        if let Some(run) = self.kept().iter_mut().find(|run| run.id == id) {
            line.clone_into(&mut run.message);
        }
    }

    fn settle(&self, id: u64, state: State, message: String) {
        if let Some(run) = self.kept().iter_mut().find(|run| run.id == id) {
            (run.state, run.message) = (state, message);
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Run>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The summary that a run prints.
async fn printed(stdout: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut output = Vec::new();
    if let Some(stdout) = stdout {
        let _ = stdout.take(MAX_RUN_OUTPUT_BYTES).read_to_end(&mut output).await;
    }
    output
}

/// Reads what a run says to its end, so that it never blocks on a full pipe; tells each line that says how far it is.
async fn said(stderr: Option<impl AsyncRead + Unpin>, tell: impl Fn(&str)) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 1024];
    let Some(mut stderr) = stderr else { return String::new() };
    while let Ok(len @ 1..) = stderr.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..len]);
        kept.drain(..kept.len().saturating_sub(MAX_RUN_STDERR_BYTES));
        let text = String::from_utf8_lossy(&kept);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        if let Some(line) = whole.lines().rfind(|line| line.starts_with('[')) {
            tell(line);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn found(summary: Summary) -> (State, String) {
    let reasons = summary.verdict.reasons.iter().map(|reason| format!("{}: {}", reason.what, reason.advice));
    let reasons: Vec<String> = reasons.collect();
    let message = match summary.verdict.status {
        Status::Valid => "done: the measurement is valid".to_owned(),
        Status::Suspect => format!("done, but read it with care: {}", reasons.join("; ")),
        Status::Invalid => format!("this machine could not measure it: {}", reasons.join("; ")),
    };
    (State::Done(summary.run), message)
}

fn failure(ended: &str, words: &str) -> String {
    let last = words.lines().rfind(|line| line.starts_with("error: ")).unwrap_or(ended);
    format!("the measurement failed: {}", last.trim_start_matches("error: "))
}
