//! The network, nginx and the faults, as written in a scenario file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{Balance, Congestion, FaultKind, NetworkModel, Profile};
use super::{At, OneOrMany, WrittenDuration, WrittenQueue, WrittenRate, WrittenShare};

/// The network between clients and server, emulated by the lab proxy or by a link; without this table, plain loopback.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Network {
    /// What emulates the network: `proxy` is the lab proxy, which delays what connections carry; `link` moves the packets
    /// of the kernel's own TCP between two network namespaces, so that they can also be lost, queued and reordered, and
    /// needs a system that lets users create namespaces. Default proxy.
    pub(in super::super) model: Option<At<NetworkModel>>,
    /// A kind of link whose values the other keys replace one by one; for the model link.
    pub(in super::super) profile: Option<At<Profile>>,
    /// Added round-trip time, at most 10s: half of it in each direction, and a whole round trip before the first bytes
    /// of a new connection, as a handshake takes. Default 0s.
    pub(in super::super) rtt: Option<At<WrittenDuration>>,
    /// Up to this much extra delay in each direction, uniformly distributed; order is kept. With an rtt of
    /// 80ms, 20ms makes round trips of 80 to 120 ms. Default 0s.
    pub(in super::super) jitter: Option<At<WrittenDuration>>,
    /// Let jitter change the order of packets; for the model link. Default false.
    pub(in super::super) reorder: Option<At<bool>>,
    /// Share of the packets that is lost in each direction, as `"1%"` or 0.01; for the model link. Default 0%.
    pub(in super::super) loss: Option<At<WrittenShare>>,
    /// Mean number of packets that are lost in a row, 1 or more; for the model link. By default, each packet is lost
    /// independently of the others.
    #[schemars(range(min = 1))]
    pub(in super::super) loss_burst: Option<At<f64>>,
    /// Rate from the server to the clients, which all of them share, as in `"10Mbit"` (per second, IP packets); for the
    /// model link. Unlimited by default.
    pub(in super::super) rate: Option<At<WrittenRate>>,
    /// Rate from the clients to the server; for the model link. Default: as `rate`.
    pub(in super::super) rate_up: Option<At<WrittenRate>>,
    /// How much may wait for the rate in each direction, as `"100ms"`, `"64kB"` or `"50 packets"`; what comes when it is
    /// full is dropped; for the model link. Default 1000 packets.
    pub(in super::super) queue: Option<At<WrittenQueue>>,
    /// The largest IP packet in bytes; for the model link. Default 1500.
    #[schemars(range(min = 576, max = 65535))]
    pub(in super::super) mtu: Option<At<i64>>,
    /// Congestion control of the server and the clients; for the model link. By default, the machine's.
    pub(in super::super) congestion: Option<At<Congestion>>,
    /// Bytes per second for each connection in each direction; for the model proxy. Unlimited by default.
    #[schemars(range(min = 1))]
    pub(in super::super) bandwidth_bytes_per_s: Option<At<i64>>,
    /// Close connections that have been idle for this long, as proxies and NATs do; for the model proxy. Never by default.
    pub(in super::super) idle_timeout: Option<At<WrittenDuration>>,
    /// Hold back what the server sends until this many bytes have accumulated, as a buffering proxy does; for the model
    /// proxy.
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
