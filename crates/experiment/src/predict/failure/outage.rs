//! One outage of one client: the updates that fall due meanwhile, which of them the client receives when it reconnects,
//! and when it receives an update again.

/// The end of a connection as one client sees it. Times are in s from the start of the feed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Break {
    /// The due time after which updates no longer arrive over the old connection.
    pub(super) last: f64,
    /// When the client notices.
    pub(super) noticed: f64,
    /// When the client is connected again; through the lab proxy, immediately after its wait.
    pub(super) connected: f64,
    /// When its request has arrived at the server.
    pub(super) requested: f64,
    /// When the response has arrived, with the updates that the server still has.
    pub(super) answered: f64,
    /// The one-way delay of an update from the server to the client.
    pub(super) transit: f64,
}

/// The consequences of a break.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outage {
    /// The number of updates that the client never receives.
    pub(super) missed: f64,
    /// The number of updates that were due while it was disconnected and that it receives.
    pub(super) replayed: f64,
    /// The time from the loss to the next update, s; `None` if there is none.
    pub(super) recovery: Option<f64>,
}

impl Break {
    /// Simulates the break. `due` has the due times, ascending; `replayable` is the maximum number of missed updates
    /// that the server delivers: the size of its history, or 0 for a client without a cursor. Updates that fall due at
    /// or after `end` are not counted.
    pub(super) fn simulate(&self, due: &[f64], replayable: usize, end: f64) -> Outage {
        let until = |time: f64| due.partition_point(|due| *due <= time);
        let counted = |from: usize, to: usize| {
            let end = due.partition_point(|due| *due < end);
            to.min(end).saturating_sub(from.min(end)) as f64
        };
        let (first, next) = (until(self.last), until(self.requested));
        let lost = next - first;
        // The oldest updates are no longer in the history.
        let kept = first + lost.saturating_sub(replayable);
        let missed = counted(first, kept);
        let replayed = counted(until(self.noticed).max(kept), until(self.connected).max(kept));
        let arrives = if next > kept { Some(self.answered) } else { due.get(next).map(|due| due + self.transit) };
        let recovery = arrives.map(|arrives| arrives.max(self.answered) - self.noticed);
        Outage { missed, replayed, recovery }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_updates_are_replayed_as_far_as_the_history_goes() {
        let due: Vec<f64> = (0..100).map(|i| f64::from(i) / 10.0).collect();
        let cut = Break { last: 1.05, noticed: 1.1, connected: 2.1, requested: 2.15, answered: 2.2, transit: 0.05 };
        let played = |replayable| {
            let Outage { missed, replayed, recovery } = cut.simulate(&due, replayable, 100.0);
            (missed, replayed, (recovery.unwrap() * 1e6).round() / 1e6)
        };
        // 1.1 to 2.1: eleven updates, the first of them due when the loss was noticed.
        assert_eq!(played(100), (0.0, 10.0, 1.1));
        assert_eq!(played(4), (7.0, 4.0, 1.1));
        assert_eq!(played(0), (11.0, 0.0, 1.15), "the next update is due at 2.2 and takes the one-way delay");
        assert_eq!(cut.simulate(&due[..15], 0, 100.0).recovery, None, "there are no more updates");
        assert_eq!(cut.simulate(&due, 0, 1.5).missed, 4.0, "what falls due later is not measured");
    }
}
