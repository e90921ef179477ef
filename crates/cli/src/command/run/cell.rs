//! One cell: a fresh server, a load generator, and both stopped and reaped whatever happens.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::Scenario;
use feedlab_experiment::plan::Cell;
use feedlab_experiment::verdict::{Reason, Status};
use feedlab_loadgen::{Job, Outcome};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::estimate;
use super::generator::Generator;
use super::progress::Progress;
use super::server::{self, Server};
use crate::command::generate::Message;

/// How much longer than planned a cell may take before it counts as hung.
const GRACE: Duration = Duration::from_secs(60);

/// Measures a cell; `None` when it was stopped before its end.
pub(super) async fn measure(
    scenario: &Scenario,
    cell: &Cell,
    hlog: &Path,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Outcome>> {
    let mut server = Server::start(&server::arguments(scenario, cell)).await?;
    let job = Job {
        server: server.address(),
        more_servers: Vec::new(),
        door: None,
        certificate: None,
        proxy: None,
        faults: scenario.faults.clone(),
        publishing: None,
        cell: cell.clone(),
        contender: scenario.contenders[cell.contender].clone(),
        clients: scenario.clients.clone(),
        measure: scenario.measure,
        stall: scenario.feed.stall,
        hlog: hlog.to_owned(),
    };
    let limit = estimate::cell(scenario) + GRACE;
    let result = timeout(limit, generate(&mut server, &job, progress, stop)).await;
    let result = result.unwrap_or_else(|_| Err(anyhow::anyhow!("the load generator hangs; it was stopped")));
    let result = match result {
        Ok(Some(outcome)) => check_left(&server, outcome, progress).await.map(Some),
        other => other,
    };
    server.stop().await?;
    result
}

/// Follows the load generator to its outcome.
async fn generate(
    server: &mut Server,
    job: &Job,
    progress: &mut Progress,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Outcome>> {
    let mut generator = Generator::start(job).await?;
    let result = tokio::select! {
        biased; // A server that dies takes the load generator with it: the cause is to be told, not the effect.
        () = stop.cancelled() => Ok(None),
        error = server.died() => Err(error),
        result = follow(&mut generator, progress) => result.map(Some),
    };
    if matches!(result, Ok(None)) {
        progress.say("stopping: this cell is dropped, finished ones are kept (again to stop at once)");
    }
    generator.stop().await?;
    result
}

async fn follow(generator: &mut Generator, progress: &mut Progress) -> anyhow::Result<Outcome> {
    let mut redraw = interval(Duration::from_millis(200));
    redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = generator.next() => match message? {
                Message::Event(event) => progress.event(&event),
                Message::Outcome(outcome) => return Ok(*outcome),
            },
            _ = redraw.tick() => progress.redraw(),
        }
    }
}

/// A server that still holds connections after all clients left has a leak: the cell's figures are in doubt.
async fn check_left(server: &Server, mut outcome: Outcome, progress: &Progress) -> anyhow::Result<Outcome> {
    let left = server.connections_left().await.context("after the cell")?;
    if left > 0 {
        let what = format!("the server still held {left} connections after every client had left");
        progress.say(&format!("warning: {what}"));
        let advice = "look for a leak in the server before trusting memory figures";
        outcome.record.verdict.add(Reason::new(Status::Suspect, what, advice));
    }
    Ok(outcome)
}
