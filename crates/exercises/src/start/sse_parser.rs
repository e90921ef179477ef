//! Exercise 1, `sse-parser`: read an event stream.
//!
//! **Build** the algorithm of WHATWG HTML, section 9.2.6, "Interpreting an event stream". The bytes arrive in chunks of
//! any size: a chunk may end in the middle of a line, of a line ending, or of a character.
//!
//! - A stream is UTF-8 and may start with one byte order mark. A line ends with LF, CR or CRLF.
//! - `data` lines are joined by LF; `event` sets the type (`message` without one); `id` stays until another is read,
//!   and is ignored if it has a NUL; `retry` counts only if it is all digits; other fields and comments are ignored.
//! - After a field's colon, one space is dropped. A line without a colon is a field with an empty value.
//! - A blank line ends the event. Without data there is no event, but its id counts. What the end of the stream cuts
//!   off is not an event.
//!
//! **Both halves in feedlab**: `crates/feed/src/wire/sse.rs` writes events (`Outgoing`) and reads them (`Parser`);
//! `crates/server/src/transport/sse.rs` and `crates/loadgen/src/transport/sse.rs` use them.

/// An event as a browser passes it to a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The type: `message` unless the stream set one.
    pub event_type: String,
    /// The data lines, joined by LF.
    pub data: String,
    /// The last event id at this event: its own, or that of an earlier one.
    pub last_event_id: String,
}

/// Parses one stream. Start with `Parser::default()`.
#[derive(Debug, Default)]
pub struct Parser {
    last_event_id: String,
    retry_ms: Option<u64>,
}

impl Parser {
    /// Parses a chunk and returns the events that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Event> {
        // Your turn: this assumes that a chunk has whole events, and that all lines end with LF. No network promises
        // that.
        let text = String::from_utf8_lossy(chunk);
        let mut events = Vec::new();
        for block in text.split("\n\n") {
            let mut event = Event { event_type: "message".to_owned(), ..Event::default() };
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("data", value)) => value.clone_into(&mut event.data),
                    Some(("event", value)) => value.clone_into(&mut event.event_type),
                    Some(("id", value)) => value.clone_into(&mut self.last_event_id),
                    Some(("retry", value)) => self.retry_ms = value.parse().ok(),
                    _ => {}
                }
            }
            if !event.data.is_empty() {
                event.last_event_id.clone_from(&self.last_event_id);
                events.push(event);
            }
        }
        events
    }

    /// Returns what a reconnect sends as `Last-Event-ID`: the id at the last blank line, empty if there was none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Returns the reconnection time that the stream set, in ms.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }
}
