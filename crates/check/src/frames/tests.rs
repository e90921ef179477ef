//! WebSocket frames: the examples of the standard, what a client must reject, and limits.

use proptest::prelude::*;

use super::*;

/// Returns what has arrived, in chunks of this size, one per millisecond.
fn chunks(bytes: &[u8], size: usize) -> Vec<(Duration, Bytes)> {
    let chunks = bytes.chunks(size.max(1)).map(Bytes::copy_from_slice);
    (1..).map(Duration::from_millis).zip(chunks).collect()
}

#[track_caller]
fn frames(bytes: &[u8]) -> Vec<(u8, bool, Vec<u8>)> {
    let (frames, problem) = parse(&chunks(bytes, bytes.len()));
    assert_eq!(problem, None);
    frames.into_iter().map(|frame| (frame.opcode, frame.fin, frame.payload.to_vec())).collect()
}

/// RFC 6455, section 5.7: the examples that a server may send.
#[test]
fn the_standards_examples_are_read() {
    let hello = b"Hello".to_vec();
    assert_eq!(frames(b"\x81\x05Hello"), [(TEXT, true, hello.clone())]);
    let fragments = [(TEXT, false, b"Hel".to_vec()), (CONTINUATION, true, b"lo".to_vec())];
    assert_eq!(frames(b"\x01\x03Hel\x80\x02lo"), fragments);
    assert_eq!(frames(b"\x89\x05Hello"), [(PING, true, hello)]);
    for (start, length) in [(&b"\x82\x7E\x01\x00"[..], 256), (b"\x82\x7F\0\0\0\0\0\x01\0\0", 65_536)] {
        let payload = vec![7; length];
        assert_eq!(frames(&[start, &payload].concat()), [(BINARY, true, payload)]);
    }
}

/// The same examples, written: also the masked ones.
#[test]
fn the_standards_examples_are_written() {
    let key = Some([0x37, 0xFA, 0x21, 0x3D]);
    for (bytes, expected) in [
        (encode(TEXT, b"Hello", true, None, false), &b"\x81\x05Hello"[..]),
        (encode(TEXT, b"Hello", true, key, false), b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
        (encode(TEXT, b"Hel", false, None, false), b"\x01\x03Hel"),
        (encode(CONTINUATION, b"lo", true, None, false), b"\x80\x02lo"),
        (encode(PONG, b"Hello", true, key, false), b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
        (encode(TEXT, b"", true, None, true), b"\xC1\0"),
    ] {
        assert_eq!(bytes, expected);
    }
    for (length, start) in [
        (125, &b"\x82\x7D"[..]),
        (126, b"\x82\x7E\0\x7E"),
        (65_535, b"\x82\x7E\xFF\xFF"),
        (65_536, b"\x82\x7F\0\0\0\0\0\x01\0\0"),
    ] {
        let frame = encode(BINARY, &vec![0; length], true, None, false);
        assert!(frame.starts_with(start) && frame.len() == start.len() + length, "{length}");
    }
}

/// RFC 6455, section 1.3.
#[test]
fn the_standards_key_is_accepted() {
    assert_eq!(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(key().len() == 24 && key() != key());
}

#[test]
fn what_a_client_must_reject_is_a_problem() {
    for (bytes, needle) in [
        (&b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"[..], "masks"),
        (b"\xC1\x00", "reserved bit"),
        (b"\x83\x00", "opcode 3"),
        (b"\x8B\x00", "opcode 11"),
        (b"\x09\x00", "fragmented"),
        (b"\x89\x7E\x00\x7E", "125 bytes"),
        (b"\x82\x7E\x00\x7D", "fewest bytes"),
        (b"\x82\x7F\0\0\0\0\0\0\xFF\xFF", "fewest bytes"),
        (b"\x82\x7F\x80\0\0\0\0\0\0\0", "8 MiB"),
        (b"\x82\x7F\0\0\0\0\0\x80\0\x01", "8 MiB"),
        (b"\x80\x00", "no message to continue"),
        (b"\x01\x00\x81\x00", "before the last fragment"),
        (b"\x88\x01\x03", "one byte"),
    ] {
        let (_, problem) = parse(&chunks(bytes, 1));
        assert!(problem.as_deref().is_some_and(|problem| problem.contains(needle)), "{bytes:?}: {problem:?}");
    }
}

#[test]
fn frames_before_a_wrong_one_count_and_those_after_it_do_not() {
    let (frames, problem) = parse(&chunks(b"\x81\x01a\xC1\x01b\x81\x01c", 4));
    assert!(frames.len() == 1 && problem.is_some(), "{frames:?} {problem:?}");
}

#[test]
fn frames_are_bounded() {
    let (frames, problem) = parse(&chunks(&b"\x89\0".repeat(limits::ITEMS + 1), 1 << 20));
    assert!(frames.len() == limits::ITEMS && problem.is_some_and(|problem| problem.contains("no more are read")));
}

#[test]
fn a_frame_arrives_with_its_last_byte() {
    let (frames, _) = parse(&chunks(b"\x81\x03abc\x89\x00\x81\x01d\x81\x05e", 3));
    let times: Vec<u128> = frames.iter().map(|frame| frame.at.as_millis()).collect();
    assert_eq!(times, [2, 3, 4]);
}

#[test]
fn fragments_are_joined_around_control_frames() {
    let (frames, _) = parse(&chunks(b"\x01\x02\xC3\xA9\x89\x01p\x00\x01b\x80\x01c\x82\x01\xFF\x81\x01\xFF", 1));
    let messages: Vec<_> =
        messages(&frames).into_iter().map(|message| (message.text, message.bytes.to_vec())).collect();
    let expected = [(Some("ébc".to_owned()), "ébc".into()), (None, vec![0xFF]), (None, vec![0xFF])];
    assert_eq!(messages, expected);
}

#[test]
fn a_close_frame_may_have_a_code() {
    let code = |bytes: &[u8]| close_code(&parse(&chunks(bytes, 1)).0[0]);
    assert_eq!(
        [code(b"\x88\x02\x03\xE9"), code(b"\x88\x03\x03\xE8x"), code(b"\x88\0"), code(b"\x82\x02\x03\xE9")],
        [Some(1001), Some(1000), None, None]
    );
}

proptest! {
    #[test]
    fn anything_is_read_alike_in_chunks_of_any_size(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1..9_usize) {
        let (whole, problem) = parse(&chunks(&bytes, bytes.len()));
        let (split, same) = parse(&chunks(&bytes, size));
        let ignoring_times = |frames: Vec<Incoming>| {
            frames.into_iter().map(|frame| (frame.opcode, frame.fin, frame.payload)).collect::<Vec<_>>()
        };
        prop_assert_eq!(ignoring_times(whole.clone()), ignoring_times(split));
        prop_assert_eq!(problem, same);
        prop_assert!(messages(&whole).len() <= whole.len());
    }

    #[test]
    fn what_is_written_is_read(payload in prop::collection::vec(any::<u8>(), 0..70_000), size in 1..9_000_usize) {
        let bytes = encode(BINARY, &payload, true, None, false);
        let (frames, problem) = parse(&chunks(&bytes, size));
        prop_assert_eq!(problem, None);
        prop_assert_eq!(frames.len(), 1);
        prop_assert_eq!(&frames[0].payload, &payload);
        let masked = encode(BINARY, &payload, true, Some([1, 2, 3, 4]), false);
        prop_assert_eq!(masked.len(), bytes.len() + 4);
    }
}
