//! A client's TLS connection, which holds a buffer only while there is something in it.
//!
//! rustls has two interfaces. The one that tokio-rustls uses keeps four KiB for the next read for as long as the
//! connection lives; an event stream hardly ever reads. This module uses the other one, where the buffers belong to the
//! caller. `connection.rs` accepts connections with it; afterwards it is one of the wires of `wire.rs`.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::{MAX_RECORD_BYTES, MAX_UNFINISHED_TLS_BYTES};

/// Bytes that a record needs besides its contents: head, nonce and tag (at most 29), with room to spare.
const RECORD_OVERHEAD: usize = 48;

type ServerData = rustls::server::ServerConnectionData;

/// The side of a TLS connection that accepted it.
pub(crate) struct TlsStream<S> {
    socket: S,
    tls: UnbufferedServerConnection,
    /// The beginning of a record or handshake message whose rest has not arrived.
    received: Vec<u8>,
    /// What has been decrypted, and from where on it has not been read.
    plain: Chunk,
    /// Records, and from where on the socket has not accepted them.
    records: Chunk,
    has_ended: bool,
    is_closing: bool,
}

/// Bytes that are consumed from the front; without memory while there are none.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    consumed: usize,
}

impl Chunk {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    fn consume(&mut self, count: usize) {
        self.consumed += count;
        if self.consumed == self.bytes.len() {
            *self = Self::default();
        }
    }

    /// Appends what `fill` writes into that many bytes; it returns how many it wrote.
    fn append<E>(&mut self, most: usize, fill: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<(), E> {
        let before = self.bytes.len();
        self.bytes.resize(before + most, 0);
        let filled = fill(&mut self.bytes[before..]);
        self.bytes.truncate(before + filled.as_ref().map_or(0, |count| *count));
        filled.map(drop)
    }
}

/// What is to be encrypted.
enum Send<'a> {
    Data(&'a [u8]),
    CloseNotify,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    /// Performs the handshake.
    pub(crate) async fn accept(socket: S, config: Arc<ServerConfig>) -> io::Result<Self> {
        let tls = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        let (received, plain, records) = Default::default();
        let mut stream = Self { socket, tls, received, plain, records, has_ended: false, is_closing: false };
        while stream.tls.is_handshaking() {
            std::future::poll_fn(|cx| stream.poll_send_records(cx)).await?;
            std::future::poll_fn(|cx| stream.poll_receive(cx)).await?;
            if stream.has_ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        // The end of the handshake, and tickets: a client that is not reading yet may leave some for later.
        std::future::poll_fn(|cx| stream.try_send_records(cx)).await?;
        Ok(stream)
    }

    /// The socket, and the state of the TLS connection.
    pub(crate) const fn get_ref(&self) -> (&S, &UnbufferedServerConnection) {
        (&self.socket, &self.tls)
    }

    pub(crate) const fn socket(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Reads once from the socket, and decrypts the records that are complete.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
        if read.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.received.extend_from_slice(read.filled());
        if let Err(error) = self.process(None) {
            self.send_alert(cx);
            return Poll::Ready(Err(error));
        }
        if self.received.is_empty() {
            self.received = Vec::new();
        }
        let is_too_long = self.received.len() > MAX_UNFINISHED_TLS_BYTES;
        Poll::Ready(if is_too_long { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) })
    }

    /// Lets rustls process what has been received, and encrypts what is to be sent.
    fn process(&mut self, send: Option<&Send<'_>>) -> io::Result<()> {
        let Self { tls, received, plain, records, has_ended, .. } = self;
        loop {
            // Always with all that has been received: rustls remembers positions in it.
            let UnbufferedStatus { mut discard, state } = tls.process_tls_records(received);
            let state = match state {
                Ok(state) => state,
                Err(error) => {
                    received.drain(..discard);
                    return Err(invalid(error));
                }
            };
            let is_done = match state {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(invalid)?;
                        plain.bytes.extend_from_slice(record.payload);
                        discard += record.discard;
                    }
                    false
                }
                ConnectionState::EncodeTlsData(data) => encode(data, records).map(|()| false)?,
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    false
                }
                ConnectionState::PeerClosed => {
                    *has_ended = true;
                    false
                }
                ConnectionState::WriteTraffic(traffic) => {
                    send.map_or(Ok(()), |send| encrypt(traffic, send, records))?;
                    true
                }
                // A handshake that needs more, or a connection that is closed, and the server accepts no early data.
                _ if send.is_some() => return Err(io::ErrorKind::BrokenPipe.into()),
                _ => true,
            };
            received.drain(..discard);
            if is_done {
                return Ok(());
            }
        }
    }

    /// Sends the alert that tells the client what is wrong, if the socket accepts it.
    fn send_alert(&mut self, cx: &mut Context<'_>) {
        if let Ok(ConnectionState::EncodeTlsData(data)) = self.tls.process_tls_records(&mut self.received).state
            && encode(data, &mut self.records).is_ok()
        {
            let _ = self.poll_send_records(cx);
        }
    }

    /// Ready once the socket has accepted all records.
    fn poll_send_records(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.records.rest().is_empty() {
            let written = ready!(Pin::new(&mut self.socket).poll_write(cx, self.records.rest()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.records.consume(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Ready in any case: with an error if the socket is broken.
    fn try_send_records(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_send_records(cx);
        if sent.is_pending() { Poll::Ready(Ok(())) } else { sent }
    }

    /// Encrypts as much of it as fits a record; the socket may accept that later.
    fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = bytes.len().min(MAX_RECORD_BYTES);
        self.process(Some(&Send::Data(&bytes[..taken])))?;
        self.try_send_records(cx).map_ok(|()| taken)
    }
}

/// Appends a record that rustls has made.
fn encode(mut data: EncodeTlsData<'_, ServerData>, records: &mut Chunk) -> io::Result<()> {
    let most = match data.encode(&mut []) {
        Err(EncodeError::InsufficientSize(size)) => size.required_size,
        _ => 0,
    };
    records.append(most, |space| data.encode(space)).map_err(io::Error::other)
}

/// Appends what is to be sent as a record, after those that rustls has to send first.
fn encrypt(mut traffic: WriteTraffic<'_, ServerData>, send: &Send<'_>, records: &mut Chunk) -> io::Result<()> {
    let len = if let Send::Data(bytes) = send { bytes.len() } else { 0 };
    let mut encrypt = |space: &mut [u8]| match send {
        Send::Data(bytes) => traffic.encrypt(bytes, space),
        Send::CloseNotify => traffic.queue_close_notify(space),
    };
    let encrypted = match records.append(len + RECORD_OVERHEAD, &mut encrypt) {
        Err(EncryptError::InsufficientSize(size)) => records.append(size.required_size, encrypt),
        encrypted => encrypted,
    };
    encrypted.map_err(io::Error::other)
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.plain.rest().is_empty() && !self.has_ended {
            // A client that waits for the rest of a handshake sends nothing before.
            ready!(self.try_send_records(cx))?;
            ready!(self.poll_receive(cx))?;
        }
        let len = self.plain.rest().len().min(buf.remaining());
        buf.put_slice(&self.plain.rest()[..len]);
        self.plain.consume(len);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send_records(cx))?;
        self.poll_send(cx, bytes)
    }

    /// All in one record, for which the slices are joined: a record has one tag.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send_records(cx))?;
        let all: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut bytes = Vec::with_capacity(all.min(MAX_RECORD_BYTES));
        for slice in slices {
            let len = slice.len().min(MAX_RECORD_BYTES - bytes.len());
            bytes.extend_from_slice(&slice[..len]);
        }
        self.poll_send(cx, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_records(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.is_closing, true) {
            self.process(Some(&Send::CloseNotify))?;
        }
        ready!(self.poll_send_records(cx))?;
        match ready!(Pin::new(&mut self.socket).poll_shutdown(cx)) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            closed => Poll::Ready(closed),
        }
    }
}

#[cfg(test)]
mod tests;
