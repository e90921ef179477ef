//! Long responses, which are made as they are sent, so that a connection holds a piece of one of them instead of all
//! that its client requested.

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

/// The turns of the long responses on one connection.
#[derive(Debug)]
pub(super) struct Turns {
    piece: Arc<Semaphore>,
    /// The number of turns taken so far.
    taken: AtomicU64,
}

impl Default for Turns {
    fn default() -> Self {
        Self { piece: Arc::new(Semaphore::new(1)), taken: AtomicU64::new(0) }
    }
}

impl Turns {
    /// Waits for a turn; `None` if no response on the connection got one for too long.
    async fn wait(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        loop {
            let taken = self.taken.load(Ordering::Relaxed);
            if let Ok(turn) = timeout(patience, self.piece.clone().acquire_owned()).await {
                self.taken.fetch_add(1, Ordering::Relaxed);
                return turn.ok();
            }
            if self.taken.load(Ordering::Relaxed) == taken {
                return None;
            }
        }
    }
}

/// Sends a body whose pieces fit `room`. The client's windows determine how much is made next, and only then it waits
/// for its turn: what has been made can be sent at once, except for the socket, which the whole connection shares. So
/// no response waits for another's window.
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
