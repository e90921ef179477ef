//! The course of an inspection: one long connection and its reconnects; next to it, the same stream without compression
//! and at the origin; at the end, a few short ones.

use std::time::{Duration, Instant};

use feedlab_feed::wire::sse;
use hyper::Method;
use hyper::header::{COOKIE, HeaderName, ORIGIN};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::dial::{Dialer, Endpoint, Offer};
use super::exchange::{Answer, Ask, within};
use super::open::Opened;
use super::seen::{Found, Resumed, Seen};
use super::watch::{Record, Watching, watch};
use crate::target::Secrets;

use super::{Connected, InspectError, Options, Progress, Status, Target, websocket};

mod beside;
mod first;
mod found;
mod probe;
mod reconnect;

pub(super) use probe::ELSEWHERE;

/// How long the origin is watched beyond an answer that ends at once.
const AFTER_THE_END: Duration = Duration::from_secs(2);

/// An inspection on its course.
pub(super) struct Course<'a> {
    pub(super) target: &'a Target,
    pub(super) options: &'a Options,
    pub(super) dialer: Dialer,
    pub(super) secrets: Secrets,
    pub(super) stop: &'a CancellationToken,
}

impl Course<'_> {
    /// Inspects a stream, and at the same time its origin.
    pub(super) async fn run(&self, progress: &mut dyn Progress) -> Result<Seen, InspectError> {
        let (until, done) = (within(self.options.watch), self.stop.child_token());
        let mut seen = self.nothing_seen();
        let main = async {
            let place = self.main(until, &mut seen, progress).await?;
            if self.target.direct.is_some() && !self.stop.is_cancelled() {
                sleep_until(until.min(within(AFTER_THE_END)).into()).await;
            }
            done.cancel();
            Ok(place)
        };
        let (place, direct) = tokio::try_join!(main, self.direct(until, &done))?;
        seen.direct = direct;
        if let Some((endpoint, ask)) = place.filter(|_| !self.stop.is_cancelled()) {
            self.probe(&endpoint, &ask, &mut seen, progress).await;
        }
        Ok(seen)
    }

    /// The long connection and its reconnects. Returns where to go on; `None` if it was interrupted.
    async fn main(
        &self,
        until: Instant,
        seen: &mut Seen,
        progress: &mut dyn Progress,
    ) -> Result<Option<(Endpoint, Ask)>, InspectError> {
        let endpoint = Endpoint { url: self.target.url.clone(), address: self.target.address };
        let ask = Ask::of(self.target);
        let opened = tokio::select! {
            () = self.stop.cancelled() => return Ok(None),
            opened = self.open_first(&endpoint, &ask, until, seen) => opened?,
        };
        let Opened { endpoint, answer, ask, .. } = opened;
        seen.url = endpoint.url.clone();
        match answer {
            Err(failure) => seen.failure = Some(failure),
            Ok(answer) => {
                progress.connected(&Connected::of(&answer.head, &self.secrets));
                self.watch_both((&endpoint, &ask), answer, until, seen, progress).await?;
            }
        }
        Ok(Some((endpoint, ask)))
    }

    /// Offers what a browser does, if nothing else is asked for.
    const fn offer(&self) -> Offer {
        if self.target.http2 { Offer::Http2 } else { Offer::Both }
    }

    fn nothing_seen(&self) -> Seen {
        let headers = &self.target.headers;
        let is_own = |name: &&HeaderName| !is_a_browsers(name.as_str());
        Seen {
            url: self.target.url.clone(),
            method: self.target.method.clone(),
            is_post: self.target.method != Method::GET,
            own_headers: headers.keys().filter(is_own).map(ToString::to_string).collect(),
            sends_cookie: headers.contains_key(COOKIE),
            origin: headers.get(ORIGIN).and_then(|value| value.to_str().ok()).map(str::to_owned),
            found: Found::None,
            hops: Vec::new(),
            lost: None,
            failure: None,
            without_body: None,
            sessions: Vec::new(),
            refusals: Vec::new(),
            direct: None,
            identity: None,
            cors: None,
            resumed: Resumed::NotTried("interrupted before it was tried".to_owned()),
            upgrade: None,
            again: None,
            watch: self.options.watch,
            finds_timeout: self.options.find_timeout,
        }
    }

    /// Watches the stream, and at the same time the stream without compression.
    async fn watch_both(
        &self,
        (endpoint, ask): (&Endpoint, &Ask),
        answer: Answer,
        until: Instant,
        seen: &mut Seen,
        progress: &mut dyn Progress,
    ) -> Result<(), InspectError> {
        let is_coded = answer.head.text("content-encoding").is_some();
        let wants_identity = is_coded && answer.head.is_event_stream() && !seen.is_post;
        let done = self.stop.child_token();
        let main = async {
            self.watch_first(endpoint, ask, answer, until, seen, progress).await;
            done.cancel();
            Ok(())
        };
        let identity =
            async { if wants_identity { self.identity(endpoint, ask, until, &done).await } else { Ok(None) } };
        let ((), identity) = tokio::try_join!(main, identity)?;
        seen.identity = identity;
        Ok(())
    }

    async fn watch_first(
        &self,
        endpoint: &Endpoint,
        ask: &Ask,
        answer: Answer,
        until: Instant,
        seen: &mut Seen,
        progress: &mut dyn Progress,
    ) {
        let mut told = Told { progress, watch: self.options.watch };
        if seen.found == Found::WebSocket {
            seen.sessions.push(websocket::watch(answer, until, &mut told, self.stop).await);
            return;
        }
        let session = watch(answer, until, &mut told, self.stop).await;
        seen.found = found::found(&session);
        seen.sessions.push(session);
        if seen.found == Found::Sse && !seen.is_post {
            self.reconnect((endpoint, ask), until, seen, &mut told).await;
        }
    }
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static(sse::LAST_EVENT_ID);

/// Whether a browser sends this header on its own, or on behalf of a page.
fn is_a_browsers(name: &str) -> bool {
    const SENT: [&str; 11] = [
        "accept",
        "cache-control",
        "connection",
        "cookie",
        "dnt",
        "origin",
        "pragma",
        "priority",
        "referer",
        "upgrade-insecure-requests",
        "user-agent",
    ];
    const BEGINNINGS: [&str; 2] = ["accept-", "sec-"];
    SENT.contains(&name) || BEGINNINGS.iter().any(|start| name.starts_with(start))
}

/// Tells the progress of the long connection.
struct Told<'a> {
    progress: &'a mut dyn Progress,
    watch: Duration,
}

impl Watching for Told<'_> {
    fn seen(&mut self, record: &Record, at_us: u64, head_us: u64) -> bool {
        self.progress.watching(&Status {
            elapsed: Duration::from_micros(at_us),
            of: self.watch,
            body_bytes: record.wire,
            events: record.framing.events,
            comments: record.framing.comments(),
            silence: Duration::from_micros(at_us.saturating_sub(record.arrivals.last_us().unwrap_or(head_us))),
        });
        false
    }
}
