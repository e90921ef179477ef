//! What failure and recovery show, in words.

use super::{FailureKind, FailureRow};
use crate::comparison::{self, Named, Shape, shape, undetermined};
use crate::{human, wording};
use feedlab_experiment::scenario::{FaultKind, LinkFault};
use feedlab_experiment::{Metric, Scenario};

/// Sentences with their full stops.
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

/// Those of them that the whole run is to be known by.
pub(super) fn main_findings(scenario: &Scenario, rows: &[FailureRow]) -> Vec<String> {
    rows.iter()
        .filter_map(|row| gave_up(scenario, row))
        .chain(reconnect_time(rows))
        .chain(recovery_time(rows))
        .collect()
}

/// Who lost nothing and got nothing twice, although clients had to come back.
fn nothing_lost(rows: &[FailureRow]) -> Option<String> {
    let came_back = |row: &&FailureRow| row.cut_off() > 0 || row.some(Metric::Reconnects).is_some();
    // What was published of a feed that is over, nobody can count.
    let is_clean = |row: &&FailureRow| {
        row.failures(FailureKind::Reset) == 0
            && [Metric::UpdatesMissed, Metric::UpdatesDuplicated].iter().all(|&metric| row.value(metric) == Some(0.0))
    };
    let concerned = rows.iter().filter(came_back).count();
    let clean: Vec<&FailureRow> = rows.iter().filter(came_back).filter(is_clean).collect();
    let names: Vec<&str> = clean.iter().map(|row| row.spoken.as_str()).collect();
    let whom = if clean.len() == concerned && concerned > 1 {
        "whoever was cut off".to_owned()
    } else {
        format!("over {}", wording::list(&names))
    };
    let replayed: f64 = clean.iter().filter_map(|row| row.value(Metric::UpdatesReplayed)).sum();
    let replayed = match replayed {
        0.0 => String::new(),
        number => format!(
            ": {} that fell due while clients had no connection {} replayed",
            wording::counted(number, "update", "updates"),
            if number == 1.0 { "was" } else { "were" }
        ),
    };
    (!clean.is_empty()).then(|| format!("nothing was missed and nothing came twice, {whom}{replayed}"))
}

/// Who missed updates or got some twice, and whether clients were told.
fn losses(row: &FailureRow) -> Option<String> {
    let missed = row.some(Metric::UpdatesMissed).map(|missed| {
        let of = row.value(Metric::UpdatesExpected).map_or(String::new(), |all| format!(" of {}", human::count(all)));
        format!("missed {}{of} updates", human::count(missed))
    });
    let told = missed.as_ref().and(row.value(Metric::UpdatesToldLost)).map(|told| match told {
        0.0 => "no client was told of a loss".to_owned(),
        told if Some(told) == row.value(Metric::UpdatesMissed) => "clients were told of as many".to_owned(),
        told => format!("clients were told of {}", human::count(told)),
    });
    let twice = row.some(Metric::UpdatesDuplicated).map(|twice| format!("{} came twice", human::count(twice)));
    let problems: Vec<String> = missed.into_iter().chain(told).chain(twice).collect();
    (!problems.is_empty()).then(|| format!("{}: {}", row.spoken, problems.join("; ")))
}

/// Whose clients closed permanently, and why, if they are `EventSource`s.
fn gave_up(scenario: &Scenario, row: &FailureRow) -> Option<String> {
    let number = row.some(Metric::ClientsGaveUp)?;
    let why = if row.entry.transport.id() == "sse" {
        format!(", as {} of an EventSource", demand(scenario))
    } else {
        String::new()
    };
    Some(format!("{} of {} closed permanently{why}", wording::counted(number, "client", "clients"), row.spoken))
}

/// What requires of an `EventSource` that it closes (HTML Living Standard, 9.2.3): the one answer that the scenario's
/// faults give, unless a process that starts again may have given another.
fn demand(scenario: &Scenario) -> &'static str {
    let kinds = || scenario.faults.iter().map(|fault| fault.kind);
    let may_be_another = kinds().any(|kind| matches!(kind, FaultKind::Process(_)));
    let mut answers: Vec<LinkFault> = kinds().filter_map(FaultKind::answer).collect();
    answers.dedup();
    match answers.as_slice() {
        [LinkFault::Status503] if !may_be_another => "a status of 503 requires",
        [LinkFault::Status204] if !may_be_another => "a status of 204 requires",
        [LinkFault::WrongType] if !may_be_another => "an answer that is no event stream requires",
        _ => "any answer but an event stream with status 200 requires",
    }
}

/// How long it took from the loss of a connection to the next update: of those of whom nobody gave up, for whoever does
/// never recovers, and is not in the times.
fn recovery_time(rows: &[FailureRow]) -> Option<String> {
    time(rows, Metric::RecoveryP50, "from the loss of a connection to the next update")
}

/// How long it took until there was a connection again: of a feed in bursts, that says more of the transport.
fn reconnect_time(rows: &[FailureRow]) -> Option<String> {
    time(rows, Metric::ReconnectP50, "from the loss of a connection until there was one again")
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
        Shape::One(one) => Some(format!("{what} it took {} at the median over {}", human::time(one.value()), one.name)),
        Shape::NoDifference(values) => Some(format!(
            "{what} it took {} at the median; no difference shown",
            comparison::range(&values, human::time)
        )),
        Shape::OneGroup(values) => extremes(what, &values),
        Shape::TwoGroups { low, high } => extremes(what, &[low, high].concat()),
    }
}

fn extremes(what: &str, values: &[Named]) -> Option<String> {
    let (least, most) = (values.first()?, values.last()?);
    let (fast, slow) = (human::time(least.value()), human::time(most.value()));
    Some(match fast == slow {
        true => format!("{what} it took {fast} at the median, over whatever transport"),
        false => format!("{what} it took {fast} at the median over {}, and {slow} over {}", least.name, most.name),
    })
}

/// The largest number of clients that came back at once, and whose.
fn reconnect_peak(rows: &[FailureRow]) -> Option<String> {
    let most = rows.iter().filter_map(|row| row.some(Metric::ReconnectsPeak)).max_by(f64::total_cmp)?;
    let whose =
        rows.iter().filter(|row| row.value(Metric::ReconnectsPeak) == Some(most)).map(|row| row.spoken.as_str());
    let whose: Vec<&str> = whose.collect();
    let connections = wording::counted(most, "connection was", "connections were");
    Some(format!("at most {connections} opened again within 100 ms, over {}", wording::list(&whose)))
}

fn ladder(row: &FailureRow) -> Option<String> {
    let falls = row.some(Metric::Fallbacks)?;
    let climbs = row.value(Metric::Climbs).unwrap_or(0.0);
    let times = |number: f64| wording::counted(number, "time", "times");
    Some(format!(
        "clients of {} stepped down their ladder {}, and came back to its first rung {}",
        row.spoken,
        times(falls),
        times(climbs)
    ))
}

fn slow(row: &FailureRow) -> Option<String> {
    let ended = row.some(Metric::SlowDisconnected)?;
    let connections = wording::counted(ended, "connection", "connections");
    Some(format!("the server ended {connections} of slow readers over {}", row.spoken))
}

/// How much the server's memory grew, where it did most.
fn memory(rows: &[FailureRow]) -> Option<String> {
    let growth = |row: &FailureRow| Some((row.spoken.clone(), row.value(Metric::ServerRssGrowth)?));
    let growths: Vec<(String, f64)> = rows.iter().filter_map(growth).collect();
    let (name, most) = growths.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    if *most <= 0.0 {
        return Some("no server held more memory at the end of the measured time than at its start".to_owned());
    }
    let all_alike = growths.len() > 1 && growths.iter().all(|(_, growth)| growth == most);
    let whose = if all_alike { String::new() } else { format!(", over {name}") };
    Some(format!("the server's memory grew by at most {} in the measured time{whose}", human::size(*most)))
}

/// Faults that nobody felt.
fn unaffected(scenario: &Scenario, rows: &[FailureRow]) -> Option<String> {
    let is_felt = |row: &FailureRow| {
        row.cut_off() > 0
            || [Metric::Reconnects, Metric::ClientsGaveUp].iter().any(|&metric| row.some(metric).is_some())
    };
    let untouched = !scenario.faults.is_empty() && !rows.iter().any(is_felt);
    untouched.then(|| "no client lost a connection".to_owned())
}
