//! Faults: of the network between clients and server, or of a process of a cell.

use std::time::Duration;

use feedlab_feed::link::LinkFault;
use feedlab_feed::settings::duration;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// A fault that happens during the measured time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// When it happens, counted from the start of the measured time.
    #[serde(with = "duration")]
    pub at: Duration,
    /// The interval at which it repeats until the measured time ends.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "duration::option")]
    pub every: Option<Duration>,
    /// How long it lasts; zero for an instantaneous fault.
    #[serde(with = "duration", rename = "for")]
    pub length: Duration,
    /// The share of the open connections that it affects, chosen at random, above 0 and at most 1. Faults of new
    /// connections or of a process affect all.
    pub share: f64,
    /// Which of the servers behind nginx it affects, counted from 1; 1 for faults that affect no server.
    #[serde(skip_serializing_if = "is_first", default = "first")]
    pub node: u32,
}

const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_first(node: &u32) -> bool {
    *node == 1
}

impl Fault {
    /// Returns when it happens within a measured time of this length, counted from its start.
    pub fn times(&self, measured: Duration) -> impl Iterator<Item = Duration> + use<> {
        let every = self.every.filter(|every| !every.is_zero());
        let next = move |at: &Duration| every.map(|every| *at + every);
        std::iter::successors(Some(self.at), next).take_while(move |at| *at < measured)
    }
}

/// A kind of fault: of the network, performed by the lab proxy, or of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FaultKind {
    /// Performed by the lab proxy.
    Link(LinkFault),
    /// Performed by the run.
    Process(ProcessFault),
}

/// A fault of a process of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessFault {
    /// The server is asked to stop (SIGTERM), drains, and is restarted after `for`.
    Restart,
    /// The server is killed (SIGKILL) and restarted after `for`.
    Kill,
    /// nginx reloads its configuration and replaces its workers (SIGHUP).
    ReloadNginx,
    /// The server is removed from nginx, asked to stop (SIGTERM), and after `for` restarted and added to nginx again.
    Drain,
    /// The server is removed from nginx and asked to stop (SIGTERM), permanently: scale-in.
    Remove,
    /// Another server is added behind nginx: scale-out.
    Add,
}

impl ProcessFault {
    const ALL: [Self; 6] = [Self::Restart, Self::Kill, Self::ReloadNginx, Self::Drain, Self::Remove, Self::Add];

    /// Whether it affects one of the servers.
    #[must_use]
    pub const fn is_of_server(self) -> bool {
        !matches!(self, Self::ReloadNginx)
    }

    /// Whether it reloads nginx, which replaces its workers.
    #[must_use]
    pub const fn reloads_nginx(self) -> bool {
        matches!(self, Self::ReloadNginx | Self::Drain | Self::Remove | Self::Add)
    }

    /// Whether it is instantaneous.
    #[must_use]
    pub const fn is_momentary(self) -> bool {
        matches!(self, Self::ReloadNginx | Self::Remove | Self::Add)
    }
}

impl FaultKind {
    /// Returns all kinds of faults.
    pub fn all() -> impl Iterator<Item = Self> {
        LinkFault::ALL.into_iter().map(Self::Link).chain(ProcessFault::ALL.map(Self::Process))
    }

    /// Returns the name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link(fault) => fault.name(),
            Self::Process(ProcessFault::Restart) => "restart",
            Self::Process(ProcessFault::Kill) => "kill",
            Self::Process(ProcessFault::ReloadNginx) => "reload-nginx",
            Self::Process(ProcessFault::Drain) => "drain",
            Self::Process(ProcessFault::Remove) => "remove",
            Self::Process(ProcessFault::Add) => "add",
        }
    }

    /// Whether the lab proxy performs it, rather than the run on one of its processes.
    #[must_use]
    pub const fn is_of_link(self) -> bool {
        matches!(self, Self::Link(_))
    }

    /// Whether it ends a server process; unless it is [permanent](Self::is_permanent), a new process follows.
    #[must_use]
    pub const fn ends_server(self) -> bool {
        use ProcessFault::{Drain, Kill, Remove, Restart};
        matches!(self, Self::Process(Restart | Kill | Drain | Remove))
    }

    /// Whether it asks a server to stop (SIGTERM).
    #[must_use]
    pub const fn stops_server_gracefully(self) -> bool {
        use ProcessFault::{Drain, Remove, Restart};
        matches!(self, Self::Process(Restart | Drain | Remove))
    }

    /// Whether it ends a server that is not restarted.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::Process(ProcessFault::Remove))
    }

    /// Returns the fault of a process, if it is one.
    #[must_use]
    pub const fn process(self) -> Option<ProcessFault> {
        match self {
            Self::Process(fault) => Some(fault),
            Self::Link(_) => None,
        }
    }

    /// Returns the fault in which the lab proxy answers instead of the server, if it is one.
    #[must_use]
    pub fn answer(self) -> Option<LinkFault> {
        match self {
            Self::Link(fault) => Some(fault).filter(|fault| fault.answers()),
            Self::Process(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for FaultKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer, Self::all(), Self::name)
    }
}

/// Deserializes the value with a given name; the error lists all names.
pub(super) fn named<'de, T: Copy, D: Deserializer<'de>>(
    deserializer: D,
    all: impl Iterator<Item = T>,
    name: fn(T) -> &'static str,
) -> Result<T, D::Error> {
    let (given, all) = (String::deserialize(deserializer)?, all.collect::<Vec<_>>());
    all.iter().copied().find(|one| name(*one) == given).ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|one| format!("`{}`", name(*one))).collect();
        D::Error::custom(format_args!("unknown variant `{given}`, expected one of {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_reads_back_by_its_name() {
        for kind in FaultKind::all() {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(serde_json::from_value::<FaultKind>(kind.name().into()).unwrap(), kind);
        }
        let unknown = serde_json::from_value::<FaultKind>("pigeon".into()).unwrap_err().to_string();
        assert!(unknown.ends_with("`reload-nginx`, `drain`, `remove`, `add`"), "{unknown}");
    }

    #[test]
    fn a_fault_repeats_until_the_measured_time_ends() {
        let (at, every) = (Duration::from_secs(1), Some(Duration::from_secs(2)));
        let fault =
            Fault { kind: FaultKind::Link(LinkFault::Cut), at, every, length: Duration::ZERO, share: 1.0, node: 1 };
        let seconds = |fault: Fault| fault.times(Duration::from_secs(6)).map(|at| at.as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(fault), [1, 3, 5]);
        assert_eq!(seconds(Fault { every: None, ..fault }), [1]);
        assert_eq!(seconds(Fault { every: Some(Duration::ZERO), ..fault }), [1], "no endless repetition");
    }
}
