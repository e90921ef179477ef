//! Instructions to encode an update for each transport, as the server does once for all clients, and to read one, as
//! every simulated client does. `scripts/check-instructions` runs them.

#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first surprise")]

use std::hint::black_box;

use feedlab_feed::wire::sse::{self, Parser};
use feedlab_feed::wire::websocket::{self, Message};
use feedlab_feed::wire::{RawUpdate, update_json};
use feedlab_feed::{Data, Epoch, EventType, Update};
use feedlab_testkit::instructions;

fn main() -> std::io::Result<()> {
    instructions::main(&[
        ("encode an event of SSE", || Box::new(event())),
        ("encode a WebSocket frame", || Box::new(frame())),
        ("encode an update of a poll", || Box::new(json())),
        ("read an event of SSE", || Box::new(read_event())),
        ("read a WebSocket message", || Box::new(read_message())),
    ])
}

/// The update that the benchmarks of whole servers publish: 100 bytes of text.
fn update() -> Update {
    Update {
        seq: 31_415,
        at: 1_767_225_600_000_000,
        event_type: EventType::default(),
        data: Data::Text("T123456789012;".to_owned() + &"x".repeat(86)),
    }
}

fn epoch() -> Epoch {
    Epoch::of(b"a benchmark")
}

fn event() -> impl FnMut() {
    let (epoch, update) = (epoch(), update());
    move || drop(black_box(sse::chunk(sse::update_event(epoch, black_box(&update)).as_bytes())))
}

fn frame() -> impl FnMut() {
    let update = update();
    move || drop(black_box(websocket::update_frame(black_box(&update))))
}

fn json() -> impl FnMut() {
    let update = update();
    move || drop(black_box(update_json(black_box(&update))))
}

fn read_event() -> impl FnMut() {
    let mut parser = Parser::default();
    let text = sse::update_event(epoch(), &update());
    move || {
        let mut stamp = None;
        parser.push(text.as_bytes(), |event| stamp = RawUpdate::Event(&event).stamp(None).ok()).unwrap();
        black_box(stamp.unwrap());
    }
}

fn read_message() -> impl FnMut() {
    let text = update_json(&update());
    move || {
        let Message::Update(update) = websocket::read_text(black_box(&text)) else { panic!("an update") };
        black_box(update.stamp(None).unwrap());
    }
}
