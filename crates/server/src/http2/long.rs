//! Answers that are made as they are sent, so that a connection holds a piece of one and not of all that its client asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{finish, next};
use crate::limits::MAX_LONG_PIECE_BYTES;
use crate::transport::Room;
use crate::wire::Outgoing;

/// Whose turn it is among those of a connection.
#[derive(Debug)]
pub(super) struct Turns {
    piece: Arc<Semaphore>,
    /// Turns that were had so far.
    had: AtomicU64,
}

impl Default for Turns {
    fn default() -> Self {
        Self { piece: Arc::new(Semaphore::new(1)), had: AtomicU64::new(0) }
    }
}

impl Turns {
    /// Waits for a turn; `None` when nobody on the connection had one for too long.
    async fn wait(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        loop {
            let had = self.had.load(Ordering::Relaxed);
            if let Ok(turn) = timeout(patience, self.piece.clone().acquire_owned()).await {
                self.had.fetch_add(1, Ordering::Relaxed);
                return turn.ok();
            }
            if self.had.load(Ordering::Relaxed) == had {
                return None;
            }
        }
    }
}

/// Sends a body that heeds `room`. The client's windows say how much is made next, and then it is its turn: what has been made
/// can leave at once, but for the socket, which all of the connection share. So no client's window is waited for in turn.
pub(super) async fn send(mut stream: Outgoing, mut body: Body, patience: Duration, (room, turns): (Room, &Turns)) {
    while !body.is_end_stream() {
        let wanted = MAX_LONG_PIECE_BYTES.min(body.size_hint().lower() as usize);
        let Ok(Ok(bytes)) = timeout(patience, stream.room(wanted)).await else { return stream.reset() };
        room.set(bytes);
        let Some(turn) = turns.wait(patience).await else { return stream.reset() };
        let Some(mut bytes) = next(&mut body).await else { return stream.reset() };
        if !matches!(timeout(patience, stream.send(&mut bytes, body.is_end_stream(), Some(turn))).await, Ok(Ok(()))) {
            return stream.reset();
        }
    }
    finish(stream, patience).await;
}
