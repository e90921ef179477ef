//! The scenario file as people write it: every key with its meaning, nothing checked that needs a second key.
//!
//! The doc comments of the fields are the descriptions of the JSON Schema, which editors show.

use feedlab_feed::Transport;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Broker, Headers, ScheduleKind};

mod contender;
mod json_schema;
mod lab;
mod value;

pub(super) use contender::{Contender, TransportKind};
pub use json_schema::json_schema;
pub(super) use lab::{Fault, Network, Nginx};
pub(super) use value::{At, OneOrMany, WrittenDuration, WrittenPercent};

/// A comparison of transports for feedlab: what is published, to whom, how it is measured, and what is compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "feedlab scenario")]
pub(super) struct Written {
    /// Version of this file's format: 1.
    #[expect(dead_code, reason = "checked before the rest is read")]
    #[schemars(range(min = 1, max = 1))]
    schema: u32,
    /// Short name, part of the results folder's name: 1 to 64 letters, digits, `-` or `_`.
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    pub(super) name: At<String>,
    /// What the run is to answer, in one sentence; the title of the report.
    pub(super) question: Option<At<String>>,
    /// Fixes the feed's schedule, the order of the cells and the clients' phases. Default 1.
    #[schemars(with = "Option<u64>")]
    pub(super) seed: Option<At<i64>>,
    /// What is published, the same for every contender.
    pub(super) feed: Feed,
    /// Who listens.
    pub(super) clients: Clients,
    /// The way between clients and server, made by the lab proxy; without it plain loopback.
    pub(super) network: Option<Network>,
    /// How nginx is set up, for contenders that go through it.
    pub(super) nginx: Option<At<Nginx>>,
    /// What breaks while it is measured.
    #[serde(default)]
    pub(super) fault: Vec<Fault>,
    /// How long each cell is measured, and how often.
    #[serde(default)]
    pub(super) measure: Measure,
    /// What is compared: a transport with its options, at least one.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(super) contender: Vec<Contender>,
    /// What must hold of every contender; a run that misses one ends with exit status 3.
    #[serde(default)]
    pub(super) threshold: Vec<Threshold>,
}

/// What is published.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Feed {
    /// Where updates come from.
    pub(super) source: At<SourceKind>,
    /// Updates a second; of source synthetic and clients (required) and host (default 1).
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) updates_per_s: Option<At<f64>>,
    /// Distribution of the updates in time; of source synthetic. Default constant.
    pub(super) schedule: Option<At<ScheduleKind>>,
    /// Updates in a burst; of schedule burst. Default 10.
    pub(super) burst_size: Option<At<i64>>,
    /// Payload of an update in bytes; of source synthetic and clients. A list, of synthetic only, is a sweep. Default
    /// 256.
    pub(super) payload_bytes: Option<At<OneOrMany>>,
    /// Payloads are bytes and not text: binary frames on a WebSocket, base64 elsewhere; of source synthetic. Default
    /// false.
    pub(super) binary: Option<At<bool>>,
    /// NDJSON file of a recorded feed, relative to this file; of source replay (required).
    pub(super) file: Option<At<String>>,
    /// Playing speed: 1 is the recording's own, 60 plays an hour in a minute; of source replay. Default 1.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) speed: Option<At<f64>>,
    /// A broker on which the feed lives: nats, a stream of NATS JetStream on a nats-server that the run starts. Without it the
    /// feed lives in the server, and several servers publish the same.
    pub(super) broker: Option<At<Broker>>,
    /// How many updates the server keeps for clients that come back; with 0 they are given nothing. Default 4096.
    pub(super) history: Option<At<i64>>,
    /// Processes that serve it, 1 to 8, over which clients are spread; of source synthetic and replay, where nothing lies between.
    /// Default 1.
    #[schemars(range(min = 1, max = 8))]
    pub(super) servers: Option<At<i64>>,
    /// A pause of the publisher on purpose, as in `{ after = "4s", for = "500ms" }`, to see what it does to ages.
    pub(super) stall: Option<WrittenStall>,
}

/// A time in which nothing is published; what falls due meanwhile is published at its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenStall {
    /// When it begins, from the start of the measured time.
    pub(super) after: At<WrittenDuration>,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub(super) length: At<WrittenDuration>,
}

/// Where updates come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceKind {
    /// Made-up updates on a schedule.
    Synthetic,
    /// A recorded feed, from a file; it begins again when it ends.
    Replay,
    /// This machine's own load figures.
    Host,
    /// The clients themselves, each in turn: over a WebSocket in frames, over the others with POST.
    Clients,
}

impl SourceKind {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Replay => "replay",
            Self::Host => "host",
            Self::Clients => "clients",
        }
    }
}

/// Who listens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Clients {
    /// Number of clients. A list is a sweep.
    pub(super) count: At<OneOrMany>,
    /// Time over which they connect. Default 1s.
    pub(super) ramp: Option<At<WrittenDuration>>,
    /// Which request headers they send. Default bare.
    #[serde(default)]
    pub(super) headers: Headers,
    /// Clients besides those that are counted, which read too slowly, as in `{ count = 1, bytes_per_s = 1000 }`.
    pub(super) slow: Option<SlowClients>,
    /// The share of the connections that changes each second, as in `"0.3%"`, above 0 % and at most 100 %: once the ramp is over,
    /// each client ends its connection at independent moments, and comes back at once with its cursor. Polls without
    /// keep-alive have none to end. Default none.
    pub(super) churn: Option<At<WrittenPercent>>,
}

/// Clients that read too slowly; their updates are in no figure of the others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlowClients {
    /// So many.
    #[schemars(range(min = 1))]
    pub(super) count: At<i64>,
    /// What each of them reads in a second, bytes.
    #[schemars(range(min = 1))]
    pub(super) bytes_per_s: At<i64>,
}

/// The phases of a cell: connect (`ramp`), settle, warm up, measure, drain.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    /// Quiet time after the last client connected, before the feed starts. Default 1s; 5s and more also measures what
    /// idle clients cost.
    pub(super) settle: Option<At<WrittenDuration>>,
    /// Time from the feed's start that is not counted. Default 2s.
    pub(super) warm_up: Option<At<WrittenDuration>>,
    /// Time that is counted. Default 10s.
    pub(super) duration: Option<At<WrittenDuration>>,
    /// Time after it in which late updates may still arrive. Default 1s, and to that the longest polling interval, the
    /// way's round trips, and where connections can break the time to come back.
    pub(super) drain: Option<At<WrittenDuration>>,
    /// How often each cell is measured; intervals need at least 2. Default 1.
    pub(super) repetitions: Option<At<i64>>,
}

/// A condition on one metric.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Threshold {
    /// The metric's id, which ends with its unit.
    #[schemars(schema_with = "metrics")]
    pub(super) metric: At<String>,
    /// A comparison and a number in the metric's unit, such as `== 0` or `< 5000`, or with another contender, such as
    /// `< SSE` or `<= 1.1 x SSE`; or a distance, such as `within 5% of predicted`, `within 2ms of predicted` or
    /// `within 10% of SSE`.
    pub(super) expect: At<String>,
    /// Only the contender with this label; all without it.
    pub(super) contender: Option<At<String>>,
    /// Only contenders of this transport; all without it.
    #[schemars(schema_with = "transports")]
    #[serde(default)]
    pub(super) transport: Option<At<Transport>>,
}

fn transports(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": Transport::ALL.map(Transport::id) })
}

fn metrics(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let ids: Vec<_> = crate::metric::TABLE.iter().map(|row| row.id).collect();
    schemars::json_schema!({ "type": "string", "enum": ids })
}
