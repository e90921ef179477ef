//! When a packet has been sent: at a constant rate, or as a recording of a mobile link says.

use std::time::Duration;

use feedlab_feed::link::{Rate, Step};

/// The number of times that a recording begins again while one packet is sent; it sends in every turn.
const MAX_TURNS: u32 = 1_000_000;

/// Returns when `bytes` have been sent if their first bit can leave at `start`; both count from the start of the link.
pub(super) fn sent_at(rate: &Rate, start: Duration, bytes: usize) -> Duration {
    let bits = bytes as f64 * 8.0;
    match rate {
        Rate::Constant(rate) => start + seconds(bits / *rate as f64),
        Rate::Trace(trace) => through(trace.steps(), start, bits),
    }
}

/// Times that no link lives to see are cut off.
fn seconds(seconds: f64) -> Duration {
    const MOST: Duration = Duration::from_secs(1 << 32);
    Duration::try_from_secs_f64(seconds).map_or(MOST, |time| time.min(MOST))
}

/// Sends bits through the steps of a recording, from `start` on.
fn through(steps: &[Step], start: Duration, mut bits: f64) -> Duration {
    let turn: Duration = steps.iter().map(|step| step.length).sum();
    let mut begin = start - Duration::from_nanos((start.as_nanos() % turn.as_nanos().max(1)) as u64);
    for _ in 0..MAX_TURNS {
        for step in steps {
            let end = begin + step.length;
            if end > start {
                let from = begin.max(start);
                let fits = (end - from).as_secs_f64() * step.rate as f64;
                if fits >= bits {
                    return from + seconds(bits / step.rate as f64);
                }
                bits -= fits;
            }
            begin = end;
        }
    }
    begin
}

#[cfg(test)]
mod tests {
    use feedlab_feed::link::Trace;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_constant_rate_takes_its_time() {
        assert_eq!(sent_at(&Rate::Constant(12_000_000), 5 * MS, 1500), 6 * MS);
        // One bit per second, for a packet of the largest size.
        assert!(sent_at(&Rate::Constant(1), 5 * MS, 65_535) > Duration::from_secs(500_000));
    }

    #[test]
    fn a_recording_waits_where_it_sends_nothing_and_begins_again() {
        let steps = [12_000_000, 0].map(|rate| Step { length: 10 * MS, rate });
        let rate = Rate::Trace(Trace::new(steps.to_vec()).unwrap());
        for (start, sent) in [(0, 1), (9, 10), (12, 21), (20, 21), (32, 41)] {
            assert_eq!(sent_at(&rate, start * MS, 1500), sent * MS, "from {start} ms");
        }
        // Half of it before the pause, half after.
        let half = MS / 2;
        assert_eq!(sent_at(&rate, 9 * MS + half, 1500), 20 * MS + half);
        assert_eq!(sent_at(&rate, Duration::ZERO, 1500 * 25), 45 * MS);
    }
}
