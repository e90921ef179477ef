//! What failure and recovery show, in words.

use super::{FailureKind, FailureRow};
use crate::comparison::{self, Named, Shape, shape, undetermined};
use crate::{human, wording};
use feedlab_experiment::scenario::{FaultKind, LinkFault};
use feedlab_experiment::{Metric, Scenario};

/// Returns all sentences, with their full stops.
pub(super) fn sentences(scenario: &Scenario, rows: &[FailureRow]) -> Vec<String> {
    let all = nothing_lost(rows).into_iter().chain(rows.iter().filter_map(losses));
    let all = all
        .chain(rows.iter().filter_map(|row| gave_up(scenario, row)))
        .chain(reconnect_time(rows))
        .chain(recovery_time(rows))
        .chain(reconnect_peak(rows));
    let all = all.chain(rows.iter().filter_map(ladder)).chain(rows.iter().filter_map(slow)).chain(memory(rows));
    let all: Vec<String> = all.chain(unaffected(scenario, rows)).collect();
    all.iter().map(|text| format!("{}.", wording::sentence(text))).collect()
}

/// Returns the sentences that belong to the findings of the whole run, without full stops.
pub(super) fn main_findings(scenario: &Scenario, rows: &[FailureRow]) -> Vec<String> {
    rows.iter()
        .filter_map(|row| gave_up(scenario, row))
        .chain(reconnect_time(rows))
        .chain(recovery_time(rows))
        .collect()
}

/// Names the contenders that neither missed nor duplicated an update although clients had to reconnect.
fn nothing_lost(rows: &[FailureRow]) -> Option<String> {
    let reconnected = |row: &&FailureRow| row.lost_connections() > 0 || row.some(Metric::Reconnects).is_some();
    // After a reset, what the old feed published cannot be counted.
    let is_clean = |row: &&FailureRow| {
        row.failures(FailureKind::Reset) == 0
            && [Metric::UpdatesMissed, Metric::UpdatesDuplicated].iter().all(|&metric| row.value(metric) == Some(0.0))
    };
    let affected = rows.iter().filter(reconnected).count();
    let clean: Vec<&FailureRow> = rows.iter().filter(reconnected).filter(is_clean).collect();
    let names: Vec<&str> = clean.iter().map(|row| row.spoken.as_str()).collect();
    let scope = if clean.len() == affected && affected > 1 {
        ", although clients lost connections".to_owned()
    } else {
        format!(" over {}", wording::list(&names))
    };
    let replayed: f64 = clean.iter().filter_map(|row| row.value(Metric::UpdatesReplayed)).sum();
    let replayed = match replayed {
        0.0 => String::new(),
        number => format!(
            ": {} that {} due while clients had no connection {} replayed",
            updates(number),
            if number == 1.0 { "was" } else { "were" },
            if number == 1.0 { "was" } else { "were" }
        ),
    };
    (!clean.is_empty()).then(|| format!("no update was missed or duplicated{scope}{replayed}"))
}

/// Says how many updates a contender missed or received more than once, and whether the loss was reported to its
/// clients.
fn losses(row: &FailureRow) -> Option<String> {
    let missed = row.some(Metric::UpdatesMissed).map(|missed| match row.value(Metric::UpdatesExpected) {
        Some(expected) => format!("missed {} of {}", human::count(missed), updates(expected)),
        None => format!("missed {}", updates(missed)),
    });
    let reported = missed.as_ref().and(row.value(Metric::UpdatesReportedLost)).map(|reported| match reported {
        0.0 => "; the loss was not reported to clients".to_owned(),
        _ if Some(reported) == row.value(Metric::UpdatesMissed) => "; the loss was reported to clients".to_owned(),
        _ => format!("; {} reported to clients as lost", wording::counted(reported, "update was", "updates were")),
    });
    let duplicated = row.some(Metric::UpdatesDuplicated);
    let duplicated = duplicated.map(|number| format!("received {} more than once", updates(number)));
    let problems: Vec<String> = missed.into_iter().chain(duplicated).collect();
    let reported = reported.unwrap_or_default();
    (!problems.is_empty()).then(|| format!("{} {}{reported}", row.spoken, wording::list(&problems)))
}

fn updates(number: f64) -> String {
    wording::counted(number, "update", "updates")
}

/// Says how many clients closed permanently, and why if they are `EventSource`s.
fn gave_up(scenario: &Scenario, row: &FailureRow) -> Option<String> {
    let number = row.some(Metric::ClientsGaveUp)?;
    let why = if row.entry.transport.id() == "sse" {
        format!(", as the HTML standard requires of an EventSource after {}", ending_response(scenario))
    } else {
        String::new()
    };
    Some(format!("{} of {} closed permanently{why}", wording::counted(number, "client", "clients"), row.spoken))
}

/// The response after which an `EventSource` has to close (HTML Living Standard, 9.2.3): the only one that the
/// scenario's faults produce, unless a process that restarts may have produced another.
fn ending_response(scenario: &Scenario) -> &'static str {
    let kinds = || scenario.faults.iter().map(|fault| fault.kind);
    let may_be_another = kinds().any(|kind| matches!(kind, FaultKind::Process(_)));
    let mut answers: Vec<LinkFault> = kinds().filter_map(FaultKind::answer).collect();
    answers.dedup();
    match answers.as_slice() {
        [LinkFault::Status503] if !may_be_another => "a response with status 503",
        [LinkFault::Status204] if !may_be_another => "a response with status 204",
        [LinkFault::WrongType] if !may_be_another => "a response that is not an event stream",
        _ => "any response other than an event stream with status 200",
    }
}

/// The time from the loss of a connection to the next update, for contenders without clients that gave up: those never
/// recover and are missing from the times.
fn recovery_time(rows: &[FailureRow]) -> Option<String> {
    time(rows, Metric::RecoveryP50, "from losing a connection to the next update")
}

/// The time until there is a connection again. For a feed in bursts it says more about the transport than the recovery.
fn reconnect_time(rows: &[FailureRow]) -> Option<String> {
    time(rows, Metric::ReconnectP50, "from losing a connection to reconnecting")
}

fn time(rows: &[FailureRow], metric: Metric, what: &str) -> Option<String> {
    let named = |row: &FailureRow| {
        if row.some(Metric::ClientsGaveUp).is_some() {
            return None;
        }
        let estimate = *row.entry.metrics.get(&metric)?;
        Some(Named { label: row.name.clone(), name: row.spoken.clone(), estimate })
    };
    match shape(rows.iter().filter_map(named).collect(), &undetermined) {
        Shape::Nothing => None,
        Shape::One(one) => Some(format!("the median time {what} was {} over {}", human::time(one.value()), one.name)),
        Shape::NoDifference(values) => {
            Some(format!("the median time {what} was {}; no difference shown", comparison::range(&values, human::time)))
        }
        Shape::OneGroup(values) => extremes(what, &values),
        Shape::TwoGroups { low, high } => extremes(what, &[low, high].concat()),
    }
}

fn extremes(what: &str, values: &[Named]) -> Option<String> {
    let (least, most) = (values.first()?, values.last()?);
    let (fast, slow) = (human::time(least.value()), human::time(most.value()));
    Some(match fast == slow {
        true => format!("the median time {what} was {fast} over every transport"),
        false => format!("the median time {what} was {fast} over {} and {slow} over {}", least.name, most.name),
    })
}

/// The largest number of connections reopened at once, and the contenders that had it.
fn reconnect_peak(rows: &[FailureRow]) -> Option<String> {
    let most = rows.iter().filter_map(|row| row.some(Metric::ReconnectsPeak)).max_by(f64::total_cmp)?;
    let whose =
        rows.iter().filter(|row| row.value(Metric::ReconnectsPeak) == Some(most)).map(|row| row.spoken.as_str());
    let whose: Vec<&str> = whose.collect();
    let connections = wording::counted(most, "connection was", "connections were");
    Some(format!("at most {connections} reopened within 100 ms, over {}", wording::list(&whose)))
}

fn ladder(row: &FailureRow) -> Option<String> {
    let falls = row.some(Metric::Fallbacks)?;
    let climbs = row.value(Metric::Climbs).unwrap_or(0.0);
    let times = |number: f64| wording::counted(number, "time", "times");
    Some(format!(
        "clients of {} stepped down the fallback ladder {} and returned to its first rung {}",
        row.spoken,
        times(falls),
        times(climbs)
    ))
}

fn slow(row: &FailureRow) -> Option<String> {
    let ended = row.some(Metric::SlowDisconnected)?;
    let connections = wording::counted(ended, "connection", "connections");
    Some(format!("the server closed {connections} of slow readers over {}", row.spoken))
}

/// The largest growth of the server's memory.
fn memory(rows: &[FailureRow]) -> Option<String> {
    let growth = |row: &FailureRow| Some((row.spoken.clone(), row.value(Metric::ServerRssGrowth)?));
    let growths: Vec<(String, f64)> = rows.iter().filter_map(growth).collect();
    let (name, most) = growths.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    if *most <= 0.0 {
        return Some("no server used more memory at the end of the measured time than at its start".to_owned());
    }
    let all_alike = growths.len() > 1 && growths.iter().all(|(_, growth)| growth == most);
    let whose = if all_alike { String::new() } else { format!(", over {name}") };
    Some(format!("the server's memory grew by at most {} during the measured time{whose}", human::size(*most)))
}

/// Says so if no client lost a connection despite the faults.
fn unaffected(scenario: &Scenario, rows: &[FailureRow]) -> Option<String> {
    let is_affected = |row: &FailureRow| {
        row.lost_connections() > 0
            || [Metric::Reconnects, Metric::ClientsGaveUp].iter().any(|&metric| row.some(metric).is_some())
    };
    let unaffected = !scenario.faults.is_empty() && !rows.iter().any(is_affected);
    unaffected.then(|| "no client lost a connection".to_owned())
}
