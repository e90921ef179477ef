//! Faults, as far as they are possible with these contenders: each at its time, and for its server.

use std::time::Duration;

use super::super::error::FieldError;
use super::super::written::{self, At, WrittenDuration};
use super::super::{Fault, FaultKind, Feed, Http, LinkFault, Measure, ProcessFault};
use super::lab::MOST_UPSTREAMS;
use super::{HOUR, SECOND, bounds, contender};

/// The default downtime of a restarted server.
const DOWNTIME: Duration = Duration::from_millis(500);
/// The shortest interval of a repeated fault.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The parts of a scenario on which faults depend.
pub(super) struct Lab<'a> {
    pub(super) contenders: &'a [written::Contender],
    pub(super) feed: &'a Feed,
    pub(super) measure: &'a Measure,
    /// The number of servers behind nginx at the start.
    pub(super) upstreams: u32,
    /// Whether the network is a link, and not the lab proxy.
    pub(super) is_link: bool,
}

impl Lab<'_> {
    pub(super) fn faults(&self, written: &[written::Fault]) -> Result<Vec<Fault>, FieldError> {
        let mut faults = Vec::new();
        let mut servers = self.upstreams;
        for one in written {
            self.reject_impossible(&one.kind)?;
            self.reject_on_link(one)?;
            if *one.kind == FaultKind::Process(ProcessFault::Add) {
                servers += 1;
                faults.push(self.added(one, servers)?);
            } else {
                faults.extend(self.fault(one, servers)?);
            }
        }
        self.reject_removal_of_all_servers(written, &faults)?;
        Ok(faults)
    }

    /// Returns the faults of an entry: one for each server of a list.
    fn fault(&self, written: &written::Fault, servers: u32) -> Result<Vec<Fault>, FieldError> {
        let (length, at, share) = (length(written)?, self.at(&written.at)?, share(written)?);
        let every = every(written, length)?;
        let nodes = self.nodes(written, servers)?;
        let fault = Fault { kind: *written.kind, at, every, length, share, node: nodes[0] };
        let (Some(list), Some(pause)) = (written.node.as_ref().filter(|_| nodes.len() > 1), every) else {
            return Ok(vec![fault]);
        };
        let times = (0..).map(|step: u32| at.saturating_add(pause * step));
        let faults: Vec<Fault> =
            nodes.iter().zip(times).map(|(&node, at)| Fault { node, at, every: None, ..fault }).collect();
        match faults.last() {
            Some(last) if last.at >= self.measure.duration => {
                let problem = format!(
                    "the last of these faults would happen at {}, after the measured time ends; make `every` shorter",
                    humantime::format_duration(last.at)
                );
                Err(FieldError::at(list, problem))
            }
            _ => Ok(faults),
        }
    }

    fn added(&self, written: &written::Fault, node: u32) -> Result<Fault, FieldError> {
        if node > MOST_UPSTREAMS {
            return Err(FieldError::at(
                &written.kind,
                format!("nginx can have at most {MOST_UPSTREAMS} servers; remove this fault"),
            ));
        }
        if let Some(every) = &written.every {
            return Err(FieldError::at(every, "each added server needs its own [[fault]]; remove `every`"));
        }
        if let Some(given) = &written.node {
            return Err(FieldError::at(given, "an added server gets the next number; remove `node`"));
        }
        let (length, share) = (length(written)?, share(written)?);
        Ok(Fault { kind: *written.kind, at: self.at(&written.at)?, every: None, length, share, node })
    }

    /// Returns the servers that it affects, in the order as written.
    fn nodes(&self, written: &written::Fault, servers: u32) -> Result<Vec<u32>, FieldError> {
        let Some(given) = &written.node else { return Ok(vec![1]) };
        if !written.kind.process().is_some_and(ProcessFault::is_of_server) {
            return Err(FieldError::at(
                given,
                "this fault does not affect a server; `node` is an option of restart, kill, drain and remove",
            ));
        }
        bounds::sweep("node", given, 1..=servers.into())?;
        if let Some(direct) = self.direct().filter(|_| given.0.iter().any(|node| *node > 1)) {
            return Err(FieldError::at(
                given,
                format!(
                    "{direct} has only one server; give each contender `via = \
                                                      \"nginx\"`"
                ),
            ));
        }
        if given.0.len() > 1 && written.every.is_none() {
            return Err(FieldError::at(
                given,
                "the servers are affected one after another, but the interval is missing; add `every`, as in `every = \
                 \"2s\"`",
            ));
        }
        Ok(given.0.iter().map(|node| *node as u32).collect())
    }

    /// Returns a phrase if there is a contender that does not connect through nginx.
    fn direct(&self) -> Option<&'static str> {
        self.contenders.iter().any(|one| contender::nginx(one).is_none()).then_some("a contender without nginx")
    }

    fn at(&self, written: &At<WrittenDuration>) -> Result<Duration, FieldError> {
        let at = bounds::duration("at", Some(written), Duration::ZERO..=24 * HOUR, Duration::ZERO)?;
        if at < self.measure.duration {
            return Ok(at);
        }
        let measured = humantime::format_duration(self.measure.duration);
        let problem = format!("this is after the measured time: `duration` is {measured}; choose an earlier time");
        Err(FieldError::at(written, problem))
    }

    fn reject_impossible(&self, written: &At<FaultKind>) -> Result<(), FieldError> {
        match **written {
            kind if kind.ends_server() && !self.feed.is_reproducible() => Err(FieldError::at(
                written,
                "a restarted server serves the same feed only if the feed is synthetic, a replay, or on a `broker`; \
                 use one of those",
            )),
            FaultKind::Process(ProcessFault::Add) if !self.feed.is_reproducible() => Err(FieldError::at(
                written,
                "another server serves the same feed only from a `broker`; add `broker = \"nats\"`",
            )),
            FaultKind::Process(fault) if fault.reloads_nginx() && self.direct().is_some() => {
                let problem =
                    "not every contender connects through nginx; give each `via = \"nginx\"`, or remove the fault";
                Err(FieldError::at(written, problem))
            }
            kind if kind.answer().is_some() && self.contenders.iter().any(is_encrypted_or_http2) => {
                let problem = "the lab proxy can answer only in unencrypted HTTP/1.1; remove `tls` and `http` from \
                               the contenders, or the fault";
                Err(FieldError::at(written, problem))
            }
            _ => Ok(()),
        }
    }

    /// Rejects faults of connections on a link, which knows only packets: it can be down, for all of them.
    fn reject_on_link(&self, written: &written::Fault) -> Result<(), FieldError> {
        match (*written.kind, &written.share) {
            (FaultKind::Link(LinkFault::BlackHole), Some(share)) if self.is_link && **share < 1.0 => {
                Err(FieldError::at(share, "a link that is down is down for all clients; remove `share`"))
            }
            (FaultKind::Link(kind), _) if self.is_link && kind != LinkFault::BlackHole => {
                let problem = format!(
                    "the fault {} needs the lab proxy, and this network is a link, whose only fault is black-hole; use that \
                     one, remove the fault, or use `model = \"proxy\"`",
                    kind.name()
                );
                Err(FieldError::at(&written.kind, problem))
            }
            _ => Ok(()),
        }
    }

    /// Rejects faults that would leave no server: clients need one, and so does the count of updates that were due.
    fn reject_removal_of_all_servers(&self, written: &[written::Fault], faults: &[Fault]) -> Result<(), FieldError> {
        let mut left: Vec<u32> = (1..=self.upstreams).collect();
        let mut ordered: Vec<&Fault> = faults.iter().filter(|fault| fault.kind.process().is_some()).collect();
        ordered.sort_by_key(|fault| fault.at);
        for fault in ordered {
            if fault.kind == FaultKind::Process(ProcessFault::Add) {
                left.push(fault.node);
            } else if fault.kind.is_permanent() {
                left.retain(|node| *node != fault.node);
            }
            if left.is_empty() {
                let at = written.iter().rfind(|one| one.kind.is_permanent()).map_or(0..0, |one| one.kind.span());
                return Err(FieldError::new(at, "this would leave no server; keep at least one"));
            }
        }
        Ok(())
    }
}

/// Whether the lab proxy cannot respond on behalf of the server.
fn is_encrypted_or_http2(contender: &written::Contender) -> bool {
    bounds::flag(contender.tls.as_ref(), false) || contender.http.as_ref().is_some_and(|http| **http == Http::V2)
}

/// Returns the length of a fault; some faults are instantaneous.
fn length(written: &written::Fault) -> Result<Duration, FieldError> {
    let is_momentary = match *written.kind {
        FaultKind::Link(fault) => fault.is_momentary(),
        FaultKind::Process(fault) => fault.is_momentary(),
    };
    match (&written.length, *written.kind) {
        (Some(given), _) if is_momentary => {
            Err(FieldError::at(given, "this fault is instantaneous; remove `for`, or repeat it with `every`"))
        }
        (None, _) if is_momentary => Ok(Duration::ZERO),
        (None, FaultKind::Link(_)) => {
            Err(FieldError::at(&written.kind, "this fault has a duration; add `for`, as in `for = \"2s\"`"))
        }
        (given, _) => bounds::duration("for", given.as_ref(), Duration::from_millis(1)..=HOUR, DOWNTIME),
    }
}

fn every(written: &written::Fault, length: Duration) -> Result<Option<Duration>, FieldError> {
    let Some(given) = &written.every else { return Ok(None) };
    let every = bounds::duration("every", Some(given), SHORTEST_PAUSE..=24 * HOUR, SECOND)?;
    if every > length {
        return Ok(Some(every));
    }
    let length = humantime::format_duration(length);
    Err(FieldError::at(given, format!("the fault would repeat before it ends after {length}; make `every` longer")))
}

/// Returns the share of the open connections that is affected, chosen at random; faults of new connections or of a
/// process affect all.
fn share(written: &written::Fault) -> Result<f64, FieldError> {
    let Some(given) = &written.share else { return Ok(1.0) };
    match *written.kind {
        FaultKind::Link(fault) if fault.hits_open() => bounds::share("share", given),
        _ => Err(FieldError::at(
            given,
            "this fault affects all clients; `share` is an option of cut, reset, \
                                        black-hole and ramp: remove it",
        )),
    }
}
