//! One update per line of standard input: anything that can write to a pipe is a feed.

use std::io::BufRead;

use super::{Due, Item, Source};
use crate::text::BYTE_ORDER_MARK;
use crate::{Data, EventType};

/// The lines of a reader.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    line: String,
    /// Whether a line has been read.
    began: bool,
}

impl<R> Lines<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader, line: String::new(), began: false }
    }
}

impl<R: BufRead + Send> Source for Lines<R> {
    /// Blocks until a line is available. Bytes that are not UTF-8 are replaced; the end of input ends the feed.
    fn next_due(&mut self) -> Option<Due> {
        let mut bytes = Vec::new();
        if self.reader.read_until(b'\n', &mut bytes).ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        let is_first = !std::mem::replace(&mut self.began, true);
        let text = text.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first).unwrap_or(text);
        text.clone_into(&mut self.line);
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
    fn f17_a_byte_order_mark_is_not_part_of_the_first_update() {
        let mut lines = Lines::new("\u{feff}one\n\u{feff}two\n".as_bytes());
        for text in ["one", "\u{feff}two"] {
            assert_eq!(lines.next_due(), Some(Due::Now));
            assert_eq!(lines.produce().data, Data::Text(text.into()));
        }
    }

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
