//! The network, nginx and the faults, as written in a scenario file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{Balance, FaultKind};
use super::{At, OneOrMany, WrittenDuration};

/// The network between clients and server, emulated by the lab proxy; without this table, plain loopback.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Network {
    /// Added round-trip time, at most 10s: half of it in each direction, and a whole round trip before the first bytes
    /// of a new connection, as a handshake takes. Default 0s.
    pub(in super::super) rtt: Option<At<WrittenDuration>>,
    /// Up to this much extra delay in each direction, uniformly distributed; order is kept. With an rtt of
    /// 80ms, 20ms makes round trips of 80 to 120 ms. Default 0s.
    pub(in super::super) jitter: Option<At<WrittenDuration>>,
    /// Bytes per second for each connection in each direction; unlimited by default.
    #[schemars(range(min = 1))]
    pub(in super::super) bandwidth_bytes_per_s: Option<At<i64>>,
    /// Close connections that have been idle for this long, as proxies and NATs do; never by default.
    pub(in super::super) idle_timeout: Option<At<WrittenDuration>>,
    /// Hold back what the server sends until this many bytes have accumulated, as a buffering proxy does.
    #[schemars(range(min = 1))]
    pub(in super::super) buffer_bytes: Option<At<i64>>,
}

/// A fault that happens during the measured time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Fault {
    /// The kind of fault.
    pub(in super::super) kind: At<FaultKind>,
    /// When it happens, counted from the start of the measured time.
    pub(in super::super) at: At<WrittenDuration>,
    /// Interval at which the fault repeats until the measured time ends; once by default.
    pub(in super::super) every: Option<At<WrittenDuration>>,
    /// How long the fault lasts, or how long the server is down; not for cut, reset, reload-nginx, remove and add.
    /// Default 500ms for restart, kill and drain.
    #[serde(rename = "for")]
    pub(in super::super) length: Option<At<WrittenDuration>>,
    /// Share of the open connections that it affects, above 0 and at most 1, chosen at random; for cut, reset,
    /// black-hole and ramp. Default 1.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub(in super::super) share: Option<At<f64>>,
    /// Which of the servers behind nginx, counted from 1; for restart, kill, drain and remove. The servers of a list
    /// follow one after another, at the interval `every`. Default 1.
    pub(in super::super) node: Option<At<OneOrMany>>,
}

/// The nginx configuration, for contenders that connect through nginx.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Nginx {
    /// How long nginx waits between two reads from the server (`proxy_read_timeout`). Default 60s, which is also
    /// nginx's default.
    pub(in super::super) read_timeout: Option<At<WrittenDuration>>,
    /// Number of servers behind nginx, 1 to 8, over which connections are distributed, each with the same feed. Default
    /// 1.
    #[schemars(range(min = 1, max = 8))]
    pub(in super::super) upstreams: Option<At<i64>>,
    /// How nginx chooses a server for a request. Default round-robin.
    pub(in super::super) balance: Option<At<Balance>>,
    /// How long workers that a reload has replaced keep their connections (`worker_shutdown_timeout`). Default 1s;
    /// nginx itself has no limit.
    pub(in super::super) shutdown_timeout: Option<At<WrittenDuration>>,
}
