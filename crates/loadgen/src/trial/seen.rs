//! What the client of a trial has seen so far, for the trial to wait for and for its errors to show.

use std::cell::RefCell;

use feedlab_feed::text::visible;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset};
use tokio::sync::Notify;

use crate::observer::{ClientError, Observer, Opened};
use crate::transport::Parts;

/// How much of a message an error shows, characters.
const SHOWN: usize = 300;
/// How much of a message is kept for that, bytes: the longest characters of UTF-8 have 4.
const KEPT: usize = 4 * SHOWN;

/// The start of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) start: Vec<u8>,
    len: usize,
}

impl Kept {
    fn of(message: &[u8]) -> Self {
        Self { start: message[..message.len().min(KEPT)].to_vec(), len: message.len() }
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.start.len() == self.len
    }
}

/// What the client has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Whether the endpoint serves the feed.
    pub(super) is_served: bool,
    /// The first failure.
    pub(super) failure: Option<ClientError>,
    /// Whether the trial has started to publish.
    pub(super) is_started: bool,
    /// The last message before that.
    before: Option<Kept>,
    /// The first one after it that is another.
    after: Option<Kept>,
    /// Whether an update arrived after it, and the message with the first.
    pub(super) has_update: bool,
    pub(super) carrier: Option<Kept>,
    /// Whether the client can continue after that update.
    pub(super) has_cursor: bool,
    /// The fields of the last response.
    pub(super) fields: String,
}

impl Seen {
    /// The message to show. A poll is answered before anything is published too, and a stream may begin with a welcome.
    pub(super) fn first(&self) -> Option<&Kept> {
        self.after.as_ref().or(self.before.as_ref())
    }

    fn message(&mut self, message: &[u8], updates: usize, has_cursor: bool) {
        if !self.is_started {
            self.before = Some(Kept::of(message));
            return;
        }
        let kept = Kept::of(message);
        if updates > 0 && !self.has_update {
            self.has_update = true;
            self.has_cursor = has_cursor;
            self.carrier = Some(kept.clone());
        }
        if self.after.is_none() && self.before.as_ref() != Some(&kept) {
            self.after = Some(kept);
        }
    }
}

/// What was seen, and how the trial waits for more.
#[derive(Debug, Default)]
pub(super) struct Watched {
    seen: RefCell<Seen>,
    changed: Notify,
}

impl Watched {
    /// Waits until something was seen.
    pub(super) async fn until(&self, is_seen: impl Fn(&Seen) -> bool) {
        while !self.is(&is_seen) {
            self.changed.notified().await;
        }
    }

    pub(super) fn is(&self, is_seen: impl Fn(&Seen) -> bool) -> bool {
        is_seen(&self.seen.borrow())
    }

    /// Notes that an update is about to be published.
    pub(super) fn start(&self) {
        self.seen.borrow_mut().is_started = true;
    }

    pub(super) fn take(&self) -> Seen {
        self.seen.take()
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.borrow_mut());
        self.changed.notify_one();
    }
}

/// The observer of the client.
pub(super) struct TrialObserver<'a>(pub(super) &'a Watched);

impl Observer for TrialObserver<'_> {
    fn opened(&mut self, _opened: Opened) {}

    fn answered(&mut self, head: &Parts) {
        let fields = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            format!("{name}: {value}")
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        self.0.note(|seen| seen.fields = fields);
    }

    fn update(&mut self, _stamp: Stamp, _raw: RawUpdate<'_>, _received_at_us: u64) {}

    fn message(&mut self, message: &[u8], updates: usize, has_cursor: bool) {
        self.0.note(|seen| seen.message(message, updates, has_cursor));
    }

    fn gap(&mut self, _gap: Gap, _resume: Cursor) {}

    fn reset(&mut self, _reset: Reset) {}

    fn failure(&mut self, error: &ClientError) {
        self.0.note(|seen| {
            seen.failure.get_or_insert_with(|| error.clone());
        });
    }

    fn reconnect(&mut self) {}

    fn served(&mut self, _since_us: u64) {
        self.0.note(|seen| seen.is_served = true);
    }
}

/// Quotes the start of a text from the network on one line.
pub(super) fn quoted(bytes: &[u8], is_whole: bool) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(KEPT)]);
    let start: String = text.chars().take(SHOWN).collect();
    let more = if is_whole && bytes.len() <= KEPT && start.len() == text.len() { "" } else { "…" };
    format!("`{}{more}`", visible(&start))
}
