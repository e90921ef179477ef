//! Exercise 2, `poll-cursor`, solved.
//!
//! The state is four things: the client's position, the entity tag of that position, the number of lost updates, and
//! the number of resets, where nobody knows how many were lost. A response changes them together or not at all.

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
    /// The entity tag of the next request's URL.
    etag: Option<String>,
    missed: u64,
    resets: u64,
}

impl Poller {
    /// Returns the next request.
    #[must_use]
    pub fn request(&self) -> Request {
        Request { after: self.cursor, if_none_match: self.etag.clone() }
    }

    /// Processes the response to the last request, and returns those of its updates that are new to the client.
    pub fn answered(&mut self, answer: Answer) -> Vec<u64> {
        // A 304 confirms cursor and tag; an error says nothing. Either way, nothing changes.
        let Some(body) = answer.body.filter(|_| answer.status == 200) else { return Vec::new() };
        // A stale response. Only a reset can say that the feed has gone back, because it started over.
        if !body.reset && self.cursor.is_some_and(|cursor| !leads_on(cursor, body.next)) {
            return Vec::new();
        }
        self.missed += body.gap.map_or(0, |(from, to)| to + 1 - from);
        self.resets += u64::from(body.reset);
        // With another cursor, the next request has another URL, and this tag does not belong to it. A server that
        // accepted it anyway would report "nothing new" to a client that never received what is there.
        let same_url = self.cursor == Some(body.next);
        self.etag = answer.etag.filter(|_| same_url);
        // `next`, not the last update: a response without updates has a position too.
        self.cursor = Some(body.next);
        body.updates
    }

    /// Returns how many updates were lost, as far as the client knows.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// Returns how often the feed started over.
    #[must_use]
    pub const fn resets(&self) -> u64 {
        self.resets
    }
}

/// Whether `next` continues from `cursor`. Numbers of two epochs cannot be compared.
fn leads_on(cursor: Cursor, next: Cursor) -> bool {
    cursor.epoch == next.epoch && cursor.seq <= next.seq
}
