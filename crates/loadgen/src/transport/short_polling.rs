//! Short polling: ask every `interval`, whether there is news or not.
//!
//! The rate is fixed: request `k` is due at `phase + k · interval`, however long the ones before it took. A client
//! that slept *after* each answer would poll every `interval + round trip`, slower the worse the network. A slot that
//! passes while a request is under way is skipped, never made up for.
//!
//! The cursor is all that a poll asks by: a client that was told to come back without one sends it all the same.
//!
//! The path of one update through this client:
//!
//! ```text
//! transport/short_polling.rs  its slot has come: asks for what follows the cursor
//! transport/http.rs           sends the request on the client's own connection
//! transport/dial.rs           the connection, made before or for this request
//! transport/stream.rs         its bytes come in, out of TLS where there is TLS
//! transport/http/h1.rs        the head of the answer; on HTTP/2 in transport/http/h2.rs
//! transport/body.rs           the whole body; now the updates are there, and the cursor follows
//! feed/src/wire/poll.rs       takes them apart
//! observer.rs                 what a client tells: the update, and when it was there
//! member.rs                   the client of the fleet, who is told
//! audit.rs                    whether it is new, missing others, late or here already
//! recorder.rs                 its age, into the histogram of the worker thread
//! worker.rs                   hands all of them over every second
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
use url::Url;

use super::http::{ANSWER_TIMEOUT, Connections, Http, unexpected};
use super::{Client, body, resume};
use crate::backoff::{Backoff, pause};
use crate::churn::Churn;
use crate::observer::{ClientError, Observer};

/// How a client polls.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Time from one request to the next.
    pub interval: Duration,
    /// Use one connection for all requests.
    pub keep_alive: bool,
    /// Send `If-None-Match`, so that "nothing new" is a 304.
    pub conditional: bool,
}

/// Polls until `stop` is cancelled.
pub async fn run(client: Client, options: Options, observer: &mut dyn Observer, stop: &CancellationToken) {
    let http = Http::new(&client, Connections::of(options.keep_alive));
    let Client { url: endpoint, after: cursor, reconnect, churn, rng, .. } = client;
    let churn = if options.keep_alive { churn } else { Churn::default() };
    let poller = Poller { http, endpoint, cursor, etag: None, options, reconnect, churn, rng };
    stop.run_until_cancelled(pin!(poller.run(observer))).await;
}

struct Poller {
    http: Http,
    endpoint: Url,
    cursor: Option<Cursor>,
    /// The last answer's `ETag`, as long as the next request has the same URL.
    etag: Option<HeaderValue>,
    options: Options,
    reconnect: ReconnectPolicy,
    churn: Churn,
    rng: ChaCha8Rng,
}

impl Poller {
    /// The first request goes out at once: it fetches the cursor to begin with. The phase counts from then; that of a client
    /// which left and came back, from its first answer, so that no slot passes meanwhile.
    async fn run(mut self, observer: &mut dyn Observer) {
        let mut slots = Slots::new(clock::now(), self.options.interval, &mut self.rng);
        let mut backoff = Backoff::new(self.reconnect);
        let mut has_left = false;
        while !observer.has_enough() {
            // A poll that is under way then is answered first.
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
        let mut headers = self.http.headers();
        if let Some(etag) = self.etag.clone() {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let url = resume(&self.endpoint, self.cursor);
        let asked_us = clock::unix_us();
        let (head, body) = self.http.get(url, headers, ANSWER_TIMEOUT, observer).await?;
        observer.alive();
        match head.status {
            StatusCode::NOT_MODIFIED => {}
            StatusCode::OK => {
                let asked = self.cursor;
                let etag = head.headers.get(ETAG).filter(|_| self.options.conditional).cloned();
                body::receive(body, &mut self.cursor, observer).await?;
                self.etag = etag.filter(|_| self.cursor == asked);
            }
            status => return Err(unexpected(status)),
        }
        observer.served(asked_us);
        Ok(())
    }
}

/// The times at which requests are due.
#[derive(Clone, Copy, Debug)]
struct Slots {
    /// The one that is next.
    due: Instant,
    interval: Duration,
}

impl Slots {
    /// A random phase: clients that started together do not ask together.
    fn new(start: Instant, interval: Duration, rng: &mut ChaCha8Rng) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        Self { due: start + interval.mul_f64(rng.random::<f64>()), interval }
    }

    /// The first slot after `now` that was not handed out yet, and how many before it have passed unused.
    fn next(&mut self, now: Instant) -> (Instant, u64) {
        let late = now.saturating_duration_since(self.due);
        let skipped = late.as_nanos().div_ceil(self.interval.as_nanos());
        let due = self.due + Duration::from_nanos((self.interval.as_nanos() * skipped) as u64);
        self.due = due + self.interval;
        (due, skipped as u64)
    }
}

#[cfg(test)]
mod tests;
