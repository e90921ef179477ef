//! The traffic between the server and one client: requests, updates, and their bytes on the sockets.

/// The expected traffic between the server and one client in a period of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traffic {
    /// The number of requests answered.
    pub(crate) requests: f64,
    /// The number of requests whose answer contains no update.
    pub(crate) empty: f64,
    /// The number of empty requests that follow another empty one.
    pub(crate) empty_again: f64,
    /// The number of polls that were due but not sent because the previous one was still in flight.
    pub(crate) skipped: f64,
    /// The number of requests for which the server sends no pure acknowledgement: see [`super::packets`].
    pub(crate) unacknowledged: f64,
    /// The number of updates delivered.
    pub(crate) updates: f64,
    /// The number of writes to a stream: one per update, or one for all updates that fall due at the same time.
    pub(crate) writes: f64,
    /// The number of keepalive comments or pings.
    pub(crate) keepalives: f64,
    /// The number of connections that the client ended by itself and replaced.
    pub(crate) changes: f64,
}

impl Traffic {
    /// Returns every amount, multiplied by a factor.
    pub(crate) fn times(self, factor: f64) -> Self {
        self.with(self, |amount, _| amount * factor)
    }

    /// Returns the number of requests whose answer contains updates.
    pub(crate) fn with_updates(&self) -> f64 {
        self.requests - self.empty
    }

    /// Combines each amount with that of another traffic.
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

/// The bytes of one client. The sum of `up` and `down` is what passes the server's socket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bytes {
    /// Bytes from the client.
    pub(crate) up: f64,
    /// Bytes to the client.
    pub(crate) down: f64,
    /// Payload bytes in both directions.
    pub(crate) payload: f64,
    /// Bytes of request and response headers in both directions.
    pub(crate) headers: f64,
    /// Bytes that wrap payloads, in both directions.
    pub(crate) framing: f64,
    /// Bytes that keep idle connections open, in both directions.
    pub(crate) keepalive: f64,
    /// Bytes of the mean answer with updates, or of the mean write to a stream.
    pub(crate) answer: f64,
}
