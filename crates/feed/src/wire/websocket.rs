//! WebSocket frames and their contents: RFC 6455, section 5, as a server writes and reads them.
//!
//! A server's frames are not masked (section 5.1), so the frame of an update is the same bytes for every client.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{RawUpdate, Stamp, WireError, to_json, update_json};
use crate::{Cursor, Data, EventType, Gap, Reset, Update};

mod decoder;
pub use decoder::{Decoder, Incoming, Violation};

/// The opcode in the first byte of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// The next part of a fragmented message.
    Continuation = 0x0,
    /// UTF-8 text.
    Text = 0x1,
    /// Bytes.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// Asks whether the peer is alive.
    Ping = 0x9,
    /// Answers a ping.
    Pong = 0xA,
}

/// Status codes of the closing handshake: RFC 6455, section 7.4.1, and IANA's registry.
pub mod close {
    /// The connection is no longer needed.
    pub const NORMAL: u16 = 1000;
    /// The server shuts down, or the user leaves the page.
    pub const GOING_AWAY: u16 = 1001;
    /// A frame that violates the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Text that is not UTF-8.
    pub const NOT_UTF8: u16 = 1007;
    /// A message that violates the server's policy.
    pub const POLICY: u16 = 1008;
    /// A message over the size limit.
    pub const TOO_BIG: u16 = 1009;
    /// The server temporarily cannot do what was requested: from IANA's registry, not the RFC.
    pub const TRY_AGAIN_LATER: u16 = 1013;
}

/// The only version of the protocol: section 4.1.
pub const VERSION: &str = "13";

/// The length of the key with which a client masks each of its frames, bytes: section 5.3.
pub const MASK: usize = 4;

/// Returns a complete, unmasked frame.
#[must_use]
pub fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(0x80 | opcode as u8);
    match payload.len() {
        len @ 0..=125 => frame.put_u8(len as u8),
        len @ 126..=0xFFFF => {
            frame.put_u8(126);
            frame.put_u16(len as u16);
        }
        len => {
            frame.put_u8(127);
            frame.put_u64(len as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

/// Returns a close frame. The reason is cut at a character boundary to the 123 bytes that fit.
#[must_use]
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(&reason.as_bytes()[..reason.floor_char_boundary(123)]);
    frame(Opcode::Close, &payload)
}

/// Returns the frame of an update: a text frame with the JSON object, or a binary frame if the payload is bytes.
///
/// A binary frame contains the `seq` (8 bytes, big-endian), the `at` (8 bytes, big-endian), the length of the type (1
/// byte), the type, and then the payload unchanged.
#[must_use]
pub fn update_frame(update: &Update) -> Bytes {
    let Data::Binary(data) = &update.data else {
        return frame(Opcode::Text, update_json(update).as_bytes());
    };
    let name = update.event_type.as_str().as_bytes();
    let mut payload = Vec::with_capacity(BINARY_HEADER + name.len() + data.len());
    payload.put_u64(update.seq);
    payload.put_u64(update.at);
    payload.put_u8(name.len() as u8);
    payload.put_slice(name);
    payload.put_slice(data);
    frame(Opcode::Binary, &payload)
}

const BINARY_HEADER: usize = 17;

/// Returns the frame that reports a gap: `{"gap":{"from":A,"to":B}}`.
#[must_use]
pub fn gap_frame(gap: Gap) -> Bytes {
    frame(Opcode::Text, to_json(&GapBody { gap }).as_bytes())
}

/// Returns the frame that every channel begins with: `{"hello":{"cursor":"k3f9.31"}}`. Updates contain only their
/// `seq`, which counts in the epoch named here. A channel that begins with a reset sends that instead.
#[must_use]
pub fn hello_frame(cursor: Cursor) -> Bytes {
    frame(Opcode::Text, to_json(&HelloBody { hello: Hello { cursor } }).as_bytes())
}

/// Returns the frame that reports a reset: `{"reset":{"asked":"…","resume":"…"}}`.
#[must_use]
pub fn reset_frame(reset: Reset) -> Bytes {
    frame(Opcode::Text, to_json(&ResetBody { reset }).as_bytes())
}

/// Returns the frame that acknowledges a publication: `{"ack":{"seq":N}}`.
#[must_use]
pub fn ack_frame(seq: u64) -> Bytes {
    frame(Opcode::Text, to_json(&AckBody { ack: Ack { seq } }).as_bytes())
}

/// The acknowledgement of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The `seq` that the update got.
    pub seq: u64,
}

#[derive(Serialize, Deserialize)]
struct GapBody {
    gap: Gap,
}

#[derive(Serialize, Deserialize)]
struct HelloBody {
    hello: Hello,
}

#[derive(Serialize, Deserialize)]
struct Hello {
    cursor: Cursor,
}

#[derive(Serialize, Deserialize)]
struct ResetBody {
    reset: Reset,
}

#[derive(Serialize, Deserialize)]
struct AckBody {
    ack: Ack,
}

/// A text message of a feedlab server.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// An update.
    Update(RawUpdate<'a>),
    /// The client's cursor, sent first.
    Hello(Cursor),
    /// The feed started over; the stream continues from the start of its epoch.
    Reset(Reset),
    /// What was lost; the stream continues after it.
    Gap(Gap),
    /// The acknowledgement of this client's own publication.
    Ack(Ack),
}

/// Determines the kind of a text message. Whether an update is valid shows when it is read.
#[must_use]
pub fn read_text(text: &str) -> Message<'_> {
    if text.starts_with("{\"gap\"")
        && let Ok(body) = serde_json::from_str::<GapBody>(text)
    {
        return Message::Gap(body.gap);
    }
    if text.starts_with("{\"hello\"")
        && let Ok(body) = serde_json::from_str::<HelloBody>(text)
    {
        return Message::Hello(body.hello.cursor);
    }
    if text.starts_with("{\"reset\"")
        && let Ok(body) = serde_json::from_str::<ResetBody>(text)
    {
        return Message::Reset(body.reset);
    }
    if text.starts_with("{\"ack\"")
        && let Ok(body) = serde_json::from_str::<AckBody>(text)
    {
        return Message::Ack(body.ack);
    }
    Message::Update(RawUpdate::Json(text.as_bytes()))
}

/// Reads a binary message; see [`update_frame`] for its format.
///
/// # Errors
/// When it is not a message of a feedlab server.
pub fn read_binary(payload: &[u8]) -> Result<Update, WireError> {
    let stamp = read_binary_stamp(payload)?;
    let rest = &payload[BINARY_HEADER..];
    let (name, data) = rest.split_at_checked(usize::from(payload[BINARY_HEADER - 1])).ok_or(WireError::ShortFrame)?;
    let event_type = EventType::new(String::from_utf8_lossy(name))?;
    Ok(Update { seq: stamp.seq, at: stamp.at, event_type, data: Data::Binary(Bytes::copy_from_slice(data)) })
}

/// Reads the stamp of a binary message.
///
/// # Errors
/// When the message is shorter than its header.
pub fn read_binary_stamp(payload: &[u8]) -> Result<Stamp, WireError> {
    let header = payload.first_chunk::<BINARY_HEADER>().ok_or(WireError::ShortFrame)?;
    let word = |at: usize| header[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    Ok(Stamp { epoch: None, seq: word(0), at: word(8) })
}

#[cfg(test)]
mod tests;
