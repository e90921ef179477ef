//! What a server had counted in lives that the run itself has ended.
//!
//! A server that is started again counts from zero. The run knows when it ends one, has it asked right before, and adds
//! what it said to whatever a later life says: so counters go on over a restart. A life that ended otherwise is not here,
//! and the next one is another one to whoever makes a difference.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feedlab_feed::process::Usage;
use feedlab_feed::stats::{ConnectionStats, Stats};

use super::sum;

/// The ended lives of one server, in their order. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct PastProcesses(Arc<Mutex<Ended>>);

#[derive(Debug, Default)]
struct Ended {
    processes: Vec<Stats>,
    /// No other life follows.
    is_gone: bool,
}

impl PastProcesses {
    /// A life ends with these figures.
    pub(super) fn end(&self, stats: Stats) {
        self.lock().processes.push(stats);
    }

    /// The server is ended, and will not be started again.
    pub(super) fn end_permanently(&self) {
        self.lock().is_gone = true;
    }

    /// Whether no other life follows.
    pub(super) fn is_gone(&self) -> bool {
        self.lock().is_gone
    }

    /// Whether any has ended.
    pub(super) fn any(&self) -> bool {
        !self.lock().processes.is_empty()
    }

    /// What all of them had counted; nothing is there now, and of the feed nobody is asked here.
    pub(super) fn all(&self) -> Stats {
        let (ended, nothing) = (self.lock(), Usage { cpu_us: Some(0), rss_bytes: Some(0), open_fds: Some(0) });
        let at = ended.processes.last().map_or(0, |last| last.at);
        let life = ended.processes.first().map_or(0, |first| first.life);
        let connections = ConnectionStats { kernel_bytes: Some(0), ..ConnectionStats::default() };
        let mut sum = Stats { at, life, connections, process: nothing, ..Stats::default() };
        ended.processes.iter().for_each(|life| sum::add_past(&mut sum, life));
        sum
    }

    /// Adds to what a life has counted what those before it had, under the name of the first.
    pub(super) fn carry_over(&self, stats: &mut Stats) {
        let ended = self.lock();
        let ended = &ended.processes;
        let before = ended.iter().position(|life| life.life == stats.life).unwrap_or(ended.len());
        for life in &ended[..before] {
            sum::add_past(stats, life);
        }
        if let Some(first) = ended[..before].first() {
            stats.life = first.life;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ended> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::Transport;
    use feedlab_feed::stats::{EndpointStats, FeedStats};

    use super::*;

    fn life(life: u64, count: u64) -> Stats {
        let endpoint = EndpointStats { requests: count, active: 1, ..EndpointStats::nothing() };
        Stats {
            version: String::new(),
            at: 1,
            life,
            feed: FeedStats::default(),
            connections: ConnectionStats { open: 1, accepted: count, ..ConnectionStats::default() },
            endpoints: [(Transport::Sse, endpoint)].into(),
            process: Usage { cpu_us: Some(count), rss_bytes: Some(7), open_fds: Some(3) },
            tasks: 0,
        }
    }

    #[test]
    fn m3_counters_survive_restarts_and_what_is_there_now_does_not() {
        let past = PastProcesses::default();
        past.end(life(11, 100));
        past.end(life(12, 20));
        let mut now = life(13, 3);
        past.carry_over(&mut now);
        let endpoint = &now.endpoints[&Transport::Sse];
        assert_eq!(
            (now.life, endpoint.requests, now.connections.accepted, now.process.cpu_us),
            (11, 123, 123, Some(123))
        );
        assert_eq!(
            (endpoint.active, now.connections.open, now.process.rss_bytes, now.process.open_fds),
            (1, 1, Some(7), Some(3))
        );
    }

    #[test]
    fn m3_a_life_that_is_asked_while_it_ends_is_not_added_to_itself() {
        let past = PastProcesses::default();
        past.end(life(11, 100));
        past.end(life(12, 20));
        let mut late = life(12, 21);
        past.carry_over(&mut late);
        assert_eq!((late.life, late.endpoints[&Transport::Sse].requests), (11, 121));
        let mut first = life(11, 99);
        past.carry_over(&mut first);
        assert_eq!((first.life, first.endpoints[&Transport::Sse].requests), (11, 99));
    }

    #[test]
    fn of_a_server_that_is_gone_for_good_what_it_counted_stays_and_nothing_is_there() {
        let past = PastProcesses::default();
        past.end(life(11, 100));
        past.end(life(12, 20));
        assert!(!past.is_gone());
        past.end_permanently();
        let all = past.all();
        let endpoint = &all.endpoints[&Transport::Sse];
        assert_eq!((past.is_gone(), all.life, endpoint.requests, all.process.cpu_us), (true, 11, 120, Some(120)));
        assert_eq!((endpoint.active, all.connections.open, all.process.rss_bytes), (0, 0, Some(0)));
    }
}
