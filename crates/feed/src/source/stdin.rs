//! A line, an update: whatever can write to a pipe is a feed.

use std::io::BufRead;

use super::{Due, Item, Source};
use crate::{Data, EventType};

/// The lines of a reader.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    line: String,
}

impl<R> Lines<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, line: String::new() }
    }
}

impl<R: BufRead + Send> Source for Lines<R> {
    /// Blocks until a line is there. Bytes that are not UTF-8 are replaced; the end of input ends the feed.
    fn next_due(&mut self) -> Option<Due> {
        let mut bytes = Vec::new();
        if self.reader.read_until(b'\n', &mut bytes).ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        text.trim_end_matches(['\r', '\n']).clone_into(&mut self.line);
        Some(Due::Now)
    }

    fn produce(&mut self) -> Item {
        Item { event_type: EventType::default(), data: Data::Text(std::mem::take(&mut self.line)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_an_update_and_the_end_ends_the_feed() {
        let mut lines = Lines::new(&b"one\r\n\nthr\xFFee"[..]);
        let mut texts = Vec::new();
        while lines.next_due() == Some(Due::Now) {
            texts.push(lines.produce().data);
        }
        assert_eq!(texts, ["one", "", "thr\u{fffd}ee"].map(|t| Data::Text(t.into())));
    }
}
