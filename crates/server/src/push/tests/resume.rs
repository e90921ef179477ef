//! Every update is delivered or reported lost: over restarts of a feed that is the same afterwards and of one that is
//! not, over every transport, wherever the client is cut off.

use std::collections::{BTreeMap, BTreeSet};

use feedlab_feed::Epoch;
use feedlab_feed::settings::Settings;
use feedlab_feed::wire::websocket::{Message, read_text};
use feedlab_feed::wire::{RawUpdate, poll, sse};
use futures_util::FutureExt as _;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;
use crate::ring::Snapshot;

/// A step of the test.
#[derive(Clone, Debug)]
enum Step {
    Publish(u8),
    /// Another feed continues from the snapshot of this one.
    GoOn,
    /// The process ends, and another one makes the same feed from its start.
    MakeAgain,
    /// The process ends, and another one starts a new feed.
    BeginAnew,
    /// The client connects, and is cut off after this many bytes.
    Visit(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1u8..12).prop_map(Step::Publish),
        1 => Just(Step::GoOn),
        1 => Just(Step::MakeAgain),
        2 => Just(Step::BeginAnew),
        4 => (0usize..1_500).prop_map(Step::Visit),
    ];
    proptest::collection::vec(step, 0..40)
}

/// A feed over its restarts. An update's text is its epoch and its `seq`.
struct Feeds {
    runtime: Runtime,
    feed: Feed,
    app: App,
}

impl Feeds {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (feed, app) = open(&runtime, Snapshot::none(Epoch::random()));
        Self { runtime, feed, app }
    }

    fn reopen(&mut self, snapshot: Snapshot) {
        (self.feed, self.app) = open(&self.runtime, snapshot);
    }

    fn publish(&self, count: u64) {
        for _ in 0..count {
            let text = self.app.hub.cursor(self.app.hub.head() + 1).to_string();
            self.app.hub.publish_now(Item { event_type: EventType::default(), data: Data::Text(text) });
        }
    }

    fn happen(&mut self, step: &Step) {
        match *step {
            Step::Publish(count) => self.publish(count.into()),
            Step::GoOn => self.reopen(self.feed.snapshot()),
            Step::MakeAgain => {
                let head = self.app.hub.head();
                self.reopen(Snapshot::none(self.feed.epoch()));
                self.publish(head);
            }
            Step::BeginAnew => self.reopen(Snapshot::none(Epoch::random())),
            Step::Visit(_) => {}
        }
    }

    /// Returns the response to a poll.
    fn body(&self, cursor: Cursor) -> Vec<u8> {
        let Position { seq, reset } = self.app.hub.position(Some(cursor));
        let batch = self.app.hub.all_in_history_after(seq).now_or_never().unwrap();
        let updates = batch.entries.iter().map(|entry| &entry.json()[..]);
        poll::write_body(updates, self.app.hub.cursor(batch.next()), batch.gap, reset)
    }

    /// Returns what a stream sends immediately.
    fn stream(&self, cursor: Cursor, framing: impl Framing + 'static, transport: Transport) -> Vec<u8> {
        let (position, endpoint) = (self.app.hub.position(Some(cursor)), self.app.meters.endpoint(transport));
        let encoding = framing.encoding();
        let start = Start::new(&self.app, framing, position, endpoint.clone());
        let batch = self.app.hub.held_after(start.resume, usize::MAX);
        let updates = batch.entries.iter().map(|entry| entry.encoded(encoding));
        start.greeting().into_iter().chain(updates).flatten().collect()
    }
}

fn open(runtime: &Runtime, snapshot: Snapshot) -> (Feed, App) {
    let config: Config = Settings { history: 7, queue: 9, ..Settings::default() }.into();
    let feed = runtime.block_on(Feed::open_after(&config, snapshot)).unwrap();
    let app = App::new(&feed, config);
    (feed, app)
}

/// What a client has received, and what it knows to be lost.
#[derive(Default)]
struct Client {
    cursor: Cursor,
    /// Keeps the cursor of an event stream.
    parser: sse::Parser,
    given: BTreeSet<(Epoch, u64)>,
    lost: BTreeSet<(Epoch, u64)>,
    /// The epochs that are over, and its position in each when it learned that.
    over: BTreeMap<Epoch, u64>,
}

impl Client {
    fn update(&mut self, cursor: Cursor, raw: RawUpdate<'_>) {
        let update = raw.update().unwrap();
        assert_eq!(update.data, Data::Text(cursor.to_string()), "an update with another's cursor");
        assert!(self.given.insert((cursor.epoch.unwrap(), update.seq)), "{cursor} came twice");
        self.cursor = cursor;
    }

    fn gap(&mut self, gap: Gap, resume: Cursor) {
        self.lost.extend((gap.from..=gap.to).map(|seq| (resume.epoch.unwrap(), seq)));
        self.cursor = resume;
    }

    fn reset(&mut self, reset: Reset) {
        assert_eq!(reset.asked, self.cursor);
        self.over.insert(reset.asked.epoch.unwrap(), reset.asked.seq);
        self.cursor = reset.resume;
    }

    fn visit(&mut self, feeds: &Feeds, transport: Transport, cut: usize) {
        let pieces = |bytes: Vec<u8>| bytes[..cut.min(bytes.len())].to_vec();
        match transport {
            Transport::ShortPolling | Transport::LongPolling => {
                let body = feeds.body(self.cursor);
                if cut >= body.len() {
                    self.poll(&body);
                }
            }
            Transport::Sse => {
                let events = Events::new(false, sse::RETRY);
                self.events(&pieces(feeds.stream(self.cursor, events, transport)));
            }
            Transport::WebSocket => {
                let frames = Frames::new(&feeds.app, feeds.app.meters.endpoint(transport));
                self.frames(&pieces(feeds.stream(self.cursor, frames, transport)));
            }
        }
    }

    fn poll(&mut self, body: &[u8]) {
        let body = poll::Body::parse(body).unwrap();
        body.reset.into_iter().for_each(|reset| self.reset(reset));
        body.gap.into_iter().for_each(|gap| self.gap(gap, body.next.at(gap.to)));
        for raw in body.raw_updates() {
            self.update(body.next.at(raw.stamp(None).unwrap().seq), raw);
        }
        self.cursor = body.next;
    }

    fn events(&mut self, bytes: &[u8]) {
        let mut parser = std::mem::take(&mut self.parser);
        parser.reconnect();
        let dispatch = |event: sse::Event| match (event.reset(), event.gap()) {
            (Some(reset), _) => self.reset(reset),
            (_, Some((gap, resume))) => self.gap(gap, resume),
            _ => self.update(event.cursor().unwrap(), RawUpdate::Event(&event)),
        };
        parser.push(bytes, dispatch).unwrap();
        // The id that a browser would send, whatever it has dispatched.
        self.cursor = parser.last_event_id().parse().unwrap_or(self.cursor);
        self.parser = parser;
    }

    /// Processes the server's complete frames.
    fn frames(&mut self, mut bytes: &[u8]) {
        while let [0x81, len, rest @ ..] = bytes {
            let (header, len) = match (len, rest) {
                (126, [high, low, ..]) => (4, usize::from(*high) << 8 | usize::from(*low)),
                (126, _) => return,
                (len, _) => (2, usize::from(*len)),
            };
            let Some(text) = bytes.get(header..header + len) else { return };
            bytes = &bytes[header + len..];
            match read_text(std::str::from_utf8(text).unwrap()) {
                Message::Hello(cursor) => self.cursor = cursor,
                Message::Reset(reset) => self.reset(reset),
                Message::Gap(gap) => self.gap(gap, self.cursor.at(gap.to)),
                Message::Update(raw) => self.update(self.cursor.at(raw.stamp(None).unwrap().seq), raw),
                Message::Ack(_) => {}
            }
        }
    }

    /// Checks that up to its position in each epoch, every update was either delivered or reported lost; what came
    /// later in an epoch that is over is known to be unknown.
    fn account(&self) {
        let present = (self.cursor.epoch.unwrap(), self.cursor.seq);
        for (epoch, last) in self.over.iter().map(|(epoch, seq)| (*epoch, *seq)).chain([present]) {
            for seq in 1..=last {
                let at = (epoch, seq);
                assert!(self.given.contains(&at) != self.lost.contains(&at), "{at:?} of {last}");
            }
        }
        let knows = |epoch| epoch == present.0 || self.over.contains_key(&epoch);
        assert!(self.given.iter().all(|(epoch, _)| knows(*epoch)), "an epoch ended without a reset");
    }
}

proptest! {
    #[test]
    fn d1_every_update_is_delivered_or_reported_lost(steps in steps()) {
        for transport in Transport::ALL {
            let (mut feeds, mut client) = (Feeds::new(), Client::default());
            for step in &steps {
                feeds.happen(step);
                if let Step::Visit(cut) = step {
                    client.visit(&feeds, transport, *cut);
                }
            }
            client.visit(&feeds, transport, usize::MAX);
            prop_assert_eq!(client.cursor, feeds.app.hub.cursor(feeds.app.hub.head()));
            client.account();
        }
    }
}
