//! One feed, four doors.
//!
//! In reading order: `accept` takes connections, `connection` opens them, `http1` and `http2` speak on them, `routes` leads each request to its
//! door, `transport` has a file for each door. Behind them stand the `hub` with its `ring`, and `push`, which streams.
//! `handover` is how a stream comes to own its socket; `meter` counts what passes it, and `accounts` what the kernel made
//! of that.

mod accept;
mod connection;
mod http1;
mod http2;
pub mod tls;

mod handover;
mod socket;
mod tcp_info;
mod wire;

mod access;
mod app;
mod inspect;
mod page;
mod refusal;
mod routes;
mod transport;
mod upstream;

mod accounts;
mod hub;
mod meter;
mod publisher;
mod push;
mod ring;
mod subscribers;

mod config;
pub use config::{Config, Slow, Stall, Stamp};
pub use tcp_info::kernel_keeps_account;

use std::sync::Arc;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::source::ReplayError;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use accept::Reception;
use app::App;
use hub::Hub;
use publisher::Pace;

/// Connections that the control address takes.
const MAX_CONTROL: usize = 256;

/// Why a server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The feed's source cannot be opened.
    #[error(transparent)]
    Source(#[from] ReplayError),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The system gave no thread for the publisher.
    #[error("cannot start the publisher's thread: {0}")]
    Publisher(#[from] std::io::Error),
}

/// Where a server listens.
#[derive(Debug)]
pub struct Listeners {
    /// The doors, the live page and everything else.
    pub doors: TcpListener,
    /// `/stats`, `/metrics`, `/healthz` and `/control/start` alone, always in plain HTTP. Who looks here is in no figure.
    pub control: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(doors: TcpListener) -> Self {
        Self { doors, control: None }
    }
}

/// Serves until `shutdown` is cancelled, then drains: polls are answered, streams are told to come back elsewhere and
/// closed, and after [`Config::drain`] whoever is left is left.
///
/// # Errors
/// When the feed's source cannot be opened, the publisher not started, or the certificate not used.
pub async fn run(
    listeners: impl Into<Listeners>,
    config: Config,
    shutdown: CancellationToken,
) -> Result<(), ServerError> {
    let Listeners { doors, control } = listeners.into();
    let app = Arc::new(App::new(config));
    publish(&app).await?;
    let mut background = JoinSet::new();
    background.spawn(fan_out(app.hub.clone(), app.config.coalesce.unwrap_or_default()));
    background.spawn(beat(app.hub.clone(), app.config.keepalive));
    let tasks = TaskTracker::new();
    let reception = Reception {
        max_connections: app.config.max_connections,
        send_buffer: app.config.send_buffer,
        tls: app.config.tls.as_ref().map(tls::Identity::acceptor).transpose()?,
        meters: app.meters.clone(),
        router: routes::router(app.clone()),
        tasks: tasks.clone(),
        shutdown,
    };
    if let Some(control) = control {
        let uncounted = Reception {
            max_connections: MAX_CONTROL,
            tls: None,
            meters: Arc::default(),
            router: routes::control(app.clone()),
            ..reception.clone()
        };
        background.spawn(Arc::new(uncounted).accept(control));
    }
    Arc::new(reception).accept(doors).await;
    drain(&app, &tasks).await;
    Ok(())
}

/// Starts the publisher; a feed that began before this server is level with its schedule on return.
async fn publish(app: &App) -> Result<(), ServerError> {
    let Config { start_at, await_start, .. } = app.config;
    if !await_start || start_at.is_some() {
        app.gate.open(start_at.unwrap_or_else(clock::unix_us));
    }
    let Some(source) = &app.config.source else { return Ok(()) };
    let pace = Pace { stamp: app.config.stamp, stall: app.config.stall };
    let level = publisher::spawn(source.open()?, pace, app.hub.clone(), app.gate.clone())?;
    if start_at.is_some() && app.config.has_past() {
        let _ = level.await;
    }
    Ok(())
}

/// Wakes the waiting connections at each publication, for ever.
///
/// One task does it for all publishers: what it wakes goes to its worker's own queue, and several publications in a
/// row cost one pass. After each it rests for `coalesce`, so that what is published meanwhile goes out together.
async fn fan_out(hub: Arc<Hub>, coalesce: Duration) {
    loop {
        hub.fresh().await;
        hub.subscribers().news();
        if !coalesce.is_zero() {
            tokio::time::sleep(coalesce).await;
        }
    }
}

/// Beats for every waiting connection, a group at a time, for ever.
async fn beat(hub: Arc<Hub>, keepalive: Duration) {
    let step = (keepalive / u32::from(subscribers::BEATS) / subscribers::GROUPS as u32).max(Duration::from_millis(1));
    let mut interval = tokio::time::interval(step);
    for group in (0..subscribers::GROUPS).cycle() {
        interval.tick().await;
        hub.subscribers().beat(group);
    }
}

async fn drain(app: &App, tasks: &TaskTracker) {
    app.gate.stop();
    app.hub.subscribers().close();
    tasks.close();
    if tokio::time::timeout(app.config.drain, tasks.wait()).await.is_err() {
        tracing::warn!(open = app.meters.open.get(), "connections left after the drain");
    }
}
