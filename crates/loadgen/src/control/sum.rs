//! Several servers of one feed, added up as one. Pure.
//!
//! Every field is named in a pattern, so that a field added to the statistics cannot be forgotten here.

use feedlab_feed::process::Usage;
use feedlab_feed::stats::{ConnectionStats, EndpointStats, HopStats, Stats};

/// Adds the counts of another server. The feed is the same, and its figures stay those of the first server. The
/// publisher lag is that of the worst server; what was due before a time is that of the server that has run longest.
pub(super) fn add(sum: &mut Stats, other: Stats) {
    let Stats { version: _, at: _, instance, feed, connections, endpoints, process, tasks } = other;
    // The sum changes when any of the processes changes.
    sum.instance = sum.instance.wrapping_add(instance);
    sum.feed.before = sum.feed.before.max(feed.before);
    sum.feed.publish_lag_p99_us = sum.feed.publish_lag_p99_us.max(feed.publish_lag_p99_us);
    sum.feed.publish_lag_max_us = sum.feed.publish_lag_max_us.max(feed.publish_lag_max_us);
    add_hops(sum, feed.hops);
    add_connections(&mut sum.connections, &connections);
    for (transport, endpoint) in endpoints {
        // An endpoint that a server does not report has accepted nothing.
        *sum.endpoints.entry(transport).or_insert_with(EndpointStats::nothing) += &endpoint;
    }
    add_usage(&mut sum.process, process);
    sum.tasks += tasks;
}

/// Adds the counts of a stopped process of the same server. The gauges (open connections, memory, descriptors, tasks)
/// stay those of the new process. So does the feed, which continues, except for the hop times of its updates.
pub(super) fn add_past(sum: &mut Stats, ended: &Stats) {
    let Stats { version: _, at: _, instance: _, feed, connections, endpoints, process, tasks: _ } = ended;
    add_hops(sum, feed.hops);
    let ConnectionStats { open: _, accepted, refused, bodies_refused, kernel_bytes: _ } = connections;
    sum.connections.accepted += accepted;
    sum.connections.refused += refused;
    sum.connections.bodies_refused += bodies_refused;
    for (transport, endpoint) in endpoints {
        *sum.endpoints.entry(*transport).or_insert_with(EndpointStats::nothing) +=
            &EndpointStats { active: 0, ..endpoint.clone() };
    }
    sum.process.cpu_us = both(sum.process.cpu_us, process.cpu_us);
}

fn add_hops(sum: &mut Stats, hops: Option<HopStats>) {
    if let Some(hops) = hops {
        *sum.feed.hops.get_or_insert_default() += hops;
    }
}

fn add_connections(sum: &mut ConnectionStats, other: &ConnectionStats) {
    let ConnectionStats { open, accepted, refused, bodies_refused, kernel_bytes } = other;
    sum.open += open;
    sum.accepted += accepted;
    sum.refused += refused;
    sum.bodies_refused += bodies_refused;
    sum.kernel_bytes = both(sum.kernel_bytes, *kernel_bytes);
}

fn add_usage(sum: &mut Usage, other: Usage) {
    let Usage { cpu_us, rss_bytes, open_fds } = other;
    sum.cpu_us = both(sum.cpu_us, cpu_us);
    sum.rss_bytes = both(sum.rss_bytes, rss_bytes);
    sum.open_fds = both(sum.open_fds, open_fds);
}

/// Adds two values; `None` if either is unknown.
fn both(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one? + other?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use feedlab_feed::Transport;
    use feedlab_feed::stats::{FeedStats, WireStats};

    use super::*;

    fn stats(count: u64, transport: Transport) -> Stats {
        let wire = Some(WireStats { packets_out: count, ..WireStats::default() });
        let endpoint = EndpointStats { connections: count, updates: 2 * count, wire, ..EndpointStats::default() };
        let feed = FeedStats { head: count, publish_lag_max_us: 100 - count, ..FeedStats::default() };
        Stats {
            tasks: 0,
            version: String::new(),
            at: count,
            instance: count,
            feed,
            connections: ConnectionStats { open: count, kernel_bytes: Some(count), ..ConnectionStats::default() },
            endpoints: BTreeMap::from([(transport, endpoint)]),
            process: Usage { cpu_us: Some(count), rss_bytes: None, open_fds: Some(count) },
        }
    }

    #[test]
    fn counts_are_added_and_the_feed_is_that_of_the_first() {
        let mut sum = stats(3, Transport::Sse);
        add(&mut sum, stats(4, Transport::Sse));
        assert_eq!((sum.at, sum.feed.head, sum.feed.publish_lag_max_us), (3, 3, 97));
        assert_eq!((sum.connections.open, sum.connections.kernel_bytes), (7, Some(7)));
        let endpoint = &sum.endpoints[&Transport::Sse];
        assert_eq!((endpoint.connections, endpoint.updates, endpoint.wire.unwrap().packets_out), (7, 14, 7));
        assert_eq!((sum.process.cpu_us, sum.process.rss_bytes), (Some(7), None));
    }

    #[test]
    fn an_endpoint_that_one_server_lacks_is_taken_from_the_other() {
        let mut sum = stats(3, Transport::Sse);
        add(&mut sum, stats(4, Transport::WebSocket));
        assert_eq!(
            sum.endpoints[&Transport::WebSocket],
            stats(4, Transport::WebSocket).endpoints[&Transport::WebSocket]
        );
        assert_eq!(sum.endpoints[&Transport::Sse].connections, 3);
    }

    #[test]
    fn another_process_of_any_server_is_another_process_of_the_sum() {
        let instance = |second| {
            let mut sum = stats(3, Transport::Sse);
            add(&mut sum, Stats { instance: second, ..stats(4, Transport::Sse) });
            sum.instance
        };
        assert_ne!(instance(u64::MAX), instance(7));
    }
}
