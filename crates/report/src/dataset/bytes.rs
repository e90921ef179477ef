//! What an update weighs, and of what the weight is made: payload, framing, headers, keepalive, TCP/IP.

use feedlab_experiment::Metric;
use feedlab_experiment::summary::Estimate;

use super::SummaryRow;
use crate::series::Series;

/// Where bytes are counted. Only what was counted at the same place can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// At the server's sockets.
    Socket,
    /// On the wire: the headers of IP and TCP too.
    Wire,
}

impl Level {
    /// All bytes of an update at this level.
    pub(crate) const fn metric(self) -> Metric {
        match self {
            Self::Socket => Metric::SocketBytesPerUpdate,
            Self::Wire => Metric::WireBytesPerUpdate,
        }
    }
}

/// A part of an update's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteKind {
    /// What the application wanted to say.
    Payload,
    /// What wraps it.
    Framing,
    /// Request lines, status lines and HTTP headers.
    Headers,
    /// Comments, pings and pongs.
    Keepalive,
    /// All that the transport adds on the socket, where it was not counted by kind.
    Added,
    /// Headers of IP and TCP, acknowledgements, handshakes, closes, and what was sent again.
    TcpIp,
}

impl ByteKind {
    /// Every kind, in the order of a bar.
    pub(crate) const ALL: [Self; 6] =
        [Self::Payload, Self::Framing, Self::Headers, Self::Keepalive, Self::Added, Self::TcpIp];

    /// Its name in keys and tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Framing => "framing",
            Self::Headers => "HTTP headers",
            Self::Keepalive => "keepalive",
            Self::Added => "added by the transport",
            Self::TcpIp => "TCP/IP",
        }
    }
}

/// What an update weighs for one row of the summary, bytes.
#[derive(Debug)]
pub(crate) struct BytesBar {
    /// Whose.
    pub(crate) series: Series,
    /// What the application wanted to say.
    pub(crate) payload: Option<f64>,
    /// What wraps it.
    pub(crate) framing: Option<f64>,
    /// Request lines, status lines and headers.
    pub(crate) headers: Option<f64>,
    /// What keeps idle connections alive.
    pub(crate) keepalive: Option<f64>,
    /// Everything that went over the sockets, both directions, payload included.
    pub(crate) socket: Option<Estimate>,
    /// The same with the headers of IP and TCP.
    pub(crate) wire: Option<Estimate>,
    /// Segments, both directions.
    pub(crate) packets: Option<Estimate>,
    /// What is predicted on the socket and on the wire, if anything is.
    pub(crate) predicted_socket: Option<f64>,
    pub(crate) predicted_wire: Option<f64>,
}

impl BytesBar {
    pub(super) fn new(row: &SummaryRow) -> Self {
        let value = |metric| row.estimate(metric).map(|estimate| estimate.value);
        Self {
            series: row.series.clone(),
            payload: value(Metric::PayloadBytesPerUpdate),
            framing: value(Metric::FramingBytesPerUpdate),
            headers: value(Metric::HeaderBytesPerUpdate),
            keepalive: value(Metric::KeepaliveBytesPerUpdate),
            socket: row.estimate(Metric::SocketBytesPerUpdate),
            wire: row.estimate(Metric::WireBytesPerUpdate),
            packets: row.estimate(Metric::PacketsPerUpdate),
            predicted_socket: row.predicted(Metric::SocketBytesPerUpdate),
            predicted_wire: row.predicted(Metric::WireBytesPerUpdate),
        }
    }

    /// All bytes of an update at a level.
    pub(crate) fn total(&self, level: Level) -> Option<Estimate> {
        match level {
            Level::Socket => self.socket,
            Level::Wire => self.wire,
        }
    }

    /// What is predicted for all bytes of an update at a level.
    pub(crate) const fn predicted(&self, level: Level) -> Option<f64> {
        match level {
            Level::Socket => self.predicted_socket,
            Level::Wire => self.predicted_wire,
        }
    }

    /// What the transport added on the socket; nothing without both figures.
    pub(crate) fn added(&self) -> Option<f64> {
        Some((self.socket?.value - self.payload?).max(0.0))
    }

    /// What the wire added to the socket; nothing without both figures.
    pub(crate) fn tcp_ip(&self) -> Option<f64> {
        Some((self.wire?.value - self.socket?.value).max(0.0))
    }

    /// One kind of bytes. What the transport added stands in for its kinds where they were not counted.
    pub(crate) fn of(&self, kind: ByteKind) -> Option<f64> {
        match kind {
            ByteKind::Payload => self.payload,
            ByteKind::Framing => self.framing,
            ByteKind::Headers => self.headers,
            ByteKind::Keepalive => self.keepalive,
            ByteKind::Added if self.is_split() => None,
            ByteKind::Added => self.added(),
            ByteKind::TcpIp => self.tcp_ip(),
        }
    }

    /// The parts of a bar at a level, those that are not zero; nothing unless they make up the whole.
    pub(crate) fn parts(&self, level: Level) -> Option<Vec<(ByteKind, f64)>> {
        let socket = self.socket?.value;
        // Compression could make an update lighter than its payload: then all of the socket's bytes are payload.
        let payload = (ByteKind::Payload, self.payload?.min(socket));
        let kinds: &[ByteKind] = if self.is_split() {
            &[ByteKind::Framing, ByteKind::Headers, ByteKind::Keepalive]
        } else {
            &[ByteKind::Added]
        };
        let mut parts = vec![payload];
        parts.extend(kinds.iter().filter_map(|&kind| Some((kind, self.of(kind)?))));
        if level == Level::Wire {
            parts.push((ByteKind::TcpIp, self.tcp_ip()?));
        }
        parts.retain(|part| part.1 > 0.0);
        Some(parts)
    }

    /// Whether what the transport added was counted by kind.
    pub(crate) fn is_split(&self) -> bool {
        self.framing.is_some() && self.headers.is_some() && self.keepalive.is_some()
    }
}

/// The level at which all bars can be compared: the wire if none that has socket bytes lacks wire bytes.
pub(super) fn level(bars: &[BytesBar]) -> Level {
    let mut measured = bars.iter().filter(|bar| bar.socket.is_some()).peekable();
    let has_any = measured.peek().is_some();
    if has_any && measured.all(|bar| bar.wire.is_some()) { Level::Wire } else { Level::Socket }
}
