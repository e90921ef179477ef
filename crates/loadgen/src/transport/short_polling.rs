//! Short polling: the client sends a request every `interval`, whether there is news or not.
//!
//! The rate is fixed: request `k` is due at `phase + k · interval`, however long the ones before it took. A client that
//! slept *after* each response would poll every `interval + round trip`, slower the worse the network is. A slot that
//! passes while a request is pending is skipped, never made up for.
//!
//! A poll needs the cursor, so a client sends it even if its reconnect policy says not to.
//!
//! The path of one update through this client:
//!
//! ```text
//! transport/short_polling.rs  its slot is due: requests what follows the cursor
//! transport/http.rs           sends the request on the client's own connection
//! transport/dial.rs           the connection, opened before or for this request
//! transport/stream.rs         reads its bytes, decrypted if there is TLS
//! transport/http/h1.rs        the response head; on HTTP/2 in transport/http/h2.rs
//! transport/body.rs           the whole body: the updates have arrived, and the cursor follows
//! feed/src/wire/poll.rs       parses them
//! transport/stamp.rs          their places in the feed, parsed once for the clients of the thread
//! observer.rs                 what a client reports: the update, and when it arrived
//! client_observer.rs          receives the report for a client of the fleet
//! audit.rs                    whether the update is new, ahead of a hole, late or a duplicate
//! recorder.rs                 its age, into the histogram of the worker thread
//! worker.rs                   hands over the ages of every second
//! ```

use std::pin::pin;
use std::time::{Duration, Instant};

use feedlab_experiment::scenario::ReconnectPolicy;
use feedlab_feed::{Cursor, clock};
use hyper::StatusCode;
use hyper::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;

use super::address::Endpoint;
use super::http::{ANSWER_TIMEOUT, Connections, Http, unexpected};
use super::leave::until_told;
use super::{Client, body};
use crate::backoff::{Backoff, pause};
use crate::churn::Churn;
use crate::observer::{ClientError, Observer};

/// How a client polls.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The time from one request to the next.
    pub interval: Duration,
    /// Whether to use one connection for all requests.
    pub keep_alive: bool,
    /// Whether to send `If-None-Match`, so that the response to "nothing new" is a 304.
    pub conditional: bool,
}

/// Polls until `stop` is cancelled.
pub async fn run(client: Client, options: Options, observer: &mut dyn Observer, stop: &CancellationToken) {
    let http = Http::new(&client, Connections::of(options.keep_alive));
    let Client { url: endpoint, after: cursor, reconnect, churn, rng, .. } = client;
    let churn = if options.keep_alive { churn } else { Churn::default() };
    let endpoint = Endpoint::new(endpoint);
    let poller = Poller { http, endpoint, cursor, has_etag: false, options, reconnect, churn, rng };
    until_told(stop, pin!(poller.run(observer))).await;
}

struct Poller {
    http: Http,
    endpoint: Endpoint,
    cursor: Option<Cursor>,
    /// Whether the next request has the same URL as the last one, and carries the `ETag` of its response.
    has_etag: bool,
    options: Options,
    reconnect: ReconnectPolicy,
    churn: Churn,
    rng: ChaCha8Rng,
}

impl Poller {
    /// Runs the client. The first request is sent at once and fetches the cursor to start with; the phase counts from
    /// then. After churn, the phase counts from the first response, so that no slot passes meanwhile.
    async fn run(mut self, observer: &mut dyn Observer) {
        let mut slots = Slots::new(clock::now(), self.options.interval, &mut self.rng);
        let mut backoff = Backoff::new(self.reconnect);
        let mut has_left = false;
        while !observer.has_enough() {
            // A poll that is pending when churn is due is answered first.
            let end = self.churn.end();
            match self.request(observer).await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    observer.failure(&error);
                    pause(backoff.delay(&mut self.rng), observer).await;
                }
            }
            if std::mem::take(&mut has_left) {
                slots = Slots::new(clock::now(), self.options.interval, &mut self.rng);
            }
            let (due, skipped) = slots.next(clock::now());
            if skipped > 0 {
                observer.skipped(skipped);
            }
            tokio::select! {
                biased;
                () = end.reached(), if self.http.is_connected() => {
                    self.http.leave();
                    observer.left();
                    has_left = true;
                }
                () = self.http.rest_until(due) => {}
            }
        }
    }

    async fn request(&mut self, observer: &mut dyn Observer) -> Result<(), ClientError> {
        let url = self.endpoint.after(self.cursor);
        let asked_us = clock::unix_us();
        let (head, body) = self.http.get(url, ANSWER_TIMEOUT, observer).await?;
        observer.alive();
        match head.status {
            StatusCode::NOT_MODIFIED => {}
            StatusCode::OK => {
                let asked = self.cursor;
                let etag = head.headers.get(ETAG).filter(|_| self.options.conditional).cloned();
                body::receive(body, &mut self.cursor, observer).await?;
                self.ask_for_others_than(etag.filter(|_| self.cursor == asked));
            }
            status => return Err(unexpected(status)),
        }
        observer.served(asked_us);
        Ok(())
    }

    /// Makes the next request ask for another response than the one with this tag.
    fn ask_for_others_than(&mut self, etag: Option<HeaderValue>) {
        let had_etag = std::mem::replace(&mut self.has_etag, etag.is_some());
        match etag {
            Some(etag) => drop(self.http.headers_mut().insert(IF_NONE_MATCH, etag)),
            None if had_etag => drop(self.http.headers_mut().remove(IF_NONE_MATCH)),
            None => {}
        }
    }
}

/// The times at which requests are due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    /// The next slot.
    due: Instant,
    interval: Duration,
}

impl Slots {
    /// Starts with a random phase: clients that started together do not poll together.
    pub(super) fn new(start: Instant, interval: Duration, rng: &mut ChaCha8Rng) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        Self { due: start + interval.mul_f64(rng.random::<f64>()), interval }
    }

    /// Returns the first slot after `now` that was not returned before, and how many slots before it passed unused.
    pub(super) fn next(&mut self, now: Instant) -> (Instant, u64) {
        let late = now.saturating_duration_since(self.due);
        let skipped = late.as_nanos().div_ceil(self.interval.as_nanos());
        let due = self.due + Duration::from_nanos((self.interval.as_nanos() * skipped) as u64);
        self.due = due + self.interval;
        (due, skipped as u64)
    }
}

#[cfg(test)]
mod tests;
