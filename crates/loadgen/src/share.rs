//! What one of several processes measured of a cell: of its clients and, if it led, of the servers. Plain data, which
//! is sent to the process that [merges](crate::conclude()) the parts.

use feedlab_experiment::record::NodesAt;
use feedlab_feed::clock::Offset;
use feedlab_feed::stats::Stats;
use serde::{Deserialize, Serialize};

use crate::join_probe::JoinProbe;
use crate::moments::{ClientSnapshot, Moments, ServerSnapshot};
use crate::part::Part;
use crate::recorder::{Counts, Window};
use crate::transport::LegStats;

/// What a process measured of a cell, except the ages, which are in the log that its job names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Portion {
    /// Its clients.
    pub share: Share,
    /// The servers, if it led.
    pub led: Option<Led>,
}

/// What a process measured of its clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Share {
    /// Which clients it drove.
    pub part: Part,
    /// The boot id of the machine that it ran on.
    pub(crate) machine: Option<String>,
    /// The offset between its clock and the run's, if they differ and were compared.
    #[serde(default)]
    pub clock: Option<Offset>,
    pub(crate) moments: Moments<ClientSnapshot>,
    /// The clients' sockets right before the clients left.
    pub(crate) last_leg: LegStats,
    /// The clients' sockets at the very end.
    pub(crate) leg: LegStats,
    pub(crate) counts: Counts,
}

/// What the leading process measured of the servers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Led {
    pub(crate) window: Window,
    pub(crate) moments: Moments<ServerSnapshot>,
    /// After the drain, with the clients still connected.
    pub(crate) last: Stats,
    /// The last updates that were due before the measured time started and before it ended.
    pub(crate) due_before: (Option<u64>, Option<u64>),
    pub(crate) was_restarted: bool,
    /// How the clients were spread over several servers.
    pub(crate) nodes: Vec<NodesAt>,
    pub(crate) join_probe: JoinProbe,
    pub(crate) machine: Option<String>,
}
