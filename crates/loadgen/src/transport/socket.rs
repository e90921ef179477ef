//! A WebSocket that is read with the buffer of its thread.
//!
//! tokio-tungstenite opens and closes it, sends its messages, and reads everything that is not ordinary: control frames,
//! fragmented messages, and whatever violates the protocol. A data frame that is a whole message, which is what a server
//! sends for an update, is read where it is. tungstenite would copy it to a buffer that each client has for itself.

use std::task::{Context, Poll, ready};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::either::Either;

use super::frames::{First, Frames, Read, is_fragmented_after};
use super::gate::Gate;
use super::http::tunnel::Tunnel;
use super::stream::Stream;

/// What tungstenite reads from and writes to: an upgraded connection or an HTTP/2 stream.
pub(super) type Pipe = Gate<Either<Stream, Box<Tunnel>>>;

/// An open WebSocket.
pub(super) struct Socket {
    inner: WebSocketStream<Pipe>,
    /// Whether tungstenite has more to do: to read a frame, or to answer it.
    is_its_turn: bool,
    /// Whether the first frames of a message have been read, and not its last.
    is_fragmented: bool,
    /// The size limit of a message, bytes.
    max_message: usize,
}

/// What was received.
pub(super) enum Received {
    /// Data frames, and what followed them.
    Frames(Frames),
    /// A message that tungstenite has read.
    Message(Message),
}

impl Socket {
    /// A WebSocket whose gate has closed behind the response head.
    pub(super) const fn new(inner: WebSocketStream<Pipe>, max_message: usize) -> Self {
        Self { inner, is_its_turn: false, is_fragmented: false, max_message }
    }

    /// Lets tungstenite read everything, with a buffer that only this WebSocket has.
    pub(super) fn with_its_own_buffer(mut self) -> Self {
        self.inner.get_mut().open();
        self.is_its_turn = true;
        self
    }

    /// Polls for something that has arrived.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, Error>> {
        loop {
            if let Poll::Ready(message) = self.poll_message(cx) {
                return Poll::Ready(message.map(Received::Message));
            }
            let (is_fragmented, limit) = (self.is_fragmented, self.max_message);
            let gate = self.inner.get_mut();
            if gate.is_open() {
                return Poll::Pending;
            }
            let unread = gate.unread();
            match First::of(unread, is_fragmented, limit) {
                First::Data(..) => {
                    let bytes = Read::Joined(std::mem::take(unread));
                    return Poll::Ready(Ok(Received::Frames(Frames { bytes, at: 0, limit })));
                }
                First::Other(len) => {
                    self.is_fragmented = is_fragmented_after(unread[0], is_fragmented);
                    gate.pass(len);
                    self.is_its_turn = true;
                }
                First::TooLarge => {
                    gate.open();
                    self.is_its_turn = true;
                }
                First::Incomplete => {
                    let read = ready!(gate.poll_lent(cx))?;
                    if read.is_empty() {
                        return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
                    }
                    if gate.unread().is_empty() && !is_fragmented {
                        let bytes = Read::Lent(read);
                        return Poll::Ready(Ok(Received::Frames(Frames { bytes, at: 0, limit })));
                    }
                    gate.unread().extend_from_slice(&read);
                }
            }
        }
    }

    /// Returns frames that were received, after all that could be processed was.
    pub(super) fn put_back(&mut self, frames: Frames) {
        frames.put_back(self.inner.get_mut().unread());
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.inner.send(message).await
    }

    /// Sends a close frame and waits for its echo. Messages before that are discarded.
    pub(super) async fn close(&mut self, frame: CloseFrame) -> Result<(), Error> {
        self.inner.get_mut().open();
        self.inner.close(Some(frame)).await?;
        self.finish().await
    }

    /// Reads to the end, which also sends the echo of a close frame.
    pub(super) async fn finish(&mut self) -> Result<(), Error> {
        self.inner.get_mut().open();
        while self.inner.next().await.transpose()?.is_some() {}
        Ok(())
    }

    /// Lets tungstenite read the frame that is its own, and write what it has to.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        if !self.is_its_turn && !self.inner.get_ref().is_blocked() {
            return Poll::Pending;
        }
        let message = self.inner.poll_next_unpin(cx);
        // It answers a ping when it is asked for the next message.
        self.is_its_turn = message.is_ready() || self.inner.get_ref().is_open();
        message.map(|message| message.unwrap_or(Err(Error::ConnectionClosed)))
    }
}
