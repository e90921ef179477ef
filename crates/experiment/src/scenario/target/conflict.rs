//! What of a scenario only feedlab's own server can do, so that no target can be measured with it. Validation names its
//! place in the file; a scenario that is given a target on the command line is refused as a whole.

use std::fmt;

use super::super::{Fault, FaultKind, Feed, ProcessFault, Source};
use super::{Target, UPDATE};
use crate::stamp;

/// A part of a scenario that does not go with a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Conflict {
    Source,
    Binary,
    Payload,
    Broker,
    Servers,
    Upstreams,
    Fault(FaultKind),
}

impl Conflict {
    /// Returns the first conflict of a feed with the targets that contenders name.
    pub(in super::super) fn of_feed<'a>(feed: &Feed, mut named: impl Iterator<Item = &'a Target>) -> Option<Self> {
        let Source::Synthetic { payload_bytes, binary, .. } = &feed.source else { return Some(Self::Source) };
        let is_short = payload_bytes.iter().any(|bytes| *bytes < stamp::MIN_BYTES);
        let found = [
            (*binary, Self::Binary),
            (is_short && named.any(sends_text), Self::Payload),
            (feed.broker.is_some(), Self::Broker),
            (feed.servers > 1, Self::Servers),
        ];
        found.into_iter().find_map(|(is_met, conflict)| is_met.then_some(conflict))
    }

    /// Returns the conflict of a fault: one that ends or adds servers.
    pub(in super::super) fn of_fault(kind: FaultKind) -> Option<Self> {
        kind.process().is_some_and(ProcessFault::is_of_server).then_some(Self::Fault(kind))
    }

    /// Returns the first conflict of a scenario's faults.
    pub(in super::super) fn of_faults(faults: &[Fault]) -> Option<Self> {
        faults.iter().find_map(|fault| Self::of_fault(fault.kind))
    }
}

/// Whether the text of an update is published to a target.
fn sends_text(target: &Target) -> bool {
    target.publish.as_ref().is_some_and(|publish| publish.body.contains(UPDATE))
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source => f.write_str(
                "only synthetic updates can be published to a target; use `source = \"synthetic\"`, or no target",
            ),
            Self::Binary => f.write_str("updates are published to a target as text; remove `binary`"),
            Self::Payload => {
                let least = stamp::MIN_BYTES;
                write!(
                    f,
                    "the text of an update for a target needs {least} bytes; make `payload_bytes` {least} or more"
                )
            }
            Self::Broker => f.write_str("a broker holds the feed of feedlab's own servers; remove `broker`"),
            Self::Servers => f.write_str("a target is a single server; remove `servers`"),
            Self::Upstreams => f.write_str("a target is a single server behind nginx; remove `upstreams`"),
            Self::Fault(kind) => write!(
                f,
                "{} needs feedlab's own server, which comes back with the same feed; use a fault of the network, such as \
                 cut, or measure no target",
                kind.name()
            ),
        }
    }
}
