//! The clients' leg: what the clients' own sockets carry, below TLS.
//!
//! A proxy between a client and its server (nginx, the lab proxy) has another leg to the server, and forwards other
//! bytes in other packets. What a client costs its network can only be counted at the client. The dialer wraps each
//! connection in [`Counted`]; the phases take snapshots of the [`Leg`] as they do of the server.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_feed::stats::WireStats;
use feedlab_feed::tcp_info::{Handle, Opener};
use rustix::net::{Shutdown, shutdown};
use serde::{Deserialize, Serialize};
use slab::Slab;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long a socket is kept after its client has closed it, for the last segments: the close takes a round trip, and
/// an acknowledgement may be delayed by up to 40 ms (linux/tcp.h, `TCP_DELACK_MIN`).
const LAST_SEGMENTS: Duration = Duration::from_millis(100);
/// The most sockets that are kept for this; the oldest are closed beyond it.
const MAX_LEAVING: usize = 1_024;

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

#[derive(Debug, Default)]
struct Kernel {
    open: Slab<Handle>,
    /// Sockets that their clients have closed, oldest first: the last segments of both sides are still in flight.
    leaving: VecDeque<Leaving>,
    /// What connections carried until they closed.
    closed: WireStats,
    /// Bytes that arrived after their client had left, and were never read.
    unread: u64,
    /// Whether the kernel once gave no answer. Then no sum is reported.
    is_silent: bool,
}

/// A socket that sends no more and can still be queried.
#[derive(Debug)]
struct Leaving {
    /// Kept open; closes when this is dropped.
    _socket: OwnedFd,
    handle: Handle,
    /// The bytes that its client has read.
    read: u64,
    until: Instant,
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

impl Kernel {
    fn carried(&self) -> Option<WireStats> {
        let open = self.open.iter().map(|(_, handle)| *handle);
        let handles = open.chain(self.leaving.iter().map(|leaving| leaving.handle));
        let known = handles.map(Handle::carried).try_fold(self.closed, |mut sum, wire| {
            sum += wire?;
            Some(sum)
        });
        known.filter(|_| !self.is_silent)
    }

    /// Keeps the socket of a connection that its client has closed.
    fn leave(&mut self, handle: Handle, socket: OwnedFd, read: u64) {
        let handle = handle.moved(socket.as_fd());
        // Fails for a connection that was reset, which is closed already.
        let _ = shutdown(&socket, Shutdown::Write);
        let now = clock::now();
        self.leaving.push_back(Leaving { _socket: socket, handle, read, until: now + LAST_SEGMENTS });
        self.settle(now);
    }

    fn settle(&mut self, now: Instant) {
        while let Some(oldest) = self.leaving.front()
            && (oldest.until <= now || self.leaving.len() > MAX_LEAVING)
        {
            let Leaving { handle, read, .. } = *oldest;
            self.close(handle, read);
            self.leaving.pop_front();
        }
    }

    fn close(&mut self, handle: Handle, read: u64) {
        self.unread += handle.received().map_or(0, |received| received.saturating_sub(read));
        match handle.carried_at_close() {
            Some(wire) => self.closed += wire,
            None => self.is_silent = true,
        }
    }
}

/// A protocol layer on such a connection, at any depth.
pub(super) trait Layer {
    /// The TCP connection below all layers.
    fn connection(&self) -> &Counted;
}

/// A TCP connection of a client whose bytes are counted.
#[derive(Debug)]
pub(super) struct Counted {
    stream: TcpStream,
    leg: Leg,
    /// Its key among the open connections.
    key: usize,
    /// The bytes of this connection in both directions, and those of them that were read.
    bytes: u64,
    read: u64,
}

impl Counted {
    pub(super) fn new(stream: TcpStream, leg: Leg) -> Self {
        let handle = Handle::new(stream.as_fd(), stream.local_addr().ok(), Opener::This);
        let key = leg.kernel().open.insert(handle);
        Self { stream, leg, key, bytes: 0, read: 0 }
    }

    /// Returns the bytes of this connection so far, both directions.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn leg(&self) -> &Leg {
        &self.leg
    }

    #[cfg(test)]
    pub(super) const fn socket(&self) -> &TcpStream {
        &self.stream
    }

    fn wrote(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        let count = result? as u64;
        if self.bytes == 0 {
            self.leg.counters.connections.fetch_add(1, Relaxed);
        }
        self.bytes += count;
        self.leg.counters.up.fetch_add(count, Relaxed);
        Ok(count as usize)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut kernel = self.leg.kernel();
        let Some(handle) = kernel.open.try_remove(self.key).filter(|_| self.bytes > 0) else { return };
        // The last segments are also estimated if no descriptor is left.
        match self.leg.shared.keeps.then(|| self.stream.as_fd().try_clone_to_owned()) {
            Some(Ok(socket)) => kernel.leave(handle, socket, self.read),
            _ => kernel.close(handle, self.read),
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let count = (buffer.filled().len() - before) as u64;
        self.bytes += count;
        self.read += count;
        self.leg.counters.down.fetch_add(count, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        Poll::Ready(self.wrote(result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, pieces));
        Poll::Ready(self.wrote(result))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_bytes_of_a_connection_stay_counted_when_it_has_closed() {
        let leg = Leg::keeping_sockets();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut client = Counted::new(stream, leg.clone());
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(&[1; 100]).await.unwrap();
        server.read_exact(&mut [0; 100]).await.unwrap();
        server.write_all(&[2; 3_000]).await.unwrap();
        client.read_exact(&mut [0; 3_000]).await.unwrap();
        leg.updated();
        let open = leg.stats();
        assert_eq!((open.connections, open.open, open.up, open.down, open.updates), (1, 1, 100, 3_000, 1));
        assert_eq!((client.bytes(), open.bytes()), (3_100, 3_100));
        server.write_all(&[3; 500]).await.unwrap();
        drop(client);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0, "the FIN is sent at once");
        drop(server);
        let closed = leg.final_stats().await;
        assert!(leg.kernel().leaving.is_empty());
        assert_eq!((closed.connections, closed.open, closed.up), (1, 0, 100));
        if cfg!(target_os = "linux") {
            assert_eq!(closed.down, 3_500, "including what arrived and was not read");
            let (open, closed) = (open.wire.unwrap(), closed.wire.unwrap());
            // Two FINs and their acknowledgements, one of which may be combined with a FIN; and the last data.
            assert!((4..=6).contains(&(closed.packets() - open.packets())), "{open:?} {closed:?}");
            assert!(closed.bytes() > 3_100 + 52 * closed.packets(), "{closed:?}");
        }
    }

    #[tokio::test]
    async fn a_kept_socket_closes_even_if_no_other_client_leaves() {
        let leg = Leg::keeping_sockets();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Counted::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap(), leg.clone());
        client.write_all(b"x").await.unwrap();
        drop(client);
        assert_eq!(leg.kernel().leaving.len(), 1);
        tokio::time::sleep(LAST_SEGMENTS).await;
        leg.settle();
        assert!(leg.kernel().leaving.is_empty());
    }

    #[tokio::test]
    async fn a_client_that_is_not_measured_closes_at_once() {
        let leg = Leg::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Counted::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap(), leg.clone());
        client.write_all(b"x").await.unwrap();
        drop(client);
        assert!(leg.kernel().leaving.is_empty());
        assert_eq!(leg.stats().connections, 1);
    }
}
