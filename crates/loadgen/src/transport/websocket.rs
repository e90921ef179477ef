//! WebSocket: an upgraded connection on which the server sends one message per update (RFC 6455).
//!
//! The path of one update through this client:
//!
//! ```text
//! transport/upgrade.rs        has opened the WebSocket
//! transport/dial.rs           the connection, opened before or for this request
//! transport/stream.rs         reads its bytes, decrypted if there is TLS
//! transport/websocket.rs      a whole message from tokio-tungstenite: it has arrived
//! feed/src/wire/websocket.rs  distinguishes an update from a gap or a reset
//! observer.rs                 what a client reports: the update, and when it arrived
//! client_observer.rs          receives the report for a client of the fleet
//! audit.rs                    whether the update is new, ahead of a hole, late or a duplicate
//! recorder.rs                 its age, into the histogram of the worker thread
//! worker.rs                   hands over the ages of every second
//! ```

use std::pin::pin;
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::RawUpdate;
use feedlab_feed::wire::websocket::{self, close};
use feedlab_feed::{Cursor, clock};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::upgrade::{Opening, Socket, Upgrade, client_error};
use super::upstream::Publications;
use super::{Client, resume};
use crate::backoff::{Backoff, pause};
use crate::churn::End;
use crate::observer::{ClientError, Observer};

/// How long a closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How a client reads a WebSocket.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The read buffer of the connection, bytes. It is allocated at once, and tungstenite's default is 128 KiB.
    pub read_buffer: usize,
    /// The size limit of a message, bytes.
    pub max_message: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { read_buffer: 4 << 10, max_message: 64 << 20 }
    }
}

impl Options {
    fn config(&self) -> WebSocketConfig {
        let config = WebSocketConfig::default().read_buffer_size(self.read_buffer).write_buffer_size(0);
        config.max_message_size(Some(self.max_message))
    }
}

/// Reads until `stop` is cancelled, then closes with the closing handshake.
pub async fn run(client: Client, options: Options, observer: &mut dyn Observer, stop: &CancellationToken) {
    let upgrade = Upgrade::new(&client, options.config());
    let mut listener = Listener { upgrade, cursor: client.after, client, socket: None, was_open: false };
    stop.run_until_cancelled(pin!(listener.run(observer))).await;
    listener.leave().await;
}

struct Listener {
    upgrade: Upgrade,
    client: Client,
    cursor: Option<Cursor>,
    socket: Option<Socket>,
    was_open: bool,
}

impl Listener {
    async fn run(&mut self, observer: &mut dyn Observer) {
        let mut backoff = Backoff::new(self.client.reconnect);
        loop {
            let error = match self.open(observer).await {
                Ok(socket) => {
                    let socket = self.socket.insert(socket);
                    let (publications, end) = (self.client.publications.as_deref_mut(), self.client.churn.end());
                    session(socket, &mut self.cursor, publications, end, &mut backoff, observer).await
                }
                Err(error) => Some(error),
            };
            let socket = self.socket.take();
            let Some(error) = error else {
                // The next connection does not wait for the closing handshake of this one.
                socket.map(|socket| tokio::spawn(closing_handshake(socket)));
                self.was_open = false;
                observer.left();
                continue;
            };
            drop(socket);
            observer.failure(&error);
            pause(backoff.delay(&mut self.client.rng), observer).await;
        }
    }

    async fn open(&mut self, observer: &mut dyn Observer) -> Result<Socket, ClientError> {
        let Opening { socket, opened, head } = self
            .upgrade
            .open(resume(&self.client.url, self.cursor.filter(|_| self.client.reconnect.with_cursor)))
            .await?;
        if std::mem::replace(&mut self.was_open, true) {
            observer.reconnect();
        }
        observer.opened(opened);
        observer.answered(&head);
        observer.served(clock::unix_us());
        Ok(socket)
    }

    async fn leave(&mut self) {
        if let Some(socket) = self.socket.take() {
            closing_handshake(socket).await;
        }
    }
}

/// Does the closing handshake (RFC 6455, section 7.1.1): like a page that is left, the client sends a close frame and
/// waits a moment for the echo. Messages before that are discarded.
async fn closing_handshake(mut socket: Socket) {
    let frame = CloseFrame { code: close::GOING_AWAY.into(), reason: "".into() };
    let handshake = async {
        socket.close(Some(frame)).await?;
        while socket.next().await.transpose()?.is_some() {}
        Ok::<_, Error>(())
    };
    // It does not matter whether the server answers.
    let _ = timeout(CLOSE_TIMEOUT, handshake).await;
}

/// Reads messages until the connection ends, and returns how it ended; `None` if churn ended it. tungstenite answers
/// pings. A client that publishes does so meanwhile.
async fn session(
    socket: &mut Socket,
    cursor: &mut Option<Cursor>,
    mut publications: Option<&mut Publications>,
    end: End,
    backoff: &mut Backoff,
    observer: &mut dyn Observer,
) -> Option<ClientError> {
    if let Some(publications) = &mut publications {
        publications.lost();
    }
    let mut end = pin!(end.reached());
    loop {
        let message = tokio::select! {
            biased;
            () = &mut end => return None,
            message = next_of_both(socket, publications.as_deref_mut()) => message,
        };
        let received_at_us = clock::unix_us();
        if let Some(Ok(_)) = message {
            observer.alive();
        }
        match message {
            Some(Ok(Message::Text(text))) => match websocket::read_text(&text) {
                websocket::Message::Update(raw) => deliver(raw, received_at_us, cursor, observer),
                websocket::Message::Hello(place) => {
                    *cursor = Some(place);
                    observer.placed(place);
                }
                websocket::Message::Reset(reset) => {
                    *cursor = Some(reset.resume);
                    observer.reset(reset);
                }
                websocket::Message::Gap(gap) => {
                    let resume = follow(cursor, gap.to);
                    observer.gap(gap, resume);
                }
                websocket::Message::Ack(_) => {
                    let due_us = publications.as_mut().and_then(|publications| publications.acknowledged());
                    if let Some(due_us) = due_us {
                        observer.acknowledged(due_us, received_at_us);
                    }
                }
            },
            Some(Ok(Message::Binary(payload))) => {
                deliver(RawUpdate::Binary(&payload), received_at_us, cursor, observer);
            }
            Some(Ok(Message::Close(frame))) => return Some(closed(socket, frame).await),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(error)) => return Some(client_error(&error)),
            None => return Some(ClientError::new(Failure::Disconnected, "the connection ended")),
        }
        backoff.reset();
    }
}

/// Returns the next message. Publications that are due until then are sent.
async fn next_of_both(socket: &mut Socket, publications: Option<&mut Publications>) -> Option<Result<Message, Error>> {
    let Some(publications) = publications else { return socket.next().await };
    loop {
        tokio::select! {
            message = socket.next() => return message,
            due_us = publications.next(), if publications.has_room() => {
                let frame = publications.frame(due_us);
                if let Err(error) = socket.send(Message::text(frame)).await {
                    return Some(Err(error));
                }
            }
        }
    }
}

fn deliver(raw: RawUpdate<'_>, received_at_us: u64, cursor: &mut Option<Cursor>, observer: &mut dyn Observer) {
    match raw.stamp(cursor.and_then(|cursor| cursor.epoch)) {
        Ok(stamp) => {
            follow(cursor, stamp.seq);
            observer.update(stamp, raw, received_at_us);
        }
        Err(_) if observer.foreign(raw) => {}
        Err(error) => observer.failure(&ClientError::new(Failure::Malformed, error)),
    }
}

/// Moves the client's cursor, within the epoch that its connection started with.
fn follow(cursor: &mut Option<Cursor>, seq: u64) -> Cursor {
    *cursor.insert(cursor.unwrap_or_default().at(seq))
}

/// Handles the server's close: tungstenite has queued the echo, and reading on sends it.
async fn closed(socket: &mut Socket, frame: Option<CloseFrame>) -> ClientError {
    let _ = timeout(CLOSE_TIMEOUT, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    let why = frame.map_or_else(|| "no code".to_owned(), |frame| format!("{} {}", u16::from(frame.code), frame.reason));
    ClientError::new(Failure::Closed, format_args!("the server closed the connection: {}", why.trim_end()))
}

#[cfg(test)]
mod tests;
