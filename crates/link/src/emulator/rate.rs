//! How fast a link sends: at a constant rate, or as a recording of a mobile link says.

use std::time::Duration;

/// The largest number of steps of a recording.
pub(super) const MAX_STEPS: usize = 100_000;
/// The number of times that a packet may wait for a recording to begin again; a recording sends in every turn.
const MAX_TURNS: u32 = 1_000_000;

/// The rate of a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Rate {
    /// Always the same, bits per second of IP packets.
    Constant(u64),
    /// A recording: how long each rate lasts, bits per second. It is repeated.
    Trace(Vec<(Duration, u64)>),
}

/// Why a recording of rates cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// Nothing would ever be sent.
    #[error("it sends nothing: at least one step must have a rate above 0 and a length")]
    Nothing,
    /// It is too long.
    #[error("it has more than {MAX_STEPS} steps; use longer ones")]
    TooLong,
    /// A line is not understood.
    #[error(
        "line {0} is not understood: write a time in ms on each line (a Mahimahi trace: when 1,500 bytes can be sent), or a \
         time in seconds and a rate in bit/s (when that rate begins)"
    )]
    Line(usize),
}

impl Rate {
    /// Returns a recording of these steps.
    ///
    /// # Errors
    /// If it sends nothing, or is too long.
    pub fn trace(steps: Vec<(Duration, u64)>) -> Result<Self, TraceError> {
        if steps.len() > MAX_STEPS {
            return Err(TraceError::TooLong);
        }
        let sends = |(length, rate): &(Duration, u64)| *rate > 0 && !length.is_zero();
        if steps.iter().any(sends) { Ok(Self::Trace(steps)) } else { Err(TraceError::Nothing) }
    }

    /// Returns when `bytes` have been sent if their first bit can leave at `start`; both count from the start of the link.
    pub(super) fn sent_at(&self, start: Duration, bytes: usize) -> Duration {
        match self {
            Self::Constant(rate) => start + seconds(bits(bytes) / *rate as f64),
            Self::Trace(steps) => through(steps, start, bits(bytes)),
        }
    }
}

const fn bits(bytes: usize) -> f64 {
    bytes as f64 * 8.0
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4)
}

/// Sends `bits` through the steps of a recording, from `start` on.
fn through(steps: &[(Duration, u64)], start: Duration, mut bits: f64) -> Duration {
    let turn: Duration = steps.iter().map(|(length, _)| *length).sum();
    let mut begin = turn * u32::try_from(start.as_nanos() / turn.as_nanos().max(1)).unwrap_or(u32::MAX);
    for _ in 0..MAX_TURNS {
        for (length, rate) in steps {
            let end = begin + *length;
            if end > start {
                let from = begin.max(start);
                let fits = (end - from).as_secs_f64() * *rate as f64;
                if fits >= bits {
                    return from + seconds(bits / *rate as f64);
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
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_constant_rate_takes_its_time() {
        let rate = Rate::Constant(12_000_000);
        assert_eq!(rate.sent_at(5 * MS, 1500), 6 * MS);
    }

    #[test]
    fn a_recording_waits_where_it_sends_nothing_and_begins_again() {
        let rate = Rate::trace(vec![(10 * MS, 12_000_000), (10 * MS, 0)]).unwrap();
        for (start, sent) in [(0, 1), (9, 10), (12, 21), (20, 21), (32, 41)] {
            assert_eq!(rate.sent_at(start * MS, 1500), sent * MS, "from {start} ms");
        }
        // Half of it before the pause, half after.
        let half = MS / 2;
        assert_eq!(rate.sent_at(9 * MS + half, 1500), 20 * MS + half);
        assert_eq!(rate.sent_at(Duration::ZERO, 1500 * 25), 45 * MS);
        assert_eq!(Rate::trace(vec![(MS, 0)]), Err(TraceError::Nothing));
        assert_eq!(Rate::trace(vec![(MS, 1); MAX_STEPS + 1]), Err(TraceError::TooLong));
    }
}
