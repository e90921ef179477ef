//! The trial of a run's targets, before the first cell: one update is published to each, and must arrive over each
//! transport. A target whose file is wrong would otherwise fail in the middle of a run, or be measured as a server that
//! loses everything.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::scenario::Target;
use feedlab_feed::Epoch;
use feedlab_loadgen::Job;
use reqwest::Client;
use tokio_util::sync::CancellationToken;

use super::cell::job_at;
use super::progress::Progress;
use super::server::Server;
use super::testbed::job_target;

/// How long the process of a target may take to publish an update: longer than the target itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tries each target over each transport that the plan measures it over. Returns `false` if it was stopped.
///
/// # Errors
/// If an update does not arrive. The message says what was looked for, and what came instead.
pub(super) async fn of_targets(
    scenario: &Scenario,
    plan: &[Cell],
    hlog: &Path,
    progress: &Progress,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let mut tried = Vec::new();
    for (index, contender) in scenario.contenders.iter().enumerate() {
        let (transport, cell) = (contender.transport(), plan.iter().find(|cell| cell.contender == index));
        let (Some(target), Some(cell)) = (scenario.target(contender), cell) else { continue };
        if tried.contains(&(&target.name, transport)) {
            continue;
        }
        tried.push((&target.name, transport));
        progress.say(&format!("trying {}: {} …", target.name, transport.label()));
        let attempted = attempt(scenario, cell, target, hlog, stop).await;
        let failed = || format!("target {} cannot be measured over {}", target.name, transport.label());
        if !attempted.with_context(failed)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tries a target with a process of its own, without anything in front of it.
async fn attempt(
    scenario: &Scenario,
    cell: &Cell,
    target: &Target,
    hlog: &Path,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let epoch = Epoch::random();
    // A start that is dropped stops what it has started.
    let started = stop.run_until_cancelled(Server::of_target(scenario, cell, target, epoch)).await;
    let Some(server) = started else { return Ok(false) };
    let mut server = server?;
    let (endpoint, control) = (server.endpoint(), server.control());
    let job = job_at(scenario, cell, control, hlog);
    let job = Job { endpoint: Some(endpoint), target: Some(job_target(target, epoch, endpoint)), ..job };
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(false),
        error = server.died() => Err(error),
        result = feedlab_loadgen::trial(&job, async || publish(control).await) => result.map(|()| true).map_err(Into::into),
    };
    let stopped = server.stop().await;
    result.and_then(|is_done| stopped.map(|()| is_done))
}

/// Has one update published.
///
/// # Errors
/// If the target does not accept it: what was sent and what came back.
async fn publish(control: SocketAddr) -> Result<(), String> {
    let order = async {
        let client = Client::builder().no_proxy().http1_only().timeout(PATIENCE).build()?;
        let answer = client.post(format!("http://{control}/control/try")).send().await?;
        Ok::<_, reqwest::Error>((answer.status(), answer.text().await?))
    };
    match order.await {
        Ok((status, _)) if status.is_success() => Ok(()),
        Ok((_, why)) => Err(why),
        Err(error) => Err(format!("the process that publishes does not answer: {error}")),
    }
}
