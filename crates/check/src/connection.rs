//! A connection to the server that is judged: it sends exactly the bytes that it is given, and records what arrives,
//! when, and how it ends. It knows nothing about HTTP.

use std::fmt::Debug;
use std::io;
use std::time::Instant;

use bytes::{BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::contract::Close;
use crate::limits;

mod dialer;
mod error;
mod recording;

pub(crate) use dialer::Dialed;
pub use dialer::{DialTimes, Dialer, Encryption};
pub use error::OpenError;
pub use recording::{End, Received, Recording};

/// Bytes for which memory is taken at a time. What arrives in one piece is one chunk, up to this.
const BUFFER: usize = 16 << 10;
/// Free bytes below which the next buffer is taken, so that many small chunks share one.
const SPARE: usize = 4 << 10;

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    /// `None` after it is closed.
    halves: Option<Halves>,
    recording: Recording,
    paused: watch::Sender<bool>,
    /// Ends the reader, even when the connection is dropped.
    stop: DropGuard,
}

/// The two directions of a socket, which come together again to close it.
#[derive(Debug)]
struct Halves {
    writer: WriteHalf<Socket>,
    reader: JoinHandle<ReadHalf<Socket>>,
}

impl Connection {
    /// Reads from a socket, and records the times since `began`.
    fn over(socket: Socket, began: Instant) -> Self {
        let (reader, writer) = tokio::io::split(socket);
        let (paused, is_paused) = watch::channel(false);
        let (recording, stop) = (Recording::new(began), CancellationToken::new());
        let reader = tokio::spawn(record(reader, recording.clone(), is_paused, stop.clone()));
        Self { halves: Some(Halves { writer, reader }), recording, paused, stop: stop.drop_guard() }
    }

    /// Sends these bytes. The server has 10 s to take them.
    ///
    /// # Errors
    /// When the connection has ended, or the server does not take the bytes in time.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(halves) = &mut self.halves else { return Err(io::ErrorKind::NotConnected.into()) };
        let sent = async {
            halves.writer.write_all(bytes).await?;
            halves.writer.flush().await
        };
        timeout(limits::SEND, sent).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// What has arrived. It remains after the connection is closed.
    #[must_use]
    pub const fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Stops reading, so that the server's bytes fill the buffers on the way, and then its own.
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Reads again.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// Closes the connection. After [`Close::Half`] it still receives; after the others it records nothing more.
    /// Nothing can be sent after any of them.
    pub async fn close(&mut self, how: Close) {
        let Some(halves) = &mut self.halves else { return };
        if how != Close::Reset {
            // An error means that the server has closed it already.
            _ = timeout(limits::SEND, halves.writer.shutdown()).await;
        }
        if how != Close::Half {
            self.release(how).await;
        }
    }

    /// Gives the socket back to the system.
    async fn release(&mut self, how: Close) {
        let Some(Halves { writer, reader }) = self.halves.take() else { return };
        self.stop.token().cancel();
        let Ok(reader) = reader.await else { return };
        let socket = reader.unsplit(writer);
        if how == Close::Reset {
            // An error means that the connection has been reset already.
            _ = socket.tcp().set_zero_linger();
        }
    }
}

/// A socket, with or without TLS.
pub(crate) type Socket = Box<dyn Stream>;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Records what arrives until the connection ends or is stopped, and returns the reader.
async fn record(
    mut reader: ReadHalf<Socket>,
    recording: Recording,
    paused: watch::Receiver<bool>,
    stop: CancellationToken,
) -> ReadHalf<Socket> {
    stop.run_until_cancelled(read_to_end(&mut reader, &recording, paused)).await;
    reader
}

async fn read_to_end(reader: &mut ReadHalf<Socket>, recording: &Recording, mut paused: watch::Receiver<bool>) {
    let mut buffer = BytesMut::new();
    while paused.wait_for(|paused| !paused).await.is_ok() {
        if buffer.capacity() < SPARE {
            buffer.reserve(BUFFER);
        }
        let mut space = (&mut buffer).limit(BUFFER.min(recording.space()));
        let read = tokio::select! {
            biased;
            _ = paused.changed() => continue,
            read = reader.read_buf(&mut space) => read,
        };
        let goes_on = match read {
            Ok(0) => recording.end(End::Fin),
            Ok(_) => recording.push(buffer.split().freeze()),
            Err(error) => recording.end(error.into()),
        };
        if !goes_on {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
