//! An event stream, in chunks of any size: the same events as if it had arrived at once, and what is read from each is
//! what was written.

use feedlab_feed::wire::sse::{Event, EventTooLarge, Parser, update_event};
use feedlab_feed::{Epoch, Update};

use crate::chunks;

/// Less than an input, so that some events are too large.
const LIMIT: usize = 1 << 10;

pub(crate) fn run(input: &[u8]) {
    let (bytes, chunks) = chunks::of(input);
    let whole = Heard::from(&[bytes]);
    assert_eq!(Heard::from(&chunks), whole, "in chunks, and at once");
    for event in &whole.events {
        let _ = (event.gap(), event.reset(), event.at());
        if let (Ok(update), Some(epoch)) = (event.update(), event.cursor().ok().and_then(|cursor| cursor.epoch)) {
            assert_eq!(read_back(epoch, &update).unwrap(), update);
        }
    }
}

/// All that a client learns from a stream.
#[derive(Debug, PartialEq)]
struct Heard {
    events: Vec<Event>,
    ended: Result<(), EventTooLarge>,
    last_event_id: String,
    retry_ms: Option<u64>,
}

impl Heard {
    fn from(chunks: &[&[u8]]) -> Self {
        let (mut parser, mut events) = (Parser::new(LIMIT), Vec::new());
        let ended = chunks.iter().try_for_each(|chunk| parser.push(chunk, |event| events.push(event)));
        Self { events, ended, last_event_id: parser.last_event_id().to_owned(), retry_ms: parser.retry_ms() }
    }
}

fn read_back(epoch: Epoch, update: &Update) -> Option<Update> {
    let mut events = Vec::new();
    Parser::default().push(update_event(epoch, update).as_bytes(), |event| events.push(event)).ok()?;
    match events.as_slice() {
        [event] => event.update().ok(),
        _ => None,
    }
}
