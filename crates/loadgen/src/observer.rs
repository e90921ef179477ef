//! What a client tells about itself while it runs.
//!
//! The transports know nobody but this trait: the fleet counts behind it, `feedlab watch` prints behind it.

use std::fmt;
use std::time::Duration;

use feedlab_experiment::record::Failure;
use feedlab_feed::wire::sse::Event;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset, Transport};
use hyper::http::response::Parts;

/// Someone who watches one client.
pub trait Observer {
    /// A new connection was answered, or a new stream of one that was there.
    fn opened(&mut self, opened: Opened);

    /// The head of an answer came; where [`opened`](Self::opened) is told too, after it.
    fn answered(&mut self, _head: &Parts) {}

    /// An update arrived. `received_at_us` is when its bytes were there, in µs of Unix time.
    fn update(&mut self, stamp: Stamp, raw: RawUpdate<'_>, received_at_us: u64);

    /// The server told what it no longer has; the feed goes on after `resume`.
    fn gap(&mut self, gap: Gap, resume: Cursor);

    /// The feed began again: what the client has is of another epoch, and what was published after it there is lost, however
    /// much it was. What comes from here on is of the epoch of `resume`, from its start.
    fn reset(&mut self, reset: Reset);

    /// An event of a stream, as it stands; updates, gaps and resets are told once more by their own methods.
    fn event(&mut self, _event: &Event) {}

    /// Something came that is no update of a feedlab server. Whether it is taken as it stands; if not, it is a failure.
    fn foreign(&mut self, _raw: RawUpdate<'_>) -> bool {
        false
    }

    /// Something went wrong. Unless it is [`Failure::GaveUp`], the client goes on.
    fn failure(&mut self, error: &ClientError);

    /// The connection, or the poll that was under way, is lost, and the client tries again after `wait`.
    fn lost(&mut self, _wait: Duration) {}

    /// A connection that had been open is open again.
    fn reconnect(&mut self);

    /// The client ends its connection by itself, as whoever leaves does, and comes back at once: nothing is lost, and no
    /// [`reconnect`](Self::reconnect) is told of it.
    fn left(&mut self) {}

    /// The server serves the feed: a poll's answer could be read, the head of a stream is one of an event stream, an upgrade was
    /// made. An answer such as a 503 is none of these. `since_us`, in µs of Unix time, is when it was asked for: a poll may have
    /// been held since.
    fn served(&mut self, _since_us: u64) {}

    /// Something came, be it only the head of an answer, a comment or a ping.
    fn alive(&mut self) {}

    /// The server told the client its place in the feed: what is before it, the client has, was reported lost, or never
    /// asked for.
    fn placed(&mut self, _cursor: Cursor) {}

    /// The client fell to a lower rung of the fallback ladder.
    fn fell(&mut self, _to: Transport) {}

    /// The client is back on the first rung.
    fn climbed(&mut self) {}

    /// An update that the client published is acknowledged. Both in µs of Unix time: when it was due to be sent, and
    /// when the acknowledgement was there.
    fn acknowledged(&mut self, _due_us: u64, _received_at_us: u64) {}

    /// So many polls were due and not sent, because the one before was still under way.
    fn skipped(&mut self, _polls: u64) {}

    /// Whether the client may end: asked between two polls. Streams are ended by their token alone.
    fn has_enough(&self) -> bool {
        false
    }
}

/// How long it took until a client was answered for the first time on a connection, in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The TCP connect, µs; `None` where the connection was there already, as one that is shared.
    pub connect_us: Option<u64>,
    /// The TLS handshake, µs; `None` where the connection was there already, or has none.
    pub tls_us: Option<u64>,
    /// From the request to the head of its answer, µs.
    pub request_us: u64,
    /// All of it, from the start of the TCP connect to the head of the answer, µs.
    pub open_us: u64,
}

/// What went wrong for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// Its kind, for counting.
    pub failure: Failure,
    /// What was seen, for people: one line.
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
