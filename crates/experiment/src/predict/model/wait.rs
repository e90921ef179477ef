//! How long a client waits before it reconnects.

use crate::clients::BACKOFF_BASE;

/// The first wait after an open connection is lost: `least` plus two independent, uniformly distributed times of up to
/// `spread` and up to `more`, s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wait {
    pub(crate) least: f64,
    pub(crate) spread: f64,
    pub(crate) more: f64,
}

impl Wait {
    /// Returns the wait that a contender sets: constant, or with jitter up to twice as long.
    pub(crate) fn fixed(after: f64, jitter: bool) -> Self {
        Self { least: after, spread: if jitter { after } else { 0.0 }, more: 0.0 }
    }

    /// Returns the wait of an exponential backoff after the first failure: uniformly distributed from zero to its
    /// ceiling, or without jitter the ceiling.
    pub(crate) fn backoff(jitter: bool) -> Self {
        let base = BACKOFF_BASE.as_secs_f64();
        if jitter { Self { least: 0.0, spread: base, more: 0.0 } } else { Self { least: base, spread: 0.0, more: 0.0 } }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.least + (self.spread + self.more) / 2.0
    }

    pub(crate) fn longest(&self) -> f64 {
        self.least + self.spread + self.more
    }

    /// Returns waits that represent the distribution, ascending.
    pub(crate) fn samples(&self) -> Vec<f64> {
        const STEPS: u32 = 16;
        let of = |step: u32| (f64::from(step) + 0.5) / f64::from(STEPS);
        let all =
            (0..STEPS).flat_map(|a| (0..STEPS).map(move |b| self.least + self.spread * of(a) + self.more * of(b)));
        let mut all: Vec<f64> = if self.longest() > self.least { all.collect() } else { vec![self.least] };
        all.sort_by(f64::total_cmp);
        all
    }
}
