//! The lab proxy: distance and faults for any TCP connection, without root.
//!
//! In reading order: `accept` takes connections, `connection` takes each from its first moment to its last, `relay` holds
//! its two sockets, `way` is one direction of it, `path` what is on its way and when it arrives; `answer` stands in for the
//! server. Behind them stands the `lab`, which tells each connection over its `line` what holds, and which `control` is the
//! door to. `alarm` keeps the time that the runtime's own timer cannot.

mod accept;
mod answer;
mod connection;
mod path;
mod relay;
mod way;

mod lab;
mod line;

mod control;
mod fault;
mod series;
mod settings;
mod stats;

mod alarm;
mod clock;
mod rng;

pub use accept::listen;
pub use fault::{Fault, FaultKind};
pub use settings::{MAX_BUFFER_BYTES, MAX_BYTES_PER_S, MAX_DELAY, MAX_IDLE_TIMEOUT, Settings};
pub use stats::{InCourse, Stats};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use alarm::Alarms;
use lab::Lab;

/// How long connections may take to end when the proxy does.
const DRAIN: Duration = Duration::from_millis(500);

/// Why a proxy could not run.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// Anybody could use it to reach what only this machine may.
    #[error("the lab proxy listens on loopback only, and {0} is not: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// A setting is out of its range.
    #[error("{0}")]
    Settings(String),
    /// The system gave no timer for the alarms.
    #[error("cannot get a timer from the system: {0}; see `ulimit -n`")]
    Alarms(#[source] io::Error),
    /// The port could not be opened again after it was closed on order, or has no address.
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
}

/// What a proxy begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Config {
    /// The way, until it is changed over the control API.
    pub settings: Settings,
    /// Fixes jitter, and which connections faults hit.
    pub seed: u64,
}

/// Leads connections on to `upstream` until `shutdown` is cancelled, then ends them in good order, those that take longer
/// than half a second not. On `control`, if given, it takes orders over HTTP.
///
/// # Errors
/// When a listener is not on loopback, a setting is out of its range, or the system refuses a timer or the port.
pub async fn run(
    listener: TcpListener,
    upstream: SocketAddr,
    config: Config,
    control: Option<TcpListener>,
    shutdown: CancellationToken,
) -> Result<(), ProxyError> {
    config.settings.check().map_err(ProxyError::Settings)?;
    for listener in [Some(&listener), control.as_ref()].into_iter().flatten() {
        is_loopback(listener)?;
    }
    let alarms = Alarms::start().map_err(ProxyError::Alarms)?;
    let lab = Arc::new(Lab::new(upstream, config.settings, config.seed, alarms));
    let (tasks, gone) = (TaskTracker::new(), CancellationToken::new());
    // Everything ends with this function, even if it is dropped.
    let _gone = gone.clone().drop_guard();
    if let Some(control) = control {
        tokio::spawn(control::serve(control, lab.clone(), gone.clone()));
    }
    let result = accept::accept(listener, lab.clone(), &tasks, &shutdown, &gone).await;
    lab.end_all();
    tasks.close();
    let _ = tokio::time::timeout(DRAIN, tasks.wait()).await;
    gone.cancel();
    tasks.wait().await;
    result.map_err(ProxyError::Listen)
}

fn is_loopback(listener: &TcpListener) -> Result<(), ProxyError> {
    let address = listener.local_addr().map_err(ProxyError::Listen)?;
    if address.ip().is_loopback() { Ok(()) } else { Err(ProxyError::NotLoopback(address)) }
}
