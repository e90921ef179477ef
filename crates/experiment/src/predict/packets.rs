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

use feedlab_feed::{Transport, tcp};

use super::bytes::Bytes;
use super::heads::closes;
use super::requests::{Traffic, cycle};
use super::way::Way;
use crate::scenario::{Contender, Options};

/// How long Linux waits for data to carry an acknowledgement, s: `TCP_DELACK_MIN` of net/tcp.h, a 25th of a second.
pub(super) const DELAYED_ACK: f64 = 0.04;
/// Data in a segment on loopback, bytes: its MTU of 65,536 less the headers.
const MSS: f64 = 65_483.0;
/// IPv4 and TCP headers with timestamps (RFC 791, RFC 9293, RFC 7323).
const HEADERS: f64 = (tcp::HEADERS_V4 + tcp::TIMESTAMPS) as f64;
/// What a SYN has more: the maximum segment size, window scale and SACK options.
const SYN_MORE: f64 = tcp::SYN_OPTIONS as f64;
/// SYN, SYN and ACK, ACK; and FIN, FIN and ACK, ACK: the second side closes with its acknowledgement.
const OPEN: f64 = 3.0;
const CLOSE: f64 = 3.0;
/// Acknowledgements for each segment of an answer of three or more. RFC 5681 asks for one each second segment; Linux
/// sends more when the reader keeps up: captured were 0.72 and 0.80.
const ACKS_A_SEGMENT: f64 = 0.75;

/// One client's packets and bytes on the wire, both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wire {
    pub(super) packets: f64,
    pub(super) bytes: f64,
}

/// What a client's traffic is on the wire.
pub(super) fn wire(contender: &Contender, traffic: &Traffic, bytes: &Bytes, way: &Way) -> Wire {
    let connections = if closes(contender) { traffic.requests } else { 0.0 };
    let packets = match contender.transport() {
        Transport::ShortPolling | Transport::LongPolling if closes(contender) => fresh(traffic, bytes),
        Transport::ShortPolling => short_polling(contender, traffic, bytes, way),
        Transport::LongPolling => long_polling(traffic, bytes, way),
        // A comment and its acknowledgement.
        Transport::Sse => streamed(traffic, bytes) + 2.0 * traffic.keepalives,
        // A ping, the pong that carries its acknowledgement, and the pong's own.
        Transport::WebSocket => streamed(traffic, bytes) + 3.0 * traffic.keepalives,
    };
    Wire { packets, bytes: bytes.up + bytes.down + HEADERS * packets + 2.0 * SYN_MORE * connections }
}

/// Segments of so many bytes written at once.
fn segments(bytes: f64) -> f64 {
    (bytes / MSS).ceil().max(1.0)
}

/// Pure acknowledgements for them; two come so close behind each other that one covers both.
fn acks(segments: f64) -> f64 {
    if segments <= 2.0 { 1.0 } else { (ACKS_A_SEGMENT * segments).ceil() }
}

/// A connection for each request: handshake, request and its acknowledgement, answer and its acknowledgement, close.
fn fresh(traffic: &Traffic, bytes: &Bytes) -> f64 {
    let rest = OPEN + 2.0 + CLOSE;
    let news = segments(bytes.answer);
    traffic.requests * rest + traffic.with_news() * (news + acks(news)) + traffic.empty * 2.0
}

/// A request that is answered at once carries no acknowledgement of its own; the answer's leaves alone, unless the next
/// request comes before the delay is over.
fn short_polling(contender: &Contender, traffic: &Traffic, bytes: &Bytes, way: &Way) -> f64 {
    let news = segments(bytes.answer);
    let saved = match contender.options {
        Options::ShortPolling { interval, .. } => {
            let cycle = cycle(interval.as_secs_f64(), way.gap(&contender.options));
            f64::from(u8::from(cycle < DELAYED_ACK))
        }
        _ => 0.0,
    };
    traffic.requests + traffic.with_news() * (news + acks(news) - saved) + traffic.empty * (2.0 - saved)
}

/// A request, its acknowledgement unless that is saved, and the answer, whose last segment the next request
/// acknowledges: what came before that has acknowledgements of its own. Over a way that is longer than the delay the lab
/// proxy, which is the server's peer, has nothing to send in time: it acknowledges the last segment by itself, too.
fn long_polling(traffic: &Traffic, bytes: &Bytes, way: &Way) -> f64 {
    let news = segments(bytes.answer);
    let is_late = way.round_trip() >= DELAYED_ACK;
    let acks = if news > 1.0 || is_late { acks(news) } else { 0.0 };
    let empty = if is_late { 2.0 } else { 1.0 };
    2.0 * traffic.requests - traffic.unacknowledged + traffic.with_news() * (news + acks) + traffic.empty * empty
}

fn streamed(traffic: &Traffic, bytes: &Bytes) -> f64 {
    let segments = segments(bytes.answer);
    traffic.writes * (segments + acks(segments))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::contender;
    use super::*;

    fn packets(options: Options, traffic: Traffic, answer: f64) -> f64 {
        wire(&contender(options), &traffic, &Bytes { answer, ..Bytes::default() }, &Way::default()).packets
    }

    /// Captures on loopback: what each exchange took.
    #[test]
    fn exchanges_take_the_packets_that_were_captured() {
        let short = |interval, keep_alive| Options::ShortPolling {
            interval: Duration::from_millis(interval),
            keep_alive,
            conditional: false,
        };
        let one = Traffic { requests: 1.0, updates: 1.0, writes: 1.0, ..Traffic::default() };
        assert_eq!(packets(short(1000, true), one, 3000.0), 3.0);
        assert_eq!(packets(short(20, true), one, 3000.0), 2.0);
        assert_eq!(packets(short(1000, false), one, 3000.0), 10.0);
        let long = |keep_alive| Options::LongPolling { hold: Duration::from_secs(25), keep_alive };
        assert_eq!(packets(long(true), one, 500.0), 3.0);
        assert_eq!(packets(long(true), one, 65_800.0), 5.0, "two segments, and one acknowledgement between them");
        assert_eq!(packets(long(true), Traffic { unacknowledged: 1.0, ..one }, 500.0), 2.0);
        assert_eq!(packets(long(false), one, 500.0), 10.0);
        let events = Options::Sse { keepalive: Duration::from_secs(15) };
        assert_eq!(packets(events, one, 323.0), 2.0);
        assert_eq!(packets(events, one, 65_606.0), 3.0, "two segments and one acknowledgement");
        let socket = Options::WebSocket { keepalive: Duration::from_secs(15) };
        assert_eq!(packets(socket, Traffic { keepalives: 1.0, ..Traffic::default() }, 0.0), 3.0);
    }

    #[test]
    fn a_proxy_far_from_its_clients_acknowledges_answers_by_itself() {
        let long = contender(Options::LongPolling { hold: Duration::from_secs(25), keep_alive: true });
        let traffic = Traffic { requests: 2.0, updates: 1.0, empty: 1.0, ..Traffic::default() };
        let bytes = Bytes { answer: 500.0, ..Bytes::default() };
        let packets = |rtt| wire(&long, &traffic, &bytes, &Way { rtt, ..Way::default() }).packets;
        assert_eq!((packets(0.0), packets(0.1)), (6.0, 8.0));
    }

    #[test]
    fn a_segment_has_52_bytes_of_headers_and_a_syn_60() {
        let long = Options::LongPolling { hold: Duration::from_secs(25), keep_alive: false };
        let traffic = Traffic { requests: 1.0, updates: 1.0, ..Traffic::default() };
        let bytes = Bytes { up: 103.0, down: 531.0, answer: 531.0, ..Bytes::default() };
        let wire = wire(&contender(long), &traffic, &bytes, &Way::default());
        assert_eq!(wire.bytes, 103.0 + 531.0 + 8.0 * 52.0 + 2.0 * 60.0);
    }
}
