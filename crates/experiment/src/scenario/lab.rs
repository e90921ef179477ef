//! What breaks: the way between clients and server, or a process of a cell.

use std::time::Duration;

use feedlab_feed::link::LinkFault;
use feedlab_feed::settings::duration;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Something that breaks while it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When, from the start of the measured time.
    #[serde(with = "duration")]
    pub at: Duration,
    /// Again and again after so long, until the measured time is over.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "duration::option")]
    pub every: Option<Duration>,
    /// How long it lasts; zero for what happens in a moment.
    #[serde(with = "duration", rename = "for")]
    pub length: Duration,
    /// The share of the open connections that it hits, chosen at random, above 0 and at most 1. Faults that concern new
    /// connections or a process hit all.
    pub share: f64,
    /// Which of the servers behind nginx it happens to, counted from 1; of what happens to no server 1.
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
    /// When it happens within a measured time of this length, from its start.
    pub fn times(&self, measured: Duration) -> impl Iterator<Item = Duration> + use<> {
        let every = self.every.filter(|every| !every.is_zero());
        let next = move |at: &Duration| every.map(|every| *at + every);
        std::iter::successors(Some(self.at), next).take_while(move |at| *at < measured)
    }
}

/// What can break: the way, which is the lab proxy's doing, or a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FaultKind {
    /// Ordered from the lab proxy.
    Link(LinkFault),
    /// Done by the run.
    Process(ProcessFault),
}

/// What can happen to a process of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessFault {
    /// The server is asked to stop (SIGTERM), drains, and is started again after `for`.
    Restart,
    /// The server is killed (SIGKILL), and started again after `for`.
    Kill,
    /// nginx reads its configuration again and replaces its workers (SIGHUP).
    ReloadNginx,
    /// The server is taken out of nginx, asked to stop (SIGTERM), and after `for` started again and put back.
    Drain,
    /// The server is taken out of nginx and asked to stop (SIGTERM), permanently: scale-in.
    Remove,
    /// A further server is put behind nginx: scale-out.
    Add,
}

impl ProcessFault {
    const ALL: [Self; 6] = [Self::Restart, Self::Kill, Self::ReloadNginx, Self::Drain, Self::Remove, Self::Add];

    /// Whether it happens to one of the servers.
    #[must_use]
    pub const fn is_of_server(self) -> bool {
        !matches!(self, Self::ReloadNginx)
    }

    /// Whether nginx is told of it, which replaces its workers.
    #[must_use]
    pub const fn reloads_nginx(self) -> bool {
        matches!(self, Self::ReloadNginx | Self::Drain | Self::Remove | Self::Add)
    }

    /// Whether it is over in the moment in which it happens.
    #[must_use]
    pub const fn is_momentary(self) -> bool {
        matches!(self, Self::ReloadNginx | Self::Remove | Self::Add)
    }
}

impl FaultKind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        LinkFault::ALL.into_iter().map(Self::Link).chain(ProcessFault::ALL.map(Self::Process))
    }

    /// Its name in files.
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

    /// Whether the lab proxy does it, rather than the run to one of its processes.
    #[must_use]
    pub const fn is_of_link(self) -> bool {
        matches!(self, Self::Link(_))
    }

    /// Whether a server ends of it; unless it is [permanently](Self::is_permanent), another life of it begins.
    #[must_use]
    pub const fn ends_server(self) -> bool {
        use ProcessFault::{Drain, Kill, Remove, Restart};
        matches!(self, Self::Process(Restart | Kill | Drain | Remove))
    }

    /// Whether a server ends of it that does not come back.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(self, Self::Process(ProcessFault::Remove))
    }

    /// What happens to a process, if it does.
    #[must_use]
    pub const fn process(self) -> Option<ProcessFault> {
        match self {
            Self::Process(fault) => Some(fault),
            Self::Link(_) => None,
        }
    }

    /// What the lab proxy answers with in the server's place, if that is what happens.
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

/// Reads the one of several that has a name, and names all of them if there is none.
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
    fn every_kind_of_fault_is_read_by_the_name_that_it_is_written_by() {
        for kind in FaultKind::all() {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(serde_json::from_value::<FaultKind>(kind.name().into()).unwrap(), kind);
        }
        let unknown = serde_json::from_value::<FaultKind>("pigeon".into()).unwrap_err().to_string();
        assert!(unknown.ends_with("`reload-nginx`, `drain`, `remove`, `add`"), "{unknown}");
    }

    #[test]
    fn a_fault_comes_back_until_the_measured_time_is_over() {
        let (at, every) = (Duration::from_secs(1), Some(Duration::from_secs(2)));
        let fault =
            Fault { kind: FaultKind::Link(LinkFault::Cut), at, every, length: Duration::ZERO, share: 1.0, node: 1 };
        let seconds = |fault: Fault| fault.times(Duration::from_secs(6)).map(|at| at.as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(fault), [1, 3, 5]);
        assert_eq!(seconds(Fault { every: None, ..fault }), [1]);
        assert_eq!(seconds(Fault { every: Some(Duration::ZERO), ..fault }), [1], "never for ever");
    }
}
