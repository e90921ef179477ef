//! What an event costs, and what it would cost with compression, or over another transport.

use super::super::decode::Coding;
use super::super::finding::{Finding, Id};
use super::super::seen::{Found, Seen};
use super::super::text::grouped;

/// Bytes per event.
pub(super) fn bytes(seen: &Seen) -> Option<Finding> {
    let record = &seen.best()?.record;
    let (framing, events) = (&record.framing, record.framing.events);
    if events == 0 {
        return Some(Id::Bytes.not_tested("no event", &[]));
    }
    let each = |bytes: u64| grouped(bytes / events);
    if seen.found == Found::WebSocket {
        return Some(Id::Bytes.good(format!(
            "{} B per message, of which {} B are data",
            each(record.wire),
            each(framing.data_bytes)
        )));
    }
    let coded =
        if record.coding == Coding::Identity { String::new() } else { format!(", {} B compressed", each(record.wire)) };
    let websocket = each(framing.websocket_bytes);
    Some(Id::Bytes.good(format!(
        "{} B per event{coded}, of which {} B are data; predicted: {} with gzip, {websocket} B as a WebSocket message",
        each(record.decoded),
        each(framing.data_bytes),
        compressed(framing.compressed_from, framing.compressed_bytes(), record.decoded / events)
    )))
}

/// Predicts the size of an event under gzip with a flush after each, from those that were compressed.
fn compressed(from: usize, to: usize, bytes: u64) -> String {
    if from == 0 {
        return "nothing".to_owned();
    }
    format!("{} B", grouped(bytes.saturating_mul(to as u64) / from as u64))
}
