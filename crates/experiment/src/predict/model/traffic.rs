//! What passes between the server and one client: requests, updates, and their bytes on the sockets.

/// What passes between the server and one client in a stretch of time, expected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traffic {
    /// Requests answered.
    pub(crate) requests: f64,
    /// Those whose answer brings no update.
    pub(crate) empty: f64,
    /// Those of the empty ones that follow another empty one.
    pub(crate) empty_again: f64,
    /// Polls that were due and not sent, because the one before was under way.
    pub(crate) skipped: f64,
    /// Requests that the server need not acknowledge by themselves: see [`super::packets`].
    pub(crate) unacknowledged: f64,
    /// Updates handed over.
    pub(crate) updates: f64,
    /// Writes of a stream: one an update, or one for all that fall due at once.
    pub(crate) writes: f64,
    /// Comments or pings.
    pub(crate) keepalives: f64,
    /// Connections that the client ended by itself, and replaced by another.
    pub(crate) changes: f64,
}

impl Traffic {
    /// Every amount, as often.
    pub(crate) fn times(self, factor: f64) -> Self {
        self.with(self, |amount, _| amount * factor)
    }

    /// Requests whose answer brings updates.
    pub(crate) fn with_news(&self) -> f64 {
        self.requests - self.empty
    }

    /// Each amount and that of another, made one.
    pub(crate) fn with(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            requests: of(self.requests, other.requests),
            empty: of(self.empty, other.empty),
            empty_again: of(self.empty_again, other.empty_again),
            skipped: of(self.skipped, other.skipped),
            unacknowledged: of(self.unacknowledged, other.unacknowledged),
            updates: of(self.updates, other.updates),
            writes: of(self.writes, other.writes),
            keepalives: of(self.keepalives, other.keepalives),
            changes: of(self.changes, other.changes),
        }
    }
}

impl std::iter::Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| sum.with(one, |a, b| a + b))
    }
}

/// One client's bytes. Their sum is what passes the server's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bytes {
    /// From the client.
    pub(crate) up: f64,
    /// To the client.
    pub(crate) down: f64,
    /// Of both: what the application wanted to say.
    pub(crate) payload: f64,
    /// Of both: heads of requests and answers.
    pub(crate) headers: f64,
    /// Of both: what wraps payloads.
    pub(crate) framing: f64,
    /// Of both: what is there to keep idle connections open.
    pub(crate) keepalive: f64,
    /// Of the mean answer that brings news, or of the mean write of a stream.
    pub(crate) answer: f64,
}
