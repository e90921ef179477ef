//! The observer of a target's client: finds the updates in what arrives, and reports them to the client's own observer,
//! which audits and records them like those of feedlab's server.
//!
//! A target's feed has no gaps and no resets: what it has lost shows only in the numbers of its updates.

use std::sync::Arc;
use std::time::Duration;

use feedlab_feed::wire::sse::Event;
use feedlab_feed::wire::{RawUpdate, Stamp};
use feedlab_feed::{Cursor, Gap, Reset, clock};
use hyper::StatusCode;
use hyper::header::HeaderMap;
use hyper::http::response::Parts;
use url::Url;

use super::Recipe;
use super::place::Place;
use crate::observer::{ClientError, Observer, Opened};

/// Observes one client.
pub(super) struct TargetObserver<'a> {
    recipe: Arc<Recipe>,
    place: Place,
    /// Whether the client sends where it is.
    sends_place: bool,
    /// Whether the client is a stream, whose response head comes before its messages.
    is_stream: bool,
    /// When a stream last read bytes, µs of Unix time.
    read_at_us: u64,
    observer: &'a mut dyn Observer,
}

impl<'a> TargetObserver<'a> {
    pub(super) fn of_stream(recipe: Arc<Recipe>, sends_place: bool, observer: &'a mut dyn Observer) -> Self {
        Self { recipe, place: Place::default(), sends_place, is_stream: true, read_at_us: 0, observer }
    }

    pub(super) fn of_polls(recipe: Arc<Recipe>, sends_place: bool, observer: &'a mut dyn Observer) -> Self {
        Self { is_stream: false, ..Self::of_stream(recipe, sends_place, observer) }
    }

    /// Adds to a poll where the client is.
    pub(super) fn add_place(&self, url: &mut Url, headers: &mut HeaderMap) {
        if self.sends_place {
            self.place.add_to_url(&self.recipe.cursor, url);
            self.place.add_to_headers(&self.recipe.cursor, headers);
        }
    }

    /// Whether the client can ask for what follows.
    pub(super) fn has_place(&self) -> bool {
        self.place.is_known(&self.recipe.cursor)
    }

    /// Takes the head of a poll's response, once its body has arrived as well.
    pub(super) fn read_head(&mut self, head: &Parts) {
        self.place.read_head(&self.recipe.cursor, &head.headers);
    }

    /// Reports the updates in a message. Returns whether there was one that the client did not have.
    pub(super) fn read(&mut self, message: &[u8], received_at_us: u64) -> bool {
        let Self { recipe, place, observer, .. } = self;
        let (mut updates, mut newest) = (0, None);
        recipe.finder.find(message, &mut |stamp| {
            if recipe.accepts(stamp.epoch) {
                updates += 1;
                newest = newest.max(Some(stamp.seq));
                let stamp = Stamp { epoch: stamp.epoch.or(recipe.epoch), ..stamp };
                observer.update(stamp, RawUpdate::Json(message), received_at_us);
            }
        });
        let is_news = place.read_message(&recipe.cursor, message, newest);
        observer.message(message, updates, place.is_known(&recipe.cursor));
        is_news
    }
}

impl Observer for TargetObserver<'_> {
    fn opened(&mut self, opened: Opened) {
        self.observer.opened(opened);
    }

    fn answered(&mut self, head: &Parts) {
        let is_served = head.status.is_success() || head.status == StatusCode::SWITCHING_PROTOCOLS;
        if self.is_stream && is_served {
            self.read_head(head);
        }
        self.observer.answered(head);
    }

    /// What looks like an update of feedlab is a message like any other, so it does not come here.
    fn update(&mut self, _stamp: Stamp, raw: RawUpdate<'_>, _received_at_us: u64) {
        self.foreign(raw);
    }

    fn gap(&mut self, _gap: Gap, _resume: Cursor) {}

    fn reset(&mut self, _reset: Reset) {}

    fn event(&mut self, event: &Event) {
        self.read(event.data.as_bytes(), self.read_at_us);
    }

    fn foreign(&mut self, raw: RawUpdate<'_>) -> bool {
        let message = match raw {
            RawUpdate::Json(bytes) | RawUpdate::Binary(bytes) => bytes,
            RawUpdate::Event(event) => event.data.as_bytes(),
        };
        self.read(message, self.read_at_us);
        true
    }

    fn requested(&mut self, url: &mut Url) {
        if self.sends_place {
            self.place.add_to_url(&self.recipe.cursor, url);
        }
    }

    fn failure(&mut self, error: &ClientError) {
        self.observer.failure(error);
    }

    fn lost(&mut self, wait: Duration) {
        self.observer.lost(wait);
    }

    fn reconnect(&mut self) {
        self.observer.reconnect();
    }

    fn left(&mut self) {
        self.observer.left();
    }

    fn served(&mut self, since_us: u64) {
        self.observer.served(since_us);
    }

    /// A stream calls this right after it has read, before it reports the messages.
    fn alive(&mut self) {
        self.read_at_us = clock::unix_us();
        self.observer.alive();
    }

    fn skipped(&mut self, polls: u64) {
        self.observer.skipped(polls);
    }

    fn has_enough(&self) -> bool {
        self.observer.has_enough()
    }
}
