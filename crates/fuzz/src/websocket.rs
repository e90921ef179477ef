//! Frames of a client, in chunks of any size: the same messages as if they had arrived at once. And the contents of
//! frames, on both sides.

use feedlab_feed::wire::websocket::{Decoder, Incoming, Message, Violation, read_binary, read_text};
use feedlab_feed::wire::{Publication, RawUpdate, parse_update, poll, update_json};

use crate::chunks;

/// Less than an input, so that some messages are too large.
const LIMIT: usize = 1 << 10;

pub(crate) fn run(input: &[u8]) {
    let (bytes, chunks) = chunks::of(input);
    let whole = decoded(&[bytes]);
    assert_eq!(decoded(&chunks), whole, "in chunks, and at once");
    for message in &whole.0 {
        match message {
            Incoming::Text(text) => read(text.as_bytes()),
            Incoming::Binary(bytes) | Incoming::Ping(bytes) => read(bytes),
            Incoming::Pong | Incoming::Close(_) => {}
        }
    }
    read(bytes);
}

fn decoded(chunks: &[&[u8]]) -> (Vec<Incoming>, Result<(), Violation>) {
    let (mut decoder, mut messages) = (Decoder::new(LIMIT), Vec::new());
    let ended = chunks.iter().try_for_each(|chunk| {
        let mut rest = *chunk;
        while let Some(message) = decoder.decode(&mut rest)? {
            messages.push(message);
        }
        assert!(rest.is_empty(), "bytes were left, without a message");
        Ok(())
    });
    (messages, ended)
}

/// Reads the contents of a frame, whatever they are meant to be; an update reads back as it is written.
fn read(payload: &[u8]) {
    let _ = (Publication::from_json(payload), read_binary(payload), RawUpdate::Binary(payload).stamp(None));
    if let Ok(Message::Update(update)) = std::str::from_utf8(payload).map(read_text)
        && let Ok(update) = update.update()
    {
        assert_eq!(parse_update(update_json(&update).as_bytes()).unwrap(), update);
    }
    if let Ok(body) = poll::Body::parse(payload) {
        body.raw_updates().for_each(|update| drop((update.stamp(None), update.update())));
    }
}
