//! The clients' leg: what the clients' own sockets carry, below TLS.
//!
//! A proxy between a client and its server (nginx, the lab proxy) has another leg to the server, and forwards other
//! bytes in other packets. What a client costs its network can only be counted at the client. The dialer wraps each
//! connection in [`Counted`]; the phases take snapshots of the [`Leg`] as they do of the server.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feedlab_feed::clock;
use feedlab_feed::stats::WireStats;
use serde::{Deserialize, Serialize};

mod counted;
mod kernel;
pub(super) use counted::{Counted, Layer};
use kernel::{Kernel, LAST_SEGMENTS};

/// Counts the sockets of a group of clients together. Cheap to clone. A socket closes when its client is done with it,
/// and the cost of its last segments is estimated. The sockets of measured clients are instead kept for a moment and
/// then queried.
#[derive(Clone, Debug)]
pub struct Leg {
    shared: Arc<Shared>,
    counters: Arc<Counters>,
}

/// What all threads share. Nothing here is touched by an update.
#[derive(Debug, Default)]
struct Shared {
    /// Whether sockets are kept for their last segments.
    keeps: bool,
    kernel: Mutex<Kernel>,
    /// The counters of every thread.
    counters: Mutex<Vec<Arc<Counters>>>,
}

/// The counters of one thread, apart from those of others, so that no two cores write to the same cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counters {
    connections: AtomicU64,
    requests: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    updates: AtomicU64,
    handshakes: AtomicU64,
    handshake_bytes: AtomicU64,
}

/// What the sockets have carried up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegStats {
    /// TCP connections on which something was sent. A client that leaves right after its connect counts none.
    pub connections: u64,
    /// Requests that were answered.
    #[serde(default)]
    pub requests: u64,
    /// Connections that are open.
    pub open: u64,
    /// Bytes that the clients wrote, including TLS.
    pub up: u64,
    /// Bytes that the clients read, including TLS.
    pub down: u64,
    /// Updates that the clients received, each as often as it arrived.
    pub updates: u64,
    /// Connections on which the end of the first response head was found.
    pub handshakes: u64,
    /// Bytes of these connections up to that end, both directions.
    pub handshake_bytes: u64,
    /// Segments as the clients' kernel counts them; `None` where it does not report them.
    pub wire: Option<WireStats>,
}

impl LegStats {
    /// Counts of zero, to be added to.
    pub(crate) fn nothing() -> Self {
        Self { wire: Some(WireStats::default()), ..Self::default() }
    }

    /// Returns the bytes of both directions.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.up + self.down
    }
}

impl std::ops::AddAssign<&Self> for LegStats {
    /// Every field is named, so that none is forgotten. The sum is unknown if a part of it is.
    fn add_assign(&mut self, other: &Self) {
        let Self { connections, requests, open, up, down, updates, handshakes, handshake_bytes, wire } = other;
        self.connections += connections;
        self.requests += requests;
        self.open += open;
        self.up += up;
        self.down += down;
        self.updates += updates;
        self.handshakes += handshakes;
        self.handshake_bytes += handshake_bytes;
        self.wire = self.wire.zip(*wire).map(|(mut sum, wire)| {
            sum += wire;
            sum
        });
    }
}

impl Leg {
    /// Creates a leg that keeps each socket for [`LAST_SEGMENTS`] after its client has closed it. The owner must call
    /// [`settle`](Self::settle) regularly.
    pub(crate) fn keeping_sockets() -> Self {
        Self::new(Shared { keeps: true, ..Shared::default() })
    }

    fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), counters: Arc::default() }.of_a_thread()
    }

    /// The same leg, with counters for another thread.
    pub(crate) fn of_a_thread(&self) -> Self {
        let leg = Self { shared: self.shared.clone(), counters: Arc::default() };
        leg.all_counters().push(leg.counters.clone());
        leg
    }

    /// Closes the sockets that have been kept long enough.
    pub(crate) fn settle(&self) {
        self.kernel().settle(clock::now());
    }

    /// Returns the counts up to now. Queries the kernel once per open connection, which takes about a microsecond each.
    pub(crate) fn stats(&self) -> LegStats {
        let mut kernel = self.kernel();
        kernel.settle(clock::now());
        let (open, down, wire) = (kernel.open.len() as u64, kernel.unread, kernel.carried());
        let mut sum = LegStats { open, down, wire, ..LegStats::default() };
        self.all_counters().iter().for_each(|counters| counters.add_to(&mut sum));
        sum
    }

    /// Returns the counts after the last segments of closed connections have arrived.
    pub(crate) async fn final_stats(&self) -> LegStats {
        tokio::time::sleep(LAST_SEGMENTS).await;
        self.stats()
    }

    /// Counts a request whose response head arrived.
    pub(crate) fn requested(&self) {
        self.counters.requests.fetch_add(1, Relaxed);
    }

    /// Counts an update that a client received.
    pub(crate) fn updated(&self) {
        self.counters.updates.fetch_add(1, Relaxed);
    }

    /// Counts a connection whose first response head ended after this many bytes of the connection.
    pub(super) fn answered(&self, bytes: u64) {
        self.counters.handshakes.fetch_add(1, Relaxed);
        self.counters.handshake_bytes.fetch_add(bytes, Relaxed);
    }

    fn all_counters(&self) -> MutexGuard<'_, Vec<Arc<Counters>>> {
        self.shared.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // The state is consistent after each of these methods, so a panic elsewhere does not make it unusable.
    fn kernel(&self) -> MutexGuard<'_, Kernel> {
        self.shared.kernel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Leg {
    fn default() -> Self {
        Self::new(Shared::default())
    }
}

impl Counters {
    fn add_to(&self, sum: &mut LegStats) {
        let Self { connections, requests, up, down, updates, handshakes, handshake_bytes } = self;
        sum.connections += connections.load(Relaxed);
        sum.requests += requests.load(Relaxed);
        sum.up += up.load(Relaxed);
        sum.down += down.load(Relaxed);
        sum.updates += updates.load(Relaxed);
        sum.handshakes += handshakes.load(Relaxed);
        sum.handshake_bytes += handshake_bytes.load(Relaxed);
    }
}

#[cfg(test)]
mod tests;
