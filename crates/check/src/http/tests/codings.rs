//! Content codings of responses, right, broken and without end.

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn coded(coding: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n").as_bytes(), body].concat()
}

#[test]
fn each_flush_of_a_server_arrives_at_once() {
    let head = coded("gzip", b"");
    let (mut encoder, mut chunks) = (GzEncoder::new(Vec::new(), Compression::default()), vec![head]);
    for text in ["data: one\n\n", "data: two\n\n"] {
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.flush().unwrap();
        chunks.push(std::mem::take(encoder.get_mut()));
    }
    let response = parse(&received(chunks.iter().map(|chunk| &**chunk), None), "GET");
    let pieces: Vec<_> = response.body.iter().map(|(at, bytes)| (at.as_millis(), &**bytes)).collect();
    assert_eq!(pieces, [(2, &b"data: one\n\n"[..]), (3, b"data: two\n\n")]);
    assert!(!response.complete && response.problem.is_none());
    chunks.push(encoder.finish().unwrap());
    let response = parse(&received(chunks.iter().map(|chunk| &**chunk), Some(End::Fin)), "GET");
    assert_eq!(whole(&response), "data: one\n\ndata: two\n\n");
}

#[test]
fn deflate_may_be_zlib_or_raw() {
    let (mut zlib, mut raw) =
        (ZlibEncoder::new(Vec::new(), Compression::default()), DeflateEncoder::new(Vec::new(), Compression::default()));
    zlib.write_all(b"hello").unwrap();
    raw.write_all(b"hello").unwrap();
    for body in [zlib.finish().unwrap(), raw.finish().unwrap()] {
        assert_eq!(whole(&ended(&coded("deflate", &body))), "hello");
        assert!(!ended(&coded("deflate", &body[..body.len() - 3])).complete);
    }
}

#[test]
fn several_members_are_one_body() {
    assert_eq!(whole(&ended(&coded("X-GZIP", &[gzip(b"one"), gzip(b"two")].concat()))), "onetwo");
    assert_eq!(whole(&ended(&coded("identity", b"plain"))), "plain");
    assert_eq!(whole(&ended(&coded("gzip", b""))), "");
}

#[test]
fn broken_compression_is_named() {
    let mut body = gzip(b"hello hello hello");
    check_problem(&ended(&coded("gzip", &body[..body.len() - 1])), "compressed body is corrupt");
    check_problem(&open(&coded("gzip", b"this is no gzip")), "compressed body is corrupt");
    check_problem(&ended(&coded("deflate", b"\x78")), "compressed body is corrupt");
    check_problem(&open(&coded("br", b"x")), "content coding `br`");
    let checksum = body.len() - 8;
    body[checksum] ^= 1;
    check_problem(&ended(&coded("gzip", &body)), "compressed body is corrupt");
}

#[test]
fn a_bomb_is_bounded() {
    let bomb = gzip(&vec![0; 4 * limits::BODY]);
    for size in [bomb.len(), 16 << 10, 100] {
        let response = parse(&received(coded("gzip", &bomb).chunks(size), Some(End::Fin)), "GET");
        check_problem(&response, "over 8 MiB after decompression");
        let size: usize = response.body.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(size <= limits::BODY && !response.complete, "{size}");
    }
    let most = gzip(&vec![b'a'; limits::BODY]);
    assert_eq!(whole(&ended(&coded("gzip", &most))).len(), limits::BODY);
}

proptest! {
    #[test]
    fn gzip_is_undone_in_chunks_of_any_size(text in "[ -~]{0,300}", size in 1..50_usize) {
        let bytes = coded("gzip", &gzip(text.as_bytes()));
        prop_assert_eq!(whole(&parse(&received(bytes.chunks(size), Some(End::Fin)), "GET")), text);
    }

    #[test]
    fn no_compressed_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200), at in 0..40_usize, coding in "gzip|deflate") {
        ended(&coded(&coding, &body));
        let mut broken = gzip(&body);
        let at = at.min(broken.len() - 1);
        broken[at] ^= 0x55;
        ended(&coded(&coding, &broken));
    }
}
