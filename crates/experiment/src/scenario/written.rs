//! The scenario file as people write it: every key with its meaning, nothing checked that needs a second key.
//!
//! The doc comments of the fields are the descriptions of the JSON Schema, which editors show.

use feedlab_feed::Transport;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AgeFrom, Headers, ScheduleKind};

mod json_schema;
mod value;

pub use json_schema::json_schema;
pub(super) use value::{At, OneOrMany, WrittenDuration};

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
    pub(super) question: Option<String>,
    /// Fixes the feed's schedule, the order of the cells and the clients' phases. Default 1.
    #[schemars(with = "Option<u64>")]
    pub(super) seed: Option<At<i64>>,
    /// What is published, the same for every contender.
    pub(super) feed: Feed,
    /// Who listens.
    pub(super) clients: Clients,
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
    /// Updates a second; of source synthetic (required) and host (default 1).
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) updates_per_s: Option<At<f64>>,
    /// Distribution of the updates in time; of source synthetic. Default constant.
    pub(super) schedule: Option<At<ScheduleKind>>,
    /// Updates in a burst; of schedule burst. Default 10.
    pub(super) burst_size: Option<At<i64>>,
    /// Payload of an update in bytes; of source synthetic. A list is a sweep. Default 256.
    pub(super) payload_bytes: Option<At<OneOrMany>>,
    /// NDJSON file of a recorded feed, relative to this file; of source replay (required).
    pub(super) file: Option<At<String>>,
    /// Playing speed: 1 is the recording's own, 60 plays an hour in a minute; of source replay. Default 1.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(super) speed: Option<At<f64>>,
    /// How many updates the server keeps for clients that come back. Default 4096.
    pub(super) history: Option<At<i64>>,
    /// A pause of the publisher on purpose, as in `{ after = "4s", for = "500ms" }`, to see what it does to ages.
    pub(super) stall: Option<Stall>,
}

/// A time in which nothing is published; what falls due meanwhile is published at its end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stall {
    /// When it begins, from the begin of the measured time.
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
    /// A line of standard input, an update.
    Stdin,
    /// This machine's own load figures.
    Host,
}

impl SourceKind {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Replay => "replay",
            Self::Stdin => "stdin",
            Self::Host => "host",
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
    /// Time after it in which late updates may still arrive. Default 1s, and with short polling 1s more than the
    /// longest interval.
    pub(super) drain: Option<At<WrittenDuration>>,
    /// How often each cell is measured; intervals need at least 2. Default 1.
    pub(super) repetitions: Option<At<i64>>,
}

/// A transport with its options: one line of the comparison.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Contender {
    /// How updates reach the client.
    #[schemars(schema_with = "transports")]
    pub(super) transport: At<Transport>,
    /// Name in tables and charts; made from the options when it is not given.
    pub(super) label: Option<At<String>>,
    /// Time from one request to the next; of short-polling. Default 1s.
    pub(super) interval: Option<At<WrittenDuration>>,
    /// How long the server may hold a request, at most 5m; of long-polling. Default 25s.
    pub(super) hold: Option<At<WrittenDuration>>,
    /// One connection for all requests of a client; of short-polling and long-polling. Default true.
    pub(super) keep_alive: Option<At<bool>>,
    /// Send `If-None-Match`, so that "nothing new" is a 304 without a body; of short-polling. Default false.
    pub(super) conditional: Option<At<bool>>,
    /// Time between the server's comments or pings; of sse and websocket. Default 15s.
    pub(super) keepalive: Option<At<WrittenDuration>>,
    /// From when ages count: due (default), or publication, which forgives every stall of the publisher (coordinated
    /// omission) and is there to be compared with.
    #[serde(default)]
    pub(super) age_from: AgeFrom,
}

/// A condition on one metric.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Threshold {
    /// The metric's id, which ends with its unit.
    #[schemars(schema_with = "metrics")]
    pub(super) metric: At<String>,
    /// A comparison and a number in the metric's unit, such as `== 0` or `< 5000`, or a distance from what is
    /// predicted, such as `within 5% of predicted`.
    pub(super) expect: At<String>,
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
