//! One file a transport: all that arithmetic knows of it, in the same sections in the same order, so that two can be read
//! side by side; each is the mirror of the files of the same name that serve and that drive the transport.
//!
//! Below them lies what two share: [`polling`] and [`stream`]. Nobody but [`of`] asks which transport it is; what nobody
//! can know is a reason, [`Unknown`]. [`ladder`] is no transport: `auto` is reckoned as its first rung.

use super::model::{Ages, Bytes, Case, FeedModel, NetworkPath, NotPredicted, Sizes, Span, Traffic, Wait, Wire, heads};
use crate::scenario::{Headers, Link, Options, ReconnectPolicy, Via};

mod long_polling;
mod polling;
mod short_polling;
mod sse;
mod stream;
mod websocket;

pub(super) mod ladder;

/// The arithmetic of one transport with its options. Times in seconds; sizes in bytes.
pub(super) trait Arithmetic {
    // Requests.
    /// How its clients ask, in a sentence for the report.
    fn request_pattern(&self) -> &'static str;

    /// What passes between the server and one client in a stretch of a course.
    fn traffic(&self, case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic;

    /// The share of its connections that its clients change each second, once the ramp is over.
    fn churn(&self, case: &Case<'_>) -> f64 {
        case.scenario.clients.churn.unwrap_or(0.0)
    }

    /// Traffic of so many seconds in which nothing is published, where so large a share of the connections changes each second.
    fn changed(&self, traffic: Traffic, churn: f64, time: f64) -> Traffic;

    /// Why a client may not be given all that falls due between two of its requests.
    fn may_lose(&self, _: &Case<'_>, _: &FeedModel) -> Option<NotPredicted> {
        None
    }

    /// What a client that is not given all asks and gets in the measured time: requests, where they are known, and updates.
    fn lossy_traffic(
        &self,
        _: &Case<'_>,
        _: &FeedModel,
        why: NotPredicted,
    ) -> Result<(Option<f64>, f64), NotPredicted> {
        Err(why)
    }

    // Ages.
    /// How late updates are.
    fn ages(&self, case: &Case<'_>, feed: &FeedModel) -> Result<Ages, NotPredicted>;

    /// How far the ages of a run are off by chance, in a sentence for the report, where that is more than a hundredth.
    fn phase_error(&self, _: &Case<'_>) -> Option<String> {
        None
    }

    // Heads and bodies.
    /// What a client's traffic is on its sockets.
    fn bytes(&self, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes;

    /// A newcomer's request and the head of its answer (E09); it resumes at a cursor.
    fn handshake(&self, headers: Headers, sizes: &Sizes) -> f64;

    /// What goes up for a publication of so many bytes, where it goes the way that updates come; else it is a POST.
    fn framed_publication(&self, _payload: usize) -> Option<usize> {
        None
    }

    /// How many updates leave together at such a rate, at least: the way must be wide enough for them.
    fn batch_size(&self, _rate: f64) -> f64 {
        1.0
    }

    // Packets.
    /// What a client's traffic is on the wire.
    fn wire(&self, path: &NetworkPath, traffic: &Traffic, bytes: &Bytes) -> Wire;

    // Idle time.
    /// What passes in so much time after a client joined, if nothing is published.
    fn idle(&self, path: &NetworkPath, time: f64) -> Traffic;

    /// Pings in a stretch of the feed's time, where they depend on when a client joined and not on the updates.
    fn pings(&self, _: &Case<'_>, _: Span) -> Option<f64> {
        None
    }

    /// The longest time in which a client and its server say nothing, if there are no updates.
    fn silence(&self) -> f64;

    /// The longest time in which an answer that is under way says nothing.
    fn silence_of_answer(&self) -> f64 {
        self.silence()
    }

    /// The silence after which a sign of life may come at the earliest.
    fn first_sign(&self) -> f64 {
        self.silence()
    }

    // Coming back.
    /// Connections of a client over the whole cell, which answers so many requests before the feed begins and after.
    fn connections(&self, _before: f64, _answered: f64) -> f64 {
        1.0
    }

    /// Whether its first request may leave as soon as a connection is there.
    fn requests_immediately(&self, _: &Link) -> bool {
        true
    }

    /// What becomes of it on the way to the server.
    fn passage(&self, _: Via) -> Passage {
        Passage::Open
    }

    /// How long a client waits before it connects again, unless the contender fixes it.
    fn wait(&self, reconnect: &ReconnectPolicy) -> Wait {
        Wait::backoff(reconnect.jitter)
    }

    /// When a client notices at the latest that its connection is gone, s after that; anywhere before it is as likely.
    fn time_to_notice(&self) -> f64 {
        0.0
    }

    /// Whether an answer of the wrong kind ends a client permanently.
    fn gives_up(&self) -> bool {
        false
    }
}

/// How a transport passes what lies before its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// As it should.
    Open,
    /// Its updates are held back, and nobody is told.
    Silent,
    /// It is refused at once.
    Refused,
}

/// The arithmetic of a contender's transport; of `auto` that of its first rung.
pub(super) fn of(options: &Options) -> Box<dyn Arithmetic> {
    match *options {
        Options::ShortPolling { interval, keep_alive, conditional } => {
            Box::new(short_polling::ShortPolling { interval: interval.as_secs_f64(), keep_alive, conditional })
        }
        Options::LongPolling { hold, keep_alive } => Box::new(long_polling::LongPolling { hold, keep_alive }),
        Options::Sse { keepalive } => Box::new(sse::Sse { keepalive: keepalive.as_secs_f64() }),
        Options::WebSocket { keepalive } => Box::new(websocket::WebSocket { keepalive: keepalive.as_secs_f64() }),
        Options::Auto { first, hold, interval, keepalive, .. } => {
            of(&Options::of_rung(first, hold, interval, keepalive))
        }
    }
}

#[cfg(test)]
mod tests;
