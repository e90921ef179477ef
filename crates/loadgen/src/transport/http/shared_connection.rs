//! An HTTP/2 connection that clients share. It is a task of its own, because it must make progress while any of its
//! clients sleeps. It is opened like a connection of a single client.
//!
//! Only its clients hold it: it closes when the last one has left. When it breaks, all of its streams break.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::task::Poll;

use bytes::Bytes;
use feedlab_experiment::record::Failure;
use h2::client::{self, SendRequest};
use tokio::sync::watch;
use url::Url;

use super::exchange::broken;
use crate::observer::ClientError;
use crate::transport::dial::{Dialed, Dialer, Times};
use crate::transport::stream::Stream;

/// The flow control windows of one stream and of the whole connection, bytes: Chromium's
/// (`net/http/http_network_session.cc`, `kSpdyStreamMaxRecvWindowSize` and `kSpdySessionMaxRecvWindowSize`).
const STREAM_WINDOW: u32 = 6 << 20;
const CONNECTION_WINDOW: u32 = 15 << 20;
/// The stream limit that h2 assumes until the server's SETTINGS arrive: a number that no server would choose.
const BEFORE_SETTINGS: usize = usize::MAX - 1;

/// The future that moves a connection's bytes.
pub(super) type ConnectionFuture = client::Connection<Stream, Bytes>;

/// Dials a connection and starts HTTP/2 on it.
pub(super) async fn connect(
    dialer: &Dialer,
    url: &Url,
) -> Result<(SendRequest<Bytes>, ConnectionFuture, Times), ClientError> {
    let Dialed { stream, times } = dialer.dial(url).await?;
    let mut builder = client::Builder::new();
    builder
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_max_send_streams(BEFORE_SETTINGS)
        .enable_push(false);
    let (requests, wire) = builder.handshake(stream).await.map_err(|error| broken(&error))?;
    Ok((requests, wire, times))
}

/// Whether the server's SETTINGS have arrived.
pub(super) fn has_settings(requests: &SendRequest<Bytes>) -> bool {
    requests.current_max_send_streams() != BEFORE_SETTINGS
}

/// A shared connection.
#[derive(Debug)]
pub(super) struct SharedConnection {
    /// Scheme, host and port.
    origin: String,
    /// Accepts requests, once the connection is open.
    requests: OnceLock<SendRequest<Bytes>>,
    /// The times of its connect, until the first response takes them.
    times: Mutex<Option<Times>>,
    /// The number of requests that were sent before the server's SETTINGS arrived.
    early: AtomicUsize,
    /// Whether no further client may use it.
    retired: AtomicBool,
    state: watch::Receiver<State>,
}

/// The state of a connection.
#[derive(Clone, Debug)]
enum State {
    Opening,
    /// It accepts requests.
    Open,
    /// The server's SETTINGS have arrived.
    HasSettings,
    /// It accepts no requests. Holds the reason.
    Ended(ClientError),
}

impl SharedConnection {
    /// Starts to open a connection. Its task ends by itself when no client holds the connection any more.
    pub(super) fn open(origin: String, dialer: Dialer, url: Url) -> Arc<Self> {
        let (sender, state) = watch::channel(State::Opening);
        let shared = Arc::new(Self {
            origin,
            requests: OnceLock::new(),
            times: Mutex::default(),
            early: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
            state,
        });
        tokio::spawn(run(Arc::downgrade(&shared), dialer, url, sender));
        shared
    }

    /// Waits until the connection is open, and returns the handle for sending requests.
    pub(super) async fn requests(&self) -> Result<SendRequest<Bytes>, ClientError> {
        self.wait_for_state(|state| !matches!(state, State::Opening)).await?;
        self.requests.get().cloned().ok_or_else(ended)
    }

    /// Whether further clients of this origin may use the connection.
    pub(super) fn is_usable_for(&self, origin: &str) -> bool {
        let is_usable = !self.retired.load(Ordering::Relaxed) && !matches!(&*self.state.borrow(), State::Ended(_));
        is_usable && self.origin == origin
    }

    /// Returns how many streams the server allows, if its SETTINGS have arrived.
    pub(super) fn max_streams(&self) -> Option<usize> {
        self.requests.get().filter(|requests| has_settings(requests)).map(SendRequest::current_max_send_streams)
    }

    /// Takes the times of the connect, which the first client that gets a response reports.
    pub(super) fn claim(&self) -> Option<Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Registers a request that is sent before the server's SETTINGS have arrived.
    pub(super) fn early_request(&self) -> EarlyRequest {
        EarlyRequest { place: self.early.fetch_add(1, Ordering::Relaxed), state: self.state.clone() }
    }

    /// Keeps further clients off the connection.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Waits until the server's SETTINGS have arrived.
    pub(super) async fn wait_for_settings(&self) -> Result<(), ClientError> {
        self.wait_for_state(|state| matches!(state, State::HasSettings)).await
    }

    async fn wait_for_state(&self, there: impl Fn(&State) -> bool) -> Result<(), ClientError> {
        wait_for_state(self.state.clone(), there).await
    }
}

/// A request that was sent before the server's limit was known. `place` is its number among these, from 0.
pub(super) struct EarlyRequest {
    place: usize,
    state: watch::Receiver<State>,
}

impl EarlyRequest {
    /// Whether the request exceeds the server's limit; waits until that is known.
    pub(super) async fn exceeds_limit(self, allowed: impl FnOnce() -> usize) -> bool {
        wait_for_state(self.state, |state| matches!(state, State::HasSettings)).await.is_ok() && self.place >= allowed()
    }
}

/// Waits until a connection is in some state, or has ended before.
async fn wait_for_state(mut state: watch::Receiver<State>, there: impl Fn(&State) -> bool) -> Result<(), ClientError> {
    let reached = state.wait_for(|state| there(state) || matches!(state, State::Ended(_))).await;
    match reached.as_deref() {
        Ok(State::Ended(error)) => Err(error.clone()),
        Ok(_) => Ok(()),
        Err(_) => Err(ended()),
    }
}

fn ended() -> ClientError {
    ClientError::new(Failure::Disconnected, "the shared connection ended")
}

/// Runs a shared connection from its dial to its end.
async fn run(shared: Weak<SharedConnection>, dialer: Dialer, url: Url, sender: watch::Sender<State>) {
    let end = match connect(&dialer, &url).await {
        Ok((requests, wire, times)) => {
            if !make_available(&shared, requests, times) {
                return;
            }
            sender.send_replace(State::Open);
            drive_to_end(&shared, wire, &sender).await
        }
        Err(error) => error,
    };
    sender.send_replace(State::Ended(end));
}

/// Makes an open connection available to its clients. Returns whether any is left.
fn make_available(shared: &Weak<SharedConnection>, requests: SendRequest<Bytes>, times: Times) -> bool {
    let Some(shared) = shared.upgrade() else { return false };
    *shared.times.lock().unwrap_or_else(PoisonError::into_inner) = Some(times);
    shared.requests.set(requests).is_ok()
}

/// Moves the bytes of a connection until it ends.
async fn drive_to_end(
    shared: &Weak<SharedConnection>,
    mut wire: ConnectionFuture,
    sender: &watch::Sender<State>,
) -> ClientError {
    let mut settled = false;
    let end = std::future::poll_fn(|cx| {
        let end = Pin::new(&mut wire).poll(cx);
        if !settled && let Poll::Pending = end {
            settled = shared.upgrade().is_some_and(|shared| shared.requests.get().is_some_and(has_settings));
            if settled {
                sender.send_replace(State::HasSettings);
            }
        }
        end
    });
    end.await.map_or_else(|error| broken(&error), |()| ended())
}
