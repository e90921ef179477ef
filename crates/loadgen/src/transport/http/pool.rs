//! The connections that clients share: each client is a stream of one of them, and keeps its place as long as it runs.
//!
//! When a connection breaks, the first client that returns opens another, and the others wait for that one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use feedlab_experiment::clients::PER_CONNECTION;
use feedlab_feed::clock;
use url::Url;

use super::h2::Connection;
use super::shared_connection::SharedConnection;
use crate::observer::ClientError;
use crate::transport::dial::{Dialer, Times};

/// The shared connections of a group of clients, all on one thread. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    connections: Arc<Mutex<Vec<Weak<SharedConnection>>>>,
    /// How many streams the server allows per connection, if it has said so; 0 before.
    allowed: Arc<AtomicUsize>,
}

/// Gets a place on a shared connection, or opens a connection for one client only.
pub(in crate::transport) async fn connect(
    pool: Option<&Pool>,
    dialer: &Dialer,
    url: &Url,
) -> Result<(Connection, Times), ClientError> {
    match pool {
        Some(pool) => pool.place(dialer, url).await,
        None => Connection::dial(dialer, url).await,
    }
}

impl Pool {
    /// Gets a place on a connection to the URL's server: on one that has room, or on a new one.
    async fn place(&self, dialer: &Dialer, url: &Url) -> Result<(Connection, Times), ClientError> {
        let began = clock::now();
        loop {
            let shared = self.shared_connection(dialer, url);
            let requests = shared.requests().await?;
            // The SETTINGS may have arrived meanwhile: clients beyond the limit use another connection.
            if self.has_room(&shared) {
                return Ok((Connection::shared(requests, shared), Times::of_existing(began)));
            }
        }
    }

    fn shared_connection(&self, dialer: &Dialer, url: &Url) -> Arc<SharedConnection> {
        let origin = url.origin().ascii_serialization();
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|shared| shared.strong_count() > 0);
        let mut open = connections.iter().filter_map(Weak::upgrade);
        if let Some(shared) = open.find(|shared| shared.is_usable_for(&origin) && self.has_room(shared)) {
            return shared;
        }
        let shared = SharedConnection::open(origin, dialer.clone(), url.clone());
        connections.push(Arc::downgrade(&shared));
        shared
    }

    /// Whether a connection has room for all clients that hold it, including the caller. A limit that a server has
    /// announced once is assumed for its next connection too.
    fn has_room(&self, shared: &Arc<SharedConnection>) -> bool {
        if let Some(allowed) = shared.max_streams() {
            self.allowed.store(allowed.clamp(1, PER_CONNECTION), Ordering::Relaxed);
        }
        let places = match self.allowed.load(Ordering::Relaxed) {
            0 => PER_CONNECTION,
            allowed => allowed,
        };
        Arc::strong_count(shared) <= places
    }
}

#[cfg(test)]
mod tests;
