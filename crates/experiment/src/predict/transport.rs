//! The arithmetic of the transports, one file each, with the same sections in the same order so that two can be read
//! side by side. Each file mirrors the files of the same name in the server and the load generator.
//!
//! [`polling`] and [`stream`] have what two transports share. Only [`of`] distinguishes between transports; what cannot
//! be predicted is a reason, [`NotPredicted`]. [`ladder`] is not a transport: `auto` is treated as its first rung.

use super::injected::AnswerSize;
use super::model::{Ages, Bytes, Case, FeedModel, NetworkPath, NotPredicted, Sizes, Span, Traffic, Wait, Wire, heads};
use crate::scenario::{Headers, Link, Options, ReconnectPolicy, Via};

mod long_polling;
mod polling;
mod short_polling;
mod sse;
mod stream;
mod websocket;

pub(super) mod ladder;

/// The arithmetic of one transport with its options. Times are in seconds, sizes in bytes.
pub(super) trait Arithmetic {
    // Requests.
    /// Returns how clients send requests, as a sentence for the report.
    fn request_pattern(&self) -> &'static str;

    /// Returns the traffic between the server and one client in a span of the feed.
    fn traffic(&self, case: &Case<'_>, feed: &FeedModel, span: Span) -> Traffic;

    /// Returns the share of the connections that clients replace each second after the ramp.
    fn churn(&self, case: &Case<'_>) -> f64 {
        case.scenario.clients.churn.unwrap_or(0.0)
    }

    /// Returns the traffic in `time` s if clients replace a share `churn` of the connections each second, from the
    /// traffic without churn.
    fn changed(&self, traffic: Traffic, churn: f64, time: f64) -> Traffic;

    /// Returns why a client may not receive all updates that fall due between two of its requests.
    fn may_lose(&self, _: &Case<'_>, _: &FeedModel) -> Option<NotPredicted> {
        None
    }

    /// Returns the requests (if known) and the updates in the measured time of a client that does not receive all
    /// updates.
    fn lossy_traffic(
        &self,
        _: &Case<'_>,
        _: &FeedModel,
        why: NotPredicted,
    ) -> Result<(Option<f64>, f64), NotPredicted> {
        Err(why)
    }

    // Ages.
    /// Returns the ages of updates.
    fn ages(&self, case: &Case<'_>, feed: &FeedModel) -> Result<Ages, NotPredicted>;

    /// Returns how updates travel over a path that delays messages at known times; `None` if that is not known.
    fn carriage(&self, case: &Case<'_>, feed: &FeedModel) -> Option<Carriage>;

    /// Returns how far the ages of a run may deviate by chance, as a sentence for the report, if it is more than 1%.
    fn phase_error(&self, _: &Case<'_>) -> Option<String> {
        None
    }

    // Headers and bodies.
    /// Returns the socket bytes of a client's traffic.
    fn bytes(&self, headers: Headers, sizes: &Sizes, traffic: &Traffic) -> Bytes;

    /// Returns the bytes of a join probe's request and of the headers of its response (E09); the probe resumes at a
    /// cursor.
    fn handshake(&self, headers: Headers, sizes: &Sizes) -> f64;

    /// Returns the upstream bytes of a publication of `payload` bytes, if it uses the connection that delivers updates;
    /// otherwise it is a POST.
    fn framed_publication(&self, _payload: usize) -> Option<usize> {
        None
    }

    /// Returns how many updates are sent together at a given rate, at least 1: the bandwidth must be sufficient for
    /// them.
    fn batch_size(&self, _rate: f64) -> f64 {
        1.0
    }

    // Packets.
    /// Returns the packets and wire bytes of a client's traffic.
    fn wire(&self, path: &NetworkPath, traffic: &Traffic, bytes: &Bytes) -> Wire;

    // Idle time.
    /// Returns the traffic in `time` s after a client joined, if nothing is published.
    fn idle(&self, path: &NetworkPath, time: f64) -> Traffic;

    /// Returns the pings in a span of the feed, if they depend on when a client joined and not on the updates.
    fn pings(&self, _: &Case<'_>, _: Span) -> Option<f64> {
        None
    }

    /// Returns the longest time without traffic between client and server if there are no updates.
    fn silence(&self) -> f64;

    /// Returns the longest time without traffic within a response in progress.
    fn silence_of_answer(&self) -> f64 {
        self.silence()
    }

    /// Returns the idle time after which a keepalive may be sent at the earliest.
    fn first_sign(&self) -> f64 {
        self.silence()
    }

    // Connecting and reconnecting.
    /// Returns the connections of a client over the whole cell, from its requests answered before and after the start
    /// of the feed.
    fn connections(&self, _before: f64, _answered: f64) -> f64 {
        1.0
    }

    /// Whether requests use one connection.
    fn keeps_connections(&self) -> bool {
        true
    }

    /// Whether the first request may be sent as soon as a connection is open.
    fn requests_immediately(&self, _: &Link) -> bool {
        true
    }

    /// Returns whether the transport works through the proxy in front of the server.
    fn passage(&self, _: Via) -> Passage {
        Passage::Open
    }

    /// Returns how long a client waits before it reconnects, unless the contender sets the wait.
    fn wait(&self, reconnect: &ReconnectPolicy) -> Wait {
        Wait::backoff(reconnect.jitter)
    }

    /// Returns the longest time until a client notices that its connection is lost, s; the actual time is uniformly
    /// distributed below it.
    fn time_to_notice(&self) -> f64 {
        0.0
    }

    /// Whether a wrong response makes a client close permanently.
    fn gives_up(&self) -> bool {
        false
    }
}

/// How a transport carries updates: sizes in bytes, times in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carriage {
    /// Each update is a message of this size.
    Pushed { update: f64 },
    /// The client asks at fixed intervals.
    Polled { interval: f64, request: f64, answer: AnswerSize },
    /// The client asks as soon as it has an answer, and the server holds the request.
    Held { hold: f64, request: f64, answer: AnswerSize },
}

/// How a transport works through the proxy in front of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It works.
    Open,
    /// Its updates are held back without an error.
    Silent,
    /// It is rejected immediately.
    Refused,
}

/// Returns the arithmetic of a contender's transport; for `auto`, that of its first rung.
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
