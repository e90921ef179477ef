//! Connections that clients share: each client is a stream of one of them, and holds its place as long as it lives.
//!
//! A connection is a task, since it must move whoever of its clients is asleep. It dies with all its streams; the first
//! client that comes back opens another, and the others wait for that one. It is closed when the last client has left.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Poll;

use bytes::Bytes;
use feedlab_experiment::clients::PER_CONNECTION;
use feedlab_experiment::record::Failure;
use feedlab_feed::clock;
use h2::client::SendRequest;
use reqwest::Url;
use tokio::sync::watch;

use super::h2::{Connection, Moving, begin, broken, has_settings};
use crate::observer::Trouble;
use crate::transport::dial::{Dialed, Dialer, Times};

/// The connections of some clients, all of one thread. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    lines: Arc<Mutex<Vec<Weak<Line>>>>,
    /// What the server allows on a connection, as far as it has said so; 0 before.
    allowed: Arc<AtomicUsize>,
}

/// A shared connection. Each of its clients holds it; nobody else does.
#[derive(Debug)]
pub(super) struct Line {
    /// Scheme, host and port.
    origin: String,
    /// Where requests go in, once it is open.
    requests: OnceLock<SendRequest<Bytes>>,
    /// The times of its connect, until the first answer takes them.
    times: Mutex<Option<Times>>,
    /// Requests that went out before the server told its settings.
    early: AtomicUsize,
    /// Nobody else shall be put on it.
    retired: AtomicBool,
    state: watch::Receiver<State>,
}

/// How far a connection is.
#[derive(Clone, Debug)]
enum State {
    Opening,
    /// It takes requests.
    Open,
    /// The server has told its settings.
    Settled,
    /// It takes no requests, and why.
    Ended(Trouble),
}

impl Pool {
    /// A place on a connection to the URL's server: on one that has room, or on a new one.
    pub(in crate::transport) async fn place(&self, dialer: &Dialer, url: &Url) -> Result<(Connection, Times), Trouble> {
        let began = clock::now();
        loop {
            let line = self.line(dialer, url);
            line.reach(|state| !matches!(state, State::Opening)).await?;
            let requests = line.requests.get().cloned().ok_or_else(ended)?;
            // The settings may have come while it was waited for: those who are too many go elsewhere.
            if clients(&line) <= self.allows(&line) {
                return Ok((Connection::shared(requests, line), Times::found(began)));
            }
        }
    }

    fn line(&self, dialer: &Dialer, url: &Url) -> Arc<Line> {
        let origin = url.origin().ascii_serialization();
        let mut lines = self.lines();
        lines.retain(|line| line.strong_count() > 0);
        let mut open = lines.iter().filter_map(Weak::upgrade);
        // The look itself counts as a client.
        let with_room =
            |line: &Arc<Line>| line.origin == origin && line.is_usable() && clients(line) <= self.allows(line);
        if let Some(line) = open.find(with_room) {
            return line;
        }
        let line = self.open(origin, dialer.clone(), url.clone());
        lines.push(Arc::downgrade(&line));
        line
    }

    /// Begins to open a connection. The task ends by itself when nobody is left who holds it.
    fn open(&self, origin: String, dialer: Dialer, url: Url) -> Arc<Line> {
        let (tell, state) = watch::channel(State::Opening);
        let line = Line {
            origin,
            requests: OnceLock::new(),
            times: Mutex::default(),
            early: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
            state,
        };
        let line = Arc::new(line);
        tokio::spawn(live(Arc::downgrade(&line), dialer, url, tell));
        line
    }

    /// How many clients a connection takes. What a server has said once is taken for its next connection too.
    fn allows(&self, line: &Line) -> usize {
        if let Some(requests) = line.requests.get().filter(|requests| has_settings(requests)) {
            self.allowed.store(requests.current_max_send_streams().clamp(1, PER_CONNECTION), Ordering::Relaxed);
        }
        match self.allowed.load(Ordering::Relaxed) {
            0 => PER_CONNECTION,
            allowed => allowed,
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Weak<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many hold a connection.
fn clients(line: &Arc<Line>) -> usize {
    Arc::strong_count(line)
}

impl Line {
    /// See [`Connection::claim`].
    pub(super) fn claim(&self) -> Option<Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// See [`Early`].
    pub(super) fn queue(&self) -> Early {
        Early { place: self.early.fetch_add(1, Ordering::Relaxed), state: self.state.clone() }
    }

    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    /// Waits until the server has told its settings.
    pub(super) async fn settled(&self) -> Result<(), Trouble> {
        self.reach(|state| matches!(state, State::Settled)).await
    }

    async fn reach(&self, there: impl Fn(&State) -> bool) -> Result<(), Trouble> {
        reach(self.state.clone(), there).await
    }

    fn is_usable(&self) -> bool {
        !self.retired.load(Ordering::Relaxed) && !matches!(&*self.state.borrow(), State::Ended(_))
    }
}

/// A request that is sent before the server has told how many it allows: which one of these it is, from 0.
pub(super) struct Early {
    place: usize,
    state: watch::Receiver<State>,
}

impl Early {
    /// Whether it is one too many, once the server has told.
    pub(super) async fn outnumbers(self, allowed: impl FnOnce() -> usize) -> bool {
        reach(self.state, |state| matches!(state, State::Settled)).await.is_ok() && self.place >= allowed()
    }
}

/// Waits until a connection is somewhere, or has ended before.
async fn reach(mut state: watch::Receiver<State>, there: impl Fn(&State) -> bool) -> Result<(), Trouble> {
    let reached = state.wait_for(|state| there(state) || matches!(state, State::Ended(_))).await;
    match reached.as_deref() {
        Ok(State::Ended(trouble)) => Err(trouble.clone()),
        Ok(_) => Ok(()),
        Err(_) => Err(ended()),
    }
}

fn ended() -> Trouble {
    Trouble::new(Failure::Disconnected, "the shared connection ended")
}

/// A shared connection from its dial to its end.
async fn live(line: Weak<Line>, dialer: Dialer, url: Url, tell: watch::Sender<State>) {
    let end = match open(&dialer, &url).await {
        Ok((requests, wire, times)) => {
            if !hand_over(&line, requests, times) {
                return;
            }
            tell.send_replace(State::Open);
            follow(&line, wire, &tell).await
        }
        Err(trouble) => trouble,
    };
    tell.send_replace(State::Ended(end));
}

async fn open(dialer: &Dialer, url: &Url) -> Result<(SendRequest<Bytes>, Moving, Times), Trouble> {
    let Dialed { stream, times } = dialer.dial(url).await?;
    let (requests, wire) = begin(stream).await?;
    Ok((requests, wire, times))
}

/// Whether somebody still waits for it.
fn hand_over(line: &Weak<Line>, requests: SendRequest<Bytes>, times: Times) -> bool {
    let Some(line) = line.upgrade() else { return false };
    *line.times.lock().unwrap_or_else(PoisonError::into_inner) = Some(times);
    line.requests.set(requests).is_ok()
}

/// Moves the bytes of a connection until it ends.
async fn follow(line: &Weak<Line>, mut wire: Moving, tell: &watch::Sender<State>) -> Trouble {
    let mut settled = false;
    let end = std::future::poll_fn(|cx| {
        let end = Pin::new(&mut wire).poll(cx);
        if !settled && let Poll::Pending = end {
            settled = line.upgrade().is_some_and(|line| line.requests.get().is_some_and(has_settings));
            if settled {
                tell.send_replace(State::Settled);
            }
        }
        end
    });
    end.await.map_or_else(|error| broken(&error), |()| ended())
}

#[cfg(test)]
mod tests;
