//! A TCP connection that counts its bytes. Every byte of an accepted connection passes through here, and is counted here
//! unless [`Socket::send`] sent it: that returns how many there were, and a pass adds them up (`fanout/pass.rs`).

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use mio::{Registry, Token};
use rustix::net::sockopt::set_socket_linger;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::meter::ConnectionMeter;

/// The state that a connection's socket shares with the handlers of its requests.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) meter: ConnectionMeter,
    pub(crate) head: Head,
}

impl Link {
    pub(crate) fn new(meter: ConnectionMeter) -> Self {
        Self { meter, head: Head::default() }
    }
}

/// The progress of the head of a stream's response on HTTP/1.1: once it has been sent, the stream can take over the
/// socket.
#[derive(Debug, Default)]
pub(crate) struct Head(AtomicU8);

/// No stream was requested.
const NONE: u8 = 0;
/// The head is in hyper's write buffer.
const QUEUED: u8 = 1;
/// The head has been written to the socket.
const FLUSHED: u8 = 2;

impl Head {
    /// Records that the head is in hyper's write buffer. hyper polls the body again after the flush: only the first
    /// call counts.
    pub(crate) fn queued(&self) {
        self.advance(NONE, QUEUED);
    }

    /// Records that the socket was flushed. hyper does that only with an empty write buffer: a queued head has been
    /// sent.
    fn flushed(&self) {
        self.advance(QUEUED, FLUSHED);
    }

    pub(crate) fn has_left(&self) -> bool {
        self.0.load(Ordering::Relaxed) == FLUSHED
    }

    fn advance(&self, from: u8, to: u8) {
        // Load first, which is cheap: streams keep flushing long after the head has been sent.
        if self.0.load(Ordering::Relaxed) == from {
            let _ = self.0.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// The counted connection.
#[derive(Debug)]
pub(crate) struct Socket {
    watched: Watched,
    /// Input that a shard has read and returned, because it is for the HTTP library.
    returned: Bytes,
    link: Arc<Link>,
}

/// A socket, and who watches whether it is ready.
#[derive(Debug)]
enum Watched {
    /// The runtime, which wakes the task that polls it.
    Runtime(TcpStream),
    /// A shard, which polls it again when it is ready.
    Shard(mio::net::TcpStream),
    /// Nobody: the change from one to the other failed.
    Closed,
}

impl Socket {
    pub(crate) const fn new(stream: TcpStream, link: Arc<Link>) -> Self {
        Self { watched: Watched::Runtime(stream), returned: Bytes::new(), link }
    }

    /// Lets a shard watch the socket instead of the runtime.
    pub(crate) fn leave_runtime(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if let Watched::Runtime(stream) = std::mem::replace(&mut self.watched, Watched::Closed) {
            let mut stream = mio::net::TcpStream::from_std(stream.into_std()?);
            let watched = registry.register(&mut stream, token, mio::Interest::READABLE | mio::Interest::WRITABLE);
            self.watched = Watched::Shard(stream);
            return watched;
        }
        Ok(())
    }

    /// Lets the runtime watch the socket again.
    pub(crate) fn enter_runtime(&mut self, registry: &Registry) -> io::Result<()> {
        if let Watched::Shard(mut stream) = std::mem::replace(&mut self.watched, Watched::Closed) {
            registry.deregister(&mut stream)?;
            self.watched = Watched::Runtime(TcpStream::from_std(stream.into())?);
        }
        Ok(())
    }

    /// Sends as much as the socket accepts at once, if a shard watches it: possibly nothing. The caller counts the bytes.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let Watched::Shard(stream) = &self.watched else { return Ok(0) };
        let mut stream = stream;
        match polled(stream.write(bytes)) {
            Poll::Ready(written) => written,
            Poll::Pending => Ok(0),
        }
    }

    /// Reads from a socket that a shard watches.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
        let Watched::Shard(stream) = &self.watched else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut stream = stream;
        pending(stream.read(buffer).inspect(|read| self.link.meter.read(*read)))
    }

    /// Writes to a socket that a shard watches.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
        let Watched::Shard(stream) = &self.watched else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut stream = stream;
        pending(self.wrote(stream.write(bytes)))
    }

    /// Puts input back, so that it is read again.
    pub(crate) fn put_back(&mut self, input: Bytes) {
        self.returned = input;
    }

    /// The counters of the connection.
    pub(crate) fn meter(&self) -> &ConnectionMeter {
        &self.link.meter
    }

    /// The state that it shares with the handlers of its requests.
    pub(crate) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The client's address.
    pub(crate) fn peer(&self) -> io::Result<SocketAddr> {
        match &self.watched {
            Watched::Runtime(stream) => stream.peer_addr(),
            Watched::Shard(stream) => stream.peer_addr(),
            Watched::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Makes the drop of the socket discard whatever the kernel still holds for the client.
    pub(crate) fn reset_on_close(&self) {
        let _ = match &self.watched {
            Watched::Runtime(stream) => set_socket_linger(stream, Some(Duration::ZERO)),
            Watched::Shard(stream) => set_socket_linger(stream, Some(Duration::ZERO)),
            Watched::Closed => Ok(()),
        };
    }

    /// Whether the client's input begins with these bytes: waits for as many as needed to decide. Only peeks, so that
    /// the next read gets them all.
    pub(crate) async fn begins_with<const N: usize>(&self, expected: &[u8; N]) -> io::Result<bool> {
        let Watched::Runtime(stream) = &self.watched else { return Err(io::ErrorKind::NotConnected.into()) };
        // The runtime does not know yet whether a socket that a shard has returned is ready. hyper does not wait before it
        // closes a connection whose first request is malformed.
        stream.writable().await?;
        let known = self.returned.len().min(N);
        if known == N || !expected.starts_with(&self.returned[..known]) {
            return Ok(self.returned.starts_with(expected));
        }
        loop {
            let ready = stream.ready(Interest::READABLE).await?;
            let looked = stream.try_io(Interest::READABLE, || {
                let mut seen = [0; N];
                seen[..known].copy_from_slice(&self.returned[..known]);
                let len = known + recv(stream, &mut seen[known..], RecvFlags::PEEK)?.1;
                let is_part = (1..N).contains(&len) && expected.starts_with(&seen[..len]);
                // `WouldBlock` makes the next iteration wait for more input, although there is some.
                let may_go_on = is_part && !ready.is_read_closed();
                if may_go_on { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(seen == *expected) }
            });
            match looked {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                looked => return looked,
            }
        }
    }

    fn wrote(&self, result: io::Result<usize>) -> io::Result<usize> {
        result.inspect(|n| self.link.meter.wrote(*n))
    }
}

/// The result of a call on a socket that a shard watches.
fn polled<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

fn pending<T>(result: io::Result<T>) -> io::Result<Poll<T>> {
    match polled(result) {
        Poll::Ready(result) => result.map(Poll::Ready),
        Poll::Pending => Ok(Poll::Pending),
    }
}

fn closed<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl Drop for Socket {
    /// Reads the kernel's figures a last time, while the socket is open.
    fn drop(&mut self) {
        self.link.meter.closing();
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.returned.is_empty() {
            let len = self.returned.len().min(buf.remaining());
            buf.put_slice(&self.returned.split_to(len));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match &mut self.watched {
            Watched::Runtime(stream) => ready!(Pin::new(stream).poll_read(cx, buf))?,
            Watched::Shard(stream) => {
                let read = ready!(polled(stream.read(buf.initialize_unfilled())))?;
                buf.advance(read);
            }
            Watched::Closed => return closed(),
        }
        self.link.meter.read(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(match &mut self.watched {
            Watched::Runtime(stream) => Pin::new(stream).poll_write(cx, bytes),
            Watched::Shard(stream) => polled(stream.write(bytes)),
            Watched::Closed => closed(),
        });
        Poll::Ready(self.wrote(result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(match &mut self.watched {
            Watched::Runtime(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Watched::Shard(stream) => polled(stream.write_vectored(slices)),
            Watched::Closed => closed(),
        });
        Poll::Ready(self.wrote(result))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A socket has nothing to flush. hyper flushes when its own buffer is empty.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.head.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.watched {
            Watched::Runtime(stream) => Pin::new(stream).poll_shutdown(cx),
            Watched::Shard(stream) => Poll::Ready(stream.shutdown(Shutdown::Write)),
            Watched::Closed => closed(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::meter::Meters;
    use feedlab_feed::tcp_info::{Handle, Opener};
    use std::os::fd::AsFd as _;
    use tokio::net::{TcpListener, TcpSocket};

    /// Returns a connection with small buffers, and its client, which reads only when the test does.
    pub(crate) async fn narrow() -> (Socket, Arc<Link>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpSocket::new_v4().unwrap();
        client.set_recv_buffer_size(4 << 10).unwrap();
        let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        rustix::net::sockopt::set_socket_send_buffer_size(&server, 4 << 10).unwrap();
        let handle = Handle::new(server.as_fd(), server.local_addr().ok(), Opener::Peer);
        let link = Arc::new(Link::new(ConnectionMeter::new(Arc::<Meters>::default(), handle)));
        (Socket::new(server, link.clone()), link, client)
    }
}
