//! HTTP/2 as a client's raw bytes: RFC 9113, sections 3.4, 4.1 and 6, with header fields as in RFC 7541, section 6.

/// Returns the preface and the settings of a client with the largest windows, for streams and for the connection.
pub(crate) fn preface() -> Vec<u8> {
    let settings = frame(4, 0, 0, &[&4u16.to_be_bytes()[..], &(i32::MAX as u32).to_be_bytes()].concat());
    let window = frame(8, 0, 0, &(i32::MAX as u32 - 65_535).to_be_bytes());
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &window].concat()
}

/// Returns a complete `GET`.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    headers(stream, 0x82, path, true)
}

/// Returns a `POST` without its body.
pub(crate) fn post(stream: u32, path: &str) -> Vec<u8> {
    headers(stream, 0x83, path, false)
}

/// Returns a part of a body that is not the last.
pub(crate) fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(0, 0, stream, bytes)
}

/// Returns an unsolicited acknowledgement of a ping.
pub(crate) fn ping_ack() -> Vec<u8> {
    frame(6, 1, 0, b"unasked!")
}

/// Returns settings, a ping and a priority: frames that a client may send at any time.
pub(crate) fn control() -> Vec<u8> {
    [frame(4, 0, 0, b""), frame(6, 0, 0, b"feed-lab"), frame(2, 0, 1, b"\0\0\0\x03\x10")].concat()
}

/// Returns the reset of a request.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(3, 0, stream, &8u32.to_be_bytes())
}

/// Returns the beginning of a `GET` of which further fields follow.
pub(crate) fn unfinished(stream: u32) -> Vec<u8> {
    frame(1, 1, stream, &[0x82, 0x86])
}

/// Returns a further field of a request, which is not the last one.
pub(crate) fn continuation(stream: u32) -> Vec<u8> {
    frame(9, 0, stream, &[&b"\x40\x06cookie\x7F\xFF\x1F"[..], &[b'x'; 4_222]].concat())
}

/// Returns HEADERS with the method and `:scheme http` by index, and `:path` and `:authority` as literals.
fn headers(stream: u32, method: u8, path: &str, is_last: bool) -> Vec<u8> {
    let mut fields = vec![method, 0x86, 0x04, path.len() as u8];
    fields.extend(path.as_bytes());
    fields.extend(b"\x41\x09localhost");
    frame(1, 0x4 | u8::from(is_last), stream, &fields)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}
