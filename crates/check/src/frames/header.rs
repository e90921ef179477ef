//! The header of a frame as it is written, right or wrong: RFC 6455, section 5.2. Its readers judge it.

/// What a frame says before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether the frame ends its message.
    pub(crate) fin: bool,
    /// Its kind.
    pub(crate) opcode: u8,
    /// The bytes of the header, with those of a masking key.
    pub(crate) size: usize,
    /// The bytes of the payload.
    pub(crate) length: u64,
}

impl Header {
    /// Reads the header of the frame that begins here; `None` if its length has not arrived.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else { return None };
        let (size, length) = match second & 0x7F {
            126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
            127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
            length => (2, u64::from(length)),
        };
        let key = if second & 0x80 == 0 { 0 } else { 4 };
        Some(Self { fin: first & 0x80 != 0, opcode: first & 0x0F, size: size + key, length })
    }
}
