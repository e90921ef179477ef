//! What was observed in all, and silence while it lasts.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use hdrhistogram::Histogram;
use tokio::time::sleep_until;

use super::line::age;
use crate::output;

/// When silence is told of, seconds; then every [`LAST_STEP_S`].
const STEPS_S: [u64; 5] = [10, 30, 60, 120, 300];
const LAST_STEP_S: u64 = 600;
/// Time between two events that is told apart from a longer one, µs: a day.
const LONGEST_GAP_US: u64 = 86_400_000_000;

/// What a client has observed so far.
#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    /// When the last event came.
    event: Option<Instant>,
    /// When something came last, be it the head of an answer, a comment or a ping.
    sign: Option<Instant>,
    events: u64,
    /// Between two events, µs.
    gaps: Histogram<u64>,
    reconnects: u64,
    longest_silence: Duration,
}

impl Tally {
    pub(super) fn new(now: Instant) -> anyhow::Result<Self> {
        let gaps = Histogram::new_with_max(LONGEST_GAP_US, 3)?;
        let (reconnects, longest_silence) = (0, Duration::ZERO);
        Ok(Self { began: now, event: None, sign: None, events: 0, gaps, reconnects, longest_silence })
    }

    /// An event came.
    pub(super) fn event(&mut self, now: Instant) {
        if let Some(before) = self.event.replace(now) {
            self.gaps.saturating_record(clock::micros(now.duration_since(before)));
        }
        self.events += 1;
        self.sign(now);
    }

    /// Something came.
    pub(super) fn sign(&mut self, now: Instant) {
        self.longest_silence = self.silence(now);
        self.sign = Some(now);
    }

    pub(super) const fn reconnect(&mut self) {
        self.reconnects += 1;
    }

    /// Whether anything was ever answered.
    pub(super) const fn has_begun(&self) -> bool {
        self.sign.is_some()
    }

    /// The longest time without anything, that of now included.
    fn silence(&self, now: Instant) -> Duration {
        self.longest_silence.max(now.duration_since(self.sign.unwrap_or(self.began)))
    }

    fn last_event(&self) -> Instant {
        self.event.unwrap_or(self.began)
    }

    /// All of it, in a line.
    pub(super) fn summary(&self, now: Instant) -> String {
        let us = |duration: Duration| age(clock::micros(duration));
        let mut line = format!("{} in {}", counted(self.events, "event"), us(now.duration_since(self.began)));
        if !self.gaps.is_empty() {
            let (middle, most) = (age(self.gaps.value_at_quantile(0.5)), age(self.gaps.max()));
            line += &format!("; between two of them {middle} (p50), at most {most}");
        }
        line + &format!("; {}; longest silence {}", counted(self.reconnects, "reconnect"), us(self.silence(now)))
    }

    /// That no event has come for so long.
    fn nothing(&self, quiet: Duration, now: Instant) -> String {
        let line = format!("nothing for {} s", quiet.as_secs());
        match self.sign {
            None => format!("{line}, and no answer"),
            Some(sign) => format!("{line}; the last sign of life came {} s ago", now.duration_since(sign).as_secs()),
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Tells of silence as long as it is polled.
pub(super) async fn tell_silence(tally: &RefCell<Tally>) {
    loop {
        let since = tally.borrow().last_event();
        let quiet = next_step(clock::now().duration_since(since));
        sleep_until((since + quiet).into()).await;
        let tally = tally.borrow();
        if tally.last_event() == since {
            output::advice(&tally.nothing(quiet, clock::now()));
        }
    }
}

/// The length of silence that is told of next.
fn next_step(quiet: Duration) -> Duration {
    let later = (quiet.as_secs() / LAST_STEP_S + 1) * LAST_STEP_S;
    Duration::from_secs(STEPS_S.into_iter().find(|step| *step > quiet.as_secs()).unwrap_or(later))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_silence_is_told_at_growing_steps() {
        let steps = std::iter::successors(Some(Duration::ZERO), |quiet| Some(next_step(*quiet)));
        let steps: Vec<_> = steps.map(|step| step.as_secs()).take(9).collect();
        assert_eq!(steps, [0, 10, 30, 60, 120, 300, 600, 1200, 1800]);
    }

    #[test]
    fn h7_all_is_counted_at_the_end() {
        let began = clock::now();
        let at = |ms| began + Duration::from_millis(ms);
        let mut tally = Tally::new(began).unwrap();
        assert_eq!(tally.nothing(Duration::from_secs(10), at(10_000)), "nothing for 10 s, and no answer");
        tally.sign(at(50));
        tally.event(at(1_050));
        assert_eq!(tally.summary(at(1_100)), "1 event in 1.1 s; 0 reconnects; longest silence 1.0 s");
        tally.event(at(1_060));
        tally.event(at(1_070));
        tally.reconnect();
        tally.event(at(4_070));
        tally.sign(at(9_070));
        let line = tally.summary(at(10_000));
        assert!(line.starts_with("4 events in 10.0 s; between two of them 10.0 ms (p50), at most 3.0 s; "), "{line}");
        assert!(line.ends_with("; 1 reconnect; longest silence 5.0 s"), "{line}");
        let told = tally.nothing(Duration::from_secs(30), at(34_070));
        assert_eq!(told, "nothing for 30 s; the last sign of life came 25 s ago");
    }
}
