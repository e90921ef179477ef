//! What the three HTTP transports share: one client's connection, and one request on it at a time.
//!
//! A connection lives in the client's own task, so nothing is between the socket and the client's clock. If the
//! connection had a task of its own, as in `reqwest` and every pool, that task would be woken first and would then wake
//! the client: each age would grow by that hop, and each client by a task. The accuracy test shows what remains. Only a
//! connection that clients share has its own task, as in a browser.

use std::borrow::Cow;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use feedlab_experiment::headers::{ANY, LAST};
use feedlab_experiment::record::Failure;
use feedlab_feed::clock;
use hyper::StatusCode;
use hyper::header::{CONNECTION, HeaderMap};
use hyper::http::response::Parts;
use tokio::time::{sleep_until, timeout};
use url::Url;

use super::buffer::Chunk;
use super::dial::{Dialer, Times};
use super::{Client, set};
use crate::observer::{ClientError, Observer, Opened};

mod connection;
mod exchange;
mod framing;
mod h1;
pub(super) mod h2;
mod pool;
mod redirect;
mod shared_connection;
mod taken_over;
pub(super) mod tunnel;

pub(crate) use exchange::with_causes;
pub(super) use exchange::{Lost, no_answer, unexpected};
pub use pool::Pool;
pub(super) use pool::connect;

use connection::{Connection, IncomingBody, Obtained};
use exchange::{drive, poll_driven, refused};

/// How long to wait for a response, beyond any hold that was asked for. For a stream, which has no end to wait for,
/// this covers the head.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a request is tried if the connection does not accept it: a shared one may be full or about to close.
pub(super) const TRIES: u32 = 4;

/// How long a client's connections live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    /// One connection for all requests.
    Kept,
    /// One connection per request, with `Connection: close`.
    Fresh,
    /// One connection per stream; with HTTP/2, one for all streams until it closes.
    Streamed,
}

impl Connections {
    pub(super) const fn of(keep_alive: bool) -> Self {
        if keep_alive { Self::Kept } else { Self::Fresh }
    }
}

/// The HTTP client of one simulated client.
#[derive(Debug)]
pub(super) struct Http {
    headers: HeaderMap,
    dialer: Dialer,
    /// The pool of connections that it shares with others.
    pool: Option<Pool>,
    connections: Connections,
    connection: Option<Connection>,
    /// Whether a connection has been reported to the observer.
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

    /// The headers of every request from now on.
    pub(super) const fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// Requests a URL and waits up to `patience` for the response head. Reports a new connection to the observer.
    pub(super) async fn get(
        &mut self,
        url: &Url,
        patience: Duration,
        observer: &mut dyn Observer,
    ) -> Result<(Parts, Body<'_>), ClientError> {
        let answer = timeout(patience, self.follow(url)).await;
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
        let incoming = self.take_over(incoming, &head.headers);
        Ok((head, Body { http: self, incoming, last }))
    }

    /// Posts a body, and reads the response to its end within `patience`. Does not report the connection.
    pub(super) async fn post(
        &mut self,
        url: &Url,
        body: String,
        patience: Duration,
    ) -> Result<StatusCode, ClientError> {
        let answer = async {
            let Answer { head, incoming, .. } = self.ask(url, None, Some(&body)).await?;
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

    /// Waits until a moment. An HTTP/2 connection answers its server's pings meanwhile; an HTTP/1.1 connection has
    /// nothing to do, and the next request finds out if it has ended.
    pub(super) async fn rest_until(&mut self, due: Instant) {
        let Some(Connection::H2(connection)) = &mut self.connection else { return sleep_until(due.into()).await };
        let mut due = pin!(sleep_until(due.into()));
        drive(connection, |cx| due.as_mut().poll(cx)).await;
    }

    /// Whether there is a connection that is not known to have ended.
    pub(super) const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Closes the connection, as a leaving client does. The next request opens another one, which counts as a first
    /// connection.
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

    /// Returns the error for a missing response, and retires the connection: neither this client nor another uses it
    /// again.
    fn no_answer(&self, patience: Duration) -> ClientError {
        if let Some(Connection::H2(connection)) = &self.connection {
            connection.retire();
        }
        no_answer(patience)
    }

    /// Takes the connection of a stream over HTTP/1.1 for the rest of its body.
    fn take_over(&mut self, incoming: IncomingBody, headers: &HeaderMap) -> IncomingBody {
        if self.connections != Connections::Streamed || incoming.has_ended() {
            return incoming;
        }
        match self.connection.take() {
            Some(Connection::H1(connection)) => connection.take_over(headers).map_or(incoming, IncomingBody::TakenOver),
            connection => {
                self.connection = connection;
                incoming
            }
        }
    }

    /// Whether an HTTP/1.1 connection carries no further response.
    fn ends_with(&self, head: &Parts) -> bool {
        self.connections == Connections::Streamed || says_close(&head.headers)
    }

    /// Requests a URL and follows redirects for event streams, as a browser does. A poll does not follow: it would
    /// measure another server, so the redirect is its response.
    async fn follow(&mut self, url: &Url) -> Result<Answer, ClientError> {
        let (mut url, mut harmless) = (Cow::Borrowed(url), None);
        for _ in 0..=redirect::MAX_REDIRECTS {
            let answer = self.ask(&url, harmless.as_ref(), None).await?;
            let target = Some(&answer.head).filter(|_| self.connections == Connections::Streamed);
            let Some(target) = target.and_then(|head| redirect::target(&url, head)) else { return Ok(answer) };
            self.connection = None;
            if target.origin() != url.origin() {
                redirect::keep_harmless(harmless.get_or_insert_with(|| self.headers.clone()));
            }
            url = Cow::Owned(target);
        }
        Err(ClientError::new(
            Failure::Disconnected,
            format_args!("redirected more than {} times", redirect::MAX_REDIRECTS),
        ))
    }

    /// Sends one request on the existing connection or on a new one. A kept connection may have ended since; a request
    /// that it could not send goes out on the next one. `harmless` are the headers for another origin.
    async fn ask(
        &mut self,
        url: &Url,
        harmless: Option<&HeaderMap>,
        body: Option<&str>,
    ) -> Result<Answer, ClientError> {
        let mut tries = 1..=TRIES;
        loop {
            let obtained = self.connect(url).await?;
            let Some(connection) = &mut self.connection else { return Err(refused(url, &"there is no connection")) };
            let asked = clock::now();
            match connection.ask(url, harmless.unwrap_or(&self.headers), body).await {
                Ok((head, incoming)) => {
                    let opened = self.opened(obtained, asked);
                    return Ok(Answer { head, incoming, opened });
                }
                Err(Lost::Request(_)) if !obtained.is_new() && tries.next().is_some() => self.connection = None,
                Err(Lost::Request(error) | Lost::Answer(error)) => return Err(error),
            }
        }
    }

    /// Makes sure that there is a connection.
    async fn connect(&mut self, url: &Url) -> Result<Obtained, ClientError> {
        if self.connection.is_some() {
            return Ok(Obtained::Reused);
        }
        let is_kept = self.connections != Connections::Streamed;
        let (connection, obtained) = Connection::open(&self.dialer, self.pool.as_ref(), url, is_kept).await?;
        self.connection = Some(connection);
        Ok(obtained)
    }

    /// Returns the times to report for the connection that carried a response, if any. A stream is reported each time
    /// it opens.
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

/// A response head with its body to come, and the opening times if there are any to report.
struct Answer {
    head: Parts,
    incoming: IncomingBody,
    opened: Option<Opened>,
}

/// The body of a response. Dropping it closes a connection that was opened for this response alone.
#[derive(Debug)]
pub(super) struct Body<'a> {
    http: &'a mut Http,
    incoming: IncomingBody,
    /// Whether the connection carries no further response.
    last: bool,
}

impl Body<'_> {
    /// Returns the next chunk; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Option<Result<Chunk, ClientError>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// Polls for the next chunk; `None` at the end.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, ClientError>>> {
        let Self { http, incoming, .. } = self;
        if let IncomingBody::TakenOver(body) = incoming {
            return body.poll_chunk(cx);
        }
        let Some(connection) = &mut http.connection else { return Poll::Ready(None) };
        poll_driven(connection, |cx| incoming.poll_data(cx), cx)
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
