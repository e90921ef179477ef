//! One request and the head of its answer, over HTTP/1.1 or HTTP/2, whichever the connection agreed on.

use std::error::Error as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use feedlab_feed::clock;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::rt::Executor;
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::TokioIo;
use tokio::time::timeout_at;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::dial::{Dialed, Metered};
use super::text::quoted;
use crate::connection::{DialTimes, Encryption};
use crate::http::{is_event_stream, media_type};
use crate::limits::HEAD;
use crate::target::{host_of, path_of};

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The head of an answer, and its body to come.
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) response: Response<Incoming>,
    /// When the request was sent.
    pub(super) asked: Instant,
    /// Reads and writes the connection; the answer ends with it.
    pub(super) connection: DropGuard,
}

/// What the head of an answer says, and how it came.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) dial: DialTimes,
    pub(super) encryption: Option<Encryption>,
    /// From the request to the head, µs.
    pub(super) first_byte_us: u64,
}

/// Why there is no answer, on a connection that was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The head is larger than is read.
    HeadTooLarge,
    /// No complete head came in time: how many bytes did, and the time, µs.
    NoHead { bytes: u64, waited_us: u64 },
    /// The connection was closed, or it is not HTTP. Holds the reason.
    Broken { bytes: u64, why: String },
}

impl Head {
    /// Returns a header as text; `None` if there is none, or it is not text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the media type without parameters, in lower case.
    pub(super) fn media_type(&self) -> String {
        media_type(self.text("content-type").unwrap_or_default())
    }

    /// Whether it is the answer that an `EventSource` needs.
    pub(super) fn is_event_stream(&self) -> bool {
        self.status == 200 && self.text("content-type").is_some_and(is_event_stream)
    }
}

/// Sends a request and waits for the head of its answer until a deadline.
pub(super) async fn send(dialed: Dialed, ask: &Ask, url: &Url, until: Instant) -> Result<Answer, Failure> {
    let asked = clock::now();
    let read = dialed.stream.bytes_read();
    let answering = async {
        if dialed.is_http2 {
            over_http2(dialed.stream, ask, url).await
        } else {
            over_http1(dialed.stream, ask, url).await
        }
    };
    let answered = timeout_at(until.into(), answering).await;
    let bytes = read.load(Ordering::Relaxed);
    let waited_us = clock::micros(asked.elapsed());
    let (response, connection) = match answered {
        Err(_) => return Err(Failure::NoHead { bytes, waited_us }),
        Ok(Err(error)) => return Err(failure(&error, bytes)),
        Ok(Ok(answered)) => answered,
    };
    let head = Head {
        status: response.status().as_u16(),
        version: response.version(),
        headers: response.headers().clone(),
        dial: dialed.times,
        encryption: dialed.encryption,
        first_byte_us: waited_us,
    };
    Ok(Answer { head, response, asked, connection })
}

type Answered = Result<(Response<Incoming>, DropGuard), hyper::Error>;

async fn over_http1(stream: Metered, ask: &Ask, url: &Url) -> Answered {
    let (tasks, guard) = Tasks::new();
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD);
    let (mut requests, connection) = builder.handshake(TokioIo::new(stream)).await?;
    // How it ends is what the body tells.
    tasks.execute(async { _ = connection.with_upgrades().await });
    let mut request = request(ask, &path_of(url));
    if let Ok(host) = HeaderValue::try_from(host_of(url)) {
        request.headers_mut().insert(HOST, host);
    }
    Ok((requests.send_request(request).await?, guard))
}

async fn over_http2(stream: Metered, ask: &Ask, url: &Url) -> Answered {
    let (tasks, guard) = Tasks::new();
    let mut builder = http2::Builder::new(tasks.clone());
    builder.max_header_list_size(HEAD as u32).initial_stream_window_size(256 << 10);
    builder.initial_connection_window_size(1 << 20);
    let (mut requests, connection) = builder.handshake(TokioIo::new(stream)).await?;
    // The connection would close after the last request, if nobody could send another.
    let another = requests.clone();
    tasks.execute(async move { _ = (connection.await, another) });
    Ok((requests.send_request(request(ask, &url[..url::Position::AfterQuery])).await?, guard))
}

/// Runs what a connection consists of until its guard is dropped. What hyper starts by itself would else outlive a
/// connection to a server that reads nothing.
#[derive(Clone)]
struct Tasks(CancellationToken);

impl Tasks {
    fn new() -> (Self, DropGuard) {
        let stop = CancellationToken::new();
        (Self(stop.clone()), stop.drop_guard())
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, future: F) {
        tokio::spawn(self.0.clone().run_until_cancelled_owned(future));
    }
}

fn request(ask: &Ask, target: &str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(ask.body.clone()));
    *request.method_mut() = ask.method.clone();
    // A URL that was parsed is a valid target; a server would answer the default one with what it has at `/`.
    *request.uri_mut() = target.parse().unwrap_or_default();
    *request.headers_mut() = ask.headers.clone();
    request
}

fn failure(error: &hyper::Error, bytes: u64) -> Failure {
    if error.is_parse_too_large() {
        return Failure::HeadTooLarge;
    }
    Failure::Broken { bytes, why: with_causes(error) }
}

/// Returns an error and its causes in one line.
pub(super) fn with_causes(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    quoted(&text)
}

/// Returns the deadline that is a time from now.
pub(super) fn within(time: Duration) -> Instant {
    clock::now() + time
}
