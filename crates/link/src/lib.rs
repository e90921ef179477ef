//! What lies between clients and server: the lab proxy, which adds distance and faults to any TCP connection, and the link
//! [`emulator`], which delays, queues and loses the packets of the kernel's own TCP. Neither needs root.
//!
//! Of the lab proxy, in reading order: `accept` accepts connections, `connection` handles one from start to end, `relay` joins its two
//! sockets, `flow` moves the bytes of one direction, and `path` keeps the bytes in flight and when they arrive;
//! `response` responds in place of the server. All connections share the `lab`, which sends each its orders over a
//! `channel`. `control` gives access to the lab over HTTP, `proxy` to a program in the same process. `timers` are more
//! exact than the runtime's own.

mod accept;
mod connection;
mod flow;
mod path;
mod relay;
mod response;

mod channel;
mod lab;

mod control;
pub mod emulator;
mod fault;
#[doc(hidden)]
pub mod fuzzing;
mod proxy;
mod settings;
mod stats;

mod rng;
mod timers;

pub use accept::listen;
pub use fault::Fault;
pub use lab::Hit;
pub use proxy::{Handle, Proxy};
pub use settings::LinkSettings;
pub use stats::{FaultStatus, Stats};

use std::io;
use std::net::SocketAddr;

use feedlab_feed::body::{self, MAX_ORDER_BYTES};
use feedlab_feed::limit::Limit;
use feedlab_feed::limit::Most::{Bytes, Count, Time};
use feedlab_feed::link::MAX_BUFFER_BYTES;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Why a proxy cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The address is not loopback: others could use the proxy to reach what only this machine may reach.
    #[error("the lab proxy listens on loopback only, and {0} is not loopback: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// A setting is out of its range.
    #[error("{0}")]
    Settings(String),
    /// The operating system provided no timer.
    #[error("cannot get a timer from the system: {0}; see `ulimit -n`")]
    Timers(#[source] io::Error),
    /// The port could not be reopened after a `refuse` fault, or has no address.
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
}

/// The limits on what a peer can use up, besides the settings.
pub const LIMITS: [Limit; 7] = [
    Limit {
        name: "connections to the control address",
        most: Count(control::MAX_CONNECTIONS),
        why: "descriptors; beyond it 503",
    },
    Limit {
        name: "headers of an order to arrive, or idle time between orders",
        most: Time(control::HEAD_TIMEOUT),
        why: "descriptors; then closed",
    },
    Limit {
        name: "order to the control address",
        most: Bytes(MAX_ORDER_BYTES),
        why: "memory of a body; beyond it 413",
    },
    Limit { name: "body of an order to arrive", most: Time(body::TIMEOUT), why: "memory of a body; then 408" },
    Limit {
        name: "buffer of a connection",
        most: Bytes(MAX_BUFFER_BYTES as usize),
        why: "memory of a connection; a larger value is refused",
    },
    Limit {
        name: "headers of a request that a fault responds to",
        most: Bytes(response::MAX_HEAD),
        why: "memory of a connection; then it responds",
    },
    Limit {
        name: "request that a fault responds to, to arrive",
        most: Time(response::REQUEST_TIMEOUT),
        why: "descriptors; then closed",
    },
];

/// The initial configuration of a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Config {
    /// The link settings, until they are changed.
    pub settings: LinkSettings,
    /// The random seed for the jitter and for which connections faults hit.
    pub seed: u64,
}

/// Forwards connections to `upstream` until `shutdown` is cancelled, then closes them gracefully; connections that are
/// still open after half a second are dropped. If `control` is given, the proxy takes orders over HTTP there.
///
/// # Errors
/// When a listener is not on loopback, a setting is out of range, or the system provides no timer or refuses the port.
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
