//! Exercise 2, `poll-cursor`, solved.
//!
//! The state is four things: where the client is, which tag that place has, what was lost on the way, and how often nobody
//! knows how much. An answer changes them together or not at all.

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
    /// The tag of the address that the next request asks.
    etag: Option<String>,
    missed: u64,
    resets: u64,
}

impl Poller {
    /// The next request.
    #[must_use]
    pub fn request(&self) -> Request {
        Request { after: self.cursor, if_none_match: self.etag.clone() }
    }

    /// Takes the answer to the last request, and returns the updates in it that the client did not have.
    pub fn answered(&mut self, answer: Answer) -> Vec<u64> {
        // A 304 says that cursor and tag hold; an error says nothing. Either way everything stays as it is.
        let Some(body) = answer.body.filter(|_| answer.status == 200) else { return Vec::new() };
        // An answer to an older question. Only a reset can say that the feed has gone back: it began again.
        if !body.reset && self.cursor.is_some_and(|cursor| !leads_on(cursor, body.next)) {
            return Vec::new();
        }
        self.missed += body.gap.map_or(0, |(from, to)| to + 1 - from);
        self.resets += u64::from(body.reset);
        // With another cursor the next request has another address, and this tag is not that one's. A server that took
        // it all the same would say "nothing new" to a client that never got what is there.
        let same_address = self.cursor == Some(body.next);
        self.etag = answer.etag.filter(|_| same_address);
        // `next`, and not the last update: an answer without updates has a place too.
        self.cursor = Some(body.next);
        body.updates
    }

    /// How many updates were lost, as far as the client has been told.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// How often the feed began again under the client.
    #[must_use]
    pub const fn resets(&self) -> u64 {
        self.resets
    }
}

/// Numbers of two epochs cannot be compared.
fn leads_on(cursor: Cursor, next: Cursor) -> bool {
    cursor.epoch == next.epoch && cursor.seq <= next.seq
}
