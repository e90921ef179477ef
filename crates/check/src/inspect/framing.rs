//! What an event stream consists of: its events, with ids and their own times, its comments, and where in an event the
//! bytes stop. Nothing grows with the stream but bounded records.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::sync::Arc;

use feedlab_feed::wire::sse::{Event, EventTooLarge, Parser};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::stamp;
use crate::limits::{MAX_COMPRESSED_BYTES, MAX_EVENT_BYTES, MAX_RECORDS};

mod lines;

use lines::{Lines, Utf8};

/// An event, as much of it as is remembered.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    /// A hash of its type and data, to recognize it on another connection.
    pub(super) hash: u64,
    /// When it was complete, µs after the request.
    pub(super) at_us: u64,
    /// Its id; `None` if it has none.
    pub(super) id: Option<String>,
    /// The time that its data names, ms since the Unix epoch.
    pub(super) stamp_ms: Option<i64>,
}

/// The longest id that is remembered, bytes.
const MAX_ID_BYTES: usize = 256;
/// The last events that are remembered, whatever came before, for a client that resumes.
const RECENT: usize = 8;

/// What a stream consisted of so far.
#[derive(Debug)]
pub(super) struct Framing {
    parser: Parser,
    lines: Lines,
    /// Events that a client dispatches.
    pub(super) events: u64,
    /// Events that only fill silence, as `event: ping`.
    pub(super) beats: u64,
    /// The first events, one by one.
    pub(super) noted: Vec<Noted>,
    /// The last events, also those that came after the noted ones: hash and id.
    pub(super) recent: VecDeque<(u64, Option<String>)>,
    /// Bytes of the data of all events.
    pub(super) data_bytes: u64,
    /// Bytes that the events would have as WebSocket messages from a server.
    pub(super) websocket_bytes: u64,
    /// The events, compressed as one stream that is flushed after each.
    compressed: GzEncoder<Counted>,
    /// Their text before compression, bytes.
    pub(super) compressed_from: usize,
    utf8: Utf8,
}

/// What a chunk of a stream added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Added {
    pub(super) events: u32,
    pub(super) comments: u32,
}

impl Framing {
    pub(super) fn new() -> Self {
        Self {
            parser: Parser::new(MAX_EVENT_BYTES),
            lines: Lines::default(),
            events: 0,
            beats: 0,
            noted: Vec::new(),
            recent: VecDeque::with_capacity(RECENT),
            data_bytes: 0,
            websocket_bytes: 0,
            compressed: GzEncoder::new(Counted(0), Compression::default()),
            compressed_from: 0,
            utf8: Utf8::default(),
        }
    }

    /// Reads a chunk that arrived at a time.
    ///
    /// # Errors
    /// When an event is larger than is read.
    pub(super) fn push(&mut self, chunk: &[u8], at_us: u64) -> Result<Added, EventTooLarge> {
        let comments = self.lines.push(chunk);
        self.utf8.push(chunk);
        let mut events = Vec::new();
        let result = self.parser.push(chunk, |event| events.push(event));
        let added = Added { events: u32::try_from(events.len()).unwrap_or(u32::MAX), comments };
        for event in events {
            self.note(&event, at_us);
        }
        result.map(|()| added)
    }

    /// Counts a message that is not an event of a stream.
    pub(super) fn message(&mut self, payload: &[u8], at_us: u64) {
        let data = String::from_utf8_lossy(payload).into_owned();
        self.note(&Event { event_type: String::new(), data, last_event_id: Arc::default(), has_own_id: false }, at_us);
    }

    fn note(&mut self, event: &Event, at_us: u64) {
        let data = event.data.len() as u64;
        self.events += 1;
        self.beats += u64::from(is_beat(event));
        self.data_bytes += data;
        self.websocket_bytes += data + frame_head(data);
        self.compress(event);
        let mut hasher = DefaultHasher::new();
        (&event.event_type, &event.data).hash(&mut hasher);
        let (hash, stamp_ms) = (hasher.finish(), stamp::of(&event.data));
        let keeps_id = !event.last_event_id.is_empty() && event.last_event_id.len() <= MAX_ID_BYTES;
        let id = keeps_id.then(|| event.last_event_id.to_string());
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((hash, id.clone()));
        if self.noted.len() < MAX_RECORDS {
            self.noted.push(Noted { hash, at_us, id, stamp_ms });
        }
    }

    fn compress(&mut self, event: &Event) {
        let Event { last_event_id, event_type, data, .. } = event;
        let length = "id: \nevent: \ndata: \n\n".len() + last_event_id.len() + event_type.len() + data.len();
        // Before it is written: a large id would be copied for every event that it is valid for.
        if self.compressed_from + length <= MAX_COMPRESSED_BYTES {
            self.compressed_from += length;
            // Counting never fails.
            let _ = write!(self.compressed, "id: {last_event_id}\nevent: {event_type}\ndata: {data}\n\n")
                .and_then(|()| self.compressed.flush());
        }
    }

    /// What `compressed_from` bytes of events are after compression.
    pub(super) fn compressed_bytes(&self) -> usize {
        self.compressed.get_ref().0
    }

    /// Whether the bytes so far end inside an event.
    pub(super) const fn is_inside_event(&self) -> bool {
        self.lines.length > 0 && !self.lines.is_comment() || self.lines.has_field
    }

    /// Whether they end inside a line of one: no server flushes there on purpose.
    pub(super) const fn is_inside_line(&self) -> bool {
        self.lines.length > 0
    }

    /// Whether a byte was not UTF-8.
    pub(super) const fn is_not_utf8(&self) -> bool {
        self.utf8.is_broken
    }

    /// Lines that are neither a field nor a comment.
    pub(super) const fn foreign_lines(&self) -> u64 {
        self.lines.foreign
    }

    /// Comments.
    pub(super) const fn comments(&self) -> u64 {
        self.lines.comments
    }

    /// The reconnection time that was set, ms.
    pub(super) const fn retry_ms(&self) -> Option<u64> {
        self.parser.retry_ms()
    }

    /// The value of `Last-Event-ID` for a reconnect.
    pub(super) fn last_event_id(&self) -> &str {
        self.parser.last_event_id()
    }

    /// How many of the noted events have an id.
    pub(super) fn with_id(&self) -> usize {
        self.noted.iter().filter(|event| event.id.is_some()).count()
    }
}

/// Whether an event is there only to fill silence.
fn is_beat(event: &Event) -> bool {
    let is_name = |text: &str| {
        let text = text.trim_matches(['"', '{', '}', ' ']).to_ascii_lowercase();
        matches!(text.as_str(), "" | "ping" | "heartbeat" | "keepalive" | "keep-alive" | "keep_alive")
    };
    event.event_type != "message" && is_name(&event.event_type) && !event.event_type.is_empty()
        || event.event_type == "message" && is_name(&event.data)
}

/// The head of a server's WebSocket frame, bytes (RFC 6455, section 5.2).
pub(super) const fn frame_head(payload: u64) -> u64 {
    match payload {
        0..126 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

/// Counts bytes.
#[derive(Debug)]
struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
