//! The scenario file as written: every key with its description. Nothing is validated here that depends on a second
//! key.
//!
//! The doc comments of the fields are the descriptions in the JSON Schema, which editors show.

use std::collections::BTreeMap;

use feedlab_feed::Transport;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Broker, Headers, ScheduleKind};

mod contender;
mod json_schema;
mod lab;
mod link;
mod target;
mod value;

pub(super) use contender::{Contender, TransportKind};
pub use json_schema::json_schema;
pub(super) use lab::{Fault, Network, Nginx};
pub(super) use link::{WrittenQueue, WrittenRate, WrittenShare};
pub(super) use target::{
    Cursor, CursorWord, Endpoint, Publish, QueryCursor, Stamp, Target, TextOrTable, WrittenEndpoint,
};
pub(super) use value::{At, OneOrMany, Texts, WrittenDuration, WrittenPercent};

/// A comparison of transports for feedlab: what is published, to how many clients, what is compared, and how it is
/// measured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "feedlab scenario")]
pub(super) struct Written {
    /// Version of the file format: 1.
    #[expect(dead_code, reason = "checked before the rest is read")]
    #[schemars(range(min = 1, max = 1))]
    schema: u32,
    /// Short name, which becomes part of the results folder's name: 1 to 64 letters, digits, `-` or `_`.
    #[schemars(with = "String", regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    pub(super) name: At<String>,
    /// The question that the run answers, in one sentence; the title of the report.
    pub(super) question: Option<At<String>>,
    /// Random seed for the feed's schedule, the order of the cells and the clients' phases. Default 1.
    #[schemars(with = "Option<u64>")]
    pub(super) seed: Option<At<i64>>,
    /// The feed: what is published, the same for every contender.
    pub(super) feed: Feed,
    /// The clients that receive the feed.
    pub(super) clients: Clients,
    /// The network between clients and server, emulated by the lab proxy or by a link; without this table, plain loopback.
    pub(super) network: Option<Network>,
    /// The nginx configuration, for contenders that connect through nginx.
    pub(super) nginx: Option<At<Nginx>>,
    /// Faults that happen during the measured time.
    #[serde(default)]
    pub(super) fault: Vec<Fault>,
    /// How long and how often each cell is measured.
    #[serde(default)]
    pub(super) measure: Measure,
    /// Servers of others, up to 16, which contenders measure instead of feedlab's own; NAME is 1 to 32 letters, digits or
    /// `-`.
    #[serde(default)]
    #[schemars(
        with = "BTreeMap<String, Target>",
        extend("maxProperties" = 16, "propertyNames" = { "pattern": "^[A-Za-z0-9-]{1,32}$" })
    )]
    pub(super) target: BTreeMap<At<String>, Target>,
    /// What is compared: one or more transports, each with its options.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(super) contender: Vec<Contender>,
    /// Conditions that every contender must meet; a run that misses one ends with exit status 3.
    #[serde(default)]
    pub(super) threshold: Vec<Threshold>,
}

/// The feed: what is published.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Feed {
    /// Where updates come from.
    pub(super) source: At<SourceKind>,
    /// Updates per second; for source synthetic and clients (required) and host (default 1).
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) updates_per_s: Option<At<f64>>,
    /// Distribution of the updates over time; for source synthetic. Default constant.
    pub(super) schedule: Option<At<ScheduleKind>>,
    /// Updates per burst; for schedule burst. Default 10.
    pub(super) burst_size: Option<At<i64>>,
    /// Payload of an update in bytes; for source synthetic and clients. A list (synthetic only) is a sweep. Default
    /// 256.
    pub(super) payload_bytes: Option<At<OneOrMany>>,
    /// Send payloads as bytes instead of text: binary frames on a WebSocket, base64 elsewhere; for source synthetic.
    /// Default false.
    pub(super) binary: Option<At<bool>>,
    /// NDJSON file of a recorded feed, relative to this file; for source replay (required).
    pub(super) file: Option<At<String>>,
    /// Playback speed: 1 is the original speed, 60 plays an hour in a minute; for source replay. Default 1.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) speed: Option<At<f64>>,
    /// Broker that holds the feed: nats, a NATS JetStream stream on a nats-server that the run starts. Without a broker
    /// the server itself holds the feed, and several servers publish the same feed.
    pub(super) broker: Option<At<Broker>>,
    /// How many past updates the server keeps for clients that reconnect; with 0 they receive none. Default 4096.
    pub(super) history: Option<At<i64>>,
    /// Number of server processes, 1 to 8, over which the clients are distributed; for source synthetic and replay,
    /// with clients connected directly. Default 1.
    #[schemars(range(min = 1, max = 8))]
    pub(super) servers: Option<At<i64>>,
    /// A planned pause of the publisher, as in `{ after = "4s", for = "500ms" }`, to show its effect on ages.
    pub(super) stall: Option<WrittenStall>,
}

/// A period in which nothing is published; updates that fall due during it are published at its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Stall")]
pub(super) struct WrittenStall {
    /// When it starts, counted from the start of the measured time.
    pub(super) after: At<WrittenDuration>,
    /// How long it lasts.
    #[serde(rename = "for")]
    pub(super) length: At<WrittenDuration>,
}

/// Where updates come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceKind {
    /// Synthetic updates on a schedule.
    Synthetic,
    /// A recorded feed from a file, which is repeated when it ends.
    Replay,
    /// Load figures of this machine.
    Host,
    /// The clients themselves, each in turn: in frames over a WebSocket, with POST over the other transports.
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

/// The clients that receive the feed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Clients {
    /// Number of clients. A list is a sweep.
    pub(super) count: At<OneOrMany>,
    /// Time over which the clients connect. Default 1s.
    pub(super) ramp: Option<At<WrittenDuration>>,
    /// Request headers that the clients send. Default bare.
    #[serde(default)]
    pub(super) headers: Headers,
    /// Additional clients that read too slowly and are not counted, as in `{ count = 1, bytes_per_s = 1000 }`.
    pub(super) slow: Option<SlowClients>,
    /// The share of the connections that clients replace each second, as in `"0.3%"`, above 0% and at most 100%: after
    /// the ramp, each client ends its connection at random moments and reconnects immediately with its cursor. Does not
    /// apply to polling without keep-alive. Default none.
    pub(super) churn: Option<At<WrittenPercent>>,
}

/// Clients that read too slowly; their updates are not included in the metrics.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlowClients {
    /// Number of slow clients.
    #[schemars(range(min = 1))]
    pub(super) count: At<i64>,
    /// How much each of them reads per second, bytes.
    #[schemars(range(min = 1))]
    pub(super) bytes_per_s: At<i64>,
}

/// The phases of a cell: connect (`ramp`), settle, warm up, measure, drain.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    /// Idle time after the last client has connected and before the feed starts. Default 1s; with 5s or more, the cost
    /// of idle clients is also measured.
    pub(super) settle: Option<At<WrittenDuration>>,
    /// Time from the start of the feed that is not counted. Default 2s.
    pub(super) warm_up: Option<At<WrittenDuration>>,
    /// The measured time, which is counted. Default 10s.
    pub(super) duration: Option<At<WrittenDuration>>,
    /// Time after the measured time in which late updates may still arrive. Default: 1s plus the longest polling
    /// interval, the network's round trips, and if connections can break, the time to reconnect.
    pub(super) drain: Option<At<WrittenDuration>>,
    /// How often each cell is measured; confidence intervals require at least 2. Default 1. With `precision`, how often at
    /// least: 12 or more, default 12.
    pub(super) repetitions: Option<At<i64>>,
    /// How narrow the 95% interval of a metric must become, as in `"age_p99_us ± 5 %"` (or `+- 5%`), for each contender,
    /// number of clients and payload; a list names several. Cells are repeated in turn until it is so narrow, or the run says
    /// why that cannot be measured here.
    pub(super) precision: Option<At<Texts>>,
    /// Time after which no further repetition starts; for `precision`. Default 10m, or three times the first repetitions if
    /// that is longer.
    pub(super) cap: Option<At<WrittenDuration>>,
}

/// A condition on one metric.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Threshold {
    /// The metric's id, which includes its unit.
    #[schemars(schema_with = "metrics")]
    pub(super) metric: At<String>,
    /// A comparison with a number in the metric's unit, such as `== 0` or `< 5000`, or with another contender, such as
    /// `< SSE` or `<= 1.1 x SSE`; or a distance, such as `within 5% of predicted`, `within 2ms of predicted` or
    /// `within 10% of SSE`.
    pub(super) expect: At<String>,
    /// Applies only to the contender with this label; without it, to all.
    pub(super) contender: Option<At<String>>,
    /// Applies only to contenders with this transport; without it, to all.
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
