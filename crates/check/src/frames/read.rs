//! Reads frames from what has arrived, and rejects what a client must reject.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{CLOSE, CONTINUATION, Header, Incoming};
use crate::limits;

/// The largest payload of a control frame, bytes (RFC 6455, section 5.5).
const CONTROL_PAYLOAD: u64 = 125;

/// Reads the bytes from the start, and knows when each arrived.
pub(super) struct Reader<'a> {
    bytes: Bytes,
    /// The chunks from the one on with the last byte that was read.
    chunks: &'a [(Duration, Bytes)],
    /// Where the first of these chunks ends.
    chunk_end: usize,
    /// The bytes that are read.
    at: usize,
    /// Whether a message has begun and not ended.
    in_message: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(chunks: &'a [(Duration, Bytes)]) -> Self {
        let chunk_end = chunks.first().map_or(0, |(_, chunk)| chunk.len());
        Self { bytes: joined(chunks), chunks, chunk_end, at: 0, in_message: false }
    }

    /// Returns the next frame, or `None` if it has not arrived completely.
    pub(super) fn frame(&mut self) -> Result<Option<Incoming>, String> {
        let Some((header, payload)) = header(&self.bytes[self.at..])? else { return Ok(None) };
        let Header { fin, opcode, size, .. } = header;
        self.follow(opcode, fin)?;
        let begin = self.at + size;
        let end = begin + payload;
        if end > self.bytes.len() {
            return Ok(None);
        }
        self.at = end;
        let payload = self.bytes.slice(begin..end);
        if opcode == CLOSE && payload.len() == 1 {
            return Err("a close frame has one byte; a status code has two (RFC 6455, section 5.5.1)".into());
        }
        Ok(Some(Incoming { at: self.arrived(), opcode, fin, payload }))
    }

    /// Checks that a frame may come after those before it (RFC 6455, section 5.4).
    fn follow(&mut self, opcode: u8, fin: bool) -> Result<(), String> {
        if opcode >= CLOSE {
            return Ok(());
        }
        match (opcode == CONTINUATION, self.in_message) {
            (true, false) => return Err("a continuation frame has no message to continue".into()),
            (false, true) => return Err("a new message begins before the last fragment of another".into()),
            _ => self.in_message = !fin,
        }
        Ok(())
    }

    /// When the last byte that was read arrived.
    fn arrived(&mut self) -> Duration {
        while let [_, next, ..] = self.chunks
            && self.chunk_end < self.at
        {
            self.chunk_end += next.1.len();
            self.chunks = &self.chunks[1..];
        }
        self.chunks.first().map_or(Duration::ZERO, |(at, _)| *at)
    }
}

fn joined(chunks: &[(Duration, Bytes)]) -> Bytes {
    if let [(_, only)] = chunks {
        return only.clone();
    }
    let mut bytes = BytesMut::with_capacity(chunks.iter().map(|(_, chunk)| chunk.len()).sum());
    for (_, chunk) in chunks {
        bytes.extend_from_slice(chunk);
    }
    bytes.freeze()
}

/// Returns the header of a frame and the bytes of its payload; `None` if it is incomplete.
fn header(bytes: &[u8]) -> Result<Option<(Header, usize)>, String> {
    let [first, second, ..] = bytes else { return Ok(None) };
    allow(*first, second & 0x80 != 0)?;
    let Some(header) = Header::read(bytes) else { return Ok(None) };
    let Header { fin, opcode, size, length } = header;
    let is_shortest = match size {
        4 => length > 125,
        10 => length > 0xFFFF,
        _ => true,
    };
    if !is_shortest {
        return Err(format!("the length {length} is not encoded in the fewest bytes (RFC 6455, section 5.2)"));
    }
    if opcode >= CLOSE && (length > CONTROL_PAYLOAD || !fin) {
        return Err("a control frame is fragmented, or has more than 125 bytes (RFC 6455, section 5.5)".into());
    }
    let payload = usize::try_from(length).ok().filter(|length| *length <= limits::RECORDING);
    let payload = payload.ok_or_else(|| format!("a frame of {length} bytes exceeds the limit of this check, 8 MiB"))?;
    Ok(Some((header, payload)))
}

/// Checks the first two bytes of a server's frame.
fn allow(first: u8, is_masked: bool) -> Result<(), String> {
    let opcode = first & 0x0F;
    if first & 0x70 != 0 {
        return Err("a reserved bit is set, but no extension was negotiated (RFC 6455, section 5.2)".into());
    }
    if matches!(opcode, 3..=7 | 11..) {
        return Err(format!("the opcode {opcode} is reserved (RFC 6455, section 5.2)"));
    }
    if is_masked {
        return Err("the server masks its frames (RFC 6455, section 5.1)".into());
    }
    Ok(())
}
