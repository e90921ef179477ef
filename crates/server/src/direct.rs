//! Answers plain polls and publications from their bytes, without the HTTP library.
//!
//! A shard gives the bytes of a connection to [`Direct::read`]. A request of the usual form is answered here, byte for
//! byte as the handlers in `transport` and `upstream` and the HTTP library would; the shard replays anything else to the
//! library, so that no refusal is written twice. Clients with the same cursor share one answer, head and body, until
//! there is a new update or the `Date` changes. Nothing here reads, writes or waits.
//!
//! Polls are here because there are many of them. Publications are few, but each would wake threads of the library, only
//! for them to wake the shards: here, the thread that sends an update is the one that has just read it.

mod heads;
mod kept;
mod request;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use feedlab_feed::source::Item;
use feedlab_feed::wire::{Publication, poll};
use feedlab_feed::{Transport, clock};
use futures_util::FutureExt as _;

pub(crate) use request::Request;

use crate::access::Access;
use crate::app::App;
use crate::hub::Position;
use crate::ring::Batch;
use crate::transport::{News, Tally, Updates, long_polling};
use crate::upstream;
use heads::Heads;
use kept::{Kept, Scope};
use request::{Poll, Post, Reader};

/// What a shard needs to answer requests.
pub(crate) struct Direct {
    app: Arc<App>,
    reader: Reader,
    heads: Heads,
    kept: Kept,
}

/// What happens after a request.
pub(crate) enum Step {
    /// It is answered.
    Answer(Answer),
    /// It waits for what follows a `seq`, at most for `hold`. Whatever is published after this look is announced later,
    /// and the pass that follows asks [`Direct::after_wait`] for each request that waits.
    Wait { seq: u64, hold: Duration },
    /// It is for the HTTP library after all.
    Library,
}

/// The answer to a request.
pub(crate) struct Answer {
    /// The head and, if it is short, the body: shared by all requests with the same answer.
    pub(crate) bytes: Bytes,
    /// What it adds to the counters of its endpoint.
    pub(crate) tally: Tally,
    /// The rest of a long body, made piece by piece.
    pub(crate) long: Option<Updates>,
}

impl Answer {
    const fn empty(bytes: Bytes) -> Self {
        let tally =
            Tally { requests: 1, requests_empty: 1, updates: 0, gaps: 0, resets: 0, payload_bytes: 0, body_bytes: 0 };
        Self { bytes, tally, long: None }
    }
}

impl Direct {
    pub(crate) fn new(app: Arc<App>, access: Arc<Access>) -> Self {
        // A feed on a broker may have to wait for updates that are not in this process.
        let is_on_broker = app.hub.broker().is_some();
        let reader = Reader::new(access, &app.config, is_on_broker);
        Self { app, reader, heads: Heads::default(), kept: Kept::default() }
    }

    /// Returns the request that an input begins with, and its length. `None` is anything else, for the HTTP library:
    /// other paths, methods and versions, errors, and what has not arrived as a whole.
    pub(crate) fn read<'a>(&mut self, input: &'a [u8]) -> Option<(Request<'a>, usize)> {
        self.reader.read(input)
    }

    /// Makes each answer the last one of its connection from now on, and lets no request wait: the server shuts down.
    pub(crate) fn close(&mut self) {
        self.heads.close();
        self.kept.clear();
    }

    /// Answers a request, or says that it must wait.
    pub(crate) fn answer(&mut self, request: &Request<'_>) -> Step {
        self.renew();
        let answer = match request {
            Request::Post(post) => self.publish(post),
            Request::Poll(poll) => {
                let position = self.app.hub.position(poll.cursor);
                match poll.transport {
                    Transport::ShortPolling => self.short(poll, position),
                    _ => return self.long(poll, position),
                }
            }
        };
        answer.map_or(Step::Library, Step::Answer)
    }

    /// Returns the answer to a request that waits at a position; `None` if there is still nothing for it.
    pub(crate) fn after_wait(&mut self, seq: u64) -> Option<Answer> {
        self.renew();
        if seq == self.kept.head() {
            return None;
        }
        if let Some(kept) = self.kept.get(Scope::Waited, seq) {
            return Some(kept);
        }
        let news = News { batch: self.app.hub.all_after(seq).now_or_never()?, reset: None };
        if news.is_empty() { None } else { self.compose(Scope::Waited, seq, news) }
    }

    /// Returns the answer to a request whose hold has ended, or whose client has closed its side.
    pub(crate) fn hold_ended(&mut self) -> Answer {
        self.renew();
        let heads = &self.heads;
        Answer::empty(self.kept.no_content(|| heads.no_content()))
    }

    fn renew(&mut self) {
        let has_new_date = self.heads.renew(clock::unix_us());
        self.kept.renew(&self.app.hub, has_new_date);
    }

    /// Publishes an update. This shard gets the announcement as the others do, in its mailbox, and begins its pass when
    /// the answer is sent. `None` if the handler would refuse the update.
    fn publish(&self, post: &Post<'_>) -> Option<Answer> {
        let Publication { event_type, data } = upstream::read(post.content_type, post.body).ok()?;
        let ack = upstream::ack(self.app.hub.publish_now(Item { event_type, data }));
        let tally = Tally { body_bytes: (post.body.len() + ack.len()) as u64, ..Tally::default() };
        Some(Answer { bytes: self.heads.accepted(&ack), tally, long: None })
    }

    fn short(&mut self, poll: &Poll<'_>, Position { seq, reset }: Position) -> Option<Answer> {
        let heads = &self.heads;
        // Another server of the same feed may be ahead of this one, and its clients too.
        if reset.is_none() && seq <= self.kept.head() {
            if poll.knows(self.kept.etag()) {
                return Some(Answer::empty(self.kept.not_modified(|etag| heads.not_modified(etag))));
            }
            if let Some(kept) = self.kept.get(Scope::Short, seq) {
                return Some(kept);
            }
        }
        let batch = self.all_in_history_after(seq)?;
        let etag = poll::etag(self.app.hub.cursor(batch.next()));
        if reset.is_none() && poll.knows(&etag) {
            return Some(Answer::empty(self.heads.not_modified(&etag)));
        }
        self.compose(Scope::Short, seq, News { batch, reset })
    }

    fn long(&mut self, poll: &Poll<'_>, Position { seq, reset }: Position) -> Step {
        let hold = long_polling::hold(poll.hold, &self.app.config.settings);
        let wants_cursor = long_polling::wants_cursor(hold, poll.cursor);
        if reset.is_none() {
            if seq == self.kept.head() && !wants_cursor {
                return self.wait(seq, hold);
            }
            if let Some(kept) = self.kept.get(Scope::Long, seq) {
                return Step::Answer(kept);
            }
        }
        let Some(batch) = self.all_in_history_after(seq) else { return Step::Library };
        let news = News { batch, reset };
        if news.is_empty() && !wants_cursor {
            return self.wait(seq, hold);
        }
        self.compose(Scope::Long, seq, news).map_or(Step::Library, Step::Answer)
    }

    fn wait(&mut self, seq: u64, hold: Duration) -> Step {
        if hold.is_zero() || self.heads.is_closing() {
            return Step::Answer(self.hold_ended());
        }
        Step::Wait { seq, hold }
    }

    /// Returns what a feed in this process has, which is never pending.
    fn all_in_history_after(&self, seq: u64) -> Option<Batch> {
        self.app.hub.all_in_history_after(seq).now_or_never()
    }

    /// Makes an answer, and keeps it for other requests if it is short.
    fn compose(&mut self, scope: Scope, seq: u64, news: News) -> Option<Answer> {
        let Self { app, heads, kept, .. } = self;
        let is_for_all = news.reset.is_none() && news.batch.next() == kept.head();
        let next = app.hub.cursor(news.batch.next());
        let (endpoint, etag) = match scope {
            Scope::Short => (app.meters.endpoint(Transport::ShortPolling), Some(poll::etag(next))),
            Scope::Long | Scope::Waited => (app.meters.endpoint(Transport::LongPolling), None),
        };
        let (mut body, tally) = news.into_body(&app.hub, endpoint, |len| heads.ok(etag.as_deref(), len));
        let bytes = body.next_piece()?.ok()?;
        let tally = Tally { requests: 1, ..tally };
        let long = (!body.is_complete()).then_some(body);
        if is_for_all && long.is_none() {
            kept.put(scope, seq, (bytes.clone(), tally));
        }
        Some(Answer { bytes, tally, long })
    }
}

#[cfg(test)]
mod tests;
