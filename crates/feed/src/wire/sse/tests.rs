use super::*;
use crate::Data;
use crate::wire::tests::any_update;
use proptest::prelude::*;

fn epoch() -> Epoch {
    "k3f9".parse().unwrap()
}

fn at(seq: u64) -> Cursor {
    Cursor::new(epoch(), seq)
}

fn parse(stream: &[u8], chunk: usize) -> Vec<Event> {
    let mut parser = Parser::default();
    let mut events = Vec::new();
    for part in stream.chunks(chunk) {
        parser.push(part, |event| events.push(event)).unwrap();
    }
    events
}

/// However the stream is split into chunks, the `type|data|id` lines must be the same.
#[track_caller]
fn check(stream: &str, expected: &[&str]) {
    for chunk in [1, 2, 3, stream.len().max(1)] {
        let events = parse(stream.as_bytes(), chunk);
        let lines: Vec<String> =
            events.iter().map(|e| format!("{}|{}|{}", e.event_type, e.data, e.last_event_id)).collect();
        assert_eq!(lines, expected, "in chunks of {chunk}");
    }
}

#[test]
fn an_event_has_an_own_id_if_its_block_has_one() {
    let stream = b"id: 1\n\ndata: a\n\ndata: b\nid: 2\n\ndata: c\n\nid: 3\0\ndata: d\n\n";
    for chunk in [1, 2, stream.len()] {
        let own: Vec<bool> = parse(stream, chunk).iter().map(|event| event.has_own_id).collect();
        assert_eq!(own, [false, true, false, false], "in chunks of {chunk}");
    }
}

#[test]
fn lines_end_with_lf_cr_or_crlf() {
    check("data: a\n\ndata: b\r\rdata: c\r\n\r\n", &["message|a|", "message|b|", "message|c|"]);
    check("data: a\r\ndata: b\rdata: c\n\r\n", &["message|a\nb\nc|"]);
}

#[test]
fn a_cr_at_the_end_of_a_chunk_ends_its_line_at_once() {
    let mut parser = Parser::default();
    let mut count = 0;
    parser.push(b"data: now\r\r", |_| count += 1).unwrap();
    assert_eq!(count, 1);
    parser.push(b"\n\ndata: next\n\n", |_| count += 1).unwrap();
    assert_eq!(count, 2);
}

#[test]
fn one_space_after_the_colon_is_not_data() {
    check("data:a\ndata: b\ndata:  c\n\n", &["message|a\nb\n c|"]);
}

#[test]
fn fields_without_a_colon_are_empty_and_unknown_ones_are_ignored() {
    check("data\n\n", &["message||"]);
    check("data\ndata\n\n", &["message|\n|"]);
    check("dat: x\n data: y\nDATA: z\n\n", &[]);
    check(": comment\n:\n\ndata: x\n\n", &["message|x|"]);
}

#[test]
fn an_event_without_data_is_not_dispatched_and_forgets_its_name() {
    check("event: ghost\n\ndata: x\n\n", &["message|x|"]);
    check("event: a\nevent: b\ndata: x\n\nevent:\ndata: y\n\n", &["b|x|", "message|y|"]);
}

#[test]
fn the_id_stays_until_it_is_changed_and_ignores_nul() {
    check("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", &["message|a|1", "message|b|1", "message|c|"]);
    check("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n", &["message|a|7", "message|b|7"]);
}

#[test]
fn an_id_without_data_still_counts_for_the_reconnection() {
    let mut parser = Parser::default();
    parser.push(b"id: 5\n\nid: 6\ndata: half", |_| panic!("no event is complete")).unwrap();
    assert_eq!(parser.last_event_id(), "5");
    parser.reconnect();
    let mut seen = Vec::new();
    parser.push(b"data: x\n\n", |event| seen.push(event.last_event_id.to_string())).unwrap();
    assert_eq!(seen, ["5"]);
}

#[test]
fn events_share_an_id_however_many_they_are() {
    let stream = format!("id: {}\n\n{}", "x".repeat(1 << 20), "data\n\n".repeat(1_000));
    let events = parse(stream.as_bytes(), 4_096);
    assert_eq!((events.len(), events[0].last_event_id.len()), (1_000, 1 << 20));
    let first = &events[0].last_event_id;
    assert!(events.iter().all(|event| Arc::ptr_eq(&event.last_event_id, first)));
}

#[test]
fn a_greeting_is_no_event_and_sets_the_cursor_and_the_reconnection_time() {
    let mut parser = Parser::default();
    parser.push(greeting(at(41), Duration::from_secs(2)).as_bytes(), |event| panic!("{event:?}")).unwrap();
    assert_eq!((parser.last_event_id(), parser.retry_ms()), ("k3f9.41", Some(2000)));
}

#[test]
fn the_byte_order_mark_is_dropped_once() {
    check("\u{feff}data: a\n\n", &["message|a|"]);
    check("\u{feff}\u{feff}data: a\n\ndata: b\n\n", &["message|b|"]);
    check("data: a\n\n\u{feff}data: b\n\n", &["message|a|"]);
}

#[test]
fn invalid_utf8_becomes_a_replacement_character() {
    assert_eq!(
        parse(b"data: \xE2\x82\n\ndata: \xFFx\n\n", 1).iter().map(|e| e.data.as_str()).collect::<Vec<_>>(),
        ["\u{fffd}", "\u{fffd}x"]
    );
}

#[test]
fn retry_takes_digits_only() {
    for (stream, expected) in
        [("retry: 1500\n", Some(1500)), ("retry: 1e3\n", None), ("retry:\n", None), ("retry: -1\n", None)]
    {
        let mut parser = Parser::default();
        parser.push(stream.as_bytes(), |_| {}).unwrap();
        assert_eq!(parser.retry_ms(), expected, "{stream:?}");
    }
}

#[test]
fn a_5_mib_event_is_read_and_one_over_the_limit_is_refused() {
    let big = "x".repeat(5 << 20);
    let stream = format!("data: {big}\n\n");
    for chunk in [1, 65_536] {
        assert_eq!(parse(stream.as_bytes(), chunk)[0].data.len(), big.len());
    }
    let mut small = Parser::new(1000);
    assert_eq!(small.push(stream.as_bytes(), |_| {}), Err(EventTooLarge { limit: 1000 }));
}

#[test]
fn an_update_has_the_documented_form() {
    let update = Update {
        seq: 12,
        at: 1_700_000_000_000_001,
        event_type: EventType::new("tick").unwrap(),
        data: Data::Text("a\nb".into()),
    };
    let text = update_event(epoch(), &update);
    assert_eq!(text, "id: k3f9.12\nevent: tick\ndata: {\"at\":1700000000000001,\"data\":\"a\\nb\"}\n\n");
    assert_eq!(gap_event(Gap { from: 3, to: 9 }, at(9)), "id: k3f9.9\nevent: gap\ndata: {\"from\":3,\"to\":9}\n\n");
    let events = parse(gap_event(Gap { from: 3, to: 9 }, at(9)).as_bytes(), 7);
    assert_eq!(events[0].gap(), Some((Gap { from: 3, to: 9 }, at(9))));
    let reset = Reset { asked: "a000.31".parse().unwrap(), resume: at(0) };
    let text = "id: k3f9.0\nevent: reset\ndata: {\"asked\":\"a000.31\",\"resume\":\"k3f9.0\"}\n\n";
    assert_eq!(reset_event(reset), text);
    let events = parse(text.as_bytes(), 7);
    assert_eq!((events[0].reset(), events[0].gap(), events[0].cursor().unwrap()), (Some(reset), None, at(0)));
    assert_eq!(chunk(b"0123456789abcdef"), "10\r\n0123456789abcdef\r\n");
}

proptest! {
    #[test]
    fn any_text_survives_multi_line_data(data: String, chunk in 1usize..20) {
        let text = Outgoing { id: Some(at(3)), event: "e", data: &data }.to_text();
        let expected = data.replace("\r\n", "\n").replace('\r', "\n");
        let events = parse(text.as_bytes(), chunk);
        prop_assert_eq!(events.len(), 1);
        prop_assert_eq!(&events[0].data, &expected);
    }

    #[test]
    fn an_update_survives_its_event(update in any_update(), chunk in 1usize..20) {
        let events = parse(update_event(epoch(), &update).as_bytes(), chunk);
        prop_assert_eq!(events.len(), 1);
        prop_assert_eq!(events[0].at().unwrap(), update.at);
        prop_assert_eq!(events[0].gap(), None);
        prop_assert_eq!(events[0].update().unwrap(), update);
    }

    #[test]
    fn every_chunking_gives_the_same_events(stream in "(data|id|event|retry|:|\r|\n|\r\n| |x|\u{feff}|é){0,60}", chunk in 1usize..9) {
        prop_assert_eq!(parse(stream.as_bytes(), chunk), parse(stream.as_bytes(), usize::MAX));
    }
}
