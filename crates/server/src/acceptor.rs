//! What the connections of one address share: `accept` lets them in with it, and both versions of HTTP serve with it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::meter::Meters;

/// What awaits the connections of one address.
#[derive(Clone)]
pub(crate) struct Acceptor {
    pub(crate) max_connections: usize,
    /// The kernel's send buffer of each connection, bytes; the kernel's own choice without it.
    pub(crate) send_buffer: Option<usize>,
    /// For how long a client may take no byte of an answer.
    pub(crate) patience: Duration,
    /// Shakes hands with each client; without it they speak plainly.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) router: Router,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

#[cfg(test)]
impl Acceptor {
    /// One for these routes, plain and never shut down.
    pub(crate) fn for_tests(router: Router, max_connections: usize) -> Self {
        Self {
            max_connections,
            send_buffer: None,
            patience: Duration::from_secs(60),
            tls: None,
            meters: Arc::default(),
            router,
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        }
    }
}
