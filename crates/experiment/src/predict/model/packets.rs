//! Packets, and with their headers the bytes on the wire.
//!
//! Who says something sends a segment (RFC 9293); who has nothing to say acknowledges by itself, and may wait with
//! that for data to go along (RFC 1122, section 4.2.3.2; RFC 5681, section 4.2). What Linux makes of it was captured on
//! loopback and decides the rules here:
//!
//! * An acknowledgement leaves as soon as the application has read what came, not only with every second segment or
//!   after a delay: each update that is pushed costs a pure one (`tcp_cleanup_rbuf`).
//! * A side that answers within the delay is in "pingpong" mode: it waits up to 40 ms (`TCP_DELACK_MIN`) for data to
//!   carry the acknowledgement, and leaves the mode when the delay passes in vain. So a server acknowledges a held
//!   request by itself unless it has answered this *and the one before* within 40 ms: with independent updates the
//!   share `q²`, not `q`, is saved.
//! * The client of a long poll answers an answer at once, with its next request, and saves that acknowledgement.
//! * A new connection begins with acknowledgements at once: the first request costs one.

use feedlab_feed::tcp;

use super::Bytes;

/// How long Linux waits for data to carry an acknowledgement, s: `TCP_DELACK_MIN` of net/tcp.h, a 25th of a second.
pub(crate) const DELAYED_ACK: f64 = 0.04;
/// Data in a segment on loopback, bytes: its MTU of 65,536 less the headers.
const MSS: f64 = 65_483.0;
/// IPv4 and TCP headers with timestamps (RFC 791, RFC 9293, RFC 7323).
const HEADERS: f64 = (tcp::HEADERS_V4 + tcp::TIMESTAMPS) as f64;
/// What a SYN has more: the maximum segment size, window scale and SACK options.
const SYN_MORE: f64 = tcp::SYN_OPTIONS as f64;
/// SYN, SYN and ACK, ACK; and FIN, FIN and ACK, ACK: the second side closes with its acknowledgement.
pub(crate) const OPEN: f64 = 3.0;
pub(crate) const CLOSE: f64 = 3.0;
/// Acknowledgements for each segment of an answer of three or more. RFC 5681 asks for one each second segment; Linux
/// sends more when the reader keeps up: captured were 0.72 and 0.80.
const ACKS_A_SEGMENT: f64 = 0.75;

/// One client's packets and bytes on the wire, both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wire {
    pub(crate) packets: f64,
    pub(crate) bytes: f64,
}

/// So many packets on the wire, and with them `connections` that are opened and closed.
pub(crate) fn wire(packets: f64, connections: f64, bytes: &Bytes) -> Wire {
    Wire { packets, bytes: bytes.up + bytes.down + HEADERS * packets + 2.0 * SYN_MORE * connections }
}

/// Segments of so many bytes written at once.
pub(crate) fn segments(bytes: f64) -> f64 {
    (bytes / MSS).ceil().max(1.0)
}

/// Pure acknowledgements for them; two come so close behind each other that one covers both.
pub(crate) fn acks(segments: f64) -> f64 {
    if segments <= 2.0 { 1.0 } else { (ACKS_A_SEGMENT * segments).ceil() }
}
