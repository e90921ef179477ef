//! The churn of a scenario: when a client ends its connection by itself, to reconnect at once.
//!
//! Each client has a Poisson process of its own: exponential gaps that follow from the cell's seed and the client's
//! index, whichever process drives the client and however long its connections take. If the client has no connection at
//! such a moment, nothing happens. The worker creates the process, the transports apply it; this module knows nothing
//! of connections.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Sleep, sleep_until};

/// The first of the random number streams used for churn. The streams for phases and jitter start at 0.
const STREAMS: u64 = 1 << 32;

/// The churn of one client; none by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Churn(Option<Box<Moments>>);

#[derive(Clone, Debug)]
struct Moments {
    /// The mean time between two moments, s.
    gap_s: f64,
    /// The next moment; `None` if it is beyond the range of the clock.
    next: Option<Instant>,
    rng: ChaCha8Rng,
}

impl Churn {
    /// The churn of the client with this index, from `from`. `share_per_s` is the share of the connections that end in
    /// each second.
    pub(crate) fn new(share_per_s: f64, from: Instant, seed: u64, index: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAMS + u64::from(index));
        let mut moments = Moments { gap_s: 1.0 / share_per_s, next: Some(from), rng };
        moments.advance();
        Self(Some(Box::new(moments)))
    }

    /// Returns when the current connection ends: the first moment that has not passed.
    pub(crate) fn end(&mut self) -> End {
        let Some(moments) = &mut self.0 else { return End(None) };
        let now = clock::now();
        while moments.next.is_some_and(|next| next <= now) {
            moments.advance();
        }
        End(moments.next)
    }
}

impl Moments {
    fn advance(&mut self) {
        let gap_s = -self.gap_s * (1.0 - self.rng.random::<f64>()).ln();
        let gap = Duration::try_from_secs_f64(gap_s).ok();
        self.next = self.next.zip(gap).and_then(|(next, gap)| next.checked_add(gap));
    }
}

/// When a connection ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End(Option<Instant>);

impl End {
    /// Waits until that moment; forever if there is none.
    pub(crate) fn reached(self) -> Reached {
        Reached(self.0.map(|moment| Box::pin(sleep_until(moment.into()))))
    }
}

/// Ready when a connection ends. Polled with every update, so a client without churn has no timer to look at.
#[derive(Debug)]
pub(crate) struct Reached(Option<Pin<Box<Sleep>>>);

impl Reached {
    /// Waits for something that comes before the end of the connection; `None` if nothing does.
    pub(crate) fn before<T>(
        &mut self,
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> impl Future<Output = Option<T>> {
        std::future::poll_fn(move |cx| match Pin::new(&mut *self).poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => wanted(cx).map(Some),
        })
    }
}

impl Future for Reached {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first `count` moments of a client, s from the start.
    fn moments(share_per_s: f64, seed: u64, index: u32, count: usize) -> Vec<f64> {
        let from = clock::now();
        let Some(mut moments) = Churn::new(share_per_s, from, seed, index).0 else { panic!("it has none") };
        let next = || {
            let next = moments.next.unwrap();
            moments.advance();
            (next - from).as_secs_f64()
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn gaps_are_exponential_with_the_mean_of_the_share() {
        for share_per_s in [0.003, 0.2, 1.0] {
            let moments = moments(share_per_s, 1, 0, 20_000);
            let gaps: Vec<f64> =
                std::iter::once(moments[0]).chain(moments.windows(2).map(|two| two[1] - two[0])).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            // The mean of n gaps is within 1/√n of the true mean; the share of gaps longer than one mean, e^(−1), is
            // closer still.
            assert!((mean * share_per_s - 1.0).abs() < 0.03, "{mean}");
            let beyond = gaps.iter().filter(|gap| **gap > 1.0 / share_per_s).count() as f64 / gaps.len() as f64;
            assert!((beyond - f64::exp(-1.0)).abs() < 0.015, "{beyond}");
        }
    }

    #[test]
    fn moments_follow_from_seed_and_index_and_from_nothing_else() {
        let of = |seed, index| moments(0.5, seed, index, 50);
        assert_eq!(of(7, 3), of(7, 3));
        assert_ne!(of(7, 3), of(7, 4));
        assert_ne!(of(7, 3), of(8, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_has_passed_ends_nothing() {
        let from = clock::now().checked_sub(Duration::from_secs(60)).unwrap();
        let mut churn = Churn::new(1.0, from, 1, 0);
        let End(Some(end)) = churn.end() else { panic!("it ends") };
        assert!(end > clock::now());
        assert!(matches!(churn.end(), End(Some(again)) if again == end), "reading it changes nothing");
        assert!(matches!(churn.clone().end(), End(Some(other)) if other == end), "nor does a clone");
    }

    #[test]
    fn without_a_share_and_beyond_the_clock_there_is_no_end() {
        assert!(matches!(Churn::default().end(), End(None)));
        assert!(matches!(Churn::new(f64::MIN_POSITIVE, clock::now(), 1, 0).end(), End(None)));
    }
}
