//! Exercise 1, `sse-parser`, solved: WHATWG HTML, section 9.2.6, "Interpreting an event stream".
//!
//! The trick is to forget about chunks: bytes become lines, lines become fields, and a blank line makes an event. Each
//! step keeps what is unfinished for the next chunk. feedlab's own parser (`crates/feed/src/wire/sse.rs`) is this one,
//! with `memchr` for speed and a limit for an event that never ends.

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
    /// The unfinished line, as bytes, because a chunk can end in the middle of a character.
    line: Vec<u8>,
    /// Whether the last byte was a CR. It has already ended its line; an LF that follows belongs to it.
    after_cr: bool,
    has_begun: bool,
    data: String,
    event_type: String,
    /// The id that was read in this block. It counts from the blank line that ends the block.
    id_of_block: String,
    last_event_id: String,
    retry_ms: Option<u64>,
}

impl Parser {
    /// Parses a chunk and returns the events that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in chunk {
            let was_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if was_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    /// Ends a line. A whole line can be decoded, because no UTF-8 character has an LF or a CR in it.
    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_event();
        }
        let line = String::from_utf8_lossy(line);
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        self.field(name, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    /// Processes a field. A comment is a field without a name, so it needs no special case.
    fn field(&mut self, name: &str, value: &str) {
        match name {
            "data" => self.data.extend([value, "\n"]),
            "event" => value.clone_into(&mut self.event_type),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id_of_block),
            // `parse` alone would accept "+5".
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok().or(self.retry_ms);
            }
            _ => {}
        }
    }

    fn end_event(&mut self) -> Option<Event> {
        self.last_event_id.clone_from(&self.id_of_block);
        let (event_type, mut data) = (std::mem::take(&mut self.event_type), std::mem::take(&mut self.data));
        data.pop()?; // the LF of the last line; without one there was no data, and there is no event
        let event_type = if event_type.is_empty() { "message".to_owned() } else { event_type };
        Some(Event { event_type, data, last_event_id: self.last_event_id.clone() })
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
