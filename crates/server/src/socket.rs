//! A TCP connection that counts its bytes. Every byte of an accepted connection passes through here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

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
    stream: TcpStream,
    link: Arc<Link>,
}

impl Socket {
    pub(crate) const fn new(stream: TcpStream, link: Arc<Link>) -> Self {
        Self { stream, link }
    }

    /// Makes the drop of the socket discard whatever the kernel still holds for the client.
    pub(crate) fn reset_on_close(&self) {
        let _ = self.stream.set_zero_linger();
    }

    /// Whether the client's input begins with these bytes: waits for as many as needed to decide. Only peeks, so that
    /// the next read gets them all.
    pub(crate) async fn begins_with<const N: usize>(&self, expected: &[u8; N]) -> io::Result<bool> {
        loop {
            let ready = self.stream.ready(Interest::READABLE).await?;
            let looked = self.stream.try_io(Interest::READABLE, || {
                let mut seen = [0; N];
                let (_, len) = recv(&self.stream, &mut seen, RecvFlags::PEEK)?;
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

impl Drop for Socket {
    /// Reads the kernel's figures a last time, while the socket is open.
    fn drop(&mut self) {
        self.link.meter.closing();
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.link.meter.read(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        Poll::Ready(self.wrote(result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        Poll::Ready(self.wrote(result))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.link.head.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
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
