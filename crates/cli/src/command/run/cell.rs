//! One cell: its testbed and a load generator, all of which are stopped and reaped whatever happens.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::plan::{self, Cell};
use feedlab_experiment::scenario::{Balance, Source};
use feedlab_experiment::verdict::{Reason, Status};
use feedlab_loadgen::{Job, Outcome, Publishing};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::child::Child;
use super::keys::Keys;
use super::progress::Progress;
use super::site::{ANYWHERE, Site};
use super::testbed::Testbed;
use super::{AgentSetup, follow, link, together};
use crate::command::generate::{Message, Task};

/// How much longer than planned a cell may take before it is considered hung.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// Measures a cell. Returns `None` if it was stopped before its end.
pub(super) async fn measure(
    scenario: &Scenario,
    cell: &Cell,
    keys: Option<&Keys>,
    hlog: &Path,
    progress: &mut Progress,
    stop: &CancellationToken,
    setup: Option<&mut AgentSetup>,
) -> anyhow::Result<Option<Outcome>> {
    let site = setup.as_ref().map_or_else(|| Site::here(ANYWHERE), |setup| setup.site.clone());
    let mut testbed = Testbed::start(scenario, cell, keys, &site).await?;
    let job = job(scenario, cell, keys, &testbed, hlog);
    let limit = plan::cell_duration(scenario) + GRACE;
    let generated = async {
        match setup {
            None => generate(&mut testbed, &job, progress, stop).await,
            Some(setup) => together::generate(&mut testbed, &job, &mut setup.agents, progress, stop).await,
        }
    };
    let result = timeout(limit, generated).await;
    let result = result.unwrap_or_else(|_| Err(anyhow::anyhow!("the load generator hung and was stopped")));
    let result = match result {
        Ok(Some(outcome)) => check_left(&mut testbed, outcome, progress).await.map(Some),
        other => other,
    };
    let report = testbed.stop().await?;
    let mut result = result?;
    if let (Some(outcome), Some(report)) = (&mut result, &report) {
        link::add(outcome, report);
    }
    Ok(result)
}

/// Returns the job of a load generator on a testbed.
pub(super) fn job(scenario: &Scenario, cell: &Cell, keys: Option<&Keys>, testbed: &Testbed, hlog: &Path) -> Job {
    let mut controls = testbed.controls();
    let server = controls.remove(0);
    let job = job_at(scenario, cell, server, hlog);
    Job {
        more_servers: controls,
        endpoint: Some(testbed.endpoint()),
        more_endpoints: testbed.more_endpoints(),
        certificate: keys.filter(|_| job.contender.link.tls).map(|keys| keys.certificate().to_owned()),
        proxy: testbed.proxy_control(),
        between: testbed.between(),
        target: testbed.target(),
        own_addresses: job.contender.link.via.is_nginx() && scenario.nginx.balance == Balance::Hash,
        faults: scenario.faults.clone(),
        stall: scenario.feed.stall,
        ..job
    }
}

/// Returns the job where only the endpoint is known. The process that leads queries the servers.
pub(super) fn job_at(scenario: &Scenario, cell: &Cell, endpoint: SocketAddr, hlog: &Path) -> Job {
    let contender = scenario.contenders[cell.contender].clone();
    let (clients, measure) = (scenario.clients.clone(), scenario.measure);
    let publishing = publishing(scenario);
    Job { publishing, ..Job::new(endpoint, cell.clone(), contender, clients, measure, hlog.to_owned()) }
}

const fn publishing(scenario: &Scenario) -> Option<Publishing> {
    match scenario.feed.source {
        Source::Clients { updates_per_s, payload_bytes } => Some(Publishing { updates_per_s, payload_bytes }),
        _ => None,
    }
}

/// Runs a load generator until its outcome.
async fn generate(
    testbed: &mut Testbed,
    job: &Job,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Outcome>> {
    let task = Task { job: job.clone(), part: None };
    let clients = testbed.clients()?;
    let arguments = ["generate".into()];
    let mut generator = Child::working_within(clients.as_ref(), "the load generator", &arguments, &task).await?;
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(None),
        result = follow_to_outcome(&mut generator, testbed, job, progress) => result.map(Some),
    };
    if matches!(result, Ok(None)) {
        progress.say("stopping: this cell is dropped, finished ones are kept (Ctrl-C again to stop immediately)");
    }
    generator.stop().await?;
    result
}

async fn follow_to_outcome(
    generator: &mut Child,
    testbed: &mut Testbed,
    job: &Job,
    progress: &mut Progress,
) -> anyhow::Result<Outcome> {
    match follow::follow(generator, testbed, job, progress).await? {
        Message::Outcome(outcome) => Ok(*outcome),
        _ => anyhow::bail!("the load generator did only part of its job"),
    }
}

/// Checks for leaks: if a server still holds connections after all clients have left, the cell's figures are in doubt.
pub(super) async fn check_left(
    testbed: &mut Testbed,
    mut outcome: Outcome,
    progress: &Progress,
) -> anyhow::Result<Outcome> {
    let left = testbed.connections_left().await.context("after the cell")?;
    if left > 0 {
        let what = format!("the server still held {left} connections after every client had left");
        progress.say(&format!("warning: {what}"));
        let advice = "look for a leak in the server before trusting memory figures";
        outcome.record.verdict.add(Reason::new(Status::Suspect, what, advice));
    }
    Ok(outcome)
}
