//! The text of an update for a server that knows nothing of feedlab: `feedlab:EPOCH.SEQ:AT:` and a filler.
//!
//! It survives whatever a server wraps around it, since it has no character that JSON, HTML or a URL escapes, and it can
//! be found in any message without knowing its form. The publisher of a target writes it, its clients look for it.
//!
//! A target that sends its own numbers and times instead has a recipe, with which a [`Finder`] finds them.

use feedlab_feed::Cursor;
use feedlab_feed::wire::Stamp;

mod finder;
mod pattern;
mod pointer;

pub use finder::{Finder, FinderError};
pub use pattern::MOST_PATTERN_BYTES;
pub(crate) use pointer::is_pointer;

/// What the text starts with.
pub const MARK: &str = "feedlab:";

/// The shortest payload that has room for the text, bytes: the mark, an epoch of 4, two numbers of up to 20 digits, and
/// three separators.
pub const MIN_BYTES: usize = 64;

/// Returns the text of an update, filled up to `bytes`.
#[must_use]
pub fn text(cursor: Cursor, at_us: u64, bytes: usize) -> String {
    let mut text = format!("{MARK}{cursor}:{at_us}:");
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len())));
    text
}

/// Finds the texts of updates in a message, in the order in which they are in it.
pub fn find(message: &[u8]) -> impl Iterator<Item = Stamp> {
    memchr::memmem::find_iter(message, MARK.as_bytes()).filter_map(|at| read(&message[at + MARK.len()..]))
}

/// Reads what follows the mark.
fn read(bytes: &[u8]) -> Option<Stamp> {
    /// The longest cursor and time together.
    const MOST: usize = 64;
    let bytes = &bytes[..bytes.len().min(MOST)];
    let mut parts = bytes.split(|byte| *byte == b':').map(|part| std::str::from_utf8(part).ok());
    let (cursor, at, rest) = (parts.next()??, parts.next()??, parts.next());
    rest?;
    let Cursor { epoch, seq } = cursor.parse().ok()?;
    Some(Stamp { epoch, seq, at: at.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found_in_whatever_is_around_it() {
        let cursor: Cursor = "k3f9.7".parse().unwrap();
        let text = text(cursor, 1_795_997_031_934_936, 100);
        assert_eq!(text.len(), 100);
        let stamp = Stamp { epoch: cursor.epoch, seq: 7, at: 1_795_997_031_934_936 };
        let message = format!("[{{\"text\":\"{text}\"}},{{\"text\":\"{text}\"}}]");
        assert_eq!(find(message.as_bytes()).collect::<Vec<_>>(), [stamp, stamp]);
        for other in ["", "feedlab:", "feedlab:k3f9.7", "feedlab:k3f9.7:12", "feedlab:k3f9.x:12:", "feedlab:k3f9.7:x:"]
        {
            assert_eq!(find(other.as_bytes()).count(), 0, "{other}");
        }
    }
}
