//! One client without its stream: what falls due meanwhile, what of it the client is given when it comes back, and when
//! it has an update again.

/// A break, as one client sees it. Times in s from the start of the feed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Break {
    /// What falls due later does not arrive over the old connection.
    pub(super) last: f64,
    /// When the client learns of it.
    pub(super) noticed: f64,
    /// When it has a connection again; through the lab proxy, at once after its wait.
    pub(super) connected: f64,
    /// When its request has arrived at the server again.
    pub(super) requested: f64,
    /// When the answer is in, and with it what the server still has.
    pub(super) answered: f64,
    /// How long an update takes from the server to it.
    pub(super) transit: f64,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outage {
    /// Updates that it is never given.
    pub(super) missed: f64,
    /// Updates due while it had no connection, that it is given.
    pub(super) replayed: f64,
    /// From the loss to the next update, s; `None` if none comes any more.
    pub(super) recovery: Option<f64>,
}

impl Break {
    /// Plays it; `due` are the due times, ascending, `given` how many of those that fell due in between the server hands
    /// over: its history, and nothing to who brings no cursor. What falls due from `end` on is not counted.
    pub(super) fn simulate(&self, due: &[f64], replayable: usize, end: f64) -> Outage {
        let until = |time: f64| due.partition_point(|due| *due <= time);
        let counted = |from: usize, to: usize| {
            let end = due.partition_point(|due| *due < end);
            to.min(end).saturating_sub(from.min(end)) as f64
        };
        let (first, next) = (until(self.last), until(self.requested));
        let lost = next - first;
        // The oldest are not given.
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
    fn what_falls_due_in_the_gap_is_given_as_far_as_the_history_goes() {
        let due: Vec<f64> = (0..100).map(|i| f64::from(i) / 10.0).collect();
        let cut = Break { last: 1.05, noticed: 1.1, connected: 2.1, requested: 2.15, answered: 2.2, transit: 0.05 };
        let played = |replayable| {
            let Outage { missed, replayed, recovery } = cut.simulate(&due, replayable, 100.0);
            (missed, replayed, (recovery.unwrap() * 1e6).round() / 1e6)
        };
        // 1.1 to 2.1: eleven updates, the first of them due when the loss was noticed.
        assert_eq!(played(100), (0.0, 10.0, 1.1));
        assert_eq!(played(4), (7.0, 4.0, 1.1));
        assert_eq!(played(0), (11.0, 0.0, 1.15), "the next update is due at 2.2 and takes its way");
        assert_eq!(cut.simulate(&due[..15], 0, 100.0).recovery, None, "nothing comes any more");
        assert_eq!(cut.simulate(&due, 0, 1.5).missed, 4.0, "what falls due later is not measured");
    }
}
