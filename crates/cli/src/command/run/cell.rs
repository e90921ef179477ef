//! One cell: its stage, a load generator, and all of it stopped and reaped whatever happens.

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
use super::stage::Stage;
use super::{Hands, follow, together};
use crate::command::generate::{Message, Task};

/// How much longer than planned a cell may take before it counts as hung.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// Measures a cell; `None` when it was stopped before its end.
pub(super) async fn measure(
    scenario: &Scenario,
    cell: &Cell,
    keys: Option<&Keys>,
    hlog: &Path,
    progress: &mut Progress,
    stop: &CancellationToken,
    hands: Option<&mut Hands>,
) -> anyhow::Result<Option<Outcome>> {
    let site = hands.as_ref().map_or_else(|| Site::here(ANYWHERE), |hands| hands.site.clone());
    let mut stage = Stage::set(scenario, cell, keys, &site).await?;
    let job = job(scenario, cell, keys, &stage, hlog);
    let limit = plan::cell_duration(scenario) + GRACE;
    let generated = async {
        match hands {
            None => generate(&mut stage, &job, progress, stop).await,
            Some(hands) => together::generate(&mut stage, &job, &mut hands.crew, progress, stop).await,
        }
    };
    let result = timeout(limit, generated).await;
    let result = result.unwrap_or_else(|_| Err(anyhow::anyhow!("the load generator hangs; it was stopped")));
    let result = match result {
        Ok(Some(outcome)) => check_left(&mut stage, outcome, progress).await.map(Some),
        other => other,
    };
    stage.strike().await?;
    result
}

/// What a load generator is to do on a stage.
pub(super) fn job(scenario: &Scenario, cell: &Cell, keys: Option<&Keys>, stage: &Stage, hlog: &Path) -> Job {
    let mut controls = stage.controls();
    let server = controls.remove(0);
    let job = job_at(scenario, cell, server, hlog);
    Job {
        more_servers: controls,
        endpoint: Some(stage.endpoint()),
        more_endpoints: stage.more_endpoints(),
        certificate: keys.filter(|_| job.contender.link.tls).map(|keys| keys.certificate().to_owned()),
        proxy: stage.proxy_control(),
        between: stage.between(),
        own_addresses: job.contender.link.via.is_nginx() && scenario.nginx.balance == Balance::Hash,
        faults: scenario.faults.clone(),
        stall: scenario.feed.stall,
        ..job
    }
}

/// The same where only the endpoint is known: who leads asks the servers.
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

/// Follows the load generator to its outcome.
async fn generate(
    stage: &mut Stage,
    job: &Job,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Outcome>> {
    let task = Task { job: job.clone(), part: None };
    let mut generator = Child::working("the load generator", &["generate".into()], &task).await?;
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(None),
        result = follow_to_outcome(&mut generator, stage, job, progress) => result.map(Some),
    };
    if matches!(result, Ok(None)) {
        progress.say("stopping: this cell is dropped, finished ones are kept (again to stop at once)");
    }
    generator.stop().await?;
    result
}

async fn follow_to_outcome(
    generator: &mut Child,
    stage: &mut Stage,
    job: &Job,
    progress: &mut Progress,
) -> anyhow::Result<Outcome> {
    match follow::follow(generator, stage, job, progress).await? {
        Message::Outcome(outcome) => Ok(*outcome),
        _ => anyhow::bail!("the load generator did a part of what it was asked for"),
    }
}

/// A server that still holds connections after all clients left has a leak: the cell's figures are in doubt.
pub(super) async fn check_left(
    stage: &mut Stage,
    mut outcome: Outcome,
    progress: &Progress,
) -> anyhow::Result<Outcome> {
    let left = stage.connections_left().await.context("after the cell")?;
    if left > 0 {
        let what = format!("the server still held {left} connections after every client had left");
        progress.say(&format!("warning: {what}"));
        let advice = "look for a leak in the server before trusting memory figures";
        outcome.record.verdict.add(Reason::new(Status::Suspect, what, advice));
    }
    Ok(outcome)
}
