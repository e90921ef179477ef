//! As much of WebSocket frames as the faults need (RFC 6455, section 5.2): a check sends whole frames in one piece.

/// Returns the bytes without those of ping frames.
pub(crate) fn without_pings(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = bytes;
    while let Some(length) = length(rest).filter(|length| *length <= rest.len()) {
        let (frame, others) = rest.split_at(length);
        if frame[0] & 0x0f != 9 {
            kept.extend_from_slice(frame);
        }
        rest = others;
    }
    kept.extend_from_slice(rest);
    kept
}

/// Whether the bytes begin with a masked close frame of the standard's form.
pub(crate) fn is_close(bytes: &[u8]) -> bool {
    bytes.len() >= 6 && bytes[0] == 0x88 && bytes[1] & 0x80 != 0
}

/// Returns the length of the first frame, with its header; `None` if the header is not complete.
fn length(bytes: &[u8]) -> Option<usize> {
    let mask = if bytes.get(1)? & 0x80 == 0 { 0 } else { 4 };
    let (header, payload) = match bytes[1] & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    payload.checked_add(header + mask)
}
