//! Packets, and the bytes on the wire including their headers.
//!
//! A side with data sends a segment (RFC 9293); a side without data sends a pure acknowledgement and may delay it until
//! data can carry it (RFC 1122, section 4.2.3.2; RFC 5681, section 4.2). The rules here follow Linux, as captured on
//! loopback:
//!
//! * An acknowledgement is sent as soon as the application has read the data, not only with every second segment or
//!   after a delay: each pushed update costs a pure acknowledgement (`tcp_cleanup_rbuf`).
//! * A side that answers within the delay is in "pingpong" mode: it waits up to 40 ms (`TCP_DELACK_MIN`) for data to
//!   carry the acknowledgement, and leaves the mode when the delay expires without data. So a server sends a pure
//!   acknowledgement for a held request unless it answered this one *and the previous one* within 40 ms: with
//!   independent updates the share `q²`, not `q`, is saved.
//! * The client of a long poll reacts to an answer immediately, with its next request, and saves that acknowledgement.
//! * A new connection starts with immediate acknowledgements: the first request costs one.

use feedlab_feed::tcp;

use super::Bytes;

/// How long Linux waits for data to carry an acknowledgement, s: `TCP_DELACK_MIN` of net/tcp.h, a 25th of a second.
pub(crate) const DELAYED_ACK: f64 = 0.04;
/// Data in a segment on loopback, bytes: the MTU of 65,536 minus the headers.
const MSS: f64 = 65_483.0;
/// IPv4 and TCP headers with timestamps (RFC 791, RFC 9293, RFC 7323).
const HEADERS: f64 = (tcp::HEADERS_V4 + tcp::TIMESTAMPS) as f64;
/// Additional bytes of a SYN: the maximum segment size, window scale and SACK options.
const SYN_MORE: f64 = tcp::SYN_OPTIONS as f64;
/// Packets of an open (SYN, SYN-ACK, ACK) and of a close (FIN, FIN-ACK, ACK: the second side closes with its
/// acknowledgement).
pub(crate) const OPEN: f64 = 3.0;
pub(crate) const CLOSE: f64 = 3.0;
/// Acknowledgements per segment of an answer of three or more segments. RFC 5681 requires one for every second segment;
/// Linux sends more if the reader keeps up: 0.72 and 0.80 in captures.
const ACKS_A_SEGMENT: f64 = 0.75;

/// One client's packets and bytes on the wire, both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wire {
    pub(crate) packets: f64,
    pub(crate) bytes: f64,
}

/// Returns the packets on the wire and their bytes, for traffic that opens and closes `connections`.
pub(crate) fn wire(packets: f64, connections: f64, bytes: &Bytes) -> Wire {
    Wire { packets, bytes: bytes.up + bytes.down + HEADERS * packets + 2.0 * SYN_MORE * connections }
}

/// Returns the number of segments for a single write of this many bytes.
pub(crate) fn segments(bytes: f64) -> f64 {
    (bytes / MSS).ceil().max(1.0)
}

/// Returns the number of pure acknowledgements for these segments; two segments arrive so close together that one
/// covers both.
pub(crate) fn acks(segments: f64) -> f64 {
    if segments <= 2.0 { 1.0 } else { (ACKS_A_SEGMENT * segments).ceil() }
}
