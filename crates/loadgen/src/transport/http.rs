//! What the three HTTP transports share: one client's connection, and one request on it at a time.
//!
//! The connection is hyper's, and lives in the client's own task: there is nothing between the socket and the client's
//! clock. A connection in a task of its own, as `reqwest` and every pool have it, is woken first and wakes the client
//! then, which would make each age larger by that hop, and each client by a task. The accuracy test shows what is left.

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_feed::clock;
use hyper::body::{Body as _, Bytes, Frame, Incoming};
use hyper::client::conn::{TrySendError, http1};
use hyper::header::{ACCEPT, AUTHORIZATION, CONNECTION, COOKIE, HOST, HeaderMap, HeaderValue, LOCATION};
use hyper::http::response::Parts;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Client;
use super::dial::{Dialed, dial};
use crate::observer::{Observer, Opened, Trouble};

/// An answer that takes longer, beyond any hold that was asked for, will not come. Streams have no end to wait for:
/// of theirs it is the head.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How often an event stream follows a redirect: the standard fetches it, and Fetch (section 4.4) follows twenty times.
const REDIRECTS: u32 = 20;

/// How long a client's connections live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    /// One for all requests.
    Kept,
    /// One for each request, `Connection: close`.
    Fresh,
    /// One for each stream.
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
    source: Option<IpAddr>,
    connections: Connections,
    connection: Option<Connection>,
    /// Whether the observer knows of a connection.
    was_open: bool,
}

impl Http {
    pub(super) fn new(client: &Client, connections: Connections) -> Self {
        let mut headers = client.headers.clone();
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        if connections == Connections::Fresh {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Self { headers, source: client.source, connections, connection: None, was_open: false }
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
        observer: &mut impl Observer,
    ) -> Result<(Parts, Body<'_>), Trouble> {
        let answer = timeout(patience, self.follow(url, headers)).await;
        let (response, opened) = match answer.unwrap_or_else(|_| Err(no_answer(patience))) {
            Ok(answer) => answer,
            Err(trouble) => {
                self.connection = None;
                return Err(trouble);
            }
        };
        if let Some(opened) = opened {
            self.tell_of_connect(opened, observer);
        }
        let (head, incoming) = response.into_parts();
        let last = self.connections != Connections::Kept || says_close(&head.headers);
        Ok((head, Body { http: self, incoming, last }))
    }

    fn tell_of_connect(&mut self, opened: Opened, observer: &mut impl Observer) {
        if std::mem::replace(&mut self.was_open, true) && self.connections != Connections::Fresh {
            observer.reconnect();
        }
        observer.opened(opened);
    }

    /// A poll that is sent elsewhere measures another server, and takes the redirect for its answer. An event stream
    /// follows, as a browser's would.
    async fn follow(&mut self, mut url: Url, mut headers: HeaderMap) -> Result<Answer, Trouble> {
        for _ in 0..=REDIRECTS {
            let answer = self.ask(&url, &headers).await?;
            let target = Some(&answer.0).filter(|_| self.connections == Connections::Streamed);
            let Some(target) = target.and_then(|response| redirected(&url, response)) else { return Ok(answer) };
            self.connection = None;
            if target.origin() != url.origin() {
                headers.remove(AUTHORIZATION);
                headers.remove(COOKIE);
            }
            url = target;
        }
        Err(Trouble::new(Failure::Disconnected, format_args!("redirected more than {REDIRECTS} times")))
    }

    /// One request on the connection that is there, or on a new one. A kept connection may have ended since: what it
    /// could not send any more goes out on the new one.
    async fn ask(&mut self, url: &Url, headers: &HeaderMap) -> Result<Answer, Trouble> {
        let mut request = request(url, headers)?;
        if let Some(connection) = &mut self.connection {
            match connection.ask(request).await {
                Ok(response) => return Ok((response, None)),
                Err(mut error) => request = error.take_message().ok_or_else(|| broken(error.error()))?,
            }
        }
        let Dialed { stream, times } = dial(url, self.source).await?;
        let connection = self.connection.insert(Connection::new(stream).await?);
        let asked = clock::now();
        let response = connection.ask(request).await.map_err(|error| broken(error.error()))?;
        Ok((response, Some(times.opened(asked))))
    }
}

/// An answer's head with its body to come, and the times of the opening if it needed a new connection.
type Answer = (Response<Incoming>, Option<Opened>);

/// The body of an answer. Dropping it ends a connection that was made for this answer alone.
#[derive(Debug)]
pub(super) struct Body<'a> {
    http: &'a mut Http,
    incoming: Incoming,
    /// Whether the connection brings no other answer.
    last: bool,
}

impl Body<'_> {
    /// The next piece; `None` at the end.
    pub(super) async fn chunk(&mut self) -> Option<Result<Bytes, Trouble>> {
        let Self { http, incoming, .. } = self;
        let connection = http.connection.as_mut()?;
        loop {
            let frame = connection.drive(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await?;
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => return Some(Ok(data)),
                Ok(Err(_trailers)) => {}
                Err(error) => return Some(Err(broken(&error))),
            }
        }
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        if self.last {
            self.http.connection = None;
        }
    }
}

/// A connection and its two halves in hyper: where requests go in, and what moves bytes when it is polled.
#[derive(Debug)]
struct Connection {
    requests: http1::SendRequest<String>,
    /// `None` once it has ended.
    wire: Option<Wire>,
}

impl Connection {
    async fn new(stream: TcpStream) -> Result<Self, Trouble> {
        let (requests, wire) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        Ok(Self { requests, wire: Some(wire) })
    }

    /// Sends a request and waits for the head of its answer. The error holds a request that was not sent.
    async fn ask(&mut self, request: Request<String>) -> Result<Response<Incoming>, TrySendError<Request<String>>> {
        self.settle().await;
        let mut answer = pin!(self.requests.try_send_request(request));
        drive(&mut self.wire, |cx| answer.as_mut().poll(cx)).await
    }

    /// Takes note of what happened while nobody asked, and waits until the last answer is out of the way. What is
    /// wrong with the connection, the next request tells.
    async fn settle(&mut self) {
        let Self { requests, wire } = self;
        std::future::poll_fn(|cx| {
            move_bytes(wire, cx);
            Poll::Ready(())
        })
        .await;
        let _ = drive(wire, |cx| requests.poll_ready(cx)).await;
    }

    async fn drive<T>(&mut self, wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        drive(&mut self.wire, wanted).await
    }
}

/// Waits for what a connection is to bring, and moves its bytes meanwhile.
async fn drive<T>(wire: &mut Option<Wire>, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    std::future::poll_fn(|cx| {
        // Asked first, since asking for the next piece is what makes the connection read it.
        if let Poll::Ready(brought) = wanted(cx) {
            return Poll::Ready(brought);
        }
        move_bytes(wire, cx);
        wanted(cx)
    })
    .await
}

type Wire = http1::Connection<TokioIo<TcpStream>, String>;

/// How a connection ended, the request or the body that it was to bring tells.
fn move_bytes(wire: &mut Option<Wire>, cx: &mut Context<'_>) {
    if wire.as_mut().is_some_and(|wire| Pin::new(wire).poll(cx).is_ready()) {
        *wire = None;
    }
}

fn request(url: &Url, headers: &HeaderMap) -> Result<Request<String>, Trouble> {
    let refused =
        |why: &dyn std::fmt::Display| Trouble::new(Failure::Connect, format_args!("cannot ask for {url}: {why}"));
    if url.scheme() != "http" {
        return Err(refused(&"only http:// is spoken here"));
    }
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut request = Request::get(target).body(String::new()).map_err(|why| refused(&why))?;
    *request.headers_mut() = headers.clone();
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    request.headers_mut().insert(HOST, HeaderValue::try_from(host).map_err(|why| refused(&why))?);
    Ok(request)
}

/// Where an answer sends its client, if it does.
fn redirected(url: &Url, response: &Response<Incoming>) -> Option<Url> {
    use StatusCode as Is;
    let moved = [Is::MOVED_PERMANENTLY, Is::FOUND, Is::SEE_OTHER, Is::TEMPORARY_REDIRECT, Is::PERMANENT_REDIRECT];
    let location = response.headers().get(LOCATION).filter(|_| moved.contains(&response.status()))?;
    url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()
}

fn says_close(headers: &HeaderMap) -> bool {
    let mut options =
        headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case("close"))
}

pub(super) fn no_answer(patience: Duration) -> Trouble {
    Trouble::new(Failure::Disconnected, format_args!("no whole answer within {} s", patience.as_secs()))
}

/// An answer with a status that does not belong to the door.
pub(super) fn unexpected(status: StatusCode) -> Trouble {
    Trouble::new(Failure::Status, format_args!("the server answered {status}"))
}

/// What hyper's error is to a client.
fn broken(error: &hyper::Error) -> Trouble {
    Trouble::new(Failure::Disconnected, with_causes(error))
}

/// An error and what caused it, on one line: the library's own words name the request, its cause says what happened.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
