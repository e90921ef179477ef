//! One feed, four endpoints.
//!
//! In reading order, each using what comes after it: a `server` is one address that serves a feed; `accept` accepts its
//! connections, `connection` opens them, `http1` and `http2` serve them, `routes` routes each request to its endpoint,
//! and `transport` has a file for each endpoint. `handover` lets a stream take over its connection, which moves to a
//! shard of `fanout`: that sends to all of them, and `push` is one. Polls and publications of the usual form skip all of
//! this: a shard reads them, and `direct` answers; only what it does not know goes back to `connection`. A connection is
//! a `wire`, whose bytes pass through a `socket`; `meter` counts them, and `accounts` collects the kernel's figures.
//! Behind the endpoints are the `hub` and its `ring`; a `feed` is published once, here or on a `broker`.

mod server;

mod accept;
mod acceptor;
mod connection;
mod http1;
mod http2;
pub mod tls;

mod direct;

mod access;
mod app;
mod body;
mod fields;
mod inspect;
mod page;
mod rejection;
mod routes;
mod transport;
mod upstream;

mod accounts;
mod fanout;
mod handover;
mod meter;
mod push;
mod socket;
mod wire;

pub mod limits;

mod bookmarks;
mod broker;
mod config;
mod entry;
mod feed;
mod hub;
mod publisher;
mod ring;
pub use config::Config;
pub use feed::Feed;
pub use rejection::Rejection;
pub use ring::Snapshot;
pub use server::{Figures, Listeners, Server};

use feedlab_feed::source::ReplayError;
use tokio_util::sync::CancellationToken;

/// Why a server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The feed's source cannot be opened.
    #[error(transparent)]
    Source(#[from] ReplayError),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The broker of the feed, or its stream, cannot be used.
    #[error(transparent)]
    Broker(#[from] feedlab_nats::Error),
    /// There is no descriptor left for the streams' sets of sockets.
    #[error("cannot serve streams: {0}; see `ulimit -n`")]
    Fanout(std::io::Error),
    /// The publisher's thread cannot be started.
    #[error("cannot start the publisher's thread: {0}")]
    Publisher(#[from] std::io::Error),
}

/// Serves until `shutdown` is canceled, then drains: polls are answered, streams get a close message and end, and after
/// [`Config::drain`] the remaining connections are dropped.
///
/// # Errors
/// When the feed's source cannot be opened, the publisher cannot be started, or the certificate cannot be used.
pub async fn run(
    listeners: impl Into<Listeners>,
    config: Config,
    shutdown: CancellationToken,
) -> Result<(), ServerError> {
    Server::new(config).await?.run(listeners, shutdown).await
}
