//! How long a client waits before it connects again.

use feedlab_feed::Transport;
use feedlab_feed::wire::sse::RETRY;

use crate::clients::{BACKOFF_BASE, SSE_JITTER};
use crate::scenario::Contender;

/// The first wait after a connection that was open: `least`, and evenly distributed up to `spread` and up to `more` on top
/// of it, s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wait {
    pub(super) least: f64,
    pub(super) spread: f64,
    pub(super) more: f64,
}

impl Wait {
    pub(super) fn of(contender: &Contender) -> Self {
        let comeback = contender.comeback;
        let backoff = BACKOFF_BASE.as_secs_f64();
        let jittered = |time: f64| if comeback.jitter { time } else { 0.0 };
        match (comeback.after, contender.transport()) {
            (Some(after), _) => {
                let after = after.as_secs_f64();
                Self { least: after, spread: jittered(after), more: 0.0 }
            }
            (None, Transport::Sse) => {
                let retry = RETRY.as_secs_f64();
                Self { least: retry, spread: jittered(retry * SSE_JITTER), more: jittered(backoff) }
            }
            (None, _) if comeback.jitter => Self { least: 0.0, spread: backoff, more: 0.0 },
            (None, _) => Self { least: backoff, spread: 0.0, more: 0.0 },
        }
    }

    pub(super) fn mean(&self) -> f64 {
        self.least + (self.spread + self.more) / 2.0
    }

    pub(super) fn longest(&self) -> f64 {
        self.least + self.spread + self.more
    }

    /// Waits that stand for all, ascending.
    pub(super) fn samples(&self) -> Vec<f64> {
        const STEPS: u32 = 16;
        let of = |step: u32| (f64::from(step) + 0.5) / f64::from(STEPS);
        let all =
            (0..STEPS).flat_map(|a| (0..STEPS).map(move |b| self.least + self.spread * of(a) + self.more * of(b)));
        let mut all: Vec<f64> = if self.longest() > self.least { all.collect() } else { vec![self.least] };
        all.sort_by(f64::total_cmp);
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::tests::contender;
    use super::*;
    use crate::scenario::{Comeback, Options};

    #[test]
    fn each_transport_waits_in_its_own_way_unless_it_is_told() {
        let second = Duration::from_secs(1);
        let wait = |options, after, jitter| {
            let comeback = Comeback { after, jitter, with_cursor: true };
            let Wait { least, spread, more } = Wait::of(&Contender { comeback, ..contender(options) });
            (least, spread, more)
        };
        let (sse, socket) = (Options::Sse { keepalive: second }, Options::WebSocket { keepalive: second });
        assert_eq!(wait(sse, None, true), (2.0, 1.0, 0.1));
        assert_eq!(wait(sse, None, false), (2.0, 0.0, 0.0));
        assert_eq!(wait(socket, None, true), (0.0, 0.1, 0.0));
        assert_eq!(wait(socket, None, false), (0.1, 0.0, 0.0));
        for options in [sse, socket] {
            assert_eq!(wait(options, Some(second), true), (1.0, 1.0, 0.0));
            assert_eq!(wait(options, Some(second), false), (1.0, 0.0, 0.0));
        }
        let samples = Wait::of(&contender(sse)).samples();
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        assert!((mean - 2.55).abs() < 1e-9 && samples[0] > 2.0 && *samples.last().unwrap() < 3.1);
    }
}
