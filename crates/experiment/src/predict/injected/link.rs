//! One direction of a connection through the lab proxy: when a message that is sent at some time arrives.

use std::ops::Range;

/// One direction of a connection. Times are in s, and messages must be passed in the order in which they are sent.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// The delay outside ramps.
    delay: f64,
    /// By how much a ramp multiplies the delay until it ends.
    factor: f64,
    /// Bytes per second, if that is limited.
    rate: Option<f64>,
    /// When nothing passes, ascending.
    holes: Vec<Range<f64>>,
    /// When the delay grows evenly, ascending.
    ramps: Vec<Range<f64>>,
    /// When the last byte so far has left the sender.
    free: f64,
    /// When the last message so far arrives.
    last: f64,
}

impl Link {
    pub(super) const fn new(
        delay: f64,
        factor: f64,
        rate: Option<f64>,
        holes: Vec<Range<f64>>,
        ramps: Vec<Range<f64>>,
    ) -> Self {
        Self { delay, factor, rate, holes, ramps, free: f64::NEG_INFINITY, last: f64::NEG_INFINITY }
    }

    /// Returns when a message of `bytes` that is sent at `sent` has arrived completely.
    pub(super) fn pass(&mut self, sent: f64, bytes: f64) -> f64 {
        let enters = self.after_holes(sent);
        let leaves = match self.rate {
            Some(rate) => {
                self.free = self.free.max(enters) + bytes / rate;
                self.free
            }
            None => enters,
        };
        self.last = self.last.max(leaves + self.delay_at(enters));
        self.after_holes(self.last)
    }

    /// Returns the end of the hole that contains a time, or the time itself.
    fn after_holes(&self, time: f64) -> f64 {
        self.holes.iter().find(|hole| hole.contains(&time)).map_or(time, |hole| hole.end)
    }

    fn delay_at(&self, time: f64) -> f64 {
        let ramp = self.ramps.iter().find(|ramp| ramp.contains(&time));
        let share = ramp.map_or(0.0, |ramp| (time - ramp.start) / (ramp.end - ramp.start));
        self.delay * (1.0 + share * (self.factor - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }

    #[test]
    fn a_hole_holds_back_what_enters_it_and_what_is_in_flight() {
        let mut link = Link::new(0.01, 1.0, None, vec![1.0..2.0, 5.0..6.0], vec![]);
        for (sent, arrives) in [(0.5, 0.51), (0.989, 0.999), (0.995, 2.0), (1.5, 2.01), (2.0, 2.01), (5.5, 6.01)] {
            near(link.pass(sent, 1e9), arrives);
        }
    }

    #[test]
    fn a_ramp_grows_evenly_and_nothing_overtakes_it() {
        let mut link = Link::new(0.01, 10.0, None, vec![], vec![1.0..11.0]);
        for (sent, arrives) in [(1.0, 1.01), (6.0, 6.055), (10.99, 11.08991), (11.0, 11.08991), (11.5, 11.51)] {
            near(link.pass(sent, 0.0), arrives);
        }
    }

    #[test]
    fn a_slow_link_carries_one_message_after_the_other() {
        let mut link = Link::new(0.5, 1.0, Some(1000.0), vec![], vec![]);
        for (sent, arrives) in [(0.0, 0.6), (0.0, 0.7), (0.05, 0.8), (10.0, 10.6)] {
            near(link.pass(sent, 100.0), arrives);
        }
    }
}
