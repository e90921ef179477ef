//! Exercise 2, `poll-cursor`: a poll client that loses nothing, and says what it lost.
//!
//! **Build** what a client keeps between two polls. It is asked for the next request, and handed the answer to it.
//!
//! - The cursor is the number of the last update that the client has. The answer's `next` is the cursor to ask with the
//!   next time, whatever the answer holds. A client that has none yet asks without, and is told where the feed stands.
//! - `gap` names the first and the last update that were asked for and are lost. Count those that the client did not have.
//!   A server that was started anew tells a gap up to the client's own cursor; the client goes on from `next`.
//! - An entity tag belongs to an address, and the cursor is part of the address. So a tag is sent with the next request only
//!   if that one asks with the same cursor. `304` says: nothing new.
//! - An answer that is neither `200` nor `304` has said nothing about the feed.
//! - An old answer (a cache's) without a gap and with a `next` before the cursor is of no use: no update is handed over twice.
//!
//! **Both halves in feedlab**: `crates/server/src/transport/short_polling.rs` and
//! `crates/loadgen/src/transport/short_polling.rs`; the body is `crates/feed/src/wire/poll.rs`.

/// The next request: `GET /feed/poll?after=…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The cursor; `None` asks for what comes from now on.
    pub after: Option<u64>,
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

/// The body: `{"updates":[…],"next":M,"gap":null}`.
#[derive(Clone, Debug)]
pub struct Body {
    /// The numbers of the updates after the cursor, oldest first.
    pub updates: Vec<u64>,
    /// The cursor to ask with the next time.
    pub next: u64,
    /// The first and the last update that are lost.
    pub gap: Option<(u64, u64)>,
}

/// What a client keeps between two polls. Begin with `Poller::default()`.
#[derive(Debug, Default)]
pub struct Poller {
    cursor: Option<u64>,
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
            self.cursor = Some(*last);
        }
        updates
    }

    /// How many updates were lost, as far as the client has been told.
    #[must_use]
    pub fn missed(&self) -> u64 {
        0
    }
}
