//! `feedlab run --nats` and `feedlab agent` with a real nats-server: one run of several processes, and how it fails.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use feedlab_testkit::{Broker, PATIENCE};
use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::nats::VARIABLES;
use super::processes::{alone, until};
use super::scenario::{TINY, file, one_contender};

/// A process whose standard error is read line by line.
struct Process {
    child: Child,
    said: mpsc::Receiver<String>,
    heard: Vec<String>,
}

impl Process {
    fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("feedlab"));
        command.args(arguments).current_dir(folder).env_remove("FEEDLAB_TOKEN");
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, said) = mpsc::sync_channel(1_000);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(tell.send(line))));
        Self { child, said, heard: Vec::new() }
    }

    /// Waits until it prints a line that contains a text.
    #[track_caller]
    fn until_it_says(&mut self, needle: &str) {
        while !self.heard.last().is_some_and(|line| line.contains(needle)) {
            let line = self.said.recv_timeout(PATIENCE);
            self.heard.push(line.unwrap_or_else(|_| panic!("{needle:?} in {:#?}", self.heard)));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it exits, and returns its status, standard output and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap().code();
        self.heard.extend(self.said.iter());
        (status, out, self.heard.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A broker, and a folder with a scenario for the processes.
struct Lab {
    broker: Broker,
    home: TempDir,
    variables: &'static [(&'static str, &'static str)],
}

/// Returns the variables of libfaketime that set a process's wall clock ahead by a number of seconds.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[track_caller]
pub(crate) fn clock_ahead(seconds: &str) -> Option<[(&str, &str); 3]> {
    const LIBRARY: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";
    const REMEDY: &str = "apt-get install -y faketime";
    let variables = [("LD_PRELOAD", LIBRARY), ("FAKETIME", seconds), ("DONT_FAKE_MONOTONIC", "1")];
    // The loader ignores a missing library, so check whether the clock differs.
    let now = |variables: &[(&str, &str)]| -> f64 {
        let date = Command::new("date").arg("+%s.%N").envs(variables.iter().copied()).output().unwrap();
        String::from_utf8_lossy(&date.stdout).trim().parse().unwrap()
    };
    if (now(&variables) - now(&[])).abs() > 30.0 {
        return Some(variables);
    }
    assert!(std::env::var_os("CI").is_none(), "no libfaketime here: {REMEDY}");
    eprintln!("SKIPPED: no libfaketime here: {REMEDY}");
    None
}

impl Lab {
    fn new(scenario: &str) -> Option<Self> {
        Some(Self { broker: Broker::start()?, home: file(scenario).0, variables: &[] })
    }

    fn url(&self) -> String {
        format!("nats://{}", self.broker.address())
    }

    /// Starts an agent, and waits until it is free.
    fn agent(&self, name: &str) -> Process {
        self.agent_with(name, self.variables)
    }

    fn agent_with(&self, name: &str, variables: &[(&str, &str)]) -> Process {
        let arguments = ["agent", "--nats", &self.url(), "--name", name];
        let mut agent = Process::start(self.home.path(), &arguments, variables);
        agent.until_it_says(&format!("agent {name} waits"));
        agent
    }

    fn run(&self, agents: &str) -> Process {
        let arguments = ["run", "scenario.toml", "--nats", &self.url(), "--agents", agents];
        Process::start(self.home.path(), &arguments, self.variables)
    }

    /// Reads the summary of a run from its output, which has the path of the report.
    fn summary(&self, said: &str) -> Value {
        let page = said.lines().find_map(|line| line.strip_prefix("report: ")).expect("the path of the report");
        serde_json::from_str(
            &std::fs::read_to_string(self.home.path().join(page).with_file_name("summary.json")).unwrap(),
        )
        .unwrap()
    }
}

fn metric(summary: &Value, name: &str) -> f64 {
    summary["contenders"][0]["metrics"][name]["value"].as_f64().unwrap_or_else(|| panic!("{name}: {summary}"))
}

#[test]
fn two_agents_drive_one_run_and_are_free_again() {
    let _alone = alone();
    let Some(broker) = Broker::start_with(&["--jetstream", "--user", "ada", "--pass", "right-secret"]) else { return };
    let variables = &[("NATS_USER", "ada"), ("NATS_PASSWORD", "right-secret")];
    let spread = one_contender(TINY).replace("count = 5", "count = 36").replace("[clients]", "servers = 2\n[clients]");
    let lab = Lab { broker, home: file(&spread).0, variables };
    let mut agents = [lab.agent("a"), lab.agent("b")];
    for _ in 0..2 {
        let (status, out, stderr) = lab.run("2").end();
        assert_eq!(status, Some(0), "{stderr}\n{out}");
        assert!(
            stderr.contains("2 agents: a, b") && stderr.contains("] WebSocket, 36 clients: second 1: "),
            "{stderr}"
        );
        let summary = lab.summary(&out);
        assert_eq!((metric(&summary, "updates_missed"), metric(&summary, "updates_duplicated")), (0.0, 0.0));
        assert_eq!(metric(&summary, "updates_received"), 36.0 * metric(&summary, "updates_published"));
        for agent in &mut agents {
            agent.until_it_says("free again: its run is over");
        }
        let manifest = std::fs::read_dir(lab.home.path().join("results")).unwrap().flatten();
        let text: String =
            manifest.map(|run| std::fs::read_to_string(run.path().join("manifest.json")).unwrap()).collect();
        assert!(!text.contains("secret") && !stderr.contains("secret"), "{stderr}");
    }
    for agent in agents {
        let line = std::fs::read(format!("/proc/{}/cmdline", agent.child.id())).unwrap();
        assert!(!String::from_utf8_lossy(&line).contains("secret"));
        agent.signal(Signal::INT);
        let (status, _, stderr) = agent.end();
        assert_eq!(status, Some(0));
        assert!(stderr.contains(": 18 of 36 clients"), "{stderr}");
    }
}

/// Without the correction, ages would be a minute too long with one agent, and zero with the other.
#[test]
fn ages_of_agents_with_other_clocks_are_corrected_and_have_a_reported_error_bound() {
    let _alone = alone();
    // Polls every half second have ages well above the error of the clock comparison.
    let polls = "transport = \"short-polling\"\ninterval = \"500ms\"";
    let scenario = one_contender(TINY).replace("transport = \"websocket\"", polls);
    let Some(lab) = Lab::new(&scenario) else { return };
    let (Some(ahead), Some(behind)) = (clock_ahead("+61.5"), clock_ahead("-61.5")) else { return };
    let _agents = [lab.agent_with("ahead", &ahead), lab.agent_with("behind", &behind)];
    let (status, out, stderr) = lab.run("2").end();
    assert_eq!(status, Some(0), "{stderr}\n{out}");
    for (name, side) in [("ahead", "ahead of"), ("behind", "behind")] {
        let line =
            stderr.lines().find(|line| line.starts_with(&format!("agent {name}: its clock is "))).expect(&stderr);
        let off_ms: f64 = line.split(' ').nth(5).unwrap().parse().unwrap();
        assert!((off_ms - 61_500.0).abs() < 5_000.0 && line.contains(&format!(" ms {side} this one")), "{line}");
    }
    let summary = lab.summary(&out);
    assert_eq!((metric(&summary, "updates_missed"), metric(&summary, "updates_duplicated")), (0.0, 0.0));
    let (bound, oldest) = (metric(&summary, "clock_bound_us"), metric(&summary, "age_max_us"));
    assert!(0.0 < bound && bound <= oldest && (300e3..10e6).contains(&oldest), "{summary}");
}

#[test]
fn a_killed_agent_is_reported_and_makes_the_run_invalid() {
    let _alone = alone();
    let Some(lab) = Lab::new(&one_contender(TINY).replace("duration = \"1s\"", "duration = \"4s\"")) else { return };
    let (mut stays, dies) = (lab.agent("stays"), lab.agent("dies"));
    let mut run = lab.run("2");
    run.until_it_says("second 1: ");
    dies.signal(Signal::KILL);
    let (status, out, stderr) = run.end();
    assert_eq!(status, Some(4), "{stderr}\n{out}");
    let why = "agent dies was lost, and with it the clients of segment 1/2: it stopped responding";
    assert!(
        stderr.contains(&format!("warning: {why}")) && out.contains("verdict: invalid") && out.contains(why),
        "{stderr}\n{out}"
    );
    let summary = lab.summary(&out);
    assert_eq!(metric(&summary, "updates_expected"), 5.0 * metric(&summary, "updates_published"));
    assert_eq!(
        metric(&summary, "updates_missed"),
        3.0 * metric(&summary, "updates_published"),
        "the lost clients still count"
    );
    stays.until_it_says("free again");
}

/// During a cell, the broker carries only heartbeats and times: clients and servers have everything that they need.
#[test]
fn a_broker_that_is_killed_and_restarted_does_not_affect_a_run() {
    let _alone = alone();
    let scenario = one_contender(TINY).replace("duration = \"1s\"", "duration = \"4s\"");
    let Some(mut lab) = Lab::new(&scenario) else { return };
    let mut agents = [lab.agent("a"), lab.agent("b")];
    let mut run = lab.run("2");
    run.until_it_says("second 1: ");
    lab.broker.kill();
    lab.broker.restart();
    let (status, out, stderr) = run.end();
    assert_eq!(status, Some(0), "{stderr}\n{out}");
    let summary = lab.summary(&out);
    assert_eq!((metric(&summary, "updates_missed"), metric(&summary, "updates_duplicated")), (0.0, 0.0));
    assert_eq!(metric(&summary, "updates_received"), 5.0 * metric(&summary, "updates_published"));
    for agent in &mut agents {
        agent.until_it_says("free again");
    }
}

#[test]
fn a_name_belongs_to_one_run_at_a_time_and_is_free_after_the_run_is_killed() {
    let Some(lab) = Lab::new(&one_contender(TINY)) else { return };
    let mut waits = lab.run("1");
    waits.until_it_says("waiting for 1 agent:");
    let (status, _, stderr) = lab.run("1").end();
    assert_eq!(status, Some(2), "{stderr}");
    assert!(stderr.contains("error: a run named feedlab is in progress at this broker"), "{stderr}");
    waits.signal(Signal::KILL);
    drop(waits);
    let mut next = lab.run("1");
    next.until_it_says("waiting for 1 agent:");
    next.signal(Signal::INT);
    let (status, _, stderr) = next.end();
    assert_eq!(status, Some(130), "{stderr}");
    let mut last = lab.run("1");
    last.until_it_says("waiting for 1 agent:");
}

/// Answers a run's call as an agent would, with a given message.
fn pretend(lab: &Lab, here: &[Value]) -> std::thread::JoinHandle<()> {
    let (address, here) = (lab.broker.address().to_string(), here.to_vec());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || {
        runtime.block_on(async {
            let client = async_nats::connect(address).await.unwrap();
            let mut calls = client.subscribe("feedlab.run.feedlab.agents").await.unwrap();
            while let Some(call) = calls.next().await {
                let call: Value = serde_json::from_slice(&call.payload).unwrap();
                let Some(run) = call["WhoIsThere"]["run"].as_str() else { continue };
                for here in &here {
                    let message = json!({ "agent": "x", "message": { "Here": here } });
                    let subject = format!("feedlab.run.feedlab.messages.{run}");
                    client.publish(subject, message.to_string().into()).await.unwrap();
                }
                client.flush().await.unwrap();
                return;
            }
        });
    })
}

#[test]
fn unsuitable_agents_are_rejected_by_name() {
    let Some(lab) = Lab::new(&one_contender(TINY)) else { return };
    let version = super::out(&super::ends_with(0, &mut super::feedlab(&["--version"])));
    let version = version.trim().trim_start_matches("feedlab ");
    let here = |instance: u64, feedlab: &str, descriptors: u64| json!({ "instance": instance, "feedlab": feedlab, "descriptors": descriptors });
    for (answers, agents, needle) in [
        (vec![here(1, "0.0.9 (another)", 9_999)], "1", "agent x is feedlab 0.0.9 (another), but this is "),
        (vec![here(1, version, 9_999), here(2, version, 9_999)], "2", "two agents are called x: give each a different"),
        (vec![here(1, version, 20)], "1", "agent x needs 69 descriptors for its 5 clients, but its shell allows 20"),
        (vec![here(1, version, 9_999)], "1", "agent x does not answer"),
    ] {
        let pretender = pretend(&lab, &answers);
        let (status, _, stderr) = lab.run(agents).end();
        assert_eq!(status, Some(1), "{needle}: {stderr}");
        assert!(stderr.contains(&format!("error: {needle}")), "{needle}: {stderr}");
        pretender.join().unwrap();
    }
    let results = lab.home.path().join("results");
    until("no folder is left", || !results.exists());
}

#[test]
fn an_unusable_broker_is_reported_with_the_remedy() {
    let Some(broker) = Broker::start_with(&["--user", "ada", "--pass", "right-secret"]) else { return };
    let mut lab = Lab { broker, home: file(&one_contender(TINY)).0, variables: &[] };
    let (status, _, stderr) = lab.run("1").end();
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("refuses these credentials: set NATS_USER"), "{stderr}");
    lab.variables = &[("NATS_USER", "ada"), ("NATS_PASSWORD", "right-secret")];
    let (status, _, stderr) = lab.run("1").end();
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("has no JetStream; start it with: nats-server --jetstream"), "{stderr}");
}
