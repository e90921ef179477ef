//! Decodes what a client sends: from chunks of any size to complete messages. RFC 6455, sections 5.2 to 5.5.
//!
//! It holds no buffer between messages, so that an idle connection costs only a few machine words.

use super::{Opcode, close};

/// A message, or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A complete text message.
    Text(String),
    /// A complete binary message.
    Binary(Vec<u8>),
    /// A ping; the pong returns its payload.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The closing handshake, with the client's status code if it gave one.
    Close(Option<u16>),
}

/// A protocol violation of the client: the status code and the reason for the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct Violation {
    /// The status code: RFC 6455, section 7.4.1.
    pub code: u16,
    /// A phrase for the client's developer.
    pub reason: &'static str,
}

const fn broken(reason: &'static str) -> Violation {
    Violation { code: close::PROTOCOL_ERROR, reason }
}

/// Decodes the client's side of a connection.
#[derive(Debug)]
pub struct Decoder {
    /// The bytes of an incomplete frame header: at most 14.
    header: Vec<u8>,
    /// The frame whose payload is being read.
    frame: Option<Frame>,
    /// The payload read so far of a control frame, which may occur between the fragments of a message.
    control: Vec<u8>,
    /// The fragments of a message read so far.
    message: Vec<u8>,
    /// The kind of the incomplete message.
    kind: Option<Opcode>,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    /// The masking key, rotated so that its first byte is for the next byte of the payload.
    mask: [u8; 4],
    /// The number of payload bytes that have not been read.
    left: u64,
}

impl Decoder {
    /// Creates a decoder for messages of up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { header: Vec::new(), frame: None, control: Vec::new(), message: Vec::new(), kind: None, limit }
    }

    /// Consumes bytes from the front, up to the end of the first message; the rest stays for later. Returns `None` if
    /// all were consumed and the message is still incomplete.
    ///
    /// # Errors
    /// When the client violated the protocol or a limit. Close the connection with the given code; nothing more can be
    /// read from it.
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

    /// Consumes as many bytes as the header still needs; the rest is payload.
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
            return Err(broken("a reserved bit is set, but no extension was negotiated"));
        }
        if second & 0x80 == 0 {
            return Err(broken("a client's frame must be masked"));
        }
        let opcode = opcode(first)?;
        let fin = first & 0x80 != 0;
        if is_control(opcode) && (!fin || second & 0x7F > 125) {
            return Err(broken("a control frame must be unfragmented and at most 125 bytes long"));
        }
        match (opcode, self.kind) {
            (Opcode::Continuation, None) => Err(broken("a continuation frame without a message to continue")),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(broken("a new message began before the last one ended")),
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
            return Err(broken("the highest bit of the length is set"));
        }
        if (length.len() == 2 && len < 126) || (length.len() == 8 && len <= 0xFFFF) {
            return Err(broken("the length is not in its shortest form"));
        }
        if !is_control(opcode) && len.saturating_add(self.message.len() as u64) > self.limit as u64 {
            return Err(Violation { code: close::TOO_BIG, reason: "the message is larger than this server accepts" });
        }
        if matches!(opcode, Opcode::Text | Opcode::Binary) {
            self.kind = Some(opcode);
        }
        let mask = [mask[0], mask[1], mask[2], mask[3]];
        self.frame = Some(Frame { opcode, fin: self.header[0] & 0x80 != 0, mask, left: len });
        Ok(())
    }

    /// Returns the message that a complete frame ends, if it ends one.
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

/// Returns the length of a masked frame's header, given its second byte.
const fn header_len(second: u8) -> usize {
    match second & 0x7F {
        126 => 8,
        127 => 14,
        _ => 6,
    }
}

/// Returns the code in a close frame, if it is one that may be sent (section 7.4).
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
