//! What an answer turned out to be.

use crate::inspect::exchange::Head;
use crate::inspect::seen::Found;
use crate::inspect::watch::{End, Session};

/// An answer that takes this much longer than a round trip is held, µs.
const HELD_US: u64 = 250_000;
/// What the answer turned out to be.
pub(super) fn found(session: &Session) -> Found {
    let Session { head, record, .. } = session;
    let is_json = head.media_type().contains("json");
    match head.status {
        200 if head.is_event_stream() => Found::Sse,
        200 | 204 | 304 if (is_json || head.status == 204) && record.end == End::Ended && is_held(head) => {
            Found::LongPoll
        }
        200 | 304 if is_json && record.end == End::Ended && record.watched_us < head.first_byte_us + HELD_US => {
            Found::Poll
        }
        200 if record.end != End::Ended || record.watched_us >= head.first_byte_us + HELD_US => Found::OtherStream,
        _ => Found::None,
    }
}

pub(super) fn is_held(head: &Head) -> bool {
    head.first_byte_us >= HELD_US + 2 * head.dial.tcp_us
}
