use feedlab_feed::stream::MAX_PIECES;
use feedlab_feed::{Data, Epoch, EventType, Update};

use super::*;
use crate::limits::MAX_HISTORY_BYTES;
use crate::ring::{Ring, Snapshot};

/// A pass over three places with what follows `seq`, of `count` updates of `payload_bytes` each.
fn pass((count, payload_bytes): (u64, usize), seq: u64) -> Pass {
    let mut ring = Ring::new(1_000, MAX_HISTORY_BYTES, Snapshot::none(Epoch::random()));
    for number in 0..count {
        let data = Data::Text((number % 10).to_string().repeat(payload_bytes));
        ring.push(|seq| Update { seq, at: 1, event_type: EventType::default(), data });
    }
    Pass::new(ring.after(seq, MAX_PIECES), 3, 0)
}

#[test]
fn several_updates_are_the_concatenation_of_their_encodings() {
    let mut pass = pass((5, 10), 2);
    assert_eq!((pass.from(), pass.to()), (2, 5));
    for encoding in Encoding::ALL {
        let each: Vec<_> = pass.entries.iter().map(|entry| entry.encoded(encoding)).collect();
        assert_eq!(each.len(), 3);
        assert_eq!(*pass.bytes(encoding), each.concat(), "{encoding:?}");
        let first = pass.bytes(encoding).as_ptr();
        assert_eq!(first, pass.bytes(encoding).as_ptr(), "encoded once");
    }
}

#[test]
fn a_single_update_is_sent_as_the_entry_holds_it() {
    let mut pass = pass((1, 10), 0);
    for encoding in [Encoding::Chunk, Encoding::Frame] {
        let own = pass.entries[0].encoded(encoding);
        assert_eq!(pass.bytes(encoding).as_ptr(), own.as_ptr(), "{encoding:?}: no copy");
    }
}

#[test]
fn a_pass_takes_no_more_than_a_stream_may_hold() {
    for (payload_bytes, expected) in
        [(10, MAX_PIECES as u64), (1_024, 64), (10_000, 7), (40_000, 2), (MAX_BATCH_BYTES, 2), (200_000, 1)]
    {
        let pass = pass((200, payload_bytes), 3);
        assert_eq!((pass.from(), pass.to()), (3, 3 + expected), "{payload_bytes} bytes each");
        assert_eq!(pass.entries.len() as u64, expected);
        assert!(pass.payload_bytes as usize <= MAX_BATCH_BYTES + payload_bytes);
    }
}

#[test]
fn only_what_was_sent_is_added_and_only_once() {
    let meters = Meters::default();
    let mut pass = pass((3, 10), 0);
    for (encoding, bytes) in [(Encoding::Chunk, 100), (Encoding::Event, 7), (Encoding::Chunk, 0), (Encoding::Frame, 40)]
    {
        pass.sent(encoding, bytes);
    }
    let counts = |transport| {
        let endpoint = meters.endpoint(transport);
        (endpoint.updates.get(), endpoint.payload_bytes.get(), endpoint.bytes_out.get())
    };
    for _ in 0..2 {
        pass.settle(&meters);
        assert_eq!(counts(Transport::Sse), (3 * 3, 3 * 30, 107));
        assert_eq!(counts(Transport::WebSocket), (3, 30, 40));
    }
    pass.sent(Encoding::Frame, 2);
    pass.settle(&meters);
    assert_eq!(counts(Transport::WebSocket), (6, 60, 42), "a later piece of the same pass");
    assert_eq!(counts(Transport::LongPolling), (0, 0, 0));
}

#[test]
fn each_place_is_visited_once_from_where_the_pass_begins() {
    let none = || Batch { gap: None, entries: Vec::new(), resume: 0, bookmark: None };
    for (places, first) in [(1, 0), (5, 0), (5, 3), (5, 4), (128, 100)] {
        let mut pass = Pass::new(none(), places, first);
        let visited: Vec<_> = std::iter::from_fn(|| pass.next()).collect();
        assert_eq!(visited, (first..places).chain(0..first).collect::<Vec<_>>());
        assert_eq!(pass.next(), None, "it is over");
    }
    assert_eq!(Pass::new(none(), 0, 0).next(), None);
}
