//! Counts of what a client has observed, and messages about long silences.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use hdrhistogram::Histogram;
use tokio::time::sleep_until;

use super::line::age;
use crate::output;

/// The lengths of silence that are reported, seconds; after the last, every [`LAST_STEP_S`].
const STEPS_S: [u64; 5] = [10, 30, 60, 120, 300];
const LAST_STEP_S: u64 = 600;
/// The longest time between two events that is recorded exactly, µs: a day.
const LONGEST_GAP_US: u64 = 86_400_000_000;

/// What a client has observed so far.
#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    /// When the last event arrived.
    event: Option<Instant>,
    /// When anything last arrived, including the head of an answer, a comment or a ping.
    sign: Option<Instant>,
    events: u64,
    /// Times between two events, µs.
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

    /// Records an event.
    pub(super) fn event(&mut self, now: Instant) {
        if let Some(before) = self.event.replace(now) {
            self.gaps.saturating_record(clock::micros(now.duration_since(before)));
        }
        self.events += 1;
        self.sign(now);
    }

    /// Records that something arrived.
    pub(super) fn sign(&mut self, now: Instant) {
        self.longest_silence = self.silence(now);
        self.sign = Some(now);
    }

    pub(super) const fn reconnect(&mut self) {
        self.reconnects += 1;
    }

    /// Returns whether anything has arrived.
    pub(super) const fn has_begun(&self) -> bool {
        self.sign.is_some()
    }

    /// Returns the longest silence, including the current one.
    fn silence(&self, now: Instant) -> Duration {
        self.longest_silence.max(now.duration_since(self.sign.unwrap_or(self.began)))
    }

    fn last_event(&self) -> Instant {
        self.event.unwrap_or(self.began)
    }

    /// Returns a summary in one line.
    pub(super) fn summary(&self, now: Instant) -> String {
        let us = |duration: Duration| age(clock::micros(duration));
        let mut line = format!("{} in {}", counted(self.events, "event"), us(now.duration_since(self.began)));
        if !self.gaps.is_empty() {
            let (middle, most) = (age(self.gaps.value_at_quantile(0.5)), age(self.gaps.max()));
            line += &format!("; time between events {middle} (p50), at most {most}");
        }
        line + &format!("; {}; longest silence {}", counted(self.reconnects, "reconnect"), us(self.silence(now)))
    }

    /// Returns a message that no event has arrived for the time `quiet`.
    fn silence_message(&self, quiet: Duration, now: Instant) -> String {
        let line = format!("nothing for {} s", quiet.as_secs());
        match self.sign {
            None => format!("{line}, and no answer"),
            Some(sign) => format!("{line}; the last sign of life was {} s ago", now.duration_since(sign).as_secs()),
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Reports silences while it is polled.
pub(super) async fn report_silence(tally: &RefCell<Tally>) {
    loop {
        let since = tally.borrow().last_event();
        let quiet = next_step(clock::now().duration_since(since));
        sleep_until((since + quiet).into()).await;
        let tally = tally.borrow();
        if tally.last_event() == since {
            output::advice(&tally.silence_message(quiet, clock::now()));
        }
    }
}

/// Returns the next length of silence to report.
fn next_step(quiet: Duration) -> Duration {
    let later = (quiet.as_secs() / LAST_STEP_S + 1) * LAST_STEP_S;
    Duration::from_secs(STEPS_S.into_iter().find(|step| *step > quiet.as_secs()).unwrap_or(later))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h7_silence_is_reported_at_growing_intervals() {
        let steps = std::iter::successors(Some(Duration::ZERO), |quiet| Some(next_step(*quiet)));
        let steps: Vec<_> = steps.map(|step| step.as_secs()).take(9).collect();
        assert_eq!(steps, [0, 10, 30, 60, 120, 300, 600, 1200, 1800]);
    }

    #[test]
    fn h7_the_summary_counts_everything() {
        let began = clock::now();
        let at = |ms| began + Duration::from_millis(ms);
        let mut tally = Tally::new(began).unwrap();
        assert_eq!(tally.silence_message(Duration::from_secs(10), at(10_000)), "nothing for 10 s, and no answer");
        tally.sign(at(50));
        tally.event(at(1_050));
        assert_eq!(tally.summary(at(1_100)), "1 event in 1.1 s; 0 reconnects; longest silence 1.0 s");
        tally.event(at(1_060));
        tally.event(at(1_070));
        tally.reconnect();
        tally.event(at(4_070));
        tally.sign(at(9_070));
        let line = tally.summary(at(10_000));
        assert!(line.starts_with("4 events in 10.0 s; time between events 10.0 ms (p50), at most 3.0 s; "), "{line}");
        assert!(line.ends_with("; 1 reconnect; longest silence 5.0 s"), "{line}");
        let message = tally.silence_message(Duration::from_secs(30), at(34_070));
        assert_eq!(message, "nothing for 30 s; the last sign of life was 25 s ago");
    }
}
