//! The bytes per update, by kind: payload, framing, headers, keepalive, TCP/IP.

use feedlab_experiment::Metric;
use feedlab_experiment::summary::Estimate;

use super::SummaryRow;
use crate::series::Series;

/// The level at which bytes are counted. Only bytes of the same level can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// At the server's sockets.
    Socket,
    /// On the wire, including the headers of IP and TCP.
    Wire,
}

impl Level {
    /// The metric of all bytes per update at this level.
    pub(crate) const fn metric(self) -> Metric {
        match self {
            Self::Socket => Metric::SocketBytesPerUpdate,
            Self::Wire => Metric::WireBytesPerUpdate,
        }
    }
}

/// A kind of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteKind {
    /// The payload of the application.
    Payload,
    /// The framing around the payload.
    Framing,
    /// Request lines, status lines and HTTP headers.
    Headers,
    /// Comments, pings and pongs.
    Keepalive,
    /// Everything that the transport adds on the socket, where it was not counted by kind.
    Added,
    /// Headers of IP and TCP, acknowledgements, handshakes, closes, and retransmissions.
    TcpIp,
}

impl ByteKind {
    /// Every kind, in the order of a bar.
    pub(crate) const ALL: [Self; 6] =
        [Self::Payload, Self::Framing, Self::Headers, Self::Keepalive, Self::Added, Self::TcpIp];

    /// The name in keys and tables.
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

/// The bytes per update for one row of the summary.
#[derive(Debug)]
pub(crate) struct BytesBar {
    /// The contender.
    pub(crate) series: Series,
    /// The payload of the application.
    pub(crate) payload: Option<f64>,
    /// The framing around the payload.
    pub(crate) framing: Option<f64>,
    /// Request lines, status lines and headers.
    pub(crate) headers: Option<f64>,
    /// Traffic that keeps idle connections alive.
    pub(crate) keepalive: Option<f64>,
    /// All socket bytes in both directions, including the payload.
    pub(crate) socket: Option<Estimate>,
    /// All wire bytes in both directions, including the headers of IP and TCP.
    pub(crate) wire: Option<Estimate>,
    /// Segments per update, both directions.
    pub(crate) packets: Option<Estimate>,
    /// The predicted socket bytes, if there is a prediction.
    pub(crate) predicted_socket: Option<f64>,
    /// The predicted wire bytes, if there is a prediction.
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

    /// All bytes per update at a level.
    pub(crate) fn total(&self, level: Level) -> Option<Estimate> {
        match level {
            Level::Socket => self.socket,
            Level::Wire => self.wire,
        }
    }

    /// The predicted bytes per update at a level.
    pub(crate) const fn predicted(&self, level: Level) -> Option<f64> {
        match level {
            Level::Socket => self.predicted_socket,
            Level::Wire => self.predicted_wire,
        }
    }

    /// The bytes that the transport added on the socket; `None` unless both figures were measured.
    pub(crate) fn added(&self) -> Option<f64> {
        Some((self.socket?.value - self.payload?).max(0.0))
    }

    /// The bytes that the wire added to the socket; `None` unless both figures were measured.
    pub(crate) fn tcp_ip(&self) -> Option<f64> {
        Some((self.wire?.value - self.socket?.value).max(0.0))
    }

    /// One kind of bytes. `Added` replaces framing, headers and keepalive where those were not counted.
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

    /// The parts of a bar at a level that are not zero; `None` unless they add up to the whole.
    pub(crate) fn parts(&self, level: Level) -> Option<Vec<(ByteKind, f64)>> {
        let socket = self.socket?.value;
        // Compression can make an update smaller than its payload: then all socket bytes count as payload.
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

    /// Whether the bytes that the transport added were counted by kind.
    pub(crate) fn is_split(&self) -> bool {
        self.framing.is_some() && self.headers.is_some() && self.keepalive.is_some()
    }
}

/// Returns the level at which all bars can be compared: the wire if every bar with socket bytes has wire bytes too.
pub(super) fn level(bars: &[BytesBar]) -> Level {
    let mut measured = bars.iter().filter(|bar| bar.socket.is_some()).peekable();
    let has_any = measured.peek().is_some();
    if has_any && measured.all(|bar| bar.wire.is_some()) { Level::Wire } else { Level::Socket }
}
