//! What one of several processes found of a cell: of its clients, and if it led, of the servers. Plain data, which travels to
//! whoever [concludes](crate::conclude()).

use feedlab_experiment::record::NodesAt;
use feedlab_feed::clock::Offset;
use feedlab_feed::stats::Stats;
use serde::{Deserialize, Serialize};

use crate::join_probe::JoinProbe;
use crate::moments::{ClientSnapshot, Moments, ServerSnapshot};
use crate::part::Part;
use crate::recorder::{Counts, Window};
use crate::transport::LegStats;

/// What a process found of a cell, but for the ages, which are in the log that its job names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Portion {
    /// Its clients.
    pub share: Share,
    /// The servers, if it led.
    pub led: Option<Led>,
}

/// What a process found of its clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Share {
    /// Which clients they were.
    pub part: Part,
    /// Where it ran: which start of which machine.
    pub(crate) machine: Option<String>,
    /// What is known of its clock and the run's, if they are two and were compared.
    #[serde(default)]
    pub clock: Option<Offset>,
    pub(crate) moments: Moments<ClientSnapshot>,
    /// Right before the clients left.
    pub(crate) last_leg: LegStats,
    /// At the very end.
    pub(crate) leg: LegStats,
    #[serde(rename = "found")]
    pub(crate) counts: Counts,
}

/// What the process that led found of the servers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Led {
    pub(crate) window: Window,
    pub(crate) moments: Moments<ServerSnapshot>,
    /// After the drain, the clients still connected.
    pub(crate) last: Stats,
    /// The last updates that were due before the measured time began and before it ended.
    pub(crate) due_before: (Option<u64>, Option<u64>),
    pub(crate) was_restarted: bool,
    /// Which of several servers had how many of the clients.
    pub(crate) nodes: Vec<NodesAt>,
    #[serde(rename = "newcomers")]
    pub(crate) join_probe: JoinProbe,
    pub(crate) machine: Option<String>,
}
