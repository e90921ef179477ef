//! `feedlab target`, hidden: somebody else's server, for one cell of a run. It starts the server, publishes the feed to
//! it, and answers what `feedlab run` and its load generator ask of one of ours at the control address. `feedlab run`
//! writes its [`Task`] to its standard input as a line of JSON. It ends when standard input ends, and everything that it
//! has started ends before it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use feedlab_experiment::scenario::Target;
use feedlab_feed::Epoch;
use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Time};
use feedlab_feed::settings::Settings;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::exit::Exit;
use crate::input::handed_over;
use crate::interrupt::{self, Interrupt};
use crate::output;

mod control;
mod launch;
mod publisher;
mod request;

use launch::Server;
use request::Request;

/// How long a target may take until it is ready.
pub(crate) const START: Duration = Duration::from_secs(30);
/// How long a target may take to answer a publication.
const PUBLISH: Duration = Duration::from_secs(5);
/// Bytes of the response to a publication that are read.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// Bytes of a target's output that are kept.
const OUTPUT_BYTES: usize = 4 << 10;
/// Bytes of an order at the control address.
const MAX_ORDER_BYTES: usize = 4 << 10;

/// All limits of a target.
pub(crate) const LIMITS: [Limit; 5] = [
    Limit { name: "start of a target", most: Time(START), why: "time of a run; then the run ends" },
    Limit {
        name: "response to a publication",
        most: Time(PUBLISH),
        why: "time of a run; twice in a row ends the cell",
    },
    Limit {
        name: "body of the response to a publication",
        most: Bytes(MAX_ANSWER_BYTES),
        why: "memory of a run; twice in a row ends the cell",
    },
    Limit { name: "output of a target", most: Bytes(OUTPUT_BYTES), why: "memory of a run; older output is dropped" },
    Limit { name: "order at a target's control address", most: Bytes(MAX_ORDER_BYTES), why: "memory; beyond it 413" },
];

/// Start somebody else's server and publish a feed to it: read what to do from standard input
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// What to start, and what to publish to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The server.
    pub(crate) target: Target,
    /// The feed.
    pub(crate) settings: Settings,
    /// The epoch of the feed's updates.
    pub(crate) epoch: Epoch,
}

/// The line of JSON with the addresses.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The address of the target.
    pub(crate) listening: SocketAddr,
    /// The control address of this process.
    pub(crate) control: SocketAddr,
}

/// Runs until a signal, until standard input ends, or until the target fails.
pub(crate) fn execute(_args: &Args) -> anyhow::Result<Exit> {
    let task: Task = handed_over("target")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let signals = Interrupt::listen()?;
        interrupt::stop_with_stdin(signals.stop.clone());
        let mut server = Server::start(&task.target)?;
        let result = tokio::select! {
            () = signals.stop.cancelled() => Ok(Exit::Done),
            error = serve(&task, &mut server) => Err(error),
        };
        server.stop().await;
        result
    });
    // The thread that publishes may be waiting for the next update.
    runtime.shutdown_background();
    result.with_context(|| format!("target {}", task.target.name))
}

/// Serves the control address until something fails, and returns the reason.
async fn serve(task: &Task, server: &mut Server) -> anyhow::Error {
    match begin(task, server).await {
        Ok(running) => running.until_it_fails(server).await,
        Err(error) => error,
    }
}

/// The companion of a target that is ready.
struct Companion {
    control: control::Control,
    listener: TcpListener,
    publisher: publisher::Publisher,
}

/// Waits until the server is ready, and says where it is.
async fn begin(task: &Task, server: &mut Server) -> anyhow::Result<Companion> {
    let listening = server.until_ready().await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot open a control address")?;
    let request = task.target.publish.as_ref().map(|publish| Request::new(server.url(), publish)).transpose()?;
    let publisher = publisher::spawn(&task.settings, task.epoch, request.clone())?;
    let control = control::Control::new(task.epoch, publisher.shared(), request, server.is_started_here());
    output::json_line(&Listening { listening, control: listener.local_addr()? })?;
    Ok(Companion { control, listener, publisher })
}

/// How long after a failed publication the death of its server may become known.
const DEATH_NOTICE: Duration = Duration::from_millis(500);

impl Companion {
    async fn until_it_fails(self, server: &mut Server) -> anyhow::Error {
        let Self { control, listener, publisher } = self;
        let why = tokio::select! {
            biased;
            error = server.died() => return error,
            error = publisher.failed() => error,
            error = control.serve(listener) => error,
        };
        // A server that is gone refuses publications, too: report the cause, not the effect.
        if let Ok(death) = tokio::time::timeout(DEATH_NOTICE, server.died()).await {
            return death;
        }
        match server.last_output() {
            Some(said) => anyhow::anyhow!("{why:#}; {said}"),
            None => why,
        }
    }
}
