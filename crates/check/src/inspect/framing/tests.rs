//! What a stream consists of, in chunks of any size.

use super::*;

fn framing(chunks: &[&str]) -> Framing {
    let mut framing = Framing::new();
    for chunk in chunks {
        framing.push(chunk.as_bytes(), 0).unwrap();
    }
    framing
}

#[test]
fn it_says_where_the_bytes_stop() {
    for (chunk, event, line) in [
        ("data: 1\n\n", false, false),
        ("data: 1\n", true, false),
        ("data: 1\n\ndat", true, true),
        (": a comment without a blank line\n", false, false),
        (": half a comm", false, true),
        ("id: 1\nretry: 5\n", false, false),
        ("data: 1\r\n\r\n", false, false),
    ] {
        let framing = framing(&[chunk]);
        assert_eq!((framing.is_inside_event(), framing.is_inside_line()), (event, line), "{chunk:?}");
    }
}

#[test]
fn it_counts_what_there_is() {
    let framing = framing(&[": hi\n\nretry: 10\n\nid: 1\nevent: ping\nda", "ta: {}\n\ndata: x\n\nfoo\n{\"a\":1}\n"]);
    assert_eq!((framing.events, framing.comments(), framing.beats), (2, 1, 1));
    assert_eq!((framing.foreign_lines(), framing.retry_ms(), framing.with_id()), (2, Some(10), 2));
    assert!(framing.compressed_bytes() > 0 && framing.websocket_bytes == 2 + 2 + 1 + 2);
}

#[test]
fn characters_may_be_split_but_not_broken() {
    let mut framing = Framing::new();
    let text = "data: é👩\n\n".as_bytes();
    for byte in text {
        framing.push(&[*byte], 0).unwrap();
    }
    assert!(!framing.is_not_utf8());
    framing.push(b"data: \xff\n\n", 0).unwrap();
    assert!(framing.is_not_utf8());
}

#[test]
fn an_event_without_an_end_is_an_error() {
    let mut framing = Framing::new();
    let piece = [b'x'; 1 << 16];
    assert!((0..32).any(|_| framing.push(&piece, 0).is_err()));
}
