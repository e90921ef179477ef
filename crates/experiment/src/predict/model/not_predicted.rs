//! Why something is not predicted. A guess is left out, and the report says what was and why.

/// What may be predicted of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FigureKind {
    /// How late updates are.
    Ages,
    /// How often clients ask, and how often for nothing.
    Requests,
    /// How long a connection and an answer take.
    OpenTimes,
    /// Connections over the whole cell.
    Connections,
    /// Bytes and packets.
    Bytes,
    /// Bytes that go up for what clients publish.
    Publications,
}

/// A reason for which something is not known; in the order in which a report gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NotPredicted {
    /// TLS, HTTP/2 and nginx add bytes and packets.
    TlsHttp2OrNginx,
    /// The server counts slow readers' bytes with those of the others.
    SlowReaders,
    /// Something breaks while it is measured.
    Faults,
    /// How much clients publish is known on average only.
    Publishing,
    /// The way or the server holds updates up.
    HeldUp,
    /// The server keeps nothing for a poller, which is told of the gap.
    NoHistory,
    /// The server may not keep enough for a poller.
    ShortHistory,
    /// A poller brings no cursor, so that it loses what falls due between two questions, and nobody knows (E06).
    NoCursor,
    /// A proxy holds back what is pushed until a buffer is full (E14).
    Buffered,
    /// A timeout ends idle connections until the feed begins.
    IdleBefore,
    /// nginx has connections of its own.
    Proxied,
    /// Threads share no connection, and how many there are depends on the machine.
    Threads,
    /// Nothing falls due in the measured time.
    NothingDue,
    /// It is a matter of luck: of two times that are near each other, or of who comes first.
    Chance,
}

impl NotPredicted {
    /// Whether a figure depends on what is not known.
    pub(crate) const fn hides(self, figure: FigureKind) -> bool {
        use FigureKind::{Ages, Bytes, Connections, Publications, Requests};
        match self {
            Self::Faults | Self::HeldUp => true,
            Self::Buffered => !matches!(figure, Ages),
            Self::TlsHttp2OrNginx | Self::NoCursor => matches!(figure, Bytes | Publications),
            Self::NoHistory | Self::ShortHistory => matches!(figure, Ages | Bytes | Publications),
            Self::SlowReaders => matches!(figure, Bytes | Publications | Connections),
            Self::Publishing => matches!(figure, Requests | Connections | Bytes),
            Self::IdleBefore | Self::Proxied => matches!(figure, Connections),
            Self::Threads | Self::NothingDue | Self::Chance => false,
        }
    }

    /// What a report says of it; `None` where a figure's absence says enough.
    pub(crate) const fn sentence(self) -> Option<&'static str> {
        Some(match self {
            Self::TlsHttp2OrNginx => {
                "Bytes and packets are not predicted: TLS, HTTP/2 and nginx add to them what no formula here says."
            }
            Self::SlowReaders => {
                "Slow readers change nothing for the others; their bytes are in the server's counts, so that bytes are \
                 not predicted."
            }
            Self::Faults => {
                "Ages, requests and bytes are not predicted where something breaks; what is lost and how clients \
                 recover is, as far as the waits of clients are known."
            }
            Self::Publishing => {
                "Clients publish on connections that are open already, and independently of each other, so that how \
                 much they publish is known on average only."
            }
            Self::HeldUp | Self::NoHistory | Self::ShortHistory => {
                "Ages are not predicted: the way or the server holds something up for as long as no formula here says."
            }
            _ => return None,
        })
    }
}
