//! Lines that arrive in pieces, of bounded length.

use bytes::{Buf as _, Bytes};

/// The line that is incomplete.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) partial: Vec<u8>,
}

/// The line is longer than is allowed.
pub(super) struct TooLong;

impl Line {
    /// Reads up to the next LF, and returns the line without it; `None` if there is none in these bytes. `most` is how
    /// many bytes the line may have, without the LF.
    pub(super) fn read(&mut self, bytes: &mut Bytes, most: usize) -> Result<Option<Vec<u8>>, TooLong> {
        let room = (most + 1).saturating_sub(self.partial.len());
        let end = bytes.iter().take(room).position(|byte| *byte == b'\n');
        let taken = end.unwrap_or_else(|| room.min(bytes.len()));
        self.partial.extend_from_slice(&bytes[..taken]);
        if self.partial.len() > most {
            return Err(TooLong);
        }
        bytes.advance(taken + usize::from(end.is_some()));
        Ok(end.map(|_| std::mem::take(&mut self.partial)))
    }
}
