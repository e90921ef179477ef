//! The connections that clients share: each client is a stream of one of them, and holds its place as long as it lives.
//!
//! When one breaks, the first client that comes back opens another, and the others wait for that one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use feedlab_experiment::clients::PER_CONNECTION;
use feedlab_feed::clock;
use url::Url;

use super::h2::Connection;
use super::line::Line;
use crate::observer::ClientError;
use crate::transport::dial::{Dialer, Times};

/// The connections of some clients, all of one thread. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    lines: Arc<Mutex<Vec<Weak<Line>>>>,
    /// What the server allows on a connection, as far as it has said so; 0 before.
    allowed: Arc<AtomicUsize>,
}

/// A place on one of these connections, or a connection for one client alone.
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
    /// A place on a connection to the URL's server: on one that has room, or on a new one.
    async fn place(&self, dialer: &Dialer, url: &Url) -> Result<(Connection, Times), ClientError> {
        let began = clock::now();
        loop {
            let line = self.line(dialer, url);
            let requests = line.requests().await?;
            // The settings may have come while it was waited for: those who are too many go elsewhere.
            if self.has_room(&line) {
                return Ok((Connection::shared(requests, line), Times::found(began)));
            }
        }
    }

    fn line(&self, dialer: &Dialer, url: &Url) -> Arc<Line> {
        let origin = url.origin().ascii_serialization();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.strong_count() > 0);
        let mut open = lines.iter().filter_map(Weak::upgrade);
        if let Some(line) = open.find(|line| line.leads_to(&origin) && self.has_room(line)) {
            return line;
        }
        let line = Line::open(origin, dialer.clone(), url.clone());
        lines.push(Arc::downgrade(&line));
        line
    }

    /// Whether a connection takes all who hold it, of whom the one that asks is one. What a server has said once of how
    /// many it takes is taken for its next connection too.
    fn has_room(&self, line: &Arc<Line>) -> bool {
        if let Some(allowed) = line.allows() {
            self.allowed.store(allowed.clamp(1, PER_CONNECTION), Ordering::Relaxed);
        }
        let places = match self.allowed.load(Ordering::Relaxed) {
            0 => PER_CONNECTION,
            allowed => allowed,
        };
        Arc::strong_count(line) <= places
    }
}

#[cfg(test)]
mod tests;
