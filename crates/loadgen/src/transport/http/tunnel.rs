//! An HTTP/2 stream opened by a CONNECT, as a byte stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::exchange::MoveBytes as _;
use super::h2::{Connection, poll_data};

/// A bidirectional stream, and the connection that carries it.
#[derive(Debug)]
pub(in crate::transport) struct Tunnel {
    incoming: RecvStream,
    /// Bytes that were received and not read yet.
    unread: Bytes,
    outgoing: SendStream<Bytes>,
    /// Declared after the streams, so that they are dropped first.
    connection: Connection,
}

impl Tunnel {
    pub(in crate::transport) const fn new(
        connection: Connection,
        incoming: RecvStream,
        outgoing: SendStream<Bytes>,
    ) -> Self {
        Self { incoming, unread: Bytes::new(), outgoing, connection }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        if let Poll::Ready(data) = poll_data(&mut self.incoming, cx) {
            return Poll::Ready(data);
        }
        self.connection.move_bytes(cx);
        poll_data(&mut self.incoming, cx)
    }

    /// Polls for how many of the `wanted` bytes the peer has room for; never 0.
    fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        self.outgoing.reserve_capacity(wanted);
        loop {
            if self.outgoing.capacity() > 0 {
                return Poll::Ready(Ok(self.outgoing.capacity().min(wanted)));
            }
            self.connection.move_bytes(cx);
            match ready!(self.outgoing.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(failed(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            match ready!(this.poll_data(cx)) {
                Some(Ok(data)) => this.unread = data,
                Some(Err(error)) if is_end(&error) => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(failed(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.unread.len().min(buffer.remaining());
        buffer.put_slice(&this.unread[..count]);
        this.unread.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let this = self.get_mut();
        let count = ready!(this.poll_room(cx, bytes.len()))?;
        this.outgoing.send_data(Bytes::copy_from_slice(&bytes[..count]), false).map_err(failed)?;
        this.connection.move_bytes(cx);
        Poll::Ready(Ok(count))
    }

    /// Bytes that the socket does not accept at once are sent with the next read.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().connection.move_bytes(cx);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Fails if the stream has already ended.
        let _ = this.outgoing.send_data(Bytes::new(), true);
        this.connection.move_bytes(cx);
        Poll::Ready(Ok(()))
    }
}

/// Whether an error is a normal end: a server that drops its half of a stream resets it.
fn is_end(error: &h2::Error) -> bool {
    matches!(error.reason(), Some(Reason::NO_ERROR | Reason::CANCEL | Reason::STREAM_CLOSED)) && error.is_reset()
}

fn failed(error: h2::Error) -> io::Error {
    if error.is_io() {
        return error.into_io().unwrap_or_else(|| io::ErrorKind::Other.into());
    }
    io::Error::other(error)
}
