//! Why something is not predicted. Guesses are omitted, and the report says what was omitted and why.

/// A kind of figure that may be predicted for a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FigureKind {
    /// The ages of updates.
    Ages,
    /// The number of requests and of empty ones.
    Requests,
    /// The time to open a connection and receive an answer.
    OpenTimes,
    /// The number of connections over the whole cell.
    Connections,
    /// Bytes and packets.
    Bytes,
    /// The part of bytes and packets that the kernels decide.
    Wire,
    /// The upstream bytes of what clients publish.
    Publications,
}

/// A reason why something is not predicted, in the order in which a report lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NotPredicted {
    /// TLS, HTTP/2 or nginx add bytes and packets.
    TlsHttp2OrNginx,
    /// The server counts the bytes of slow readers together with those of the others.
    SlowReaders,
    /// Faults happen during the measured time.
    Faults,
    /// Faults or a slow link delay messages at known times.
    Delayed,
    /// A link loses packets, which the kernels send again.
    PacketsLost,
    /// Packets wait for the rate of a link.
    Queued,
    /// Over a link that does more than delay packets, ages are simulated.
    Simulated,
    /// A packet that jitter delays on a link delays all that follow.
    LinkJitter,
    /// What is sent at once does not fit into TCP's initial window.
    SlowStart,
    /// Over a link, the kernels of both sides decide about segments and acknowledgements.
    OverLink,
    /// The number of updates that clients publish is known only on average.
    Publishing,
    /// The network path or the server delays updates.
    HeldUp,
    /// The server keeps no history for a polling client and reports the gap.
    NoHistory,
    /// The history may be too short for a polling client.
    ShortHistory,
    /// A polling client sends no cursor, so it loses the updates between two requests without noticing (E06).
    NoCursor,
    /// A proxy holds back pushed updates until a buffer is full (E14).
    Buffered,
    /// A timeout closes idle connections before the feed starts.
    IdleBefore,
    /// nginx opens its own connections.
    Proxied,
    /// Connections are not shared between threads, and the number of threads depends on the machine.
    Threads,
    /// No update falls due in the measured time.
    NothingDue,
    /// The outcome depends on chance: on two times that are close to each other, or on which client is first.
    Chance,
}

impl NotPredicted {
    /// Whether this reason prevents the prediction of a figure.
    pub(crate) const fn hides(self, figure: FigureKind) -> bool {
        use FigureKind::{Ages, Bytes, Connections, OpenTimes, Publications, Requests, Wire};
        match self {
            Self::Faults | Self::HeldUp | Self::PacketsLost | Self::Queued => true,
            Self::LinkJitter | Self::SlowStart => matches!(figure, Ages | Requests | OpenTimes | Bytes | Connections),
            Self::OverLink => matches!(figure, Wire),
            Self::Buffered | Self::Delayed | Self::Simulated => !matches!(figure, Ages),
            Self::TlsHttp2OrNginx | Self::NoCursor => matches!(figure, Bytes | Publications),
            Self::NoHistory | Self::ShortHistory => matches!(figure, Ages | Bytes | Publications),
            Self::SlowReaders => matches!(figure, Bytes | Publications | Connections),
            Self::Publishing => matches!(figure, Requests | Connections | Bytes),
            Self::IdleBefore | Self::Proxied => matches!(figure, Connections),
            Self::Threads | Self::NothingDue | Self::Chance => false,
        }
    }

    /// Returns the report's explanation; `None` if the absence of the figure is sufficient.
    pub(crate) const fn sentence(self) -> Option<&'static str> {
        Some(match self {
            Self::TlsHttp2OrNginx => {
                "Bytes and packets are not predicted: there is no formula for what TLS, HTTP/2 and nginx add to them."
            }
            Self::SlowReaders => {
                "Slow readers do not affect the other clients, but the server counts their bytes too, so bytes are \
                 not predicted."
            }
            Self::Faults => {
                "Ages, requests and bytes are not predicted in scenarios with faults; losses and recovery are, as far \
                 as the clients' waits are known."
            }
            Self::Delayed => {
                "Ages follow each update through the delays that the scenario injects; requests and bytes are not \
                 predicted."
            }
            Self::PacketsLost => {
                "Packets are lost, and when the kernels send them again depends on which: ages, requests, connections and \
                 bytes are not predicted."
            }
            Self::Queued => {
                "Packets wait for the link's rate, behind those of all clients, for a time that no formula here describes: \
                 ages, requests, connections and bytes are not predicted."
            }
            Self::Simulated => {
                "Packets are lost or wait on the link, so ages are simulated with a model of TCP, and requests, connections and \
                 bytes are not predicted."
            }
            Self::LinkJitter => {
                "On the link, a packet that jitter delays also delays those of other clients that follow: ages, requests and \
                 bytes are not predicted."
            }
            Self::SlowStart => {
                "What is sent at once may not fit into TCP's initial window of ten segments (RFC 6928) and then takes further \
                 round trips: ages, requests and bytes are not predicted."
            }
            Self::OverLink => {
                "Packets and their bytes on the wire are not predicted: the kernels of both sides divide and acknowledge what \
                 is sent as the link's packet size and round trip make them."
            }
            Self::Publishing => {
                "Clients publish on connections that are already open, independently of each other, so the number of \
                 updates is known only on average."
            }
            Self::HeldUp | Self::NoHistory | Self::ShortHistory => {
                "Ages are not predicted: the network path or the server delays updates for a time that no formula \
                 describes."
            }
            _ => return None,
        })
    }
}
