//! What a server had counted in processes that the run itself has stopped.
//!
//! A server that restarts counts from zero. The run knows when it stops one, queries it right before, and adds those
//! counts to everything that a later process reports, so the counters continue over the restart. A process that ended
//! for another reason is not recorded here; the next one then has another process id, and no differences are computed
//! across the two.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feedlab_feed::process::Usage;
use feedlab_feed::stats::{ConnectionStats, Stats};

use super::sum;

/// The stopped processes of one server, oldest first. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct PastProcesses(Arc<Mutex<Ended>>);

#[derive(Debug, Default)]
struct Ended {
    processes: Vec<Stats>,
    /// Whether the server will not be started again.
    is_gone: bool,
}

impl PastProcesses {
    /// Records the final counts of a process.
    pub(super) fn end(&self, stats: Stats) {
        self.lock().processes.push(stats);
    }

    /// Records that the server is stopped and will not be started again.
    pub(super) fn end_permanently(&self) {
        self.lock().is_gone = true;
    }

    /// Whether the server will not be started again.
    pub(super) fn is_gone(&self) -> bool {
        self.lock().is_gone
    }

    /// Whether any process has been recorded.
    pub(super) fn any(&self) -> bool {
        !self.lock().processes.is_empty()
    }

    /// Returns the sum of all recorded counts. Gauges (open connections, memory, descriptors) are 0, and nothing is
    /// said about the feed.
    pub(super) fn all(&self) -> Stats {
        let (ended, nothing) = (self.lock(), Usage { cpu_us: Some(0), rss_bytes: Some(0), open_fds: Some(0) });
        let at = ended.processes.last().map_or(0, |last| last.at);
        let instance = ended.processes.first().map_or(0, |first| first.instance);
        let connections = ConnectionStats { kernel_bytes: Some(0), ..ConnectionStats::default() };
        let mut sum = Stats { at, instance, connections, process: nothing, ..Stats::default() };
        ended.processes.iter().for_each(|process| sum::add_past(&mut sum, process));
        sum
    }

    /// Adds the counts of the processes before this one, and gives the result the id of the first.
    pub(super) fn carry_over(&self, stats: &mut Stats) {
        let ended = self.lock();
        let ended = &ended.processes;
        let before = ended.iter().position(|process| process.instance == stats.instance).unwrap_or(ended.len());
        for process in &ended[..before] {
            sum::add_past(stats, process);
        }
        if let Some(first) = ended[..before].first() {
            stats.instance = first.instance;
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

    fn process(id: u64, count: u64) -> Stats {
        let endpoint = EndpointStats { requests: count, active: 1, ..EndpointStats::nothing() };
        Stats {
            version: String::new(),
            at: 1,
            instance: id,
            feed: FeedStats::default(),
            connections: ConnectionStats { open: 1, accepted: count, ..ConnectionStats::default() },
            endpoints: [(Transport::Sse, endpoint)].into(),
            process: Usage { cpu_us: Some(count), rss_bytes: Some(7), open_fds: Some(3) },
            tasks: 0,
        }
    }

    #[test]
    fn m3_counters_continue_over_restarts_and_gauges_start_over() {
        let past = PastProcesses::default();
        past.end(process(11, 100));
        past.end(process(12, 20));
        let mut now = process(13, 3);
        past.carry_over(&mut now);
        let endpoint = &now.endpoints[&Transport::Sse];
        assert_eq!(
            (now.instance, endpoint.requests, now.connections.accepted, now.process.cpu_us),
            (11, 123, 123, Some(123))
        );
        assert_eq!(
            (endpoint.active, now.connections.open, now.process.rss_bytes, now.process.open_fds),
            (1, 1, Some(7), Some(3))
        );
    }

    #[test]
    fn m3_a_process_that_is_queried_while_it_stops_is_not_added_to_itself() {
        let past = PastProcesses::default();
        past.end(process(11, 100));
        past.end(process(12, 20));
        let mut late = process(12, 21);
        past.carry_over(&mut late);
        assert_eq!((late.instance, late.endpoints[&Transport::Sse].requests), (11, 121));
        let mut first = process(11, 99);
        past.carry_over(&mut first);
        assert_eq!((first.instance, first.endpoints[&Transport::Sse].requests), (11, 99));
    }

    #[test]
    fn a_server_that_is_gone_permanently_keeps_its_counts_and_has_no_gauges() {
        let past = PastProcesses::default();
        past.end(process(11, 100));
        past.end(process(12, 20));
        assert!(!past.is_gone());
        past.end_permanently();
        let all = past.all();
        let endpoint = &all.endpoints[&Transport::Sse];
        assert_eq!((past.is_gone(), all.instance, endpoint.requests, all.process.cpu_us), (true, 11, 120, Some(120)));
        assert_eq!((endpoint.active, all.connections.open, all.process.rss_bytes), (0, 0, Some(0)));
    }
}
