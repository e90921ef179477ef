//! What a NATS broker delivers to the servers of one feed. Independent of contenders; does not include the broker's own
//! cost.

use feedlab_feed::tcp;
use serde::Serialize;

/// The output of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Broker {
    /// Messages per second.
    pub messages_per_s: f64,
    /// Bits per second on the wire.
    pub bits_per_s: f64,
}

/// Returns the broker's output if every server receives the feed once, with one message per update.
pub(super) fn broker(servers: f64, updates_per_s: f64, payload_bytes: f64) -> Broker {
    let messages_per_s = servers * updates_per_s;
    Broker { messages_per_s, bits_per_s: 8.0 * (payload_bytes + message_overhead_bytes()) * messages_per_s }
}

/// Returns the bytes that a message to a server has in addition to the payload: as captured between nats-server 2.9 and
/// `feedlab serve`, except with sequence numbers of one million. The message (`HMSG` of the NATS client protocol) names
/// the stream's subject and the subject for acknowledgements; the headers are feedlab's (`message.rs` in the crate
/// `nats`). With other names the size differs. Each message is sent in its own packet, over IPv4 with timestamps.
pub(super) fn message_overhead_bytes() -> f64 {
    const LINE: &str =
        "HMSG feedlab.TICKER 1 $JS.ACK.TICKER.I9VJtcFp.1.1000000.1000000.1795944826505822824.0 109 365\r\n";
    const HEADERS: &str = "NATS/1.0\r\nFeedlab-Type: tick\r\nFeedlab-At: 1795944826505348\r\n\
                           Nats-Msg-Id: b8a3c15e8b36ade2be2ea4e7d2331e74\r\n\r\n";
    const END: &str = "\r\n";
    const PACKET: f64 = (tcp::HEADERS_V4 + tcp::TIMESTAMPS) as f64;
    (LINE.len() + HEADERS.len() + END.len()) as f64 + PACKET
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_captured_size() {
        // The capture had 452 B, with a payload of 256 B and two digits in each sequence number; here each has five
        // more.
        assert_eq!(message_overhead_bytes(), 452.0 - 256.0 + 10.0 + 52.0);
        // 68 servers, 10 updates/s: 680 messages/s of 514 B are 2.796 Mbit/s.
        assert_eq!(broker(68.0, 10.0, 256.0), Broker { messages_per_s: 680.0, bits_per_s: 680.0 * 514.0 * 8.0 });
    }
}
