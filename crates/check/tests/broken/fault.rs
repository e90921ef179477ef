//! A server with one fault: ours, behind a relay that changes what the fault is about and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::frames;

mod change;
mod request;

use change::Change;
use request::Request;

/// What is wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// A long poll forgets where its client is, so that what is published between two of them is lost.
    LostBetweenPolls,
    /// A stream that resumes begins with the update that the client already has.
    DoubledAfterResume,
    /// Events end with their last field's line; the blank line is missing.
    NoBlankLine,
    /// The id is sent behind the event that it belongs to.
    IdAfterData,
    /// The stream is written in blocks of 16 KiB.
    NoFlush,
    /// The same, for clients that accept gzip.
    GzipWithoutFlush,
    /// A long poll does not wait: it answers 204 at once, and clients loop.
    NoContentLoop,
    /// The stream is text/plain.
    WrongContentType,
    /// A WebSocket that is closed ends without a close frame.
    CloseWithoutFrame,
    /// Pings are not answered.
    IgnoresPing,
    /// Any text is accepted as a cursor of a poll.
    AcceptsAnyCursor,
    /// The client of a stream that goes away is not noticed: its connection is kept.
    LeaksOnClose,
}

/// Longer than any case waits.
const AGES: Duration = Duration::from_secs(60);

/// Serves with a fault until the runtime ends, and returns the address.
pub(crate) async fn serve(server: SocketAddr, fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move { timeout(AGES, relay(client, server, fault)).await });
        }
    });
    address
}

/// Relays one connection. Its first request decides what is changed; a connection has only one in a check.
async fn relay(client: TcpStream, server: SocketAddr, fault: Fault) -> Option<()> {
    client.set_nodelay(true).ok()?;
    let (mut from_client, to_client) = client.into_split();
    let (head, rest) = head(&mut from_client).await?;
    let request = Request::new(&head);
    let upstream = TcpStream::connect(server).await.ok()?;
    upstream.set_nodelay(true).ok()?;
    let (from_server, mut to_server) = upstream.into_split();
    let change = request.as_ref().and_then(|request| Change::of(fault, request));
    let leaks = fault == Fault::LeaksOnClose && request.as_ref().is_some_and(|request| request.is_for("/feed/sse"));
    let sent = request.map_or_else(|| head.clone(), |request| request.changed(fault, change.is_some()));
    to_server.write_all(&sent).await.ok()?;
    to_server.write_all(&rest).await.ok()?;
    let websocket = is_upgrade(&head).then_some(fault);
    let closing = Arc::new(AtomicBool::new(false));
    tokio::spawn(upward(from_client, to_server, websocket, leaks, Arc::clone(&closing)));
    match change {
        Some(change) => downward_changed(from_server, to_client, change).await,
        None => downward(from_server, to_client, &closing).await,
    }
}

/// Reads until the end of the request's head, or of the connection. Returns the head and what came behind it.
async fn head(client: &mut OwnedReadHalf) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Some((bytes, rest));
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 || bytes.len() > 1 << 16 {
            return Some((bytes, Vec::new()));
        }
    }
}

fn is_upgrade(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).to_ascii_lowercase().contains("\r\nupgrade: websocket")
}

/// Relays an answer whose body is changed, in chunks of its own.
async fn downward_changed(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, mut change: Change) -> Option<()> {
    let (head, rest) = head(&mut server).await?;
    let head = String::from_utf8(head).ok()?;
    if !head.contains(" 200 ") {
        client.write_all(head.as_bytes()).await.ok()?;
        client.write_all(&rest).await.ok()?;
        return tokio::io::copy(&mut server, &mut client).await.ok().map(|_| ());
    }
    client.write_all(change.head(&head).as_bytes()).await.ok()?;
    let mut bytes = rest;
    loop {
        let out = change.push(&bytes);
        if !out.is_empty() {
            client.write_all(&[format!("{:x}\r\n", out.len()).as_bytes(), &out, b"\r\n"].concat()).await.ok()?;
        }
        bytes.clear();
        if server.read_buf(&mut bytes).await.ok()? == 0 {
            return client.write_all(b"0\r\n\r\n").await.ok();
        }
    }
}

/// Relays an answer as it is, until the client is `closing` a WebSocket whose close is not to be answered.
async fn downward(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, closing: &AtomicBool) -> Option<()> {
    let mut bytes = Vec::with_capacity(1 << 16);
    while server.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
        if closing.load(Ordering::SeqCst) {
            return Some(());
        }
        client.write_all(&bytes).await.ok()?;
        bytes.clear();
    }
    client.shutdown().await.ok()
}

/// Relays what the client sends, and its end, unless that `leaks`.
///
/// `closing` is set before the server can see the close frame, so that its answer is never relayed.
async fn upward(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    websocket: Option<Fault>,
    leaks: bool,
    closing: Arc<AtomicBool>,
) -> Option<()> {
    let mut bytes = Vec::with_capacity(1 << 16);
    while client.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
        if websocket == Some(Fault::IgnoresPing) {
            bytes = frames::without_pings(&bytes);
        }
        let closes = websocket == Some(Fault::CloseWithoutFrame) && frames::is_close(&bytes);
        closing.fetch_or(closes, Ordering::SeqCst);
        server.write_all(&bytes).await.ok()?;
        bytes.clear();
    }
    if leaks {
        tokio::time::sleep(AGES).await;
    }
    server.shutdown().await.ok()
}
