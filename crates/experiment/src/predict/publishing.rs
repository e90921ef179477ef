//! Clients that publish (E27): with a frame on the WebSocket, or with a POST on a connection kept for this purpose.

use super::model::{AT, Ages, Arrivals, Case, FeedModel, FigureKind, NetworkPath, extra, heads};
use super::transport::Arithmetic;
use crate::Metric;
use crate::clients::publication;
use crate::scenario::{Contender, Headers};

/// Returns the predictions about publications, as far as they are known: an acknowledgement takes a round trip in both
/// cases.
pub(super) fn metrics(
    case: &Case<'_>,
    arithmetic: &dyn Arithmetic,
    feed: &FeedModel,
    knows: impl Fn(FigureKind) -> bool,
) -> Vec<(Metric, f64)> {
    let payload = publication(AT, feed.sizes.payload as usize).len();
    let mut all = vec![(Metric::PayloadBytesPerUpdate, payload as f64)];
    if knows(FigureKind::OpenTimes) && case.path.has_delay() {
        all.push((Metric::AckP50, case.path.mean_round_trip() * 1e6));
    }
    if knows(FigureKind::Publications) {
        let (up, requested) = up(case, arithmetic, feed, payload);
        all.push((Metric::SocketBytesUpPerPublication, up + requested * case.clients / feed.updates));
    }
    all
}

/// Returns the upstream bytes of a publication (a frame, or a request with the text as its body) and the other bytes
/// that a client sends in the measured time. Clients of the fallback ladder use POST on every rung.
fn up(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel, payload: usize) -> (f64, f64) {
    let (contender, headers) = (case.contender, case.scenario.clients.headers);
    let message = message(contender, arithmetic, headers, payload);
    if !message.is_request {
        // The answers to the few pings of an idle WebSocket are neglected.
        return (message.bytes, 0.0);
    }
    let traffic = arithmetic.traffic(case, feed, feed.measured);
    (message.bytes, arithmetic.bytes(headers, &feed.sizes, &traffic).up)
}

/// What a client sends to publish something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Message {
    /// Its upstream bytes.
    pub(crate) bytes: f64,
    /// Whether it is a request of its own, a POST, rather than a frame.
    pub(crate) is_request: bool,
}

/// Returns what a client sends to publish a text of `payload` bytes.
pub(super) fn message(contender: &Contender, arithmetic: &dyn Arithmetic, headers: Headers, payload: usize) -> Message {
    match arithmetic.framed_publication(payload) {
        Some(framed) if !contender.is_auto() => Message { bytes: framed as f64, is_request: false },
        _ => {
            let head = heads::post(contender.transport(), headers, payload).len();
            Message { bytes: (head + payload) as f64, is_request: true }
        }
    }
}

/// Returns the ages including the upstream delay: ages count from the moment at which a client was due to send.
pub(super) fn ages(ages: Ages, path: &NetworkPath) -> Ages {
    match ages {
        Ages::Spread { least, at_least, width } if path.jitter == 0.0 => {
            Ages::Spread { least: least + path.min_delay(), at_least, width }
        }
        ages => ages.delayed_by(&later(path)),
    }
}

/// Returns the delays of the upstream direction.
fn later(path: &NetworkPath) -> Vec<f64> {
    if path.jitter == 0.0 {
        return vec![path.min_delay()];
    }
    let extra = extra(path.jitter, &Arrivals::DueTimes(Vec::new()));
    extra.into_iter().map(|extra| path.min_delay() + extra).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedlab_feed::Transport;

    use super::super::transport;
    use super::*;
    use crate::scenario::Options;

    #[test]
    fn a_frame_is_shorter_than_a_post() {
        let socket = transport::of(&Options::WebSocket { keepalive: Duration::from_secs(1) });
        // {"type":"message","data":"…"} are 28 bytes around the text; the header takes 4, the mask 4.
        assert_eq!(socket.framed_publication(100), Some(100 + 28 + 4 + 4));
        // The request line has 30 bytes, accept 13, content-type 26, origin 32, host 23, content-length 21; and the empty line.
        let post = |headers| heads::post(Transport::Sse, headers, 100).len();
        assert_eq!(post(Headers::Bare), 30 + 13 + 26 + 32 + 23 + 21 + 2);
        assert!(post(Headers::Browser) > 500);
    }
}
