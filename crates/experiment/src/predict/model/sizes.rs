//! The size of an update on each transport, in bytes, determined with the server's own encoders.

use feedlab_feed::Update;
use feedlab_feed::source::{Item, SourceConfig};
use feedlab_feed::wire::{sse, update_json, websocket};

use super::heads;

/// A present-day due time, µs of Unix time: 16 digits until the year 2286.
pub(crate) const AT: u64 = 1_790_000_000_000_000;

/// The sizes of an update, or mean sizes of many, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sizes {
    /// The payload.
    pub(crate) payload: f64,
    /// The JSON object in the answer to a poll.
    pub(crate) json: f64,
    /// The chunk of an event stream.
    pub(crate) chunk: f64,
    /// The WebSocket frame.
    pub(crate) frame: f64,
    /// The number of digits of its `seq`.
    pub(crate) digits: f64,
}

impl Sizes {
    /// Returns the sizes of the update with this `seq`.
    pub(crate) fn of(item: &Item, seq: u64) -> Self {
        let Item { event_type, data } = item.clone();
        let update = Update { seq, at: AT, event_type, data };
        Self {
            payload: update.data.len() as f64,
            json: update_json(&update).len() as f64,
            chunk: sse::chunk(sse::update_event(heads::epoch(), &update).as_bytes()).len() as f64,
            frame: websocket::update_frame(&update).len() as f64,
            digits: f64::from(digits(seq)),
        }
    }

    fn with(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            payload: of(self.payload, other.payload),
            json: of(self.json, other.json),
            chunk: of(self.chunk, other.chunk),
            frame: of(self.frame, other.frame),
            digits: of(self.digits, other.digits),
        }
    }

    /// Returns the mean sizes of updates that differ only in their `seq`: `updates` of them after the first `before`.
    pub(crate) fn alike(feed: &SourceConfig, before: f64, updates: f64) -> Option<Self> {
        /// The limit beyond which an f64 does not represent every integer.
        const MOST: f64 = 9e15;
        let item = one(feed).filter(|_| before + updates < MOST)?;
        let (first, last) = (before as u64 + 1, before as u64 + updates.max(1.0) as u64);
        Self::mean((digits(first)..=digits(last)).map(|digits| {
            let (low, high) = (10u64.pow(digits - 1), 10u64.pow(digits) - 1);
            (Self::of(&item, low), (high.min(last) - low.max(first) + 1) as f64)
        }))
    }

    /// Returns the mean of sizes, each with its number of updates; `None` if there are no updates.
    pub(crate) fn mean(all: impl IntoIterator<Item = (Self, f64)>) -> Option<Self> {
        let add =
            |(sum, count): (Self, f64), (one, times)| (sum.with(one, |sum, one| sum + one * times), count + times);
        let (sum, count) = all.into_iter().fold((Self::default(), 0.0), add);
        (count > 0.0).then(|| sum.with(sum, |sum, _| sum / count))
    }
}

/// Returns the feed's first item.
fn one(feed: &SourceConfig) -> Option<Item> {
    let mut source = feed.open().ok()?;
    source.next_due()?;
    Some(source.produce())
}

/// Returns the number of decimal digits of a number.
pub(crate) fn digits(number: u64) -> u32 {
    number.checked_ilog10().unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use feedlab_feed::schedule::Schedule;

    use super::*;

    fn feed(payload_bytes: usize) -> SourceConfig {
        SourceConfig::Synthetic { rate: 10.0, schedule: Schedule::Constant, payload_bytes, binary: false }
    }

    #[test]
    fn an_update_has_the_sizes_that_were_captured() {
        // From a capture on loopback of a synthetic feed of 256 B: chunks of 322 B and 323 B (5 B more since ids
        // include the epoch), frames of 316 B with two digits, and thus JSON of 312 B.
        let two = Sizes::alike(&feed(256), 9.0, 90.0).unwrap();
        assert_eq!((two.payload, two.json, two.chunk, two.frame, two.digits), (256.0, 312.0, 323.0 + 5.0, 316.0, 2.0));
        let one = Sizes::alike(&feed(256), 0.0, 9.0).unwrap();
        assert_eq!((one.chunk, one.frame), (322.0 + 5.0, 315.0));
    }

    #[test]
    fn the_closed_form_is_the_mean_of_all_updates() {
        for (before, updates, payload) in [(0, 2_000, 64), (95, 10, 65_500), (7, 1, 0)] {
            let item = one(&feed(payload)).unwrap();
            let all = (before + 1..=before + updates).map(|seq| (Sizes::of(&item, seq), 1.0));
            let (each, alike) =
                (Sizes::mean(all).unwrap(), Sizes::alike(&feed(payload), before as f64, updates as f64));
            assert!((each.chunk - alike.unwrap().chunk).abs() < 1e-6, "{each:?} {alike:?}");
            assert!((each.json - alike.unwrap().json).abs() < 1e-6);
        }
    }
}
