//! What arrived on a connection, for the tasks that wait for it. The connection's reader writes it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use feedlab_feed::clock;
use tokio::sync::watch;

use crate::limits;

/// What has arrived on a connection so far. Clones show the same.
#[derive(Clone, Debug)]
pub struct Recording {
    began: Instant,
    received: Arc<Mutex<Received>>,
    /// Counts the changes. Every clone holds the sender, so that it never closes.
    version: Arc<watch::Sender<u64>>,
}

/// What has arrived on a connection. Times are since the instant that the connection was opened with.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The bytes, in the pieces in which they were read, with the time of each.
    pub chunks: Vec<(Duration, Bytes)>,
    /// The number of bytes.
    pub total: usize,
    /// When and how the server ended its direction; `None` while it is open, or if this side closed first.
    pub ended: Option<(Duration, End)>,
    /// Whether a limit is reached, so that nothing more is read.
    pub overflowed: bool,
    /// The number of changes.
    pub version: u64,
}

/// How a server ended its direction of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// In order, with a FIN.
    Fin,
    /// With a reset.
    Reset,
    /// In another way. Holds the reason.
    Failed(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Self::Reset
            }
            // A FIN without TLS's `close_notify`, which many servers leave out.
            io::ErrorKind::UnexpectedEof => Self::Fin,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl Recording {
    pub(super) fn new(began: Instant) -> Self {
        Self { began, received: Arc::default(), version: Arc::default() }
    }

    /// Returns what `look` finds in it. The reader waits meanwhile.
    pub fn view<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until its version is no longer `seen`: forever, if the connection is closed on this side.
    pub async fn changed(&self, seen: u64) {
        _ = self.version.subscribe().wait_for(|version| *version != seen).await;
    }

    /// The bytes that it still has room for; never 0, so that reading finds out whether more arrives.
    pub(super) fn space(&self) -> usize {
        self.view(|received| limits::RECORDING.saturating_sub(received.total).max(1))
    }

    /// Adds a chunk, and returns whether more is to be read.
    pub(super) fn push(&self, bytes: Bytes) -> bool {
        self.change(|received, at| {
            let has_room = received.total < limits::RECORDING && received.chunks.len() < limits::CHUNKS;
            if has_room {
                received.total += bytes.len();
                received.chunks.push((at, bytes));
            }
            received.overflowed = !has_room;
            has_room
        })
    }

    /// Notes the end. Nothing is to be read after it.
    pub(super) fn end(&self, how: End) -> bool {
        self.change(|received, at| received.ended = Some((at, how)));
        false
    }

    fn change<T>(&self, change: impl FnOnce(&mut Received, Duration) -> T) -> T {
        let at = clock::now().duration_since(self.began);
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut received, at);
        received.version += 1;
        self.version.send_replace(received.version);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_chunks_are_bounded() {
        let recording = Recording::new(clock::now());
        let half = Bytes::from(vec![0; limits::RECORDING / 2]);
        assert!(recording.push(half.clone()) && recording.push(half) && recording.space() == 1);
        assert!(!recording.push(Bytes::from_static(b"x")));
        recording.view(|received| assert!(received.overflowed && received.total == limits::RECORDING));

        let recording = Recording::new(clock::now());
        while recording.push(Bytes::from_static(b"x")) {}
        recording.view(|received| assert!(received.overflowed && received.chunks.len() == limits::CHUNKS));
    }

    #[tokio::test]
    async fn a_waiting_task_sees_each_change() {
        let recording = Recording::new(clock::now());
        recording.push(Bytes::from_static(b"x"));
        recording.changed(0).await;
        let waiting = tokio::spawn({
            let recording = recording.clone();
            async move { recording.changed(1).await }
        });
        recording.end(End::Reset);
        waiting.await.unwrap();
        let (version, ended) = recording.view(|received| (received.version, received.ended.clone()));
        assert!(version == 2 && matches!(ended, Some((_, End::Reset))), "{version} {ended:?}");
    }
}
