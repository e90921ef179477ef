//! Where bodies end, and what comes out of them.

use super::*;

#[test]
fn a_length_ends_the_body() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\nx:  2 \r\n\r\nhello";
    let response = open(bytes);
    let head = response.head.clone().unwrap();
    assert_eq!((&*head.version, head.status, &*head.reason), ("HTTP/1.1", 200, "OK"));
    assert_eq!(head.all("X").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!((head.first("content-length"), head.first("y")), (Some("5"), None));
    assert_eq!(whole(&response), "hello");
    let partial = open(&bytes[..bytes.len() - 1]);
    assert!(!partial.complete && partial.problem.is_none() && partial.text() == "hell", "{partial:?}");
    assert!(!ended(&bytes[..bytes.len() - 1]).complete);
}

#[test]
fn chunks_are_joined() {
    let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n1 \r\n!\r\n0\r\nX: y\r\n\r\n";
    assert_eq!(whole(&open(bytes)), "hello!");
    assert!(!ended(&bytes[..bytes.len() - 2]).complete);
}

#[test]
fn without_either_the_body_lasts_until_the_end() {
    let bytes = b"HTTP/1.0 200\n\nhello";
    assert!(!open(bytes).complete && open(bytes).text() == "hello");
    assert_eq!(whole(&ended(bytes)), "hello");
    assert!(!parse(&received([&bytes[..]], Some(End::Reset)), "GET").complete);
}

#[test]
fn some_responses_have_no_body() {
    let with_length = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n";
    assert_eq!(whole(&parse(&received([&with_length[..]], None), "HEAD")), "");
    for bytes in ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"] {
        assert_eq!(whole(&open(bytes.as_bytes())), "");
    }
}

#[test]
fn a_piece_has_the_time_of_its_chunk() {
    let head = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..];
    let response = parse(&received([head, b"2\r\nab\r\n", b"1\r\nc\r\n1\r\nd\r\n", b"0\r\n", b"\r\n"], None), "GET");
    let pieces: Vec<_> = response.body.iter().map(|(at, bytes)| (at.as_millis(), &**bytes)).collect();
    assert_eq!(pieces, [(2, &b"ab"[..]), (3, b"cd")]);
    assert!(response.complete);
}

#[test]
fn interim_responses_are_skipped() {
    let bytes = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    assert_eq!(whole(&open(bytes)), "a");
}

#[test]
fn after_a_101_the_bytes_are_raw() {
    let response = open(b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 3\r\n\r\n\x81\x05Hello\x81\x05Hello");
    assert!(response.complete && response.body.is_empty() && response.problem.is_none());
    let raw: Vec<u8> = response.upgraded.unwrap().into_iter().flat_map(|(_, bytes)| bytes).collect();
    assert_eq!(raw, b"\x81\x05Hello\x81\x05Hello");
    assert!(open(b"HTTP/1.1 101 \r\n\r\n").upgraded.is_some_and(|raw| raw.is_empty()));
}

#[test]
fn only_another_response_may_follow() {
    let one = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    assert_eq!(whole(&open(&one.repeat(2))), "a");
    let more = open(&[&one[..], b"b"].concat());
    check_problem(&more, "bytes follow the end of the response");
    assert!(more.complete && more.text() == "a");
    let answer = b"HTTP/1.1 204 No Content\r\n\r\n{}";
    check_problem(&open(answer), "bytes follow");
    assert!(open(&answer[..answer.len() - 2]).problem.is_none());
}
