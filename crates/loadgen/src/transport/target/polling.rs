//! The polls of a target: short polling and long polling, which differ only in when the next request is sent.
//!
//! A request says where the client is as the target's recipe wants it. Updates may be anywhere in the body of a 200; a
//! 204, a 304 and an empty body say that there is no news. Anything else is a failure.

use std::pin::pin;
use std::time::{Duration, Instant};

use feedlab_experiment::scenario::ReconnectPolicy;
use feedlab_feed::clock;
use hyper::StatusCode;
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::observer::TargetObserver;
use crate::backoff::{Backoff, pause};
use crate::churn::{Churn, End};
use crate::observer::{ClientError, Observer as _};
use crate::transport::http::{ANSWER_TIMEOUT, Connections, Http, unexpected};
use crate::transport::short_polling::Slots;
use crate::transport::{Client, body};

/// The shortest time from one long poll to the next after an answer without news. A target that does not hold requests,
/// or does not understand the cursor, would otherwise be asked as fast as the machine can.
const SHORTEST_POLL: Duration = Duration::from_millis(10);

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Short polling: at this interval.
    Every(Duration),
    /// Long polling: after each answer. The target may hold a request for about this long.
    Held(Duration),
}

impl Pace {
    /// How long a client waits for an answer.
    fn patience(self) -> Duration {
        match self {
            Self::Every(_) => ANSWER_TIMEOUT,
            Self::Held(hold) => hold + ANSWER_TIMEOUT,
        }
    }
}

/// Polls until `stop` is cancelled.
pub(super) async fn run(
    client: Client,
    pace: Pace,
    keep_alive: bool,
    mut observer: TargetObserver<'_>,
    stop: &CancellationToken,
) {
    let http = Http::new(&client, Connections::of(keep_alive));
    let Client { url: endpoint, reconnect, churn, rng, .. } = client;
    let churn = if keep_alive { churn } else { Churn::default() };
    let poller = Poller { http, endpoint, patience: pace.patience(), reconnect, churn, rng };
    stop.run_until_cancelled(pin!(async {
        match pace {
            Pace::Every(interval) => poller.run_short(interval, &mut observer).await,
            Pace::Held(_) => poller.run_long(&mut observer).await,
        }
    }))
    .await;
}

struct Poller {
    http: Http,
    endpoint: Url,
    patience: Duration,
    reconnect: ReconnectPolicy,
    churn: Churn,
    rng: ChaCha8Rng,
}

impl Poller {
    /// Sends a request in every slot that is free; see `short_polling.rs`.
    async fn run_short(mut self, interval: Duration, observer: &mut TargetObserver<'_>) {
        let mut slots = Slots::new(clock::now(), interval, &mut self.rng);
        let mut backoff = Backoff::new(self.reconnect);
        let mut has_left = false;
        while !observer.has_enough() {
            let end = self.churn.end();
            match self.request(observer).await {
                Ok(_) => backoff.reset(),
                Err(error) => {
                    observer.failure(&error);
                    pause(backoff.delay(&mut self.rng), observer).await;
                }
            }
            if has_left {
                slots = Slots::new(clock::now(), interval, &mut self.rng);
            }
            let (due, skipped) = slots.next(clock::now());
            if skipped > 0 {
                observer.skipped(skipped);
            }
            has_left = self.rest_until(due, end, observer).await;
        }
    }

    /// Sends a request as soon as the one before is answered.
    async fn run_long(mut self, observer: &mut TargetObserver<'_>) {
        let mut backoff = Backoff::new(self.reconnect);
        while !observer.has_enough() {
            let (asked, end) = (clock::now(), self.churn.end());
            let answered = tokio::select! {
                biased;
                // Before its first answer, a client has no place to come back to.
                () = end.reached(), if self.http.is_connected() && observer.has_place() => {
                    self.leave(observer);
                    continue;
                }
                answered = self.request(observer) => answered,
            };
            match answered {
                Ok(is_news) => {
                    backoff.reset();
                    if !is_news {
                        self.rest_until(asked + SHORTEST_POLL, end, observer).await;
                    }
                }
                Err(error) => {
                    observer.failure(&error);
                    pause(backoff.delay(&mut self.rng), observer).await;
                }
            }
        }
    }

    /// Waits until a moment, unless churn ends the connection before. Returns whether it has.
    async fn rest_until(&mut self, due: Instant, end: End, observer: &mut TargetObserver<'_>) -> bool {
        tokio::select! {
            biased;
            () = end.reached(), if self.http.is_connected() => {
                self.leave(observer);
                true
            }
            () = self.http.rest_until(due) => false,
        }
    }

    fn leave(&mut self, observer: &mut TargetObserver<'_>) {
        self.http.leave();
        observer.left();
    }

    /// Sends one request. Returns whether its answer had an update that the client did not have.
    async fn request(&mut self, observer: &mut TargetObserver<'_>) -> Result<bool, ClientError> {
        let (mut url, headers) = (self.endpoint.clone(), self.http.headers_mut());
        observer.add_place(&mut url, headers);
        let asked_us = clock::unix_us();
        let (head, body) = self.http.get(&url, self.patience, observer).await?;
        observer.alive();
        let message = match head.status {
            StatusCode::OK => Some(body::whole(body).await?),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => None,
            status => return Err(unexpected(status)),
        };
        let received_at_us = clock::unix_us();
        // Only now: a client whose response breaks off asks for the same again.
        observer.read_head(&head);
        let message = message.filter(|message| !message.is_empty());
        let is_news = message.is_some_and(|message| observer.read(&message, received_at_us));
        observer.served(asked_us);
        Ok(is_news)
    }
}
