//! What stands between clients and server as it is written, and what breaks there.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{Balance, FaultKind};
use super::{At, OneOrMany, WrittenDuration};

/// The way between clients and server, made by the lab proxy; without it plain loopback.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Network {
    /// Round-trip time that is added, at most 10s: half of it in each direction, and a whole one before the first bytes
    /// of a new connection, as a handshake takes it. Default 0s.
    pub(in super::super) rtt: Option<At<WrittenDuration>>,
    /// At most so much more in each direction, evenly distributed; order is kept. Default 0s.
    pub(in super::super) jitter: Option<At<WrittenDuration>>,
    /// Bytes a second of each connection in each direction; no limit without it.
    #[schemars(range(min = 1))]
    pub(in super::super) bandwidth_bytes_per_s: Option<At<i64>>,
    /// Close connections on which nothing has passed for so long, as proxies and NATs do it; never without it.
    pub(in super::super) idle_timeout: Option<At<WrittenDuration>>,
    /// Hold back what the server sends until so many bytes have come together, as a buffering proxy does it.
    #[schemars(range(min = 1))]
    pub(in super::super) buffer_bytes: Option<At<i64>>,
}

/// Something that breaks while it is measured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Fault {
    /// What breaks.
    pub(in super::super) kind: At<FaultKind>,
    /// When, from the start of the measured time.
    pub(in super::super) at: At<WrittenDuration>,
    /// Again and again after so long, until the measured time is over; once without it.
    pub(in super::super) every: Option<At<WrittenDuration>>,
    /// How long it lasts, or how long the server is away; not of cut, reset, reload-nginx, remove and add. Of restart, kill
    /// and drain 500ms by default.
    #[serde(rename = "for")]
    pub(in super::super) length: Option<At<WrittenDuration>>,
    /// Share of the open connections that it hits, above 0 and at most 1, chosen at random; of cut, reset and
    /// black-hole. Default 1.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub(in super::super) share: Option<At<f64>>,
    /// Which of the servers behind nginx, counted from 1; of restart, kill, drain and remove. A list is one after the other,
    /// `every` so long. Default 1.
    pub(in super::super) node: Option<At<OneOrMany>>,
}

/// How nginx is set up, for contenders that go through it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Nginx {
    /// How long nginx waits between two reads from the server (`proxy_read_timeout`). Default 60s, as nginx's own.
    pub(in super::super) read_timeout: Option<At<WrittenDuration>>,
    /// Servers behind it, 1 to 8, that connections are spread over, each with the same feed. Default 1.
    #[schemars(range(min = 1, max = 8))]
    pub(in super::super) upstreams: Option<At<i64>>,
    /// To which of them a request goes. Default round-robin.
    pub(in super::super) balance: Option<At<Balance>>,
    /// How long workers that a reload has replaced keep the connections that they hold (`worker_shutdown_timeout`). Default
    /// 1s; nginx by itself has no limit.
    pub(in super::super) shutdown_timeout: Option<At<WrittenDuration>>,
}
