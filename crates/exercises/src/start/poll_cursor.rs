//! Exercise 2, `poll-cursor`: a poll client that loses nothing silently.
//!
//! **Build** what a client keeps between two polls. The tests ask it for the next request, and give it the response.
//!
//! - The cursor is the position of the client in the feed. The response's `next` is the cursor of the next request,
//!   whatever else the response has. A client without a cursor polls without one, and learns the feed's position.
//! - `gap` has the first and the last update that were asked for and are lost. Count them.
//! - `reset` means that the cursor belongs to a feed that has ended: the server restarted, and its numbers with it.
//!   Nobody knows how much was lost, but the reset itself is counted. Continue from `next`, which is of another epoch.
//! - An entity tag belongs to a URL, and the cursor is part of the URL. So send a tag with the next request only if
//!   that has the same cursor. `304` means: nothing new.
//! - A response that is neither `200` nor `304` says nothing about the feed.
//! - Ignore a stale response (from a cache), so that no update is handed over twice: its `next` is before the cursor,
//!   or of another epoch without a reset.
//!
//! **Both halves in feedlab**: `crates/server/src/transport/short_polling.rs` and
//! `crates/loadgen/src/transport/short_polling.rs`; the body is in `crates/feed/src/wire/poll.rs`.

/// A position in a feed: `k3f9.31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch in which the number counts. A server that restarts may start another one.
    pub epoch: &'static str,
    /// The number of the last update that the client received.
    pub seq: u64,
}

/// The next request: `GET /feed/poll?after=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The cursor; `None` asks for what is published from now on.
    pub after: Option<Cursor>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

/// The response to a poll.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// The body, if there is one that can be parsed.
    pub body: Option<Body>,
}

/// The body: `{"updates":[…],"next":"k3f9.31","gap":null}`, with a `reset` if there is one.
#[derive(Clone, Debug)]
pub struct Body {
    /// The numbers of the updates after the cursor, oldest first.
    pub updates: Vec<u64>,
    /// The cursor of the next request.
    pub next: Cursor,
    /// The first and the last update that are lost.
    pub gap: Option<(u64, u64)>,
    /// Whether the cursor of the request belongs to an epoch that has ended. Gap and updates are of the epoch of
    /// `next`.
    pub reset: bool,
}

/// The state of a client between two polls. Start with `Poller::default()`.
#[derive(Debug, Default)]
pub struct Poller {
    cursor: Option<Cursor>,
    etag: Option<String>,
}

impl Poller {
    /// Returns the next request.
    #[must_use]
    pub fn request(&self) -> Request {
        Request { after: self.cursor, if_none_match: self.etag.clone() }
    }

    /// Processes the response to the last request, and returns those of its updates that are new to the client.
    pub fn answered(&mut self, answer: Answer) -> Vec<u64> {
        // Your turn: this only looks at the updates.
        self.etag = answer.etag;
        let updates = answer.body.map(|body| body.updates).unwrap_or_default();
        if let Some(last) = updates.last() {
            self.cursor = Some(Cursor { epoch: "", seq: *last });
        }
        updates
    }

    /// Returns how many updates were lost, as far as the client knows.
    #[must_use]
    pub fn missed(&self) -> u64 {
        0
    }

    /// Returns how often the feed started over.
    #[must_use]
    pub fn resets(&self) -> u64 {
        0
    }
}
