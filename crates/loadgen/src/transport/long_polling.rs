//! Long polling: the client sends a request, and the server holds it until there is news (RFC 6202, section 2).
//!
//! The next request is sent as soon as a response has arrived. It carries the cursor, so nothing published between two
//! requests is lost. If the reconnect policy says not to send the cursor, no request carries one: the client asks for
//! whatever comes next, and loses what was published between its requests.
//!
//! The path of one update through this client:
//!
//! ```text
//! transport/long_polling.rs  requests what follows the cursor, and waits while the request is held
//! transport/http.rs          sends the request on the client's own connection
//! transport/dial.rs          the connection, opened before or for this request
//! transport/stream.rs        reads its bytes, decrypted if there is TLS
//! transport/http/h1.rs       the response head; on HTTP/2 in transport/http/h2.rs
//! transport/body.rs          the whole body: the updates have arrived, and the cursor follows
//! feed/src/wire/poll.rs      parses them
//! transport/stamp.rs         their places in the feed, parsed once for the clients of the thread
//! observer.rs                what a client reports: the update, and when it arrived
//! client_observer.rs         receives the report for a client of the fleet
//! audit.rs                   whether the update is new, ahead of a hole, late or a duplicate
//! recorder.rs                its age, into the histogram of the worker thread
//! worker.rs                  hands over the ages of every second
//! ```

use std::pin::pin;
use std::time::Duration;

use feedlab_experiment::scenario::ReconnectPolicy;
use feedlab_feed::wire::poll;
use feedlab_feed::{Cursor, clock};
use hyper::StatusCode;
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::http::{ANSWER_TIMEOUT, Connections, Http, unexpected};
use super::leave::until_told;
use super::{Client, body, resume};
use crate::backoff::{Backoff, pause};
use crate::churn::Churn;
use crate::observer::{ClientError, Observer};

/// How a client polls.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long the server may hold a request.
    pub hold: Duration,
    /// Whether to use one connection for all requests.
    pub keep_alive: bool,
}

/// Polls until `stop` is cancelled.
pub async fn run(client: Client, options: Options, observer: &mut dyn Observer, stop: &CancellationToken) {
    let http = Http::new(&client, Connections::of(options.keep_alive));
    let Client { url: endpoint, after: cursor, reconnect, churn, rng, .. } = client;
    let churn = if options.keep_alive { churn } else { Churn::default() };
    let poller = Poller { http, endpoint, cursor, options, reconnect, churn, rng };
    until_told(stop, pin!(poller.run(observer))).await;
}

struct Poller {
    http: Http,
    endpoint: Url,
    cursor: Option<Cursor>,
    options: Options,
    reconnect: ReconnectPolicy,
    churn: Churn,
    rng: ChaCha8Rng,
}

impl Poller {
    async fn run(mut self, observer: &mut dyn Observer) {
        let mut backoff = Backoff::new(self.reconnect);
        while !observer.has_enough() {
            let end = self.churn.end();
            let answered = tokio::select! {
                biased;
                // Without a cursor, the client is still about to connect for the first time.
                () = end.reached(), if self.cursor.is_some() => {
                    self.http.leave();
                    observer.left();
                    continue;
                }
                answered = self.request(observer) => answered,
            };
            match answered {
                // Without a cursor the client asks not to be held, and a server that is not feedlab's never sends one.
                Ok(()) if self.cursor.is_none() => pause(backoff.delay(&mut self.rng), observer).await,
                Ok(()) => backoff.reset(),
                Err(error) => {
                    observer.failure(&error);
                    pause(backoff.delay(&mut self.rng), observer).await;
                }
            }
        }
    }

    /// Sends one request. A client without a cursor asks not to be held, and receives the feed's position.
    async fn request(&mut self, observer: &mut dyn Observer) -> Result<(), ClientError> {
        let hold = if self.cursor.is_some() { self.options.hold } else { Duration::ZERO };
        let mut url = resume(&self.endpoint, self.cursor.filter(|_| self.reconnect.with_cursor));
        url.query_pairs_mut().append_pair(poll::HOLD, &poll::hold(hold));
        let asked_us = clock::unix_us();
        let (head, body) = self.http.get(&url, hold + ANSWER_TIMEOUT, observer).await?;
        observer.alive();
        match head.status {
            StatusCode::NO_CONTENT if self.cursor.is_some() => {}
            StatusCode::OK => body::receive(body, &mut self.cursor, observer).await?,
            status => return Err(unexpected(status)),
        }
        observer.served(asked_us);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
