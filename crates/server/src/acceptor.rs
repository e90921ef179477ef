//! What the connections of one address share: `accept` uses it to accept them, and both versions of HTTP to serve them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fanout::Fanout;
use crate::meter::Meters;
use crate::tls::TlsAcceptor;

/// The shared state of the connections of one address.
#[derive(Clone)]
pub(crate) struct Acceptor {
    pub(crate) max_connections: usize,
    /// The kernel's send buffer of each connection, bytes; `None` leaves it to the kernel.
    pub(crate) send_buffer: Option<usize>,
    /// For how long a client may read nothing of a response.
    pub(crate) patience: Duration,
    /// Performs the TLS handshake with each client; `None` for plain HTTP.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) router: Router,
    /// Serves what waits: streams, polls that are held, and connections between two polls; `None` if nothing does.
    pub(crate) fanout: Option<Arc<Fanout>>,
    pub(crate) tasks: TaskTracker,
    /// Runs the tasks.
    pub(crate) runtime: Handle,
    pub(crate) shutdown: CancellationToken,
}

#[cfg(test)]
impl Acceptor {
    /// An acceptor for these routes, without TLS and never shut down.
    pub(crate) fn for_tests(router: Router, max_connections: usize) -> Self {
        Self {
            max_connections,
            send_buffer: None,
            patience: Duration::from_secs(60),
            tls: None,
            meters: Arc::default(),
            router,
            fanout: None,
            tasks: TaskTracker::new(),
            runtime: Handle::current(),
            shutdown: CancellationToken::new(),
        }
    }
}
