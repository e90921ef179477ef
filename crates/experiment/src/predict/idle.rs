//! The traffic of clients before the feed starts: empty polls, keepalives, connections.

use super::model::{Case, FeedModel, Sizes};
use super::transport::Arithmetic;
use crate::metric::SHORTEST_IDLE;

/// Returns the bytes of a client per minute of the idle time between ramp and feed. `None` if that time is too short to
/// be measured.
pub(super) fn bytes_per_min(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Option<f64> {
    if case.scenario.measure.settle < SHORTEST_IDLE {
        return None;
    }
    let (ramp, settle) = (case.scenario.clients.ramp.as_secs_f64(), case.scenario.measure.settle.as_secs_f64());
    let passed = |end: f64| case.mean_over_ramp(|joined| arithmetic.idle(&case.path, (end - joined).max(0.0)));
    let traffic = passed(ramp + settle).with(passed(ramp), |until, before| until - before);
    let traffic = arithmetic.changed(traffic, arithmetic.churn(case), settle);
    // Nothing has been published yet: the cursor is 0.
    let sizes = Sizes { digits: 1.0, ..Sizes::default() };
    let bytes = arithmetic.bytes(case.scenario.clients.headers, &sizes, &traffic);
    Some((bytes.up + bytes.down) * 60.0 / settle)
}

/// Returns the number of TCP connections that a client opens before the feed starts and while it runs.
pub(super) fn connections(case: &Case<'_>, arithmetic: &dyn Arithmetic, feed: &FeedModel) -> f64 {
    let feed_start = case.feed_start();
    let before = case.mean_over_ramp(|joined| arithmetic.idle(&case.path, feed_start - joined)).requests;
    arithmetic.connections(before, arithmetic.traffic(case, feed, feed.whole).requests)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::contender;
    use super::super::transport;
    use super::*;
    use crate::scenario::Options;

    /// Values from a measured cell with 6 s of settling and a ramp of 200 ms. At the time, cursors had no epoch (5
    /// bytes in a request, 5 and two quotes in a body), and entity tags were 12 bytes longer, twice in a poll that is
    /// answered with 304.
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
            (short(second / 10, true, true), 156_138.0 - 600.0 * (24.0 - 5.0)),
            (Options::LongPolling { hold: 2 * second, keep_alive: true }, 6_178.7 + 30.0 * 5.0),
            (Options::LongPolling { hold: 2 * second, keep_alive: false }, 7_318.4 + 30.0 * 5.0),
            (Options::Sse { keepalive: second }, 479.8),
            (Options::WebSocket { keepalive: second }, 479.9),
        ] {
            let contender = contender(options);
            let case = Case::new(&scenario, &contender, 1);
            let predicted = bytes_per_min(&case, &*transport::of(&options)).unwrap();
            assert!((predicted / measured - 1.0).abs() < 0.02, "{options:?}: {predicted} {measured}");
        }
        scenario.measure.settle = second;
        let polls = contender(short(second, true, false));
        assert_eq!(bytes_per_min(&Case::new(&scenario, &polls, 1), &*transport::of(&polls.options)), None);
    }
}
