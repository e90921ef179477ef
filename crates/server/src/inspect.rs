//! What the server says about itself: `/stats` for programs and people, `/metrics` for Prometheus.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, StatusCode, header};
use feedlab_feed::clock;
use feedlab_feed::process::Usage;
use feedlab_feed::stats::{DoorStats, Stats};
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::app::App;
use crate::refusal::Refusal;

#[derive(Debug, Deserialize)]
pub(crate) struct Question {
    before: Option<u64>,
}

type NoStore = [(HeaderName, &'static str); 1];
const NO_STORE: NoStore = [(header::CACHE_CONTROL, "no-store")];

/// `GET /stats`, and `GET /stats?before=T` to ask for the last update due before T.
pub(crate) async fn stats(
    State(app): State<Arc<App>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<(NoStore, Json<Stats>), Refusal> {
    let Query(Question { before }) = question.map_err(|error| Refusal::bad_request(error.body_text()))?;
    Ok((NO_STORE, Json(collect(app, before).await?)))
}

/// The kernel is asked about every connection, which takes a while when they are many: not on a worker that others
/// wait for.
pub(crate) async fn collect(app: Arc<App>, before: Option<u64>) -> Result<Stats, Refusal> {
    let tasks = Handle::current().metrics().num_alive_tasks() as u64;
    let stats = tokio::task::spawn_blocking(move || {
        let (doors, connections) = app.meters.stats();
        Stats {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            life: app.life,
            at: clock::unix_us(),
            feed: app.hub.stats(before, app.audience.len() as u64),
            connections,
            doors,
            process: Usage::now(),
            tasks,
        }
    });
    stats.await.map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the server is going down"))
}

/// `GET /metrics`: the text format of Prometheus, version 0.0.4.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<([(HeaderName, &'static str); 1], String), Refusal> {
    let stats = collect(app, None).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], exposition(&stats)))
}

/// Name, kind and value.
type DoorMetric = (&'static str, &'static str, fn(&DoorStats) -> Option<u64>);

/// The counters of a door, by the name that Prometheus sees.
const DOOR_METRICS: [DoorMetric; 16] = [
    ("feedlab_door_connections_total", "counter", |door| Some(door.connections)),
    ("feedlab_door_active", "gauge", |door| Some(door.active)),
    ("feedlab_door_requests_total", "counter", |door| Some(door.requests)),
    ("feedlab_door_requests_empty_total", "counter", |door| Some(door.requests_empty)),
    ("feedlab_door_updates_total", "counter", |door| Some(door.updates)),
    ("feedlab_door_gaps_total", "counter", |door| Some(door.gaps)),
    ("feedlab_door_conflated_total", "counter", |door| Some(door.conflated)),
    ("feedlab_door_slow_disconnected_total", "counter", |door| Some(door.slow_disconnected)),
    ("feedlab_door_sent_bytes_total", "counter", |door| Some(door.bytes_out)),
    ("feedlab_door_received_bytes_total", "counter", |door| Some(door.bytes_in)),
    ("feedlab_door_header_bytes_total", "counter", |door| Some(door.header_bytes)),
    ("feedlab_door_payload_bytes_total", "counter", |door| Some(door.payload_bytes)),
    ("feedlab_door_keepalive_bytes_total", "counter", |door| Some(door.keepalive_bytes)),
    ("feedlab_door_wire_bytes_total", "counter", |door| door.wire.map(|wire| wire.bytes())),
    ("feedlab_door_packets_total", "counter", |door| door.wire.map(|wire| wire.packets())),
    ("feedlab_door_retransmits_total", "counter", |door| door.wire.map(|wire| wire.retransmits)),
];

fn exposition(stats: &Stats) -> String {
    let plain = [
        ("feedlab_feed_head_seq", "counter", Some(stats.feed.head as f64)),
        ("feedlab_publish_lag_p99_seconds", "gauge", Some(stats.feed.publish_lag_p99_us as f64 / 1e6)),
        ("feedlab_tasks", "gauge", Some(stats.tasks as f64)),
        ("feedlab_waiting", "gauge", Some(stats.feed.waiting as f64)),
        ("feedlab_connections_open", "gauge", Some(stats.connections.open as f64)),
        ("feedlab_connections_accepted_total", "counter", Some(stats.connections.accepted as f64)),
        ("feedlab_connections_refused_total", "counter", Some(stats.connections.refused as f64)),
        ("feedlab_connections_kernel_bytes", "gauge", stats.connections.kernel_bytes.map(|bytes| bytes as f64)),
        ("process_cpu_seconds_total", "counter", stats.process.cpu_us.map(|us| us as f64 / 1e6)),
        ("process_resident_memory_bytes", "gauge", stats.process.rss_bytes.map(|bytes| bytes as f64)),
        ("process_open_fds", "gauge", stats.process.open_fds.map(|count| count as f64)),
    ];
    let mut text = String::new();
    for (name, kind, value) in plain {
        if let Some(value) = value {
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        }
    }
    for (name, kind, value) in DOOR_METRICS {
        let values: Vec<_> = stats.doors.iter().filter_map(|(door, stats)| Some((door, value(stats)?))).collect();
        if !values.is_empty() {
            let _ = writeln!(text, "# TYPE {name} {kind}");
        }
        for (transport, value) in values {
            let _ = writeln!(text, "{name}{{transport=\"{transport}\"}} {value}");
        }
    }
    text
}
