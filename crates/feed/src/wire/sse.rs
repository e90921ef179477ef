//! The event stream format: WHATWG HTML, section 9.2, "Server-sent events".
//!
//! An update is `id: CURSOR`, `event: TYPE` and `data: {"at":…,"data":…}`. The [`Parser`] implements the standard's
//! whole algorithm and accepts chunks of any size.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{WireError, data_json, read_data, to_json, to_json_around};
use crate::{Cursor, Epoch, EventType, Gap, Reset, Update};

/// The content type of an event stream.
pub const CONTENT_TYPE: &str = "text/event-stream";
/// The header in which a client sends the id of the last event that it received (WHATWG HTML, section 9.2.4).
pub const LAST_EVENT_ID: &str = "last-event-id";

/// The headers of an event stream. `X-Accel-Buffering: no` tells nginx not to buffer the stream.
pub const HEADERS: [(&str, &str); 3] =
    [("content-type", CONTENT_TYPE), ("cache-control", "no-cache"), ("x-accel-buffering", "no")];

/// The default reconnection time that a server asks for.
pub const RETRY: Duration = Duration::from_secs(2);

/// A server that shuts down asks each client for its reconnection time plus up to this many times as much, so that they do
/// not all reconnect at once.
pub const RETRY_SPREAD: u32 = 2;

/// An event as a server writes it.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The `id:` field, which the client sends back as `Last-Event-ID`.
    pub id: Option<Cursor>,
    /// The `event:` field.
    pub event: &'a str,
    /// The data, written as one `data:` field per line.
    pub data: &'a str,
}

impl Outgoing<'_> {
    /// Returns the text of the event, including its closing blank line.
    #[must_use]
    pub fn to_text(self) -> String {
        let mut text = String::with_capacity(self.data.len() + self.event.len() + 48);
        if let Some(id) = self.id {
            text.push_str(&format!("id: {id}\n"));
        }
        text.push_str(&format!("event: {}\n", self.event));
        for line in lines(self.data) {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        text
    }
}

/// Returns the lines of a text, which end with CRLF, LF or CR as in the stream format; an empty text has one line.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr::memchr2(b'\n', b'\r', text.as_bytes()) else { return rest.take() };
        let skip = if text[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&text[end + skip..]);
        Some(&text[..end])
    })
}

/// Returns the event of an update, in an epoch of its feed.
#[must_use]
pub fn update_event(epoch: Epoch, update: &Update) -> String {
    let (data, encoding) = data_json(&update.data);
    let body = to_json_around(data.len(), &EventData { at: update.at, data, encoding });
    Outgoing { id: Some(Cursor::new(epoch, update.seq)), event: update.event_type.as_str(), data: &body }.to_text()
}

/// Returns the event that reports a gap; its `id:` moves the client's cursor past what is lost.
#[must_use]
pub fn gap_event(gap: Gap, resume: Cursor) -> String {
    Outgoing { id: Some(resume), event: EventType::GAP, data: &to_json(&gap) }.to_text()
}

/// Returns the event that reports a reset; its `id:` is the client's cursor from then on.
#[must_use]
pub fn reset_event(reset: Reset) -> String {
    Outgoing { id: Some(reset.resume), event: EventType::RESET, data: &to_json(&reset) }.to_text()
}

/// Returns the start of a stream: the reconnection time, and the cursor as the last event id. A block without data is
/// not an event, but its id counts, so that even a client that is cut off before its first update misses nothing.
///
/// A stream that begins with a reset starts with [`retry`] alone: the cursor of its client changes with the reset
/// event, and not before.
#[must_use]
pub fn greeting(cursor: Cursor, reconnection: Duration) -> String {
    format!("id: {cursor}\n{}", retry(reconnection))
}

/// Returns the block that sets the client's reconnection time.
#[must_use]
pub fn retry(reconnection: Duration) -> String {
    format!("retry: {}\n\n", reconnection.as_millis())
}

/// A comment: traffic that keeps proxies from closing an idle stream, and that the client ignores.
pub const KEEPALIVE: &str = ":\n\n";

/// Returns one chunk of HTTP/1.1's chunked coding (RFC 9112, section 7.1) with some bytes.
#[must_use]
pub fn chunk(text: &[u8]) -> Bytes {
    let head = format!("{:x}\r\n", text.len());
    [head.as_bytes(), text, b"\r\n"].concat().into()
}

/// Returns the bytes in a chunk that [`chunk`] has made, for a client that knows no chunks.
#[must_use]
pub fn unchunked(chunk: &Bytes) -> Bytes {
    let start = chunk.iter().position(|b| *b == b'\n').map_or(0, |end| end + 1);
    chunk.slice(start..chunk.len().saturating_sub(2).max(start))
}

/// The chunk that ends a chunked body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[derive(Serialize, Deserialize)]
struct EventData<'a> {
    at: u64,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none", borrow, default)]
    encoding: Option<Cow<'a, str>>,
}

/// An event as a client dispatches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The event type; `message` unless the stream named one.
    pub event_type: String,
    /// The data lines, joined by LF.
    pub data: String,
    /// The stream's last event id at this event; it stays valid after the event. Events share it: a stream could name a
    /// large one once, and then have it copied for every few bytes.
    pub last_event_id: Arc<str>,
    /// Whether the event's own block set it; otherwise it is from an earlier one.
    pub has_own_id: bool,
}

impl Event {
    /// Returns what was lost and the cursor at which the stream continues, if the event reports a gap.
    #[must_use]
    pub fn gap(&self) -> Option<(Gap, Cursor)> {
        let is_gap = self.event_type == EventType::GAP;
        is_gap.then(|| Some((serde_json::from_str(&self.data).ok()?, self.cursor().ok()?)))?
    }

    /// Returns the reset, if the event reports that the feed started over.
    #[must_use]
    pub fn reset(&self) -> Option<Reset> {
        let is_reset = self.event_type == EventType::RESET;
        is_reset.then(|| serde_json::from_str(&self.data).ok())?
    }

    /// Returns the update in the event.
    ///
    /// # Errors
    /// When it is not an event of a feedlab server.
    pub fn update(&self) -> Result<Update, WireError> {
        let body: EventData<'_> = serde_json::from_str(&self.data)?;
        let data = read_data(body.data, body.encoding.as_deref())?;
        let event_type = EventType::new(self.event_type.as_str())?;
        Ok(Update { seq: self.cursor()?.seq, at: body.at, event_type, data })
    }

    /// Returns the client's cursor after the event: its id.
    ///
    /// # Errors
    /// When the id is not a cursor.
    pub fn cursor(&self) -> Result<Cursor, WireError> {
        self.last_event_id.parse().map_err(|_| WireError::NoCursor)
    }

    /// Returns when the update was due, without reading the payload.
    ///
    /// # Errors
    /// When the data is not that of an update.
    pub fn at(&self) -> Result<u64, WireError> {
        #[derive(Deserialize)]
        struct At {
            at: u64,
        }
        Ok(serde_json::from_str::<At>(&self.data)?.at)
    }
}

/// An event that is larger than the parser's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {limit} bytes")]
pub struct EventTooLarge {
    /// The limit, bytes.
    pub limit: usize,
}

/// The standard's parser. Give it the stream's bytes in chunks of any size; each event is dispatched as soon as it is
/// complete.
#[derive(Debug)]
pub struct Parser {
    /// The incomplete line, as bytes: the end of a chunk may split a character.
    line: Vec<u8>,
    /// Whether the last byte was a CR that already ended its line: a following LF belongs to it.
    after_cr: bool,
    /// Whether no line has been read yet, so that a byte order mark may follow.
    at_start: bool,
    /// The event that is read, and the last event id of the stream. Its texts are written over by the next one.
    event: Event,
    /// The id that the block that is read sets, if [`Event::has_own_id`].
    own_id: String,
    retry_ms: Option<u64>,
    limit: usize,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

/// The most memory that a parser keeps for each text of the next event, bytes.
const KEPT: usize = 1 << 10;

impl Parser {
    /// The largest event that a default parser accepts: 64 MiB.
    pub const DEFAULT_LIMIT: usize = 64 << 20;

    /// Creates a parser for the start of a stream, whose events may be up to `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            event: Event::default(),
            own_id: String::new(),
            retry_ms: None,
            limit,
        }
    }

    /// Prepares for the next connection of the same client: an incomplete event is dropped, the last event id and the
    /// reconnection time are kept.
    pub fn reconnect(&mut self) {
        self.line.clear();
        self.end_block();
        self.after_cr = false;
        self.at_start = true;
    }

    /// The value that the client sends as `Last-Event-ID` when it reconnects; empty if there is none yet.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.event.last_event_id
    }

    /// The reconnection time that the stream set, ms.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Reads a chunk and passes every event that it completes to `dispatch`.
    ///
    /// # Errors
    /// When an event exceeds the limit; the stream cannot be read further.
    pub fn push(&mut self, chunk: &[u8], mut dispatch: impl FnMut(Event)) -> Result<(), EventTooLarge> {
        self.read(chunk, |event| dispatch(event.clone()))
    }

    /// Reads a chunk and lends every event that it completes to `dispatch`. Allocates nothing for an event that is no
    /// larger than those before it.
    ///
    /// # Errors
    /// When an event exceeds the limit; the stream cannot be read further.
    pub fn read(&mut self, mut chunk: &[u8], mut dispatch: impl FnMut(&Event)) -> Result<(), EventTooLarge> {
        if self.after_cr && !chunk.is_empty() {
            self.after_cr = false;
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', chunk) {
            self.end_line(&chunk[..end], &mut dispatch)?;
            let is_cr = chunk[end] == b'\r';
            chunk = &chunk[end + 1..];
            if is_cr && chunk.is_empty() {
                self.after_cr = true;
            } else if is_cr {
                chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
            }
        }
        self.check_size(chunk)?;
        self.line.extend_from_slice(chunk);
        Ok(())
    }

    fn check_size(&self, more: &[u8]) -> Result<(), EventTooLarge> {
        let size = self.event.data.len() + self.line.len() + more.len();
        if size > self.limit { Err(EventTooLarge { limit: self.limit }) } else { Ok(()) }
    }

    /// Ends a line with its last bytes. A line that arrived in one piece is not copied.
    fn end_line(&mut self, bytes: &[u8], dispatch: &mut impl FnMut(&Event)) -> Result<(), EventTooLarge> {
        self.check_size(bytes)?;
        if self.line.is_empty() {
            self.line(bytes, dispatch);
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(bytes);
        self.line(&line, dispatch);
        line.clear();
        line.shrink_to(KEPT);
        self.line = line;
        Ok(())
    }

    fn line(&mut self, line: &[u8], dispatch: &mut impl FnMut(&Event)) {
        let at_start = std::mem::replace(&mut self.at_start, false);
        let line = if at_start { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        if line.is_empty() {
            return self.end_event(dispatch);
        }
        let (name, value) = memchr::memchr(b':', line).map_or((line, &b""[..]), |at| (&line[..at], &line[at + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        // The library's lossy conversion looks at every character, even where none is lost.
        let value = std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed);
        self.field(name, &value);
    }

    /// Processes a field. A comment is a field without a name.
    fn field(&mut self, name: &[u8], value: &str) {
        match name {
            b"data" => {
                self.event.data.push_str(value);
                self.event.data.push('\n');
            }
            b"event" => value.clone_into(&mut self.event.event_type),
            b"id" if !value.contains('\0') => {
                value.clone_into(&mut self.own_id);
                self.event.has_own_id = true;
            }
            b"retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.retry_ms = Some(value.parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
    }

    fn end_event(&mut self, dispatch: &mut impl FnMut(&Event)) {
        let event = &mut self.event;
        if event.has_own_id {
            event.last_event_id = shared(&self.own_id);
        }
        if event.data.pop().is_some() {
            if event.event_type.is_empty() {
                event.event_type.push_str("message");
            }
            dispatch(event);
        }
        self.end_block();
    }

    /// Forgets what the block has set; the last event id stays.
    fn end_block(&mut self) {
        self.event.event_type.clear();
        self.event.event_type.shrink_to(KEPT);
        self.event.data.clear();
        self.event.data.shrink_to(KEPT);
        self.event.has_own_id = false;
    }
}

thread_local! {
    /// The last id that a parser of this thread has read.
    static LAST_ID: RefCell<Arc<str>> = RefCell::default();
}

/// Returns an id in shared memory. The clients of a load generator read the same ids one after the other: only the first
/// of them allocates.
fn shared(id: &str) -> Arc<str> {
    LAST_ID.with_borrow_mut(|last| {
        if **last != *id {
            *last = id.into();
        }
        last.clone()
    })
}

#[cfg(test)]
mod tests;
