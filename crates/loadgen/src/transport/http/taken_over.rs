//! The body of an event stream whose connection was taken over from hyper, as the server takes over its side
//! (`server/src/handover.rs`). hyper reads the head, following all of HTTP's rules. For a body that never ends, it would
//! keep a read buffer and a channel for as long as the stream is open, and pass every update through both.

use std::io;
use std::task::{Context, Poll, ready};

use hyper::body::Bytes;
use hyper::header::HeaderMap;

use super::exchange::broken;
use super::framing::Framing;
use crate::observer::ClientError;
use crate::transport::buffer::Chunk;
use crate::transport::gate::Gate;
use crate::transport::stream::Stream;

/// A connection on which only the rest of one body is outstanding.
#[derive(Debug)]
pub(super) struct TakenOver {
    gate: Gate<Stream>,
    framing: Framing,
}

impl TakenOver {
    /// The body of the response with these headers.
    pub(super) fn new(gate: Gate<Stream>, headers: &HeaderMap) -> Self {
        Self { gate, framing: Framing::of(headers) }
    }

    /// Polls for the next piece of the body; `None` at its end.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, ClientError>>> {
        Poll::Ready(match ready!(self.poll_content(cx)) {
            Ok(chunk) if chunk.is_empty() => None,
            read => Some(read.map_err(|error| broken(&error))),
        })
    }

    /// Reads until there is content, or returns nothing at the end of the body.
    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Chunk>> {
        let early = self.gate.unread();
        if !early.is_empty() {
            let content = self.framing.strip(early)?;
            early.truncate(content);
            let content = std::mem::take(early).freeze();
            if !content.is_empty() {
                return Poll::Ready(Ok(Chunk::Owned(content)));
            }
        }
        while !self.framing.has_ended() {
            let mut read = ready!(self.gate.poll_lent(cx))?;
            if read.is_empty() {
                self.framing.close()?;
                break;
            }
            let content = self.framing.strip(&mut read)?;
            if content > 0 {
                read.truncate(content);
                return Poll::Ready(Ok(Chunk::Lent(read)));
            }
        }
        Poll::Ready(Ok(Chunk::Owned(Bytes::new())))
    }
}
