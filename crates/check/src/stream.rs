//! The events of an event stream, as a browser dispatches them, with their times. The parser is feedlab's own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use feedlab_feed::wire::sse::{Event, Parser};

use crate::limits;

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When the end of its block arrived.
    pub at: Duration,
    /// The event.
    pub event: Event,
    /// Its own id: that of an `id:` field in its block. The id in the event may be an earlier one.
    pub own_id: Option<Arc<str>>,
}

/// Returns the first events in a decoded body, at most [`limits::ITEMS`], and the reconnection time that it sets, ms.
#[must_use]
pub fn events(body: &[(Duration, Bytes)]) -> (Vec<Seen>, Option<u64>) {
    let (mut parser, mut seen) = (Parser::new(limits::BODY), Vec::new());
    for (at, chunk) in body {
        let pushed = parser.push(chunk, |event| {
            let own_id = event.has_own_id.then(|| event.last_event_id.clone());
            if seen.len() < limits::ITEMS {
                seen.push(Seen { at: *at, event, own_id });
            }
        });
        // A body is no larger than the limit, so that no event is.
        if pushed.is_err() {
            break;
        }
    }
    (seen, parser.retry_ms())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunks(text: &[u8], size: usize) -> Vec<(Duration, Bytes)> {
        let chunks = text.chunks(size.max(1)).map(Bytes::copy_from_slice);
        (1..).map(Duration::from_millis).zip(chunks).collect()
    }

    /// However the stream is cut, these are its events, as `TYPE|DATA|LAST ID|OWN ID`.
    #[track_caller]
    fn check(stream: &str, expected: &[&str], retry: Option<u64>) {
        for size in [1, 2, 3, stream.len()] {
            let (seen, set) = events(&chunks(stream.as_bytes(), size));
            let lines = seen.iter().map(|Seen { event, own_id, .. }| {
                format!("{}|{}|{}|{own_id:?}", event.event_type, event.data, event.last_event_id)
            });
            assert_eq!(lines.collect::<Vec<_>>(), expected, "in chunks of {size}");
            assert_eq!(set, retry);
        }
    }

    #[test]
    fn an_own_id_is_one_in_the_events_block() {
        check("id: 1\ndata: a\n\ndata: b\n\n", &["message|a|1|Some(\"1\")", "message|b|1|None"], None);
        check("data: a\r\nid: 2\r\n\r\nid\rdata: b\r\r", &["message|a|2|Some(\"2\")", "message|b||Some(\"\")"], None);
    }

    #[test]
    fn an_id_in_a_block_of_its_own_is_not_the_next_events() {
        check("id: 1\n\ndata: a\n\n", &["message|a|1|None"], None);
        check("id: 1\nretry: 50\n\n: idle\n\nevent: x\ndata: a\n\n", &["x|a|1|None"], Some(50));
    }

    #[test]
    fn an_id_with_a_nul_is_none() {
        check("id: 1\0\ndata: a\n\n", &["message|a||None"], None);
    }

    #[test]
    fn events_are_bounded() {
        let (seen, retry) =
            events(&chunks(&[&b"data\n\n".repeat(limits::ITEMS + 1)[..], b"retry: 5\n\n"].concat(), 1 << 20));
        assert_eq!((seen.len(), retry), (limits::ITEMS, Some(5)));
    }

    #[test]
    fn an_event_arrives_with_its_blank_line() {
        let (seen, _) = events(&chunks(b"data: a\n\ndata: b\n\n", 5));
        assert_eq!(seen.iter().map(|seen| seen.at.as_millis()).collect::<Vec<_>>(), [2, 4]);
    }

    proptest! {
        #[test]
        fn anything_is_read_alike_in_chunks_of_any_size(text in "(id|data|retry|:| |1|\r|\n|\0|\u{feff}|é){0,60}", size in 1..9_usize) {
            let without_times = |size| {
                let (seen, retry) = events(&chunks(text.as_bytes(), size));
                (seen.into_iter().map(|seen| (seen.event, seen.own_id)).collect::<Vec<_>>(), retry)
            };
            prop_assert_eq!(without_times(size), without_times(text.len()));
        }
    }
}
