//! The data frames among bytes that a client has read: RFC 6455, section 5.2. Their payloads are used where they are.

use std::ops::Deref as _;

use bytes::{Buf as _, BytesMut};

use super::buffer::Lent;

/// The payload of a data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// What bytes start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First<'a> {
    /// A data frame that is a whole message, and its length.
    Data(Payload<'a>, usize),
    /// Any other frame, whole, and its length: a control frame, a fragment, or one that violates the protocol.
    Other(usize),
    /// The start of a frame.
    Incomplete,
    /// A frame whose payload is larger than the limit.
    TooLarge,
}

impl<'a> First<'a> {
    /// Looks at the first frame. While a message is fragmented, no data frame is a message.
    pub(super) fn of(bytes: &'a [u8], is_fragmented: bool, limit: usize) -> Self {
        let Some((header, payload)) = lengths(bytes) else { return Self::Incomplete };
        let Some(payload) = usize::try_from(payload).ok().filter(|payload| *payload <= limit) else {
            return Self::TooLarge;
        };
        let end = header + payload;
        let Some(payload) = bytes.get(header..end) else { return Self::Incomplete };
        // FIN without a reserved bit, and not masked.
        let text = || std::str::from_utf8(payload).ok().map(Payload::Text);
        let message = match (bytes[0], bytes[1] & MASKED) {
            (0x81, 0) if !is_fragmented => text(),
            (0x82, 0) if !is_fragmented => Some(Payload::Binary(payload)),
            _ => None,
        };
        message.map_or(Self::Other(end), |message| Self::Data(message, end))
    }
}

/// The bit of the second byte that says that the payload is masked.
const MASKED: u8 = 0x80;

/// Returns the lengths of the first frame's header and payload, if the header is complete.
fn lengths(bytes: &[u8]) -> Option<(usize, u64)> {
    let mask = if bytes.get(1)? & MASKED == 0 { 0 } else { 4 };
    let (header, payload) = match bytes[1] & !MASKED {
        126 => (4, u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        len => (2, u64::from(len)),
    };
    Some((header + mask, payload))
}

/// Whether a message is fragmented after a frame with this first byte.
pub(super) const fn is_fragmented_after(first: u8, before: bool) -> bool {
    // A control frame may come between the fragments of a message.
    if first & 0x08 != 0 { before } else { first & 0x80 == 0 }
}

/// Bytes of whole frames and of the start of another one, as they were read.
pub(super) struct Frames {
    pub(super) bytes: Read,
    pub(super) at: usize,
    pub(super) limit: usize,
}

/// Where the bytes are.
pub(super) enum Read {
    /// In the buffer of the thread.
    Lent(Lent),
    /// Collected from several reads.
    Joined(BytesMut),
}

impl Frames {
    /// Returns the next message, up to the first frame that is not one.
    pub(super) fn next(&mut self) -> Option<Payload<'_>> {
        let bytes = match &self.bytes {
            Read::Lent(lent) => lent.deref(),
            Read::Joined(bytes) => bytes,
        };
        let First::Data(message, len) = First::of(&bytes[self.at..], false, self.limit) else { return None };
        self.at += len;
        Some(message)
    }

    /// Puts what is left in front of what will be read.
    pub(super) fn put_back(self, unread: &mut BytesMut) {
        match self.bytes {
            Read::Lent(lent) if self.at < lent.len() => unread.extend_from_slice(&lent[self.at..]),
            Read::Lent(_) => {}
            Read::Joined(mut bytes) => {
                bytes.advance(self.at);
                if !bytes.is_empty() {
                    *unread = bytes;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::wire::websocket::{Opcode, frame};

    use super::*;

    const LIMIT: usize = 70_000;

    #[test]
    fn a_whole_data_frame_of_any_length_is_a_message() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            let bytes = frame(Opcode::Binary, &payload);
            assert_eq!(First::of(&bytes, false, LIMIT), First::Data(Payload::Binary(&payload), bytes.len()));
            let text = frame(Opcode::Text, &payload);
            let expected = First::Data(Payload::Text(std::str::from_utf8(&payload).unwrap()), text.len());
            assert_eq!(First::of(&[&text[..], b"rest"].concat(), false, LIMIT), expected);
            for cut in [0, 1, 2, text.len() - 1] {
                let cut = cut.min(text.len() - 1);
                assert_eq!(First::of(&text[..cut], false, LIMIT), First::Incomplete, "{cut} of {}", text.len());
            }
        }
    }

    #[test]
    fn everything_else_is_for_tungstenite() {
        let other = |bytes: &[u8]| assert_eq!(First::of(bytes, false, LIMIT), First::Other(bytes.len()), "{bytes:?}");
        other(&frame(Opcode::Ping, b"x"));
        other(&frame(Opcode::Close, b""));
        other(&frame(Opcode::Text, b"\xff"));
        other(&[0x01, 1, b'a']);
        other(&[0x80, 1, b'a']);
        other(&[0xC1, 1, b'a']);
        other(&[0x81, 0x81, 0, 0, 0, 0, b'a']);
        other(&[0xFF, 0]);
        assert_eq!(First::of(&frame(Opcode::Text, b"a"), true, LIMIT), First::Other(3), "within another message");
        assert_eq!(First::of(&frame(Opcode::Text, &[b'a'; LIMIT + 1]), false, LIMIT), First::TooLarge);
    }

    #[test]
    fn a_message_is_fragmented_from_its_first_frame_to_its_last() {
        let frames = [(0x01, true), (0x89, true), (0x00, true), (0x80, false), (0x81, false), (0x89, false)];
        let mut is_fragmented = false;
        for (first, expected) in frames {
            is_fragmented = is_fragmented_after(first, is_fragmented);
            assert_eq!(is_fragmented, expected, "{first:#x}");
        }
    }

    #[test]
    fn what_is_not_a_message_is_put_back() {
        let bytes = [&frame(Opcode::Text, b"a")[..], &frame(Opcode::Binary, b"b"), &frame(Opcode::Ping, b"c")].concat();
        let mut frames = Frames { bytes: Read::Joined(bytes[..].into()), at: 0, limit: LIMIT };
        assert_eq!(frames.next(), Some(Payload::Text("a")));
        assert_eq!(frames.next(), Some(Payload::Binary(b"b")));
        assert_eq!(frames.next(), None);
        let mut unread = BytesMut::new();
        frames.put_back(&mut unread);
        assert_eq!(unread, frame(Opcode::Ping, b"c"));
    }
}
