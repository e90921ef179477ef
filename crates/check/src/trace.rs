//! What was sent and received in a case, in order, for the sequence diagram of a failure.

use feedlab_feed::text::visible;
use serde::Serialize;

pub(crate) mod columns;
mod diagram;

/// What happened in a case, in order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trace {
    /// The exchanges, in the order in which they were opened: the columns of the diagram.
    pub exchanges: Vec<String>,
    /// The entries, in order of time.
    pub entries: Vec<Entry>,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// When, µs since the case started.
    pub at_us: u64,
    /// The exchange (an index), if it happened on one.
    pub exchange: Option<usize>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A connection was opened.
    Opened,
    /// Bytes were sent, as [`readable`] text; secrets are replaced.
    Sent(String),
    /// Bytes were received, as [`readable`] text.
    Received(String),
    /// The client closed the connection, or stopped or continued to read; how.
    Did(String),
    /// The server ended the connection; how.
    Ended(String),
    /// An update was published; its name and text.
    Published(String),
    /// The expectation that failed.
    Expected(String),
}

impl Trace {
    /// Draws the trace as a sequence diagram of at most `width` columns: the client on the left, and on the right a line
    /// for each exchange, at most three of them.
    #[must_use]
    pub fn diagram(&self, width: usize) -> String {
        diagram::draw(self, width)
    }

    /// The exchange on which the failed expectation was not met.
    pub(crate) fn failed_on(&self) -> Option<usize> {
        let failed = self.entries.iter().rev().find(|entry| matches!(entry.what, What::Expected(_)));
        failed.and_then(|entry| entry.exchange)
    }

    /// The last thing received before the failed expectation: on its exchange, or on any if it has none.
    pub(crate) fn last_received(&self) -> Option<(&Entry, &str)> {
        let on = self.failed_on();
        let mut entries = self.entries.iter().rev().filter(|entry| on.is_none() || entry.exchange == on);
        entries.find_map(|entry| match &entry.what {
            What::Received(text) => Some((entry, text.as_str())),
            _ => None,
        })
    }

    /// The name of an exchange.
    pub(crate) fn name(&self, exchange: usize) -> &str {
        self.exchanges.get(exchange).map_or("", String::as_str)
    }
}

/// Returns bytes as text for a trace. Line ends and tabs stay as they are; other characters that do not print, and bytes
/// that are not UTF-8, are escaped: `\u{0}`, `\xff`.
#[must_use]
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for piece in chunk.valid().split_inclusive(['\r', '\n', '\t']) {
            let end = piece.trim_end_matches(['\r', '\n', '\t']).len();
            text += &visible(&piece[..end]);
            text += &piece[end..];
        }
        chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable_and_keep_their_line_ends() {
        assert_eq!(readable(b"id: 1\r\ndata:\ta\x00\xff\xc3\xa9\n\n"), "id: 1\r\ndata:\ta\\u{0}\\xff\u{e9}\n\n");
        assert_eq!(readable(b""), "");
    }
}
