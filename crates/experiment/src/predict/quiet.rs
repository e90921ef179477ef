//! What clients do before the feed begins: polls that bring nothing, keepalives, connections.

use super::bytes::bytes;
use super::course::Span;
use super::requests::{Traffic, comments_in, cycle};
use super::sizes::Sizes;
use super::way::Way;
use crate::Scenario;
use crate::clients::START_LEAD;
use crate::metric::SHORTEST_IDLE;
use crate::scenario::{Contender, Options};

/// Instants of the ramp that stand for all clients.
const CLIENTS: u32 = 64;

/// Bytes of a client in a minute of the quiet time between ramp and feed. `None` where it is too short to be measured.
pub(super) fn idle_bytes_per_min(scenario: &Scenario, contender: &Contender, way: &Way) -> Option<f64> {
    if scenario.measure.settle < SHORTEST_IDLE {
        return None;
    }
    let (ramp, settle) = (scenario.clients.ramp.as_secs_f64(), scenario.measure.settle.as_secs_f64());
    let until = |end: f64| mean(ramp, |joined| events(&contender.options, (end - joined).max(0.0), way));
    let count = until(ramp + settle) - until(ramp);
    let traffic = match contender.options {
        Options::ShortPolling { .. } | Options::LongPolling { .. } => {
            Traffic { requests: count, empty: count, empty_again: count, ..Traffic::default() }
        }
        Options::Sse { .. } | Options::WebSocket { .. } | Options::Auto { .. } => {
            Traffic { keepalives: count, ..Traffic::default() }
        }
    };
    // Nothing has been published: the cursor is 0.
    let sizes = Sizes { digits: 1.0, ..Sizes::default() };
    let bytes = bytes(contender, scenario.clients.headers, &sizes, &traffic);
    Some((bytes.up + bytes.down) * 60.0 / settle)
}

/// TCP connections that a client opens before the feed begins and while it runs, if it answers `answered` requests
/// then: one, or one a request. A client begins with a request for its cursor.
pub(super) fn connections(scenario: &Scenario, options: &Options, answered: f64, way: &Way) -> f64 {
    let (ramp, settle) = (scenario.clients.ramp.as_secs_f64(), scenario.measure.settle.as_secs_f64());
    let before = mean(ramp, |joined| events(options, ramp + settle + START_LEAD.as_secs_f64() - joined, way));
    match options {
        Options::ShortPolling { keep_alive: false, .. } => 1.0 + before + answered,
        // One is always under way.
        Options::LongPolling { keep_alive: false, .. } => 2.0 + before + answered,
        _ => 1.0,
    }
}

/// Pings of a WebSocket in a stretch of the feed's time: one an interval, the first not before three quarters of it
/// have passed since the client joined.
pub(super) fn pings(scenario: &Scenario, options: &Options, span: Span) -> f64 {
    let (ramp, settle) = (scenario.clients.ramp.as_secs_f64(), scenario.measure.settle.as_secs_f64());
    let begin = ramp + settle + START_LEAD.as_secs_f64();
    let until = |time: f64| mean(ramp, |joined| events(options, begin + time - joined, &Way::default()));
    until(span.to) - until(span.from)
}

/// The mean over clients, who join evenly over the ramp.
fn mean(ramp: f64, of: impl Fn(f64) -> f64) -> f64 {
    let joined = (0..CLIENTS).map(|client| ramp * (f64::from(client) + 0.5) / f64::from(CLIENTS));
    joined.map(of).sum::<f64>() / f64::from(CLIENTS)
}

/// Polls answered, or keepalives sent, in so many seconds after a client joined.
fn events(options: &Options, time: f64, way: &Way) -> f64 {
    let gap = way.gap(options);
    match *options {
        Options::ShortPolling { interval, .. } => time / cycle(interval.as_secs_f64(), gap),
        Options::LongPolling { hold, .. } => (time / (hold.as_secs_f64() + gap)).floor(),
        // Both count from the stream's opening, in quarters whose phase differs from stream to stream.
        Options::Sse { keepalive } | Options::WebSocket { keepalive } | Options::Auto { keepalive, .. } => {
            comments_in(time, keepalive.as_secs_f64())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::contender;
    use super::*;

    /// The settling of a cell that was measured: 6 s, a ramp of 200 ms.
    #[test]
    fn idle_bytes_are_those_that_were_measured() {
        let mut scenario = crate::fixture::scenario();
        scenario.clients.ramp = Duration::from_millis(200);
        scenario.measure.settle = Duration::from_secs(6);
        let second = Duration::from_secs(1);
        let short = |interval, keep_alive, conditional| Options::ShortPolling { interval, keep_alive, conditional };
        for (options, measured) in [
            (short(second, true, false), 17_936.8),
            (short(second, false, false), 20_214.1),
            (short(second / 10, true, true), 156_138.0),
            (Options::LongPolling { hold: 2 * second, keep_alive: true }, 6_178.7),
            (Options::LongPolling { hold: 2 * second, keep_alive: false }, 7_318.4),
            (Options::Sse { keepalive: second }, 479.8),
            (Options::WebSocket { keepalive: second }, 479.9),
        ] {
            let predicted = idle_bytes_per_min(&scenario, &contender(options), &Way::default()).unwrap();
            assert!((predicted / measured - 1.0).abs() < 0.02, "{options:?}: {predicted} {measured}");
        }
        scenario.measure.settle = second;
        assert_eq!(idle_bytes_per_min(&scenario, &contender(short(second, true, false)), &Way::default()), None);
    }
}
