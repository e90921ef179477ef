//! What a strict client rejects in a response.

use super::*;

#[test]
fn a_malformed_head_is_named() {
    for (bytes, needle) in [
        ("SSH-2.0-x", "does not begin with a status line"),
        ("SSH-2.0-x\r\n", "does not begin with a status line"),
        ("HTTP/2 200 OK\r\n", "status line is not as in `HTTP/1.1 200 OK`: `HTTP/2 200 OK`"),
        ("HTTP/1.1 20\r\n", "status line"),
        ("HTTP/1.1 +20 OK\r\n", "status line"),
        ("HTTP/1.1 099 OK\r\n", "status line"),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "folded"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "has no colon: `no colon`"),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "name of a header field"),
        ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", "name of a header field"),
        ("HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n", "NUL or CR"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", "not a single number: `1x`"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "not a single number"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "not a single number"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "not a single number"),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "is empty"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer coding `gzip, chunked`"),
    ] {
        let response = open(bytes.as_bytes());
        check_problem(&response, needle);
        assert!(!response.complete, "{bytes}");
    }
}

#[test]
fn an_ambiguous_body_is_named_and_read() {
    let chunks = "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    for (start, needle) in [
        ("HTTP/1.0 200 OK\r\n", "HTTP/1.0 has no chunks"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", "and a Transfer"),
    ] {
        let response = open(format!("{start}{chunks}").as_bytes());
        check_problem(&response, needle);
        assert!(response.complete && response.text() == "a");
    }
}

#[test]
fn broken_chunks_are_named() {
    for (chunks, needle) in [
        ("x\r\n", "chunks of the response are broken (RFC 9112, section 7.1): `x`"),
        ("\r\n", "are broken"),
        ("+1\r\n", "are broken"),
        ("1\na\r\n", "are broken"),
        ("11111111111111111\r\n", "are broken"),
        ("1\r\nab\r\n", "longer than its size"),
        ("1\r\nabc", "longer than its size"),
    ] {
        let response = open(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").as_bytes());
        check_problem(&response, needle);
        assert!(!response.complete, "{chunks}");
    }
}

#[test]
fn an_end_within_the_head_is_named() {
    check_problem(&ended(b"HTTP/1.1 200 OK\r\nA: b\r\n"), "before the head");
    check_problem(&ended(b"HTT"), "before the head");
    assert_eq!(ended(b""), Response::default());
    assert_eq!(open(b"HTTP/1.1 200 OK\r\nA: b\r\n"), Response::default());
}

#[test]
fn a_head_is_bounded() {
    let line = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(2 * limits::HEAD));
    check_problem(&open(line.as_bytes()), "over 64 KiB");
    let many = format!("HTTP/1.1 200 OK\r\n{}", "A: b\r\n".repeat(limits::HEAD / 6));
    check_problem(&open(many.as_bytes()), "over 64 KiB");
    let trailers =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}", "A: b\r\n".repeat(limits::HEAD / 5));
    check_problem(&open(trailers.as_bytes()), "are broken");
    let size = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;{}", "a".repeat(8 << 10));
    check_problem(&open(size.as_bytes()), "are broken");
    let most = format!("HTTP/1.1 200 OK\r\nA: {}\r\nContent-Length: 0\r\n\r\n", "a".repeat(limits::HEAD - 100));
    assert_eq!(whole(&open(most.as_bytes())), "");
}
