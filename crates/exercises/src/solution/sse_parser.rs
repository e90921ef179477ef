//! Exercise 1, `sse-parser`, solved: WHATWG HTML, section 9.2.6, "Interpreting an event stream".
//!
//! The trick is to have no chunks: bytes become lines, lines become fields, a blank line makes an event. Each step keeps
//! what is unfinished for the next chunk. feedlab's own (`crates/feed/src/wire/sse.rs`) is this one, with `memchr` for
//! speed and a limit for an event that never ends.

/// An event as a browser hands it to a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `message` unless the stream named one.
    pub event_type: String,
    /// The data lines, joined by LF.
    pub data: String,
    /// The last event id of the stream at this event: its own, or the one before.
    pub last_event_id: String,
}

/// Reads one stream. Begin with `Parser::default()`.
#[derive(Debug, Default)]
pub struct Parser {
    /// The line that is still open: bytes, because a chunk can end in the middle of a character.
    line: Vec<u8>,
    /// The last byte was a CR. It has ended its line already; an LF now belongs to it.
    after_cr: bool,
    has_begun: bool,
    data: String,
    event_type: String,
    /// An id counts with the blank line that ends its block, and not before.
    id_of_block: String,
    last_event_id: String,
    retry_ms: Option<u64>,
}

impl Parser {
    /// Reads a chunk and returns the events that it completes.
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

    /// A whole line can be decoded: no character of UTF-8 has an LF or a CR in it.
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

    /// A comment is a field without a name, and so needs no case of its own.
    fn field(&mut self, name: &str, value: &str) {
        match name {
            "data" => self.data.extend([value, "\n"]),
            "event" => value.clone_into(&mut self.event_type),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id_of_block),
            // `parse` alone would take "+5".
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

    /// What is sent as `Last-Event-ID` after a reconnect: the id at the last blank line, empty if there was none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The reconnection time that the stream asked for, in ms.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }
}
