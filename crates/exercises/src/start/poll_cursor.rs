//! Exercise 2, `poll-cursor`: a poll client that loses nothing silently.
//!
//! **Build** what a client keeps between two polls. It is asked for the next request, and handed the answer to it.
//!
//! - The cursor is the number of the last update that the client has. The answer's `next` is the cursor to ask with the
//!   next time, whatever the answer holds. A client that has none yet asks without, and is told where the feed stands.
//! - `gap` names the first and the last update that were asked for and are lost. Count them.
//! - `reset` says that the cursor was of a feed that is over: the server was started again, and its numbers with it. How much was
//!   lost, nobody knows; that it happened is counted. The client goes on from `next`, which is of another epoch.
//! - An entity tag belongs to an address, and the cursor is part of the address. So a tag is sent with the next request only
//!   if that one asks with the same cursor. `304` says: nothing new.
//! - An answer that is neither `200` nor `304` has said nothing about the feed.
//! - An old answer (a cache's) is of no use, so that no update is handed over twice: its `next` is before the cursor, or of
//!   another epoch although it is no reset.
//!
//! **Both halves in feedlab**: `crates/server/src/transport/short_polling.rs` and
//! `crates/loadgen/src/transport/short_polling.rs`; the body is `crates/feed/src/wire/poll.rs`.

/// A place in a feed: `k3f9.31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which life of the feed the number counts in. A server that was started again may have another one.
    pub epoch: &'static str,
    /// The number of the last update that the client has.
    pub seq: u64,
}

/// The next request: `GET /feed/poll?after=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The cursor; `None` asks for what comes from now on.
    pub after: Option<Cursor>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `ETag`.
    pub etag: Option<String>,
    /// The body, if the status has one that can be read.
    pub body: Option<Body>,
}

/// The body: `{"updates":[…],"next":"k3f9.31","gap":null}`, with a `reset` if there is one.
#[derive(Clone, Debug)]
pub struct Body {
    /// The numbers of the updates after the cursor, oldest first.
    pub updates: Vec<u64>,
    /// The cursor to ask with the next time.
    pub next: Cursor,
    /// The first and the last update that are lost.
    pub gap: Option<(u64, u64)>,
    /// The cursor that was asked with is of an epoch that is over: gap and updates are of the one of `next`.
    pub reset: bool,
}

/// What a client keeps between two polls. Begin with `Poller::default()`.
#[derive(Debug, Default)]
pub struct Poller {
    cursor: Option<Cursor>,
    etag: Option<String>,
}

impl Poller {
    /// The next request.
    #[must_use]
    pub fn request(&self) -> Request {
        Request { after: self.cursor, if_none_match: self.etag.clone() }
    }

    /// Takes the answer to the last request, and returns the updates in it that the client did not have.
    pub fn answered(&mut self, answer: Answer) -> Vec<u64> {
        // Your turn: this looks at the updates alone.
        self.etag = answer.etag;
        let updates = answer.body.map(|body| body.updates).unwrap_or_default();
        if let Some(last) = updates.last() {
            self.cursor = Some(Cursor { epoch: "", seq: *last });
        }
        updates
    }

    /// How many updates were lost, as far as the client has been told.
    #[must_use]
    pub fn missed(&self) -> u64 {
        0
    }

    /// How often the feed began again under the client.
    #[must_use]
    pub fn resets(&self) -> u64 {
        0
    }
}
