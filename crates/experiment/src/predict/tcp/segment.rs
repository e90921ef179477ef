//! What travels over the link.

/// The two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Client,
    Server,
}

impl Host {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }
}

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first segment of a connection.
    Syn,
    /// Its answer.
    SynAck,
    /// Data, or an acknowledgement alone.
    Data,
}

/// A segment of one connection. Bytes are counted from 0 in each direction.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) kind: Kind,
    /// The first byte, and the end of the data; equal without data.
    pub(super) from: u64,
    pub(super) to: u64,
    /// The next byte that its sender expects.
    pub(super) ack: u64,
    /// What its sender has received beyond it (RFC 2018): ranges in ascending order.
    pub(super) sacks: Vec<(u64, u64)>,
}

/// The bytes of IPv4's and TCP's headers with time stamps.
pub(super) const HEADERS: f64 = 52.0;

impl Segment {
    /// Returns its bytes on the link.
    pub(super) fn bytes(&self) -> f64 {
        (self.to - self.from) as f64 + HEADERS
    }
}
