//! Everything that an inspection saw: what `course` collects and `judge` judges.

use std::net::IpAddr;
use std::time::Duration;

use hyper::Method;
use serde::Serialize;
use url::{Host, Url};

use super::exchange::{Failure, Head};
use super::open::{Hop, Lost};
use super::watch::Session;

/// The transport that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// An event stream.
    Sse,
    /// A WebSocket.
    WebSocket,
    /// Answers at once.
    Poll,
    /// Answers that are held until there is news.
    LongPoll,
    /// A body that continues, of a type other than an event stream's.
    OtherStream,
    /// None of them.
    None,
}

impl Found {
    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sse => "Server-Sent Events",
            Self::WebSocket => "WebSocket",
            Self::Poll => "polling",
            Self::LongPoll => "long polling",
            Self::OtherStream => "a stream that is not an event stream",
            Self::None => "no stream",
        }
    }
}

/// A reconnect that was not answered with a stream.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// Another status or type.
    Answered(u16),
    /// No connection or no answer. Holds the reason.
    Unreachable(String),
}

/// What a client that has the id of an earlier event got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resumed {
    /// There was nothing to try it with, or no way to. Holds the reason.
    NotTried(String),
    /// The next event came first.
    Next {
        /// How many events after the id were known, and of them came.
        known: usize,
        came: usize,
    },
    /// It started later: what lies between is lost.
    Later { known: usize, came: usize },
    /// It started with an earlier event, or with the one that the client has.
    Earlier { came: usize },
    /// Nothing came of the events that were known.
    Nothing { known: usize, waited: Duration },
    /// The server refused the id.
    Refused(u16),
}

/// What was seen.
pub(super) struct Seen {
    /// Where the stream is in the end.
    pub(super) url: Url,
    pub(super) method: Method,
    /// Whether it is not a GET, so that it is sent once only.
    pub(super) is_post: bool,
    /// The headers of the request that an `EventSource` cannot send.
    pub(super) own_headers: Vec<String>,
    pub(super) sends_cookie: bool,
    /// The origin that was named in the request.
    pub(super) origin: Option<String>,
    pub(super) found: Found,
    pub(super) hops: Vec<Hop>,
    pub(super) lost: Option<Lost>,
    pub(super) failure: Option<Failure>,
    /// The answer to a HEAD, if there was none to the GET.
    pub(super) without_body: Option<Head>,
    /// The first connection, and its reconnects.
    pub(super) sessions: Vec<Session>,
    pub(super) refusals: Vec<Refusal>,
    /// The same stream at the origin, and without compression.
    pub(super) direct: Option<Session>,
    pub(super) identity: Option<Session>,
    /// The answer to a page of another origin.
    pub(super) cors: Option<Head>,
    pub(super) resumed: Resumed,
    /// The answer to a WebSocket's handshake.
    pub(super) upgrade: Option<u16>,
    /// The answer to a second poll.
    pub(super) again: Option<Head>,
    pub(super) watch: Duration,
    pub(super) finds_timeout: bool,
}

impl Seen {
    /// The answer that was watched first.
    pub(super) fn first(&self) -> Option<&Session> {
        self.sessions.first()
    }

    /// The session with most events.
    pub(super) fn best(&self) -> Option<&Session> {
        // The first of several: `max_by_key` would return the last.
        self.sessions.iter().rev().max_by_key(|session| session.record.framing.events)
    }

    /// Whether the body is one that continues.
    pub(super) const fn is_stream(&self) -> bool {
        matches!(self.found, Found::Sse | Found::WebSocket | Found::OtherStream)
    }

    /// Whether it is on this machine, where nothing is in between.
    pub(super) fn is_local(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
            Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}
