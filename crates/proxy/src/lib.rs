//! The lab proxy: distance and faults for any TCP connection, without root.
//!
//! In reading order: `accept` takes connections, `connection` takes each from its first moment to its last, `relay` holds
//! its two sockets, `way` is one direction of it, `path` what is on its way and when it arrives; `answer` stands in for the
//! server. Behind them stands the `lab`, which tells each connection over its `line` what holds; `control` is the endpoint to
//! it over HTTP, `proxy` the one for a program in the same process. `alarm` keeps the time that the runtime's own timer cannot.

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
mod proxy;
mod settings;
mod stats;

mod alarm;
mod rng;

pub use accept::listen;
pub use fault::Fault;
pub use lab::Hit;
pub use proxy::{Handle, Proxy};
pub use settings::LinkSettings;
pub use stats::{InCourse, Stats};

use std::io;
use std::net::SocketAddr;

use feedlab_feed::body::{self, MAX_ORDER_BYTES};
use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count, Time};
use feedlab_feed::link::MAX_BUFFER_BYTES;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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

/// What bounds whatever a peer decides, besides the settings.
pub const LIMITS: [Limit; 7] = [
    Limit {
        name: "connections to the control address",
        most: Count(control::MAX_CONNECTIONS),
        why: "descriptors; beyond it 503",
    },
    Limit {
        name: "head of an order to come, or rest between orders",
        most: Time(control::HEAD_TIMEOUT),
        why: "descriptors; then closed",
    },
    Limit {
        name: "order to the control address",
        most: Bytes(MAX_ORDER_BYTES),
        why: "memory of a body; beyond it 413",
    },
    Limit { name: "body of an order to come", most: Time(body::TIMEOUT), why: "memory of a body; then 408" },
    Limit {
        name: "buffer of a connection",
        most: Bytes(MAX_BUFFER_BYTES as usize),
        why: "memory of a connection; more is refused",
    },
    Limit {
        name: "head of a request that a fault answers",
        most: Bytes(answer::MAX_HEAD),
        why: "memory of a connection; then answered",
    },
    Limit { name: "such a request to come", most: Time(answer::PATIENCE), why: "descriptors; then closed" },
];

/// What a proxy begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Config {
    /// The way, until it is changed.
    pub settings: LinkSettings,
    /// Fixes jitter, and which connections faults hit.
    pub seed: u64,
}

/// Leads connections on to `upstream` until `shutdown` is cancelled, then ends them gracefully, those that take longer
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
    let proxy = Proxy::new(listener, upstream, config)?;
    let proxy = match control {
        Some(control) => proxy.with_control(control)?,
        None => proxy,
    };
    proxy.run(shutdown).await
}
