//! Descriptions of the faults of a run: a name of one or two words for a mark on a chart, and a clause for the
//! conditions.

use std::time::Duration;

use feedlab_experiment::Scenario;
use feedlab_experiment::scenario::{Contender, Fault, FaultKind, LinkFault, ProcessFault};

use crate::human;

/// A name that fits next to a mark.
pub(crate) const fn name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Link(LinkFault::Cut) => "cut",
        FaultKind::Link(LinkFault::Reset) => "reset",
        FaultKind::Link(LinkFault::BlackHole) => "black hole",
        FaultKind::Link(LinkFault::Ramp) => "ramp",
        FaultKind::Link(LinkFault::Refuse) => "refused",
        FaultKind::Link(LinkFault::Status503) => "503",
        FaultKind::Link(LinkFault::Status204) => "204",
        FaultKind::Link(LinkFault::WrongType) => "HTML",
        FaultKind::Process(ProcessFault::Restart) => "restart",
        FaultKind::Process(ProcessFault::Kill) => "kill",
        FaultKind::Process(ProcessFault::ReloadNginx) => "reload",
        FaultKind::Process(ProcessFault::Drain) => "drain",
        FaultKind::Process(ProcessFault::Remove) => "remove",
        FaultKind::Process(ProcessFault::Add) => "add",
    }
}

/// Whether a fault can affect a contender. Faults of nginx affect only contenders behind it.
pub(crate) fn concerns(kind: FaultKind, contender: &Contender) -> bool {
    !kind.process().is_some_and(ProcessFault::reloads_nginx) || contender.link.via.is_nginx()
}

/// A short description: `cut every 2 s from 2 s`, `503 at 9 s for 1 s`.
pub(crate) fn brief(fault: &Fault) -> String {
    let at = human::duration(fault.at);
    let when =
        fault.every.map_or_else(|| format!("at {at}"), |every| format!("every {} from {at}", human::duration(every)));
    format!("{} {when}{}", name(fault.kind), lasting(fault))
}

/// All faults of a scenario, one clause per fault, without full stops.
pub(crate) fn clauses(scenario: &Scenario) -> Vec<String> {
    let is_alone = scenario.contenders.iter().all(|one| scenario.servers(one.link.via) == 1);
    scenario.faults.iter().map(|fault| clause(fault, scenario.measure.duration, is_alone)).collect()
}

/// `every 2 s from 1 s (5 times): 20 % of the open connections, chosen at random, are closed gracefully (FIN)`.
fn clause(fault: &Fault, measured: Duration, is_alone: bool) -> String {
    let server = if is_alone { "the server".to_owned() } else { format!("server {}", fault.node) };
    format!("{}: {}", when(fault, measured), what(fault, &server))
}

fn when(fault: &Fault, measured: Duration) -> String {
    let at = human::duration(fault.at);
    let times = fault.times(measured).count();
    match fault.every {
        Some(every) if times > 1 => {
            format!("every {} from {at} ({times} times)", human::duration(every))
        }
        _ => format!("at {at}"),
    }
}

/// Describes the fault; `server` names the affected server, if the fault affects one.
fn what(fault: &Fault, server: &str) -> String {
    let again = match fault.length {
        Duration::ZERO => "immediately".to_owned(),
        length => format!("{} later", human::duration(length)),
    };
    let lasting = lasting(fault);
    let open = open(fault.share);
    match fault.kind {
        FaultKind::Link(LinkFault::Cut) => format!("{open} are closed gracefully (FIN){lasting}"),
        FaultKind::Link(LinkFault::Reset) => format!("{open} are reset (RST){lasting}"),
        FaultKind::Link(LinkFault::BlackHole) => {
            let open = if fault.share >= 1.0 { "any open connection".to_owned() } else { open };
            format!("no data passes on {open}{lasting}, and neither side is notified")
        }
        FaultKind::Link(LinkFault::Ramp) => {
            let open = if fault.share >= 1.0 { "every connection".to_owned() } else { open };
            format!("the round trip of {open} grows evenly to ten times what it was{lasting}")
        }
        FaultKind::Link(LinkFault::Refuse) => format!("new connections are refused{lasting}"),
        FaultKind::Link(LinkFault::Status503) => format!("new connections are answered with 503{lasting}"),
        FaultKind::Link(LinkFault::Status204) => format!("new connections are answered with 204{lasting}"),
        FaultKind::Link(LinkFault::WrongType) => format!("new connections are answered with an HTML page{lasting}"),
        FaultKind::Process(ProcessFault::Restart) => {
            format!("{server} is asked to stop (SIGTERM) and restarted {again}")
        }
        FaultKind::Process(ProcessFault::Kill) => format!("{server} is killed (SIGKILL) and restarted {again}"),
        FaultKind::Process(ProcessFault::ReloadNginx) => {
            "nginx reloads its configuration and replaces its workers (SIGHUP)".to_owned()
        }
        FaultKind::Process(ProcessFault::Drain) => {
            format!("{server} is removed from nginx and asked to stop (SIGTERM), then put back {again}")
        }
        FaultKind::Process(ProcessFault::Remove) => {
            format!("{server} is permanently removed from nginx and asked to stop (SIGTERM)")
        }
        FaultKind::Process(ProcessFault::Add) => format!("{server}, which is already running, is added to nginx"),
    }
}

fn lasting(fault: &Fault) -> String {
    match fault.length {
        Duration::ZERO => String::new(),
        length => format!(" for {}", human::duration(length)),
    }
}

/// Describes the share of the open connections that is affected.
fn open(share: f64) -> String {
    if share >= 1.0 {
        "all open connections".to_owned()
    } else {
        format!("{} of the open connections, chosen at random,", human::percent(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_fault_is_described_with_its_time_and_its_targets() {
        let fault = |kind, every, length, share| Fault { kind, at: seconds(2), every, length, share, node: 1 };
        let description = |fault: &Fault| clause(fault, seconds(10), true);
        for (fault, text) in [
            (
                fault(FaultKind::Link(LinkFault::Cut), None, Duration::ZERO, 1.0),
                "at 2 s: all open connections are closed gracefully (FIN)",
            ),
            (
                fault(FaultKind::Link(LinkFault::Reset), Some(seconds(2)), Duration::ZERO, 0.2),
                "every 2 s from 2 s (4 times): 20 % of the open connections, chosen at random, are reset (RST)",
            ),
            (
                fault(FaultKind::Link(LinkFault::BlackHole), Some(seconds(30)), seconds(3), 1.0),
                "at 2 s: no data passes on any open connection for 3 s, and neither side is notified",
            ),
            (
                fault(FaultKind::Link(LinkFault::Status503), None, seconds(1), 1.0),
                "at 2 s: new connections are answered with 503 for 1 s",
            ),
            (
                fault(FaultKind::Process(ProcessFault::Kill), None, Duration::from_millis(500), 1.0),
                "at 2 s: the server is killed (SIGKILL) and restarted 500 ms later",
            ),
            (
                fault(FaultKind::Process(ProcessFault::Restart), None, Duration::ZERO, 1.0),
                "at 2 s: the server is asked to stop (SIGTERM) and restarted immediately",
            ),
        ] {
            assert_eq!(description(&fault), text);
        }
    }
}
