//! Exercise 1: an event stream, in chunks as a network delivers them.

use exercise::{Event, Parser};

feedlab_exercises::subject!(sse_parser, "../yours/sse_parser.rs");

fn event(event_type: &str, data: &str, id: &str) -> Event {
    Event { event_type: event_type.to_owned(), data: data.to_owned(), last_event_id: id.to_owned() }
}

/// Parses a stream that arrives in one piece.
fn events(stream: &str) -> Vec<Event> {
    Parser::default().push(stream.as_bytes())
}

#[test]
fn lines_of_data_are_joined_and_one_space_is_dropped() {
    let stream = "event: tick\ndata: one\ndata:two\ndata:  three\ndata\n\ndata:\n\n";
    let expected = [event("tick", "one\ntwo\n three\n", ""), event("message", "", "")];
    assert_eq!(
        events(stream),
        expected,
        "each `data` line adds its value and an LF, and the last LF is dropped. One space after the colon is not part \
         of the value, a second one is. `data` without a value is data too: an empty line. The type counts for one event"
    );
}

#[test]
fn a_chunk_may_end_anywhere() {
    let stream = "id: 1\nevent: tick\ndata: grüße 🦀\n\ndata: b\r\n\r\n".as_bytes();
    let expected = [event("tick", "grüße 🦀", "1"), event("message", "b", "1")];
    for end in 0..stream.len() {
        let mut parser = Parser::default();
        let mut found = parser.push(&stream[..end]);
        found.extend(parser.push(&stream[end..]));
        assert_eq!(
            found,
            expected,
            "the stream was split after byte {end}, after {:?}: keep what is unfinished at the end of a chunk for the \
             next one, and decode a line only when it is complete",
            String::from_utf8_lossy(&stream[..end]).chars().next_back()
        );
    }
}

#[test]
fn lines_end_with_lf_cr_or_crlf() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!("data: a{end}data: b{end}{end}data: c{end}{end}");
        let expected = [event("message", "a\nb", ""), event("message", "c", "")];
        assert_eq!(events(&stream), expected, "all lines of this stream end with {end:?}");
    }
    let mut parser = Parser::default();
    assert_eq!(
        parser.push(b"data: a\r\r").len(),
        1,
        "a CR ends its line at once: a parser that waits for the LF that may follow delivers late, or never"
    );
    assert_eq!(parser.push(b"\ndata: b\r").len(), 0, "an LF right after a CR belongs to it, even in the next chunk");
    assert_eq!(parser.push(b"\n\r\n").len(), 1, "CRLF is one line ending, even if a chunk ends between the two");
}

#[test]
fn a_byte_order_mark_is_dropped_once_at_the_start() {
    let marked = events("\u{feff}data: a\n\n\u{feff}data: b\n\ndata: c\n\n");
    let expected = [event("message", "a", ""), event("message", "c", "")];
    assert_eq!(marked, expected, "the first mark is dropped; the second is part of an unknown field name");
}

#[test]
fn comments_and_unknown_fields_are_ignored() {
    let stream = ": keepalive\n\n:\n\nfoo: bar\nDATA: x\n data: y\ndata: z\n\n";
    assert_eq!(
        events(stream),
        [event("message", "z", "")],
        "a keepalive must not reach the page, and names must match exactly: `DATA` and ` data` are other fields"
    );
}

#[test]
fn an_id_stays_until_another_is_read() {
    let stream = "id: 7\ndata: a\n\ndata: b\n\nid: 8\0\ndata: c\n\nid\ndata: d\n\n";
    let expected =
        [event("message", "a", "7"), event("message", "b", "7"), event("message", "c", "7"), event("message", "d", "")];
    assert_eq!(events(stream), expected, "an id stays; one with a NUL is ignored; one without a value clears it");
}

#[test]
fn an_id_counts_with_its_blank_line() {
    let mut parser = Parser::default();
    parser.push(b"id: 7\n\nid: 8\ndata: lost with the connec");
    assert_eq!(
        parser.last_event_id(),
        "7",
        "a block without data is not an event, but its id counts (7). The event with id 8 was incomplete: a client \
         that reconnected with 8 would never get it"
    );
}

#[test]
fn a_reconnection_time_is_digits_and_nothing_else() {
    for (value, expected) in
        [("2500", Some(2500)), ("+5", None), ("1.5", None), ("10s", None), ("-1", None), ("", None)]
    {
        let mut parser = Parser::default();
        parser.push(format!("retry: {value}\n\n").as_bytes());
        assert_eq!(parser.retry_ms(), expected, "`retry: {value}` (WHATWG: \"consists of only ASCII digits\")");
    }
    let mut parser = Parser::default();
    parser.push(b"retry: 2500\nretry: soon\n\n");
    assert_eq!(parser.retry_ms(), Some(2500), "`retry: soon` is ignored; it does not undo the earlier value");
}
