//! What the three HTTP transports share: one client's connection, and one request on it at a time.
//!
//! A connection lives in the client's own task: there is nothing between the socket and the client's clock. A
//! connection in a task of its own, as `reqwest` and every pool have it, is woken first and wakes the client then, which
//! would make each age larger by that hop, and each client by a task. The accuracy test shows what is left. Only a
//! connection that clients share has a task, as it has in a browser.

use std::pin::pin;
use std::time::{Duration, Instant};

use feedlab_experiment::headers::{ANY, LAST};
use feedlab_experiment::record::Failure;
use feedlab_feed::clock;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HeaderMap};
use hyper::http::response::Parts;
use tokio::time::{sleep_until, timeout};
use url::Url;

use super::dial::{Dialer, Times};
use super::{Client, set};
use crate::observer::{ClientError, Observer, Opened};

mod connection;
mod exchange;
mod h1;
pub(super) mod h2;
mod pool;
mod redirect;
mod shared_connection;
pub(super) mod tunnel;

pub(crate) use exchange::with_causes;
pub(super) use exchange::{Lost, no_answer, unexpected};
pub use pool::Pool;
pub(super) use pool::connect;

use connection::{Connection, IncomingBody, Obtained};
use exchange::{drive, refused};

/// An answer that takes longer, beyond any hold that was asked for, will not come. Streams have no end to wait for:
/// of theirs it is the head.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a request is tried that found a connection which takes none: a shared one may be full or about to close.
pub(super) const TRIES: u32 = 4;

/// How long a client's connections live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    /// One for all requests.
    Kept,
    /// One for each request, `Connection: close`.
    Fresh,
    /// One for each stream; with HTTP/2 for as many as it lives.
    Streamed,
}

impl Connections {
    pub(super) const fn of(keep_alive: bool) -> Self {
        if keep_alive { Self::Kept } else { Self::Fresh }
    }
}

/// One client's way to its server.
#[derive(Debug)]
pub(super) struct Http {
    headers: HeaderMap,
    dialer: Dialer,
    /// The connections that it shares with others.
    pool: Option<Pool>,
    connections: Connections,
    connection: Option<Connection>,
    /// Whether the observer knows of a connection.
    was_open: bool,
}

impl Http {
    pub(super) fn new(client: &Client, connections: Connections) -> Self {
        let mut headers = client.headers.clone();
        if !headers.contains_key(ANY.0) {
            set(&mut headers, ANY);
        }
        let is_fresh = connections == Connections::Fresh;
        if is_fresh {
            set(&mut headers, LAST);
        }
        let pool = client.link.pool.clone().filter(|_| !is_fresh);
        Self { headers, dialer: Dialer::new(client), pool, connections, connection: None, was_open: false }
    }

    /// The headers of every request, to be added to.
    pub(super) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// Asks for a URL and waits up to `patience` for the head of the answer. Tells the observer of a new connection.
    pub(super) async fn get(
        &mut self,
        url: Url,
        headers: HeaderMap,
        patience: Duration,
        observer: &mut dyn Observer,
    ) -> Result<(Parts, Body<'_>), ClientError> {
        let answer = timeout(patience, self.follow(url, headers)).await;
        let Answer { head, incoming, opened } = match answer.unwrap_or_else(|_| Err(self.no_answer(patience))) {
            Ok(answer) => answer,
            Err(error) => {
                self.connection = None;
                return Err(error);
            }
        };
        if let Some(opened) = opened {
            self.tell_of_connect(opened, observer);
        }
        observer.answered(&head);
        let last = self.connections == Connections::Fresh || (incoming.is_h1() && self.ends_with(&head));
        Ok((head, Body { http: self, incoming, last }))
    }

    /// Posts a body, and reads the answer to its end within `patience`. Nobody is told of the connection.
    pub(super) async fn post(
        &mut self,
        url: &Url,
        headers: &HeaderMap,
        body: String,
        patience: Duration,
    ) -> Result<StatusCode, ClientError> {
        let answer = async {
            let Answer { head, incoming, .. } = self.ask(url, headers, Some(&body)).await?;
            let last = incoming.is_h1() && self.ends_with(&head);
            let mut rest = Body { http: self, incoming, last };
            while rest.chunk().await.transpose()?.is_some() {}
            Ok(head.status)
        };
        let status = timeout(patience, answer).await;
        let status = status.unwrap_or_else(|_| Err(self.no_answer(patience)));
        if status.is_err() {
            self.connection = None;
        }
        status
    }

    /// Waits until a moment. A connection of HTTP/2 answers its server's pings meanwhile; one of HTTP/1.1 has nothing to
    /// do, and how it ended the next request finds out.
    pub(super) async fn rest_until(&mut self, due: Instant) {
        let Some(Connection::H2(connection)) = &mut self.connection else { return sleep_until(due.into()).await };
        let mut due = pin!(sleep_until(due.into()));
        drive(connection, |cx| due.as_mut().poll(cx)).await;
    }

    /// Whether there is a connection, as far as anybody has noticed.
    pub(super) const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Ends the connection, as whoever leaves does; the next one is made for the next request, and is that of a client
    /// that comes.
    pub(super) fn leave(&mut self) {
        self.connection = None;
        self.was_open = false;
    }

    fn tell_of_connect(&mut self, opened: Opened, observer: &mut dyn Observer) {
        if std::mem::replace(&mut self.was_open, true) && self.connections != Connections::Fresh {
            observer.reconnect();
        }
        observer.opened(opened);
    }

    /// A connection that leaves a request alone is not asked again, and not by others either.
    fn no_answer(&self, patience: Duration) -> ClientError {
        if let Some(Connection::H2(connection)) = &self.connection {
            connection.retire();
        }
        no_answer(patience)
    }

    /// Whether a connection of HTTP/1.1 brings no other answer.
    fn ends_with(&self, head: &Parts) -> bool {
        self.connections == Connections::Streamed || says_close(&head.headers)
    }

    /// A poll that is sent elsewhere measures another server, and takes the redirect for its answer. An event stream
    /// follows, as a browser's would.
    async fn follow(&mut self, mut url: Url, mut headers: HeaderMap) -> Result<Answer, ClientError> {
        for _ in 0..=redirect::MOST {
            let answer = self.ask(&url, &headers, None).await?;
            let target = Some(&answer.head).filter(|_| self.connections == Connections::Streamed);
            let Some(target) = target.and_then(|head| redirect::target(&url, head)) else { return Ok(answer) };
            self.connection = None;
            if target.origin() != url.origin() {
                redirect::keep_harmless(&mut headers);
            }
            url = target;
        }
        Err(ClientError::new(Failure::Disconnected, format_args!("redirected more than {} times", redirect::MOST)))
    }

    /// One request on the connection that is there, or on another one. A kept connection may have ended since: what it
    /// could not send any more goes out on the next one.
    async fn ask(&mut self, url: &Url, headers: &HeaderMap, body: Option<&str>) -> Result<Answer, ClientError> {
        let mut tries = 1..=TRIES;
        loop {
            let obtained = self.connect(url).await?;
            let Some(connection) = &mut self.connection else { return Err(refused(url, &"there is no connection")) };
            let asked = clock::now();
            match connection.ask(url, headers, body).await {
                Ok((head, incoming)) => {
                    let opened = self.opened(obtained, asked);
                    return Ok(Answer { head, incoming, opened });
                }
                Err(Lost::Request(_)) if !obtained.is_new() && tries.next().is_some() => self.connection = None,
                Err(Lost::Request(error) | Lost::Answer(error)) => return Err(error),
            }
        }
    }

    /// Sees to it that there is a connection.
    async fn connect(&mut self, url: &Url) -> Result<Obtained, ClientError> {
        if self.connection.is_some() {
            return Ok(Obtained::Reused);
        }
        let (connection, obtained) = Connection::open(&self.dialer, self.pool.as_ref(), url).await?;
        self.connection = Some(connection);
        Ok(obtained)
    }

    /// What there is to tell of the connection that brought an answer. A stream is told of each time it opens.
    fn opened(&self, obtained: Obtained, asked: Instant) -> Option<Opened> {
        let is_stream = self.connections == Connections::Streamed;
        match obtained {
            Obtained::Reused => is_stream.then(|| Times::of_existing(asked).opened(asked)),
            Obtained::New(times) => Some(times.opened(asked)),
            Obtained::Shared(times) => {
                let Some(Connection::H2(connection)) = &self.connection else { return Some(times.opened(asked)) };
                Some(connection.claim().unwrap_or(times).opened(asked))
            }
        }
    }
}

/// An answer's head with its body to come, and the times of the opening if it needed one.
struct Answer {
    head: Parts,
    incoming: IncomingBody,
    opened: Option<Opened>,
}

/// The body of an answer. Dropping it ends a connection that was made for this answer alone.
#[derive(Debug)]
pub(super) struct Body<'a> {
    http: &'a mut Http,
    incoming: IncomingBody,
    /// Whether the connection brings no other answer.
    last: bool,
}

impl Body<'_> {
    /// The next piece; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Option<Result<Bytes, ClientError>> {
        let Self { http, incoming, .. } = self;
        drive(http.connection.as_mut()?, |cx| incoming.poll_data(cx)).await
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        if self.last {
            self.http.connection = None;
        }
    }
}

fn says_close(headers: &HeaderMap) -> bool {
    let mut options =
        headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case("close"))
}

#[cfg(test)]
mod tests;
