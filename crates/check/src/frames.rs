//! WebSocket frames (RFC 6455, section 5): those that a server sent, judged as a strict client does, and those that a
//! case sends, right or wrong. It knows nothing about connections.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{BufMut as _, Bytes};
use sha1::{Digest as _, Sha1};

use crate::limits;

pub(crate) use header::Header;
use read::Reader;

mod header;
mod read;

/// The opcode of a frame that continues a message.
pub const CONTINUATION: u8 = 0;
/// The opcode of a text message.
pub const TEXT: u8 = 1;
/// The opcode of a binary message.
pub const BINARY: u8 = 2;
/// The opcode of a close frame.
pub const CLOSE: u8 = 8;
/// The opcode of a ping.
pub const PING: u8 = 9;
/// The opcode of a pong.
pub const PONG: u8 = 10;

/// What a server adds to a key before it hashes it (RFC 6455, section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A complete frame of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// When its last byte arrived.
    pub at: Duration,
    /// Its kind.
    pub opcode: u8,
    /// Whether it ends its message.
    pub fin: bool,
    /// What it carries.
    pub payload: Bytes,
}

/// A complete message of the server, from one frame or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When its last byte arrived.
    pub at: Duration,
    /// Its text, if it is a text message in valid UTF-8.
    pub text: Option<String>,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Returns the complete frames in what follows a handshake, and what is wrong with the one after them, if anything is.
/// Nothing after a wrong frame is read, as a client would close.
#[must_use]
pub fn parse(bytes: &[(Duration, Bytes)]) -> (Vec<Incoming>, Option<String>) {
    let (mut reader, mut frames) = (Reader::new(bytes), Vec::new());
    while frames.len() < limits::ITEMS {
        match reader.frame() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(problem) => return (frames, Some(problem)),
        }
    }
    (frames, Some(format!("there are {} frames, and no more are read", limits::ITEMS)))
}

/// Returns a frame. `masked` has the masking key, which a client needs; `reserved` sets the first reserved bit.
#[must_use]
pub fn encode(opcode: u8, payload: &[u8], fin: bool, masked: Option<[u8; 4]>, reserved: bool) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(u8::from(fin) << 7 | u8::from(reserved) << 6 | opcode & 0x0F);
    let mask_bit = u8::from(masked.is_some()) << 7;
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => frame.push(mask_bit | length),
        (_, Ok(length)) => {
            frame.push(mask_bit | 126);
            frame.put_u16(length);
        }
        _ => {
            frame.push(mask_bit | 127);
            frame.put_u64(payload.len() as u64);
        }
    }
    let key = masked.unwrap_or_default();
    frame.extend(masked.iter().flatten());
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Returns the complete messages in these frames.
#[must_use]
pub fn messages(frames: &[Incoming]) -> Vec<Message> {
    let (mut messages, mut is_text, mut parts) = (Vec::new(), false, Vec::new());
    for frame in frames.iter().filter(|frame| frame.opcode < CLOSE) {
        if frame.opcode != CONTINUATION {
            is_text = frame.opcode == TEXT;
            parts.clear();
        }
        parts.push(frame.payload.clone());
        if frame.fin {
            messages.push(message(frame.at, is_text, &std::mem::take(&mut parts)));
        }
    }
    messages
}

fn message(at: Duration, is_text: bool, parts: &[Bytes]) -> Message {
    let bytes = if let [only] = parts { only.clone() } else { parts.concat().into() };
    let text = std::str::from_utf8(&bytes).ok().filter(|_| is_text).map(str::to_owned);
    Message { at, text, bytes }
}

/// Returns the status code of a close frame, if it has one (RFC 6455, section 5.5.1).
#[must_use]
pub fn close_code(frame: &Incoming) -> Option<u16> {
    let code = frame.payload.first_chunk().filter(|_| frame.opcode == CLOSE)?;
    Some(u16::from_be_bytes(*code))
}

/// Returns the `Sec-WebSocket-Accept` that a server must answer to a `Sec-WebSocket-Key`.
#[must_use]
pub fn accept_of(key: &str) -> String {
    BASE64.encode(Sha1::digest([key.as_bytes(), GUID].concat()))
}

/// Returns a fresh `Sec-WebSocket-Key`.
#[must_use]
pub fn key() -> String {
    BASE64.encode(rand::random::<[u8; 16]>())
}

/// Returns a fresh masking key.
#[must_use]
pub fn mask() -> [u8; 4] {
    rand::random()
}

#[cfg(test)]
mod tests;
