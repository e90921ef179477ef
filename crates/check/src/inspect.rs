//! `inspect`: finds out what goes wrong between a live stream and its clients, without publishing on it. It watches one
//! connection for a while, opens a few short ones, and reports what happened.
//!
//! In reading order: `course` is what is done, over connections of `dial`, with one `exchange` each, that `open` leads
//! through redirects. `watch` reads a body, `decode` undoes its compression, `framing` and `arrivals` record what came
//! and when; `websocket` is the same for a WebSocket. Everything `seen` goes to `judge`, which returns findings. Nothing
//! here prints, and of what a server sends, only bounded records are kept (`limits`).

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use feedlab_loadgen::transport::{HeaderMap, Tls};
use hyper::Method;
use hyper::header::HeaderValue;
use tokio_util::sync::CancellationToken;
use url::Url;

mod course;
mod dial;
mod exchange;
mod open;

mod arrivals;
mod framing;
mod stamp;
mod watch;
mod websocket;

mod judge;
mod seen;

mod finding;
mod report;
mod text;

pub use crate::connection::{DialTimes, Encryption};
pub use arrivals::{COLUMNS, Picture};
pub use finding::{Finding, Id, Mark};
pub use report::{Counts, Report, Times};
pub use seen::Found;

use crate::connection::OpenError;
use crate::target::Secrets;
use crate::{decode, limits};
use course::Course;
use dial::Dialer;
use exchange::{Failure, Head};

/// What is inspected.
#[derive(Clone, Debug)]
pub struct Target {
    /// The URL of the stream, `http:` or `https:`, without a user.
    pub url: Url,
    /// Whether it is a WebSocket's.
    pub is_websocket: bool,
    /// The address to connect to in place of the URL's.
    pub address: Option<SocketAddr>,
    /// The same stream at its origin, without what is in between.
    pub direct: Option<Url>,
    /// Whether only HTTP/2 is spoken; without TLS, with prior knowledge.
    pub http2: bool,
    /// The method: anything but GET is sent once only.
    pub method: Method,
    /// The body of the request.
    pub body: Bytes,
    /// Headers in addition to those of an `EventSource`; they are never shown, and sent to no other origin.
    pub headers: HeaderMap,
    /// The certificates that are trusted; required for `https:`.
    pub tls: Option<Tls>,
}

impl Target {
    /// What must not be shown, even if the server repeats it.
    fn secrets(&self) -> Secrets {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        Secrets::of(&self.url, &headers)
    }
}

/// How long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long the stream is watched.
    pub watch: Duration,
    /// Whether to go on until the stream was cut while it was silent.
    pub find_timeout: bool,
    /// How long each short connection may take.
    pub probe: Duration,
}

/// Why there is nothing to inspect.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is no connection.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// All connections that an inspection may open were opened.
    #[error("an inspection opens at most {} connections to a server", limits::MAX_CONNECTIONS)]
    Spent,
}

/// What is known when the response begins.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The version of HTTP.
    pub http: &'static str,
    /// The `Server` header.
    pub server: Option<String>,
    /// The content coding.
    pub encoding: Option<String>,
    /// Whether it is a WebSocket.
    pub is_websocket: bool,
}

impl Connected {
    fn of(head: &Head, secrets: &Secrets) -> Self {
        let shown = |text: &str| secrets.hide(&text::quoted(text));
        Self {
            status: head.status,
            content_type: shown(&head.media_type()),
            http: report::version(head.version),
            server: head.text("server").map(shown),
            encoding: head.text("content-encoding").map(shown),
            is_websocket: head.status == 101,
        }
    }
}

/// What has come so far.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// The time since the request.
    pub elapsed: Duration,
    /// How long it will be watched.
    pub of: Duration,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// Events.
    pub events: u64,
    /// Comments.
    pub comments: u64,
    /// The time since the last byte.
    pub silence: Duration,
}

/// Receives the progress of an inspection.
pub trait Progress {
    /// The answer began.
    fn connected(&mut self, connected: &Connected);
    /// Something arrived, or a second has passed.
    fn watching(&mut self, status: &Status);
    /// A short connection is opened, for a purpose.
    fn trying(&mut self, what: &str);
}

/// Inspects a stream. When `stop` is cancelled, it reports what is known by then.
///
/// # Errors
/// When there is no connection to the server, or to the origin.
pub async fn run(
    target: &Target,
    options: &Options,
    progress: &mut dyn Progress,
    stop: &CancellationToken,
) -> Result<Report, InspectError> {
    let secrets = target.secrets();
    let course = Course { target, options, dialer: Dialer::new(target.tls.clone()), secrets, stop };
    let seen = course.run(progress).await?;
    let findings = judge::findings(&seen).into_iter().map(|finding| finding.without(&course.secrets)).collect();
    let mut report = report::of(&seen, findings, course.dialer.opened(), stop.is_cancelled());
    report.content_type = report.content_type.map(|text| course.secrets.hide(&text));
    Ok(report)
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::HeadTooLarge => {
                write!(f, "the head of the response is larger than {} KiB", limits::HEAD >> 10)
            }
            Self::NoHead { bytes: 0, waited_us } => write!(f, "no response in {}", text::span(*waited_us)),
            Self::NoHead { bytes, waited_us } => {
                write!(f, "an incomplete head: {} in {}", text::count(*bytes, "byte"), text::span(*waited_us))
            }
            Self::Broken { bytes: 0, why } => write!(f, "the connection ended without a response: {why}"),
            Self::Broken { bytes, why } => write!(f, "no HTTP response in {}: {why}", text::count(*bytes, "byte")),
        }
    }
}
