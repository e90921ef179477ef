//! What a shard is woken for, and the times at which it wakes by itself.

use std::task::Context;
use std::time::Duration;

use feedlab_feed::stream::BEATS;
use tokio::time::{Interval, interval};

use super::mailbox::Mail;

/// The groups of connections that get a beat one after another, so that not all of them write at the same moment.
pub(super) const GROUPS: usize = 16;
/// How often pollers are checked, at least.
const CHECK: Duration = Duration::from_secs(1);

/// What there is to do.
#[derive(Default)]
pub(super) struct Due {
    pub(super) mail: Mail,
    /// Whether sockets are ready.
    pub(super) has_events: bool,
    /// The group of streams whose beat is due.
    pub(super) beat: Option<usize>,
    /// Whether it is time to look for pollers that are idle, or whose clients read nothing.
    pub(super) check: bool,
    /// The place whose hold has ended.
    pub(super) hold: Option<usize>,
}

impl Due {
    pub(super) fn is_something(&self) -> bool {
        self.has_events || self.beat.is_some() || self.check || self.hold.is_some() || !self.mail.is_empty()
    }
}

/// The times at which a shard wakes by itself.
pub(super) struct Times {
    beats: Interval,
    /// The number of beats so far.
    beat: usize,
    checks: Interval,
}

impl Times {
    pub(super) fn new(keepalive: Duration, patience: Duration) -> Self {
        let shortest = Duration::from_millis(1);
        let beat = keepalive / u32::from(BEATS) / GROUPS as u32;
        let check = (patience / 4).min(CHECK);
        Self { beats: interval(beat.max(shortest)), beat: 0, checks: interval(check.max(shortest)) }
    }

    /// The group whose beat is due now.
    pub(super) fn poll_beat(&mut self, cx: &mut Context<'_>) -> Option<usize> {
        self.beats.poll_tick(cx).is_ready().then(|| {
            self.beat += 1;
            self.beat % GROUPS
        })
    }

    /// Whether a check is due now.
    pub(super) fn poll_check(&mut self, cx: &mut Context<'_>) -> bool {
        self.checks.poll_tick(cx).is_ready()
    }
}
