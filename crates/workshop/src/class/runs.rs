//! The measurements that the class requests: one at a time, each in a separate process that ends with this one.

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
use super::evidence::BundledScenario;
use crate::limits::{MAX_RUN_OUTPUT_BYTES, MAX_RUN_STDERR_BYTES, MAX_RUNS};

/// A run may take this many times its planned duration …
const DURATION_FACTOR: u32 = 3;
/// … plus this time.
const EXTRA_TIME: Duration = Duration::from_secs(60);
/// How long a run may take to end after it was stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The state of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// Done, with the name of its results folder.
    Done(String),
    Failed,
}

/// A run that was requested.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) scenario: String,
    pub(crate) state: State,
    /// Its progress or its result, as one sentence.
    pub(crate) message: String,
    /// The name of the person who requested it.
    who: String,
    began: Instant,
    /// The planned duration.
    takes: Duration,
}

impl Run {
    /// Returns the share of the planned duration that has passed, from 0 to 1.
    pub(crate) fn progress(&self) -> f64 {
        match self.state {
            State::Running => (self.began.elapsed().as_secs_f64() / self.takes.as_secs_f64()).min(0.99),
            _ => 1.0,
        }
    }

    /// Returns the message for a request while this run is in progress.
    fn busy_message(&self) -> String {
        let left = self.takes.saturating_sub(self.began.elapsed()).as_secs() + 1;
        let (scenario, who) = (&self.scenario, &self.who);
        format!(
            "{scenario} is being measured for {who}, for about another {left} s; try again then: only one measurement runs at \
             a time"
        )
    }
}

/// All runs of this class.
#[derive(Debug)]
pub(crate) struct Runs {
    settings: ClassSettings,
    /// The runs that are remembered, oldest first.
    runs: Mutex<VecDeque<Run>>,
    tasks: TaskTracker,
}

impl Runs {
    pub(crate) fn new(settings: ClassSettings) -> Arc<Self> {
        Arc::new(Self { settings, runs: Mutex::default(), tasks: TaskTracker::new() })
    }

    /// Returns the folder of the results folders.
    pub(crate) const fn out(&self) -> &PathBuf {
        &self.settings.out
    }

    /// Starts a run, unless one is in progress, and returns its id.
    pub(crate) fn start(self: &Arc<Self>, path: &str, scenario: &BundledScenario, who: &str) -> Result<u64, Rejection> {
        let mut runs = self.runs();
        if let Some(run) = runs.iter().find(|run| run.state == State::Running) {
            return Err(Rejection::conflict(run.busy_message()));
        }
        let takes = plan::duration(&scenario.scenario);
        let child = self
            .spawn(scenario)
            .map_err(|error| Rejection::unavailable(format!("cannot start the measurement: {error}")))?;
        let id = runs.back().map_or(1, |run| run.id + 1);
        runs.push_back(Run {
            id,
            scenario: path.to_owned(),
            state: State::Running,
            message: format!("about {} s", takes.as_secs()),
            who: who.to_owned(),
            began: clock::now(),
            takes,
        });
        if runs.len() > MAX_RUNS {
            runs.pop_front();
        }
        self.tasks.spawn(self.clone().follow(id, child, takes * DURATION_FACTOR + EXTRA_TIME));
        Ok(id)
    }

    /// Returns a run by its id.
    pub(crate) fn get(&self, id: u64) -> Option<Run> {
        self.runs().iter().find(|run| run.id == id).cloned()
    }

    /// Returns the last run of a scenario.
    pub(crate) fn last_of(&self, scenario: &str) -> Option<Run> {
        self.runs().iter().rfind(|run| run.scenario == scenario).cloned()
    }

    /// Waits until the run in progress has ended.
    pub(crate) async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn spawn(&self, scenario: &BundledScenario) -> std::io::Result<Child> {
        Command::new(&self.settings.binary)
            .arg0("feedlab")
            .args(["run", "--format", "json", "--exit-with-stdin", "--out"])
            .arg(&self.settings.out)
            .arg(&scenario.file)
            // Ctrl-C in a terminal reaches only this process, which then stops the run gracefully.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    async fn follow(self: Arc<Self>, id: u64, mut child: Child, limit: Duration) {
        // The end of its standard input stops the run, even if this process is killed.
        let stdin = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let output = tokio::spawn(async move { read_stdout(stdout).await });
        let runs = self.clone();
        let errors = tokio::spawn(async move { read_stderr(stderr, |line| runs.set_message(id, line)).await });
        let in_time = tokio::select! {
            status = child.wait() => Some(status),
            () = tokio::time::sleep(limit) => None,
            () = self.settings.stop.cancelled() => None,
        };
        drop(stdin);
        let has_finished = in_time.is_some();
        let ended = match in_time {
            Some(status) => status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            None => self.end(&mut child, limit).await,
        };
        let errors = timeout(STOP_TIMEOUT, errors).await.ok().and_then(Result::ok).unwrap_or_default();
        let output = timeout(STOP_TIMEOUT, output).await.ok().and_then(Result::ok).unwrap_or_default();
        let (state, message) = match serde_json::from_slice::<Summary>(&output) {
            Ok(summary) if has_finished => result(summary),
            _ => (State::Failed, failure(&ended, &errors)),
        };
        self.finish(id, state, message);
    }

    /// Waits for a run that was stopped, and kills it if it does not end in time. Returns why it was stopped.
    async fn end(&self, child: &mut Child, limit: Duration) -> String {
        if timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        if self.settings.stop.is_cancelled() {
            "the server was stopped".to_owned()
        } else {
            format!("it was not finished after {} s", limit.as_secs())
        }
    }

    fn set_message(&self, id: u64, line: &str) {
        if let Some(run) = self.runs().iter_mut().find(|run| run.id == id) {
            line.clone_into(&mut run.message);
        }
    }

    fn finish(&self, id: u64, state: State, message: String) {
        if let Some(run) = self.runs().iter_mut().find(|run| run.id == id) {
            (run.state, run.message) = (state, message);
        }
    }

    fn runs(&self) -> MutexGuard<'_, VecDeque<Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the summary that a run prints.
async fn read_stdout(stdout: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut output = Vec::new();
    if let Some(stdout) = stdout {
        let _ = stdout.take(MAX_RUN_OUTPUT_BYTES).read_to_end(&mut output).await;
    }
    output
}

/// Reads a run's standard error to the end, so that the run never blocks on a full pipe, and passes each line with its
/// progress to `on_progress`. Returns the end of the text.
async fn read_stderr(stderr: Option<impl AsyncRead + Unpin>, on_progress: impl Fn(&str)) -> String {
    let mut end = Vec::new();
    let mut chunk = [0; 1024];
    let Some(mut stderr) = stderr else { return String::new() };
    while let Ok(len @ 1..) = stderr.read(&mut chunk).await {
        end.extend_from_slice(&chunk[..len]);
        end.drain(..end.len().saturating_sub(MAX_RUN_STDERR_BYTES));
        let text = String::from_utf8_lossy(&end);
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        if let Some(line) = whole.lines().rfind(|line| line.starts_with('[')) {
            on_progress(line);
        }
    }
    String::from_utf8_lossy(&end).into_owned()
}

fn result(summary: Summary) -> (State, String) {
    let reasons = summary.verdict.reasons.iter().map(|reason| format!("{}: {}", reason.what, reason.advice));
    let reasons: Vec<String> = reasons.collect();
    let message = match summary.verdict.status {
        Status::Valid => "done: the measurement is valid".to_owned(),
        Status::Suspect => format!("done, but read the results with care: {}", reasons.join("; ")),
        Status::Invalid => format!("this machine could not measure it: {}", reasons.join("; ")),
    };
    (State::Done(summary.run), message)
}

fn failure(ended: &str, errors: &str) -> String {
    let last = errors.lines().rfind(|line| line.starts_with("error: ")).unwrap_or(ended);
    format!("the measurement failed: {}", last.trim_start_matches("error: "))
}
