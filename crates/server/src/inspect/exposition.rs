//! The figures of a server for Prometheus: its text format, version 0.0.4, with names that follow its conventions (a
//! counter ends with `_total`, a unit is written out), each with a help text.

use std::fmt::Write as _;

use feedlab_feed::stats::{EndpointStats, Stats};

/// The content type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The type of a metric.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}
use Kind::{Counter, Gauge};

/// Name, type, help text and value of a metric.
type Plain = (&'static str, Kind, &'static str, fn(&Stats) -> Option<f64>);
/// The same for a metric per endpoint.
type OfEndpoint = (&'static str, Kind, &'static str, fn(&EndpointStats) -> Option<u64>);

const PLAIN: [Plain; 14] = [
    ("feedlab_feed_head_seq", Gauge, "Sequence number of the newest update.", |stats| Some(stats.feed.head as f64)),
    ("feedlab_publish_lag_p99_seconds", Gauge, "99th percentile of the time from due to published.", |stats| {
        Some(stats.feed.publish_lag_p99_us as f64 / 1e6)
    }),
    ("feedlab_broker_connected", Gauge, "Whether the connection to the broker of the feed is up.", |stats| {
        stats.feed.broker.map(|broker| f64::from(u8::from(broker.connected)))
    }),
    ("feedlab_broker_lost_total", Counter, "How often the connection to the broker was lost.", |stats| {
        stats.feed.broker.map(|broker| broker.lost as f64)
    }),
    ("feedlab_tasks", Gauge, "Tasks of the runtime.", |stats| Some(stats.tasks as f64)),
    ("feedlab_waiting", Gauge, "Streams and held requests that wait for an update.", |stats| {
        Some(stats.feed.waiting as f64)
    }),
    ("feedlab_connections_open", Gauge, "Open connections.", |stats| Some(stats.connections.open as f64)),
    ("feedlab_connections_accepted_total", Counter, "Connections that were accepted.", |stats| {
        Some(stats.connections.accepted as f64)
    }),
    ("feedlab_connections_refused_total", Counter, "Connections that were refused.", |stats| {
        Some(stats.connections.refused as f64)
    }),
    (
        "feedlab_bodies_refused_total",
        Counter,
        "Requests refused because the server waited for too many bodies.",
        |stats| Some(stats.connections.bodies_refused as f64),
    ),
    ("feedlab_connections_kernel_bytes", Gauge, "Kernel memory for the open connections.", |stats| {
        stats.connections.kernel_bytes.map(|bytes| bytes as f64)
    }),
    ("process_cpu_seconds_total", Counter, "Processor time of this process, user and system.", |stats| {
        stats.process.cpu_us.map(|us| us as f64 / 1e6)
    }),
    ("process_resident_memory_bytes", Gauge, "Resident memory of this process.", |stats| {
        stats.process.rss_bytes.map(|bytes| bytes as f64)
    }),
    ("process_open_fds", Gauge, "Open file descriptors.", |stats| stats.process.open_fds.map(|count| count as f64)),
];

const OF_ENDPOINTS: [OfEndpoint; 18] = [
    ("feedlab_endpoint_connections_total", Counter, "Connections of the transport.", |endpoint| {
        Some(endpoint.connections)
    }),
    ("feedlab_endpoint_active", Gauge, "Streams and held requests.", |endpoint| Some(endpoint.active)),
    ("feedlab_endpoint_requests_total", Counter, "Requests.", |endpoint| Some(endpoint.requests)),
    ("feedlab_endpoint_requests_empty_total", Counter, "Requests whose response had no update.", |endpoint| {
        Some(endpoint.requests_empty)
    }),
    ("feedlab_endpoint_updates_total", Counter, "Updates that were sent.", |endpoint| Some(endpoint.updates)),
    ("feedlab_endpoint_gaps_total", Counter, "Gaps reported to clients.", |endpoint| Some(endpoint.gaps)),
    ("feedlab_endpoint_resets_total", Counter, "Resets reported to clients.", |endpoint| Some(endpoint.resets)),
    ("feedlab_endpoint_conflated_total", Counter, "Updates that slow streams skipped.", |endpoint| {
        Some(endpoint.conflated)
    }),
    (
        "feedlab_endpoint_slow_disconnected_total",
        Counter,
        "Streams and responses that were ended because the client read too slowly.",
        |endpoint| Some(endpoint.slow_disconnected),
    ),
    ("feedlab_endpoint_sent_bytes_total", Counter, "Bytes written to the sockets.", |endpoint| {
        Some(endpoint.bytes_out)
    }),
    ("feedlab_endpoint_received_bytes_total", Counter, "Bytes read from the sockets.", |endpoint| {
        Some(endpoint.bytes_in)
    }),
    ("feedlab_endpoint_header_bytes_total", Counter, "Bytes of request lines, status lines and headers.", |endpoint| {
        Some(endpoint.header_bytes)
    }),
    ("feedlab_endpoint_payload_bytes_total", Counter, "Bytes of the updates' payloads.", |endpoint| {
        Some(endpoint.payload_bytes)
    }),
    (
        "feedlab_endpoint_keepalive_bytes_total",
        Counter,
        "Bytes of keepalives: comments, pings and pongs.",
        |endpoint| Some(endpoint.keepalive_bytes),
    ),
    ("feedlab_endpoint_wire_bytes_total", Counter, "Bytes on the wire, including IP and TCP headers.", |endpoint| {
        endpoint.wire.map(|wire| wire.bytes())
    }),
    ("feedlab_endpoint_packets_total", Counter, "Packets in both directions.", |endpoint| {
        endpoint.wire.map(|wire| wire.packets())
    }),
    ("feedlab_endpoint_retransmits_total", Counter, "Segments that were retransmitted.", |endpoint| {
        endpoint.wire.map(|wire| wire.retransmits)
    }),
    (
        "feedlab_endpoint_retransmission_timeouts_total",
        Counter,
        "Times that the retransmission timer fired.",
        |endpoint| endpoint.wire.and_then(|wire| wire.timeouts),
    ),
];

pub(super) fn text(stats: &Stats) -> String {
    let mut text = String::new();
    for (name, kind, help, value) in PLAIN {
        if let Some(value) = value(stats) {
            head(&mut text, name, kind, help);
            let _ = writeln!(text, "{name} {value}");
        }
    }
    for (name, kind, help, value) in OF_ENDPOINTS {
        let values: Vec<_> =
            stats.endpoints.iter().filter_map(|(endpoint, stats)| Some((endpoint, value(stats)?))).collect();
        if !values.is_empty() {
            head(&mut text, name, kind, help);
        }
        for (transport, value) in values {
            let _ = writeln!(text, "{name}{{transport=\"{transport}\"}} {value}");
        }
    }
    text
}

fn head(text: &mut String, name: &str, kind: Kind, help: &str) {
    let kind = match kind {
        Counter => "counter",
        Gauge => "gauge",
    };
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the rules of promlint for a name.
    fn check(name: &str, kind: Kind, help: &str) {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), matches!(kind, Counter), "{name}");
        for part in ["gauge", "counter", "_ms", "_us", "_millis"] {
            assert!(!name.contains(part), "{name}: base units, and no types");
        }
        assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}: {help}");
    }

    #[test]
    fn f21_every_metric_follows_the_naming_conventions() {
        PLAIN.iter().for_each(|(name, kind, help, _)| check(name, *kind, help));
        OF_ENDPOINTS.iter().for_each(|(name, kind, help, _)| check(name, *kind, help));
        let names: std::collections::BTreeSet<_> =
            PLAIN.iter().map(|m| m.0).chain(OF_ENDPOINTS.iter().map(|m| m.0)).collect();
        assert_eq!(names.len(), PLAIN.len() + OF_ENDPOINTS.len());
    }
}
