//! Exercise 2, `poll-cursor`, solved.
//!
//! The state is three things: where the client is, which tag that place has, and what was lost on the way. An answer
//! changes all of them or none.

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
    /// The tag of the address that the next request asks.
    etag: Option<String>,
    missed: u64,
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
        // An answer to an older question. Only a gap can say that the feed has gone back: it began anew.
        if body.gap.is_none() && self.cursor.is_some_and(|cursor| body.next < cursor) {
            return Vec::new();
        }
        self.missed += self.lost_in(body.gap);
        // With another cursor the next request has another address, and this tag is not that one's. A server that took
        // it all the same would say "nothing new" to a client that never got what is there.
        let same_address = self.cursor == Some(body.next);
        self.etag = answer.etag.filter(|_| same_address);
        // `next`, and not the last update: an answer without updates has a place too.
        self.cursor = Some(body.next);
        body.updates
    }

    /// The gap of a new life reaches up to what the client had already: that is not lost.
    fn lost_in(&self, gap: Option<(u64, u64)>) -> u64 {
        let had = self.cursor.unwrap_or(0);
        gap.map_or(0, |(from, to)| (to + 1).saturating_sub(from.max(had + 1)))
    }

    /// How many updates were lost, as far as the client has been told.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }
}
