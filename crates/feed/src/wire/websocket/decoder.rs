//! Reads what a client sends: frames in chunks of any size, out come whole messages. RFC 6455, sections 5.2 to 5.5.
//!
//! It holds no buffer while nothing is under way, so that an idle connection costs a few words.

use super::{Opcode, close};

/// A message, or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A whole text message.
    Text(String),
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A ping; its payload goes back in the pong.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The closing handshake, with the client's status code if it gave one.
    Close(Option<u16>),
}

/// What the client did wrong: the status code and the reason for the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct Violation {
    /// Status code, RFC 6455, section 7.4.1.
    pub code: u16,
    /// One phrase for the client's developer.
    pub reason: &'static str,
}

const fn broken(reason: &'static str) -> Violation {
    Violation { code: close::PROTOCOL_ERROR, reason }
}

/// Decodes a client's side of a connection.
#[derive(Debug)]
pub struct Decoder {
    /// The bytes of a frame header that is not whole yet: at most 14.
    header: Vec<u8>,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The payload read so far of a control frame, which may stand between the fragments of a message.
    control: Vec<u8>,
    /// The fragments read so far of a message.
    message: Vec<u8>,
    /// The kind of the message under way.
    kind: Option<Opcode>,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    /// The key for the bytes that are left, the next one's first.
    mask: [u8; 4],
    /// Bytes of the payload that have not been read.
    left: u64,
}

impl Decoder {
    /// A decoder that takes messages of up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { header: Vec::new(), frame: None, control: Vec::new(), message: Vec::new(), kind: None, limit }
    }

    /// Takes bytes from the front, up to the end of the first message there; the rest is left for later. `None` when all
    /// were taken and a message is not whole yet.
    ///
    /// # Errors
    /// When the client broke the protocol or a limit. The connection is to be closed with the code given; nothing
    /// more can be read from it.
    pub fn decode(&mut self, bytes: &mut &[u8]) -> Result<Option<Incoming>, Violation> {
        while !bytes.is_empty() {
            match &mut self.frame {
                None => *bytes = self.read_header(bytes)?,
                Some(frame) => {
                    let want = usize::try_from(frame.left).unwrap_or(usize::MAX);
                    let (part, rest) = bytes.split_at(want.min(bytes.len()));
                    let target = if is_control(frame.opcode) { &mut self.control } else { &mut self.message };
                    target.extend(part.iter().zip(frame.mask.iter().cycle()).map(|(byte, key)| byte ^ key));
                    frame.mask.rotate_left(part.len() % 4);
                    frame.left -= part.len() as u64;
                    *bytes = rest;
                }
            }
            if let Some(frame) = self.frame.take_if(|frame| frame.left == 0)
                && let Some(message) = self.end_frame(frame)?
            {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Takes as many bytes as the header still needs; the rest is payload.
    fn read_header<'a>(&mut self, chunk: &'a [u8]) -> Result<&'a [u8], Violation> {
        for (index, byte) in chunk.iter().enumerate() {
            self.header.push(*byte);
            if self.header.len() == 2 {
                self.check_first_bytes()?;
            }
            if self.header.len() >= 2 && self.header.len() == header_len(self.header[1]) {
                self.begin_frame()?;
                self.header = Vec::new();
                return Ok(&chunk[index + 1..]);
            }
        }
        Ok(&[])
    }

    fn check_first_bytes(&self) -> Result<(), Violation> {
        let [first, second] = [self.header[0], self.header[1]];
        if first & 0x70 != 0 {
            return Err(broken("a reserved bit is set, and no extension was agreed on"));
        }
        if second & 0x80 == 0 {
            return Err(broken("a client's frame must be masked"));
        }
        let opcode = opcode(first)?;
        let fin = first & 0x80 != 0;
        if is_control(opcode) && (!fin || second & 0x7F > 125) {
            return Err(broken("a control frame is whole and at most 125 bytes long"));
        }
        match (opcode, self.kind) {
            (Opcode::Continuation, None) => Err(broken("a continuation without a message to continue")),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(broken("a new message before the last one ended")),
            _ => Ok(()),
        }
    }

    fn begin_frame(&mut self) -> Result<(), Violation> {
        let opcode = opcode(self.header[0])?;
        let (length, mask) = self.header[2..].split_at(self.header.len() - 6);
        let len = match length.len() {
            0 => u64::from(self.header[1] & 0x7F),
            _ => length.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
        };
        if len >> 63 != 0 {
            return Err(broken("the length's highest bit is set"));
        }
        if (length.len() == 2 && len < 126) || (length.len() == 8 && len <= 0xFFFF) {
            return Err(broken("the length is not in its shortest form"));
        }
        if !is_control(opcode) && len.saturating_add(self.message.len() as u64) > self.limit as u64 {
            return Err(Violation { code: close::TOO_BIG, reason: "the message is larger than this server takes" });
        }
        if matches!(opcode, Opcode::Text | Opcode::Binary) {
            self.kind = Some(opcode);
        }
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        self.frame = Some(Frame { opcode, fin: self.header[0] & 0x80 != 0, mask, left: len });
        Ok(())
    }

    /// The message that a whole frame completes.
    fn end_frame(&mut self, frame: Frame) -> Result<Option<Incoming>, Violation> {
        Ok(Some(match frame.opcode {
            Opcode::Ping => Incoming::Ping(std::mem::take(&mut self.control)),
            Opcode::Pong => {
                self.control = Vec::new();
                Incoming::Pong
            }
            Opcode::Close => Incoming::Close(close_code(&std::mem::take(&mut self.control))?),
            Opcode::Continuation | Opcode::Text | Opcode::Binary if !frame.fin => return Ok(None),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let message = std::mem::take(&mut self.message);
                match self.kind.take() {
                    Some(Opcode::Text) => Incoming::Text(String::from_utf8(message).map_err(|_| not_utf8())?),
                    _ => Incoming::Binary(message),
                }
            }
        }))
    }
}

const fn not_utf8() -> Violation {
    Violation { code: close::NOT_UTF8, reason: "the text is not UTF-8" }
}

const fn is_control(opcode: Opcode) -> bool {
    opcode as u8 & 0x8 != 0
}

fn opcode(first: u8) -> Result<Opcode, Violation> {
    match first & 0x0F {
        0x0 => Ok(Opcode::Continuation),
        0x1 => Ok(Opcode::Text),
        0x2 => Ok(Opcode::Binary),
        0x8 => Ok(Opcode::Close),
        0x9 => Ok(Opcode::Ping),
        0xA => Ok(Opcode::Pong),
        _ => Err(broken("an unknown opcode")),
    }
}

/// Length of a masked frame's header, told by its second byte.
const fn header_len(second: u8) -> usize {
    match second & 0x7F {
        126 => 8,
        127 => 14,
        _ => 6,
    }
}

/// The code in a close frame, if it is one that may be sent (section 7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(None) } else { Err(broken("a close frame with half a status code")) };
    };
    if std::str::from_utf8(reason).is_err() {
        return Err(not_utf8());
    }
    match u16::from_be_bytes(*code) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(Some(code)),
        _ => Err(broken("a status code that must not be sent")),
    }
}
