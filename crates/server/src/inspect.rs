//! What the server says about itself: `/stats` for programs and people, `/metrics` for Prometheus.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, header};
use feedlab_feed::clock;
use feedlab_feed::process::Usage;
use feedlab_feed::stats::{DoorStats, Stats};
use serde::Deserialize;

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
    Ok((NO_STORE, Json(collect(&app, before))))
}

fn collect(app: &App, before: Option<u64>) -> Stats {
    Stats {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: clock::unix_us(),
        feed: app.hub.stats(before),
        connections: app.meters.connections(),
        doors: app.meters.doors().collect(),
        process: Usage::now(),
    }
}

/// `GET /metrics`: the text format of Prometheus, version 0.0.4.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], exposition(&collect(&app, None)))
}

/// Name, kind and value.
type DoorMetric = (&'static str, &'static str, fn(&DoorStats) -> u64);

/// The counters of a door, by the name that Prometheus sees.
const DOOR_METRICS: [DoorMetric; 8] = [
    ("feedlab_door_connections_total", "counter", |door| door.connections),
    ("feedlab_door_active", "gauge", |door| door.active),
    ("feedlab_door_requests_total", "counter", |door| door.requests),
    ("feedlab_door_requests_empty_total", "counter", |door| door.requests_empty),
    ("feedlab_door_updates_total", "counter", |door| door.updates),
    ("feedlab_door_gaps_total", "counter", |door| door.gaps),
    ("feedlab_door_sent_bytes_total", "counter", |door| door.bytes_out),
    ("feedlab_door_received_bytes_total", "counter", |door| door.bytes_in),
];

fn exposition(stats: &Stats) -> String {
    let plain = [
        ("feedlab_feed_head_seq", "counter", Some(stats.feed.head as f64)),
        ("feedlab_publish_lag_p99_seconds", "gauge", Some(stats.feed.publish_lag_p99_us as f64 / 1e6)),
        ("feedlab_connections_open", "gauge", Some(stats.connections.open as f64)),
        ("feedlab_connections_accepted_total", "counter", Some(stats.connections.accepted as f64)),
        ("feedlab_connections_refused_total", "counter", Some(stats.connections.refused as f64)),
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
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for (transport, door) in &stats.doors {
            let _ = writeln!(text, "{name}{{transport=\"{transport}\"}} {}", value(door));
        }
    }
    text
}
