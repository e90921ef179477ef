//! What a client reports while it runs.
//!
//! The transports know only this trait: the fleet counts behind it, `feedlab watch` prints behind it.

use std::fmt;
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::sse::Event;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset, Transport};
use hyper::http::response::Parts;
use url::Url;

/// Receives the events of one client.
pub trait Observer {
    /// The first request on a new connection was answered, or a new stream was opened on an existing one.
    fn opened(&mut self, opened: Opened);

    /// A response head arrived. Called after [`opened`](Self::opened) if both apply.
    fn answered(&mut self, _head: &Parts) {}

    /// An update arrived. `received_at_us` is when its bytes were read, µs of Unix time.
    fn update(&mut self, stamp: Stamp, raw: RawUpdate<'_>, received_at_us: u64);

    /// The server reported updates that it no longer has; the feed continues after `resume`.
    fn gap(&mut self, gap: Gap, resume: Cursor);

    /// The feed started over. What the client has received belongs to an earlier epoch, and an unknown number of
    /// updates that followed it there is lost. Everything from now on belongs to the epoch of `resume`, from its start.
    fn reset(&mut self, reset: Reset);

    /// An event of an event stream, unparsed. Updates, gaps and resets are also reported by their own methods.
    fn event(&mut self, _event: &Event) {}

    /// Something arrived that is not an update of a feedlab server. Returns whether to accept it; if not, it is
    /// reported as a failure.
    fn foreign(&mut self, _raw: RawUpdate<'_>) -> bool {
        false
    }

    /// A stream is about to be requested at this URL. An observer that knows better than its client where the client is
    /// in the feed adds that here.
    fn requested(&mut self, _url: &mut Url) {}

    /// A message of a target was read: somebody else's server. `updates` were found in it and have been reported.
    /// `has_cursor` is whether the client can now ask for what follows; true if it need not.
    fn message(&mut self, _message: &[u8], _updates: usize, _has_cursor: bool) {}

    /// Something went wrong. Unless the failure is [`Failure::GaveUp`], the client continues.
    fn failure(&mut self, error: &ClientError);

    /// The connection, or the pending poll, was lost. The client tries again after `wait`.
    fn lost(&mut self, _wait: Duration) {}

    /// A client that had been connected before has a new connection.
    fn reconnect(&mut self);

    /// The client closes its connection by itself, as a leaving client does, and reconnects at once. Nothing is lost,
    /// and [`reconnect`](Self::reconnect) is not called for it.
    fn left(&mut self) {}

    /// The server serves the feed: a poll's response was parsed, a stream's head is that of an event stream, or an
    /// upgrade succeeded. A response such as a 503 does not count. `since_us` is when the request was sent, µs of Unix
    /// time; a poll may have been held since.
    fn served(&mut self, _since_us: u64) {}

    /// Something arrived, if only a response head, a comment or a ping.
    fn alive(&mut self) {}

    /// The server sent the client's position in the feed. Everything before it was received, was reported lost, or was
    /// never asked for.
    fn placed(&mut self, _cursor: Cursor) {}

    /// The client fell to a lower rung of the fallback ladder.
    fn fell(&mut self, _to: Transport) {}

    /// The client returned to the first rung.
    fn climbed(&mut self) {}

    /// An update that the client published was acknowledged. `due_us` is when it was due to be sent, `received_at_us`
    /// when the acknowledgement arrived, both µs of Unix time.
    fn acknowledged(&mut self, _due_us: u64, _received_at_us: u64) {}

    /// `polls` polls were due and were not sent, because the one before was still pending.
    fn skipped(&mut self, _polls: u64) {}

    /// Whether the client may end. Checked between two polls; streams end only by their token.
    fn has_enough(&self) -> bool {
        false
    }
}

/// How long it took until the first response on a connection, in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The TCP connect, µs; `None` if the connection already existed, for example a shared one.
    pub connect_us: Option<u64>,
    /// The TLS handshake, µs; `None` if the connection already existed or is not encrypted.
    pub tls_us: Option<u64>,
    /// From the request to the response head, µs.
    pub request_us: u64,
    /// The whole time, from the start of the TCP connect to the response head, µs.
    pub open_us: u64,
}

/// A failure of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// The kind of the failure, for counting.
    pub failure: Failure,
    /// A description for people, in one line.
    pub detail: String,
}

impl ClientError {
    pub(crate) fn new(failure: Failure, detail: impl fmt::Display) -> Self {
        Self { failure, detail: detail.to_string() }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
