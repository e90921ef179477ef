//! WebSocket: an upgraded connection on which the server sends one message per update (RFC 6455).
//!
//! The path of one update through this client:
//!
//! ```text
//! transport/upgrade.rs        has opened the WebSocket
//! transport/dial.rs           the connection, opened before or for this request
//! transport/stream.rs         reads its bytes, decrypted if there is TLS
//! transport/buffer.rs         into the one buffer of the worker thread
//! transport/socket.rs         keeps them from tokio-tungstenite, which reads all other frames
//! transport/frames.rs         the payload of a data frame
//! transport/websocket.rs      a whole message: it has arrived
//! feed/src/wire/websocket.rs  distinguishes an update from a gap or a reset
//! transport/stamp.rs          its place in the feed, parsed once for the clients of the thread
//! observer.rs                 what a client reports: the update, and when it arrived
//! client_observer.rs          receives the report for a client of the fleet
//! audit.rs                    whether the update is new, ahead of a hole, late or a duplicate
//! recorder.rs                 its age, into the histogram of the worker thread
//! worker.rs                   hands over the ages of every second
//! ```

use std::pin::pin;
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_experiment::scenario::ReconnectPolicy;
use feedlab_feed::wire::RawUpdate;
use feedlab_feed::wire::websocket::{self, close};
use feedlab_feed::{Cursor, clock};
use rand_chacha::ChaCha8Rng;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::frames::Payload;
use super::leave::until_told;
use super::socket::{Received, Socket};
use super::upgrade::{Opening, Upgrade, client_error};
use super::upstream::Publications;
use super::{Client, resume, stamp};
use crate::backoff::{Backoff, pause};
use crate::churn::Churn;
use crate::observer::{ClientError, Observer};

/// How long a closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How a client reads a WebSocket.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The size limit of a message, bytes.
    pub max_message: usize,
    /// The size of a read buffer that the client has for itself, as most WebSocket libraries give it one, bytes; `None`
    /// reads with the buffer of its thread.
    pub read_buffer: Option<usize>,
    /// Whether to pass messages on as they are, without parsing them. The server then need not be feedlab's.
    pub raw_messages: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_message: 64 << 20, read_buffer: None, raw_messages: false }
    }
}

/// Reads until `stop` is cancelled, then closes with the closing handshake.
pub fn run<'a>(
    client: Client,
    options: Options,
    observer: &'a mut dyn Observer,
    stop: &'a CancellationToken,
) -> impl Future<Output = ()> + use<'a> {
    let (upgrade, backoff) = (Upgrade::new(&client, options), Backoff::new(client.reconnect));
    let Client { url: endpoint, after: cursor, reconnect, publications, churn, rng, .. } = client;
    let is_raw = options.raw_messages;
    let connector = Box::new(Connector { upgrade, endpoint, reconnect, backoff, churn, rng, was_open: false });
    let mut listener = Listener { cursor, is_raw, publications, socket: None, connector };
    async move {
        until_told(stop, pin!(listener.run(observer))).await;
        listener.leave().await;
    }
}

struct Listener {
    cursor: Option<Cursor>,
    /// Whether messages are passed on unparsed.
    is_raw: bool,
    publications: Option<Box<Publications>>,
    socket: Option<Box<Socket>>,
    /// On the heap, so that the memory that an update needs is not spread over what only a connect needs.
    connector: Box<Connector>,
}

/// What the client connects with.
struct Connector {
    upgrade: Upgrade,
    endpoint: Url,
    reconnect: ReconnectPolicy,
    backoff: Backoff,
    churn: Churn,
    rng: ChaCha8Rng,
    was_open: bool,
}

impl Listener {
    async fn run(&mut self, observer: &mut dyn Observer) {
        loop {
            let error = match self.open(observer).await {
                Ok(socket) => {
                    let Self { cursor, is_raw, publications, connector, .. } = self;
                    let socket = self.socket.insert(socket);
                    session(socket, cursor, *is_raw, publications.as_deref_mut(), connector, observer).await
                }
                Err(error) => Some(error),
            };
            let socket = self.socket.take();
            let Some(error) = error else {
                // The next connection does not wait for the closing handshake of this one.
                socket.map(|socket| tokio::spawn(closing_handshake(socket)));
                self.connector.was_open = false;
                observer.left();
                continue;
            };
            drop(socket);
            observer.failure(&error);
            let Connector { backoff, rng, .. } = &mut *self.connector;
            pause(backoff.delay(rng), observer).await;
        }
    }

    async fn open(&mut self, observer: &mut dyn Observer) -> Result<Box<Socket>, ClientError> {
        let Connector { upgrade, endpoint, reconnect, was_open, .. } = &mut *self.connector;
        let mut url = resume(endpoint, self.cursor.filter(|_| reconnect.with_cursor));
        observer.requested(&mut url);
        let opening = upgrade.open(url);
        // Boxed, so that an open WebSocket does not keep the memory of the handshake's future.
        let Opening { socket, opened, head } = Box::pin(opening).await?;
        if std::mem::replace(was_open, true) {
            observer.reconnect();
        }
        observer.opened(opened);
        observer.answered(&head);
        observer.served(clock::unix_us());
        Ok(socket)
    }

    async fn leave(&mut self) {
        if let Some(socket) = self.socket.take() {
            // Boxed, so that a client does not keep memory for it while it is open.
            Box::pin(closing_handshake(socket)).await;
        }
    }
}

/// Does the closing handshake (RFC 6455, section 7.1.1): like a page that is left, the client sends a close frame and
/// waits a moment for the echo. Messages before that are discarded.
async fn closing_handshake(mut socket: Box<Socket>) {
    let frame = CloseFrame { code: close::GOING_AWAY.into(), reason: "".into() };
    // It does not matter whether the server answers.
    let _ = timeout(CLOSE_TIMEOUT, socket.close(frame)).await;
}

/// Reads messages until the connection ends, and returns how it ended; `None` if churn ended it. tungstenite answers
/// pings. A client that publishes does so meanwhile.
async fn session(
    socket: &mut Socket,
    cursor: &mut Option<Cursor>,
    is_raw: bool,
    mut publications: Option<&mut Publications>,
    connector: &mut Connector,
    observer: &mut dyn Observer,
) -> Option<ClientError> {
    if let Some(publications) = &mut publications {
        publications.lost();
    }
    let mut end = connector.churn.end().reached();
    let mut backoff = Some(&mut connector.backoff);
    loop {
        let received = match publications.as_deref_mut() {
            None => end.before(|cx| socket.poll_receive(cx)).await?,
            Some(publications) => {
                // Boxed, so that clients that do not publish have no memory for it.
                let mut both = Box::pin(receive_and_publish(socket, publications));
                end.before(|cx| both.as_mut().poll(cx)).await?
            }
        };
        let received_at_us = clock::unix_us();
        if received.is_ok() {
            observer.alive();
        }
        let mut read = |payload: Payload<'_>| {
            if is_raw {
                observer.foreign(unparsed(payload));
                return;
            }
            let publications = publications.as_deref_mut();
            read(payload, received_at_us, cursor, publications, observer);
        };
        match received {
            Ok(Received::Frames(mut frames)) => {
                while let Some(payload) = frames.next() {
                    read(payload);
                }
                socket.put_back(frames);
            }
            Ok(Received::Message(Message::Text(text))) => read(Payload::Text(&text)),
            Ok(Received::Message(Message::Binary(bytes))) => read(Payload::Binary(&bytes)),
            Ok(Received::Message(Message::Close(frame))) => return Some(Box::pin(closed(socket, frame)).await),
            Ok(Received::Message(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Err(error) => return Some(client_error(&error)),
        }
        // The first success of a connection counts; the others would only reach for its memory.
        if let Some(backoff) = backoff.take() {
            backoff.reset();
        }
    }
}

/// Receives what has arrived. Publications that are due until then are sent.
async fn receive_and_publish(socket: &mut Socket, publications: &mut Publications) -> Result<Received, Error> {
    loop {
        tokio::select! {
            received = std::future::poll_fn(|cx| socket.poll_receive(cx)) => return received,
            due_us = publications.next(), if publications.has_room() => {
                socket.send(Message::text(publications.frame(due_us))).await?;
            }
        }
    }
}

/// Returns a message as it arrived.
const fn unparsed(payload: Payload<'_>) -> RawUpdate<'_> {
    match payload {
        Payload::Text(text) => RawUpdate::Json(text.as_bytes()),
        Payload::Binary(bytes) => RawUpdate::Binary(bytes),
    }
}

/// Reads a message and reports it.
fn read(
    payload: Payload<'_>,
    received_at_us: u64,
    cursor: &mut Option<Cursor>,
    publications: Option<&mut Publications>,
    observer: &mut dyn Observer,
) {
    let text = match payload {
        Payload::Text(text) => text,
        Payload::Binary(bytes) => return deliver(RawUpdate::Binary(bytes), received_at_us, cursor, observer),
    };
    match websocket::read_text(text) {
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
            if let Some(due_us) = publications.and_then(Publications::acknowledged) {
                observer.acknowledged(due_us, received_at_us);
            }
        }
    }
}

fn deliver(raw: RawUpdate<'_>, received_at_us: u64, cursor: &mut Option<Cursor>, observer: &mut dyn Observer) {
    match stamp::read(raw, cursor.and_then(|cursor| cursor.epoch)) {
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
    let _ = timeout(CLOSE_TIMEOUT, socket.finish()).await;
    let why = frame.map_or_else(|| "no code".to_owned(), |frame| format!("{} {}", u16::from(frame.code), frame.reason));
    ClientError::new(Failure::Closed, format_args!("the server closed the connection: {}", why.trim_end()))
}

#[cfg(test)]
mod tests;
